"""ImageBind and the point branches: both layouts, alone or in one file, to the same tensors and the right sizes."""

import json

import pytest
import torch
from published_files import IMAGEBIND_SIZES, POINT_SIZES, imagebind, imagebind_w3d, point_bind, point_branch
from safetensors.torch import load_file, save_file

from pointllm.encoders.imagebind.model import ImageBind, ImageBindConfig
from pointllm.encoders.point_head import PointBranch
from pointllm.encoders.registry import build_encoder
from pointllm.errors import WeightsError
from pointllm.weights.convert import convert, read_sizes

BOTH = {**IMAGEBIND_SIZES, **POINT_SIZES["point_bert"]}


def save(folder, tensors, name="model.pth"):
    torch.save(tensors, folder / name)
    return folder / name


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert torch.equal(found[name], wanted[name]), name


def towers_only(state):
    """What belongs to the six modalities."""
    return {key: value for key, value in state.items() if "point" not in key}


def test_imagebind_keeps_its_keys_and_its_config_rebuilds_it(tmp_path):
    state = imagebind()
    done = convert(save(tmp_path, state), tmp_path / "out", sizes=IMAGEBIND_SIZES)
    assert [(part.part, part.state, part.tensors) for part in done] == [("imagebind", "converted", len(state))]
    found = load_file(tmp_path / "out" / "imagebind" / "model.safetensors")
    same(found, state)
    config = config_of(tmp_path / "out" / "imagebind")
    assert config.pop("source")["name"] == "model.pth"
    ImageBind.from_published(found, ImageBindConfig.from_dict(config))


@pytest.mark.parametrize("encoder", ["i2p_mae", "point_bert"])
@pytest.mark.parametrize("wrap", ["plain", "state_dict", "model", "module."])
def test_point_branches_are_renamed_and_their_config_rebuilds_them(tmp_path, encoder, wrap):
    state = point_bind(encoder)
    if wrap == "module.":
        state = {"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3}
    elif wrap != "plain":
        state = {wrap: state, "epoch": 3}
    convert(save(tmp_path, state), tmp_path / "out", sizes=POINT_SIZES[encoder])
    found, wanted = load_file(tmp_path / "out" / "point" / "model.safetensors"), point_branch(encoder)
    same(found, wanted)
    config = config_of(tmp_path / "out" / "point")
    assert (config["encoder"], config["projection_dim"], config["dim"]) == (encoder, 20, 16)
    branch = PointBranch(build_encoder(encoder, config["architecture"]), config["projection_dim"], config["dim"])
    branch.load_state_dict(found)
    with torch.inference_mode():
        assert branch.eval()(torch.rand(2, 40, 3)).shape == (2, 16)


def test_safetensors_are_read_as_well(tmp_path):
    save_file(point_bind(), tmp_path / "model.safetensors")
    convert(tmp_path / "model.safetensors", tmp_path / "out", sizes=POINT_SIZES["i2p_mae"])
    same(load_file(tmp_path / "out" / "point" / "model.safetensors"), point_branch())


def test_the_format_before_zip_is_read_as_well(tmp_path):
    torch.save(point_bind(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    convert(tmp_path / "old.pt", tmp_path / "out", sizes=POINT_SIZES["i2p_mae"])
    same(load_file(tmp_path / "out" / "point" / "model.safetensors"), point_branch())


@pytest.mark.parametrize("state", [imagebind_w3d, lambda: point_bind("point_bert", whole=True)],
                         ids=["imagebind_w3D", "pointbind"])
def test_a_file_with_both_gives_both_and_the_profile_its_config(tmp_path, state):
    done = convert(save(tmp_path, state()), tmp_path / "out", sizes=BOTH)
    assert [(part.part, part.state) for part in done] == [("point", "converted"), ("imagebind", "converted")]
    same(load_file(tmp_path / "out" / "imagebind" / "model.safetensors"), imagebind())
    config = config_of(tmp_path / "out")
    assert (config["space"], config["dim"]) == ("imagebind", 16)
    assert config["temperature"] == pytest.approx(0.07)  # 1 / exp of the text's scale
    assert config["licences"] == {"imagebind": "CC-BY-NC-4.0", "point": "CC-BY-NC-4.0"}


def test_imagebind_inside_another_file_does_not_replace_the_one_that_is_there(tmp_path):
    convert(save(tmp_path, imagebind(), "first.pth"), tmp_path / "out", sizes=IMAGEBIND_SIZES)
    assert not (tmp_path / "out" / "config.json").exists()  # half a profile is none
    done = convert(save(tmp_path, imagebind_w3d(), "second.pth"), tmp_path / "out", sizes=BOTH)
    assert [(part.part, part.state) for part in done] == [("point", "converted"), ("imagebind", "skipped")]
    assert "first.pth" in done[1].note
    assert config_of(tmp_path / "out" / "imagebind")["source"]["name"] == "first.pth"
    assert (tmp_path / "out" / "config.json").exists()


def test_a_file_converted_before_is_kept_and_another_one_replaces_it(tmp_path):
    file, out = save(tmp_path, point_bind()), tmp_path / "out"
    convert(file, out, sizes=POINT_SIZES["i2p_mae"])
    before = (out / "point" / "model.safetensors").stat().st_ino
    assert [part.state for part in convert(file, out, sizes=POINT_SIZES["i2p_mae"])] == ["kept"]
    assert (out / "point" / "model.safetensors").stat().st_ino == before
    save(tmp_path, point_bind(seed=1))
    assert [part.state for part in convert(file, out, sizes=POINT_SIZES["i2p_mae"])] == ["converted"]
    same(load_file(out / "point" / "model.safetensors"), point_branch(seed=1))
    assert [part.state for part in convert(file, out, sizes=POINT_SIZES["i2p_mae"], dtype="fp16")] == ["converted"]


def test_a_point_branch_of_another_encoder_than_the_profiles_is_told(tmp_path):
    file = save(tmp_path, point_bind("point_bert"))
    with pytest.raises(WeightsError, match="encoder is point_bert, this profile's is i2p_mae"):
        convert(file, tmp_path / "out", encoder="i2p_mae", sizes=POINT_SIZES["point_bert"])
    # the file with both may give its ImageBind to either profile
    done = convert(save(tmp_path, imagebind_w3d()), tmp_path / "out", encoder="i2p_mae", sizes=BOTH)
    assert [part.part for part in done] == ["imagebind"]


def test_towers_of_different_joint_dimension_are_told(tmp_path):
    convert(save(tmp_path, imagebind(), "imagebind_huge.pth"), tmp_path / "out", sizes=IMAGEBIND_SIZES)
    with pytest.raises(WeightsError, match=r"joint dimension is 8, but imagebind \(from imagebind_huge.pth\) .* 16"):
        convert(save(tmp_path, point_bind(dim=8)), tmp_path / "out", sizes=POINT_SIZES["i2p_mae"])


def test_sizes_that_tensors_do_not_tell_are_asked_for_by_name(tmp_path):
    file = save(tmp_path, imagebind())
    with pytest.raises(WeightsError, match="vision is 8 wide.*vision_num_heads with --sizes"):
        convert(file, tmp_path / "out")
    file.with_suffix(".json").write_text(json.dumps({"constructor": IMAGEBIND_SIZES, "note": "beside the weights"}))
    assert [part.state for part in convert(file, tmp_path / "out")] == ["converted"]


@pytest.mark.parametrize("sizes, says", [
    ({"vision_embed_dim": 9}, "vision_embed_dim = 9, its tensors say 8"),
    ({"vision_num_heads": 3}, "vision_num_heads = 3 doesn't divide the width 8"),
    ({"image_size": 56}, "has shape"),
    ({"imu_channels": 5}, "has shape|don't fit"),
])
def test_sizes_that_contradict_the_tensors_are_told(tmp_path, sizes, says):
    with pytest.raises(WeightsError, match=says):
        convert(save(tmp_path, imagebind()), tmp_path / "out", sizes=IMAGEBIND_SIZES | sizes)


@pytest.mark.parametrize("text", ["", "[]", '{"heads": -1}', '{"heads": []}', '{"heads": {}}', '{"heads": 1e400}',
                                  '{"heads": true}'])
def test_a_file_of_sizes_that_is_none_is_told(tmp_path, text):
    (tmp_path / "sizes.json").write_text(text)
    with pytest.raises(WeightsError, match="sizes.json: "):
        read_sizes(tmp_path / "sizes.json")


@pytest.mark.parametrize("key, value, says", [
    ("modality_heads.text.proj.1.weight", None, r"modality_heads\.text\.proj\.1\.weight missing"),
    ("modality_trunks.audio.blocks.1.mlp.fc1.bias", torch.ones(3), r"has shape \(3,\), .* \(32,\)"),
    ("modality_trunks.audio.blocks.3.mlp.fc1.bias", torch.ones(32), r"modality_trunks\.audio\.blocks\.2 is missing"),
    ("modality_trunks.smell.blocks.0.norm_1.bias", torch.ones(8), r"modality_trunks\.smell.* unknown"),
    ("modality_heads.vision.2.weight", torch.ones(0, 8), "is empty"),
    ("modality_preprocessors.vision.rgbt_stem.proj.1.weight", torch.ones(8, 3), "5 dimensions are needed"),
    ("modality_heads.imu.3.weight", torch.full((16, 8), torch.nan), "holds NaN"),
    ("modality_heads.imu.3.weight", torch.full((16, 8), torch.inf), "holds infinite numbers"),
])
def test_a_damaged_imagebind_is_told_with_key_and_file(tmp_path, key, value, says):
    state = imagebind()
    state.pop(key, None)
    if value is not None:
        state[key] = value
    with pytest.raises(WeightsError, match=f"^model.pth: .*{says}"):
        convert(save(tmp_path, state), tmp_path / "out", sizes=IMAGEBIND_SIZES)
    assert not (tmp_path / "out" / "imagebind" / "config.json").exists()


def test_numbers_too_large_for_the_chosen_type_are_told(tmp_path):
    state = imagebind()
    state["modality_heads.imu.3.weight"][0, 0] = 1e6
    with pytest.raises(WeightsError, match=r"modality_heads\.imu\.3\.weight.*--dtype bf16"):
        convert(save(tmp_path, state), tmp_path / "out", sizes=IMAGEBIND_SIZES, dtype="fp16")
    convert(tmp_path / "model.pth", tmp_path / "out", sizes=IMAGEBIND_SIZES, dtype="bf16")
    mask = load_file(tmp_path / "out" / "imagebind" / "model.safetensors")["modality_preprocessors.text.mask"]
    assert mask[0, 1] == -torch.inf  # which is no damage there
