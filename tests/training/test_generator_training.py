"""`pointllm train generator`: shapes to latents, embeddings to latents, and the profile that generates with them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from tiny_data import write_data
from tiny_generator import tiny_sizes

from pointllm import PointBind
from pointllm.cli import main
from pointllm.errors import DataError, InputError
from pointllm.inputs.mesh import Mesh
from pointllm.tasks.generation import ShapeGenerator
from pointllm.tasks.generation.grids import Grids
from pointllm.training.generator_config import AutoencoderSection
from pointllm.training.generator_fields import align, field_of, mirrored, signed, turned
from pointllm.training.generator_model import Autoencoder, blocks_of

STAGE = {"optimizer": {"learning_rate": 0.003, "ema": 0.9}, "trainer": {"log_every": 20, "device": "cpu"}}
CONFIG = {
    "grids": {"size": 16, "color_size": 8, "thickness": 0.07},
    "sizes": {"latent": 6, "distance_rank": 8, "color_rank": 3, "decoder_width": 32, "decoder_blocks": 1,
              "refinement_width": 4, "flow_width": 32, "flow_blocks": 2},
    "sampler": {"steps": 4, "resolution": 16, "views": 2},
    "data": {"points": 256, "views": 2},
    "autoencoder": {"width": 32, "layers": 1, "batch": 8, "steps": 80, **STAGE},
    "flow": {"batch": 32, "steps": 200, **STAGE},
}  # fmt: skip
GRIDS = Grids()


def box(low, high):
    """A closed box as a mesh."""
    import trimesh

    made = trimesh.creation.box(bounds=(low, high))
    return Mesh(np.asarray(made.vertices, np.float32), np.asarray(made.faces, np.int32))


# --- fields ----------------------------------------------------------------------------------------------------


def test_a_closed_box_is_solid_and_as_large_as_its_thickened_surface():
    distance = field_of(box((-3, 0, 5), (1, 2, 6)), GRIDS)["distance"]
    inside = np.argwhere(distance < 0)
    size = (np.ptp(inside, axis=0) + 1) * GRIDS.cell
    assert np.allclose(size, np.array([2, 1, 0.5]) * GRIDS.extent + 2 * GRIDS.thickness, atol=GRIDS.cell)
    assert distance[16, 16, 16] < 0 and distance[0, 0, 0] == 127


def test_a_sheet_without_thickness_is_still_there():
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    distance = field_of(Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32)), GRIDS)["distance"]
    filled = (distance < 0).any(2)
    assert filled[4:28, 4:28].all() and (distance[:, :, :8] == 127).all()


def test_a_box_with_a_missing_side_is_a_shell_and_a_closed_one_is_not():
    whole = box((0, 0, 0), (1, 1, 1))
    open_box = Mesh(whole.vertices, whole.faces[2:])
    assert (field_of(whole, GRIDS)["distance"] < 0).sum() > 2 * (field_of(open_box, GRIDS)["distance"] < 0).sum()


def test_colours_are_of_the_nearest_place_and_grey_where_there_are_none():
    whole = box((0, 0, 0), (1, 1, 1))
    left = (whole.vertices[:, :1] < 0.5) * np.array([255, 0, 0]) + (whole.vertices[:, :1] > 0.5) * np.array([0, 0, 255])
    color = field_of(Mesh(whole.vertices, whole.faces, vertex_colors=left.astype(np.uint8)), GRIDS)["color"]
    assert (color[1, 8, 8] == (255, 0, 0)).all() and (color[-2, 8, 8] == (0, 0, 255)).all()
    assert (field_of(whole, GRIDS)["color"] == 184).all()


def test_a_mesh_without_extent_is_refused():
    with pytest.raises(DataError, match="no extent"):
        field_of(Mesh(np.ones((3, 3), np.float32), np.array([[0, 1, 2]], np.int32)), GRIDS)


def test_distances_far_from_the_border_of_blocked_cells_are_negative_inside():
    shell = np.full((32, 32, 32), 1.0, np.float32)
    shell[8:24, 8:24, 8:24] = 0.0
    shell[10:22, 10:22, 10:22] = 1.0
    found = signed(shell, GRIDS)
    assert found[16, 16, 16] == pytest.approx(-GRIDS.reach) and found[2, 2, 2] == pytest.approx(GRIDS.reach)


# --- facing one way --------------------------------------------------------------------------------------------


def test_objects_of_a_label_are_turned_to_face_the_same_way():
    rng = np.random.default_rng(0)
    chair = np.ones((16, 16, 16), np.int8)
    chair[4:12, 2:6, 4:12] = chair[4:12, 2:14, 4:6] = -1
    turns = rng.integers(0, 4, 12)
    seen = [turned(chair, turn) for turn in turns]
    found, means = align(seen, [0] * 12, np.eye(1))
    results = [turned(one, turn) for one, turn in zip(seen, found, strict=True)]
    assert all(np.array_equal(result, results[0]) for result in results)
    assert list(means) == [0]


def test_a_label_is_turned_to_agree_with_what_means_nearly_the_same():
    chair = np.ones((16, 16, 16), np.int8)
    chair[4:12, 2:6, 4:12] = chair[4:12, 2:14, 4:6] = -1
    likeness = np.array([[1.0, 0.9], [0.9, 1.0]])
    seen = [chair, chair, turned(chair, 1)]
    found, _ = align(seen, [0, 0, 1], likeness)
    assert np.array_equal(turned(seen[2], found[2]), turned(seen[0], found[0]))


def test_turning_is_about_the_up_axis_and_mirroring_keeps_it():
    grid = np.arange(27).reshape(3, 3, 3)
    assert np.array_equal(turned(grid, 4), grid) and np.array_equal(mirrored(mirrored(grid)), grid)
    for changed in (turned(grid, 1), mirrored(grid)):
        assert np.array_equal(np.sort(changed.sum((0, 2))), np.sort(grid.sum((0, 2))))
        assert np.array_equal(changed.sum((0, 2)), grid.sum((0, 2)))  # layer by layer, in the same order


# --- networks --------------------------------------------------------------------------------------------------


def test_the_autoencoder_begins_as_the_principal_components():
    sizes = tiny_sizes()
    torch.manual_seed(0)
    patterns = torch.randn(3, 16, 16, 16)
    shares = torch.randn(40, 3)
    distance = (torch.einsum("nk,kxyz->nxyz", shares, patterns) * 20).clamp(-126, 126).to(torch.int8)
    blocks = blocks_of(distance, torch.full((40, 8, 8, 8, 3), 90, dtype=torch.uint8), sizes)
    model = Autoencoder(sizes, AutoencoderSection(width=16, layers=1, steps=1, optimizer={"learning_rate": 1}))
    before = float(model.eval()(blocks)["shape"][1])
    model.start_from(blocks)
    mean, _ = model.encode(blocks["distance"].float() / 127, blocks["color"].float() / 255)
    assert mean.mean(0).abs().max() < 0.2 and 0.8 < float(mean[:, 0].std()) < 1.2
    assert float(model(blocks)["shape"][1]) < before
    _, color = model.decoder(mean)
    assert torch.allclose(color, torch.full_like(color, 90 / 255), atol=0.02)


def test_an_autoencoder_goes_on_as_a_smaller_one_was_until_it_is_trained():
    torch.manual_seed(0)
    config = AutoencoderSection(width=16, layers=1, steps=1, optimizer={"learning_rate": 1})
    small = Autoencoder(tiny_sizes(), config).eval()
    large = Autoencoder(replace(tiny_sizes(), latent=9, refinement_width=4), config).eval()
    large.go_on_from(small.state_dict())
    distance, color = torch.randn(2, 8, 512), torch.rand(2, 8, 192)
    means, variances = small.encode(distance, color)
    more, more_variances = large.encode(distance, color)
    assert torch.allclose(more[:, :6], means) and torch.allclose(more_variances[:, :6], variances)
    for one, other in zip(small.decoder(means), large.decoder(more), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    with pytest.raises(InputError, match="of other sizes"):
        small.go_on_from(large.state_dict())


# --- a whole run -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A data folder, and a finished run with the profile that it wrote."""
    folder = tmp_path_factory.mktemp("generator")
    write_data(folder / "data")
    (folder / "generator.yaml").write_text(yaml.safe_dump(CONFIG))
    assert main([*arguments(folder), "--export", str(folder / "profile")]) == 0
    return folder


def arguments(folder):
    return ["train", "generator", "--config", str(folder / "generator.yaml"), "--data", str(folder / "data"),
            "--out", str(folder / "run")]


def losses(run, stage, name):
    rows = [json.loads(line) for line in (run / "run" / stage / "metrics.jsonl").read_text().splitlines()]
    return [row["losses"][name] for row in rows if "losses" in row], rows[-1]["evaluation"]


def test_both_losses_fall_and_held_out_objects_are_measured(run):
    shape, measured = losses(run, "autoencoder", "shape")
    assert shape[-1] < shape[0] and set(measured) == {"train_iou", "held_out_iou"} and measured["train_iou"] > 50
    velocity, measured = losses(run, "flow", "velocity")
    assert velocity[-1] < velocity[0] and measured["held_out_velocity"] > 0


def test_the_profile_draws_what_it_is_asked_for(run):
    profile = run / "profile"
    assert {"model.safetensors", "config.json", "recipe.yaml", "curves.png", "provenance.json"} <= {
        file.name for file in (profile / "generator").iterdir()}
    assert not any(name.startswith("enter") for name in load_file(profile / "generator/model.safetensors"))
    bind = PointBind.from_pretrained(str(profile))
    generator = ShapeGenerator.from_folder(profile, bind)

    def slenderness(name):
        shapes = generator.generate(bind.embed_text([name])[0], samples=8, guidance=1, best_of=1)
        spans = np.array([np.ptp(shape.mesh.vertices, axis=0) for shape in shapes])
        return float((spans.max(1) / spans.min(1)).mean())

    assert slenderness("a pipe") > 1.3 * slenderness("a ball")


def test_a_run_is_not_begun_twice_and_goes_on_when_asked_to(run, capsys):
    assert main(arguments(run)) == 2
    assert "go on with --resume" in capsys.readouterr().err
    assert main([*arguments(run), "--resume"]) == 0
    changed = [*arguments(run), "--resume", "--set", "flow.steps=201"]
    assert main(changed) == 2
    assert "another steps" in capsys.readouterr().err


def test_the_other_flow_is_trained_on_the_autoencoder_of_a_run_and_draws(run, tmp_path):
    start = str(run / "run" / "autoencoder" / "last.pt")
    changes = ("flow.kind=coupling", "flow.steps=20", "autoencoder.steps=1", f"autoencoder.initial={start}",
               "autoencoder.optimizer.learning_rate=1e-6")
    out, profile = tmp_path / "out", tmp_path / "profile"
    sets = [part for change in changes for part in ("--set", change)]
    assert main([*arguments(run)[:-1], str(out), "--export", str(profile), *sets]) == 0
    assert json.loads((profile / "generator/config.json").read_text())["flow_kind"] == "coupling"
    first = json.loads((out / "autoencoder" / "metrics.jsonl").read_text().splitlines()[-1])["evaluation"]
    assert abs(first["train_iou"] - losses(run, "autoencoder", "shape")[1]["train_iou"]) < 5  # it didn't begin anew
    assert len(ShapeGenerator.from_folder(profile).generate(np.ones(384), samples=2, best_of=1)) == 2


@pytest.mark.parametrize(("content", "says"), [(None, "can't be read"), (b"nothing", "can't be read"),
                                               ({"weights": {"enter.weight": torch.zeros(2)}}, "of other sizes")])
def test_an_autoencoder_that_does_not_fit_is_no_start(run, tmp_path, capsys, content, says):
    file = tmp_path / "last.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        torch.save(content, file)
    assert main([*arguments(run)[:-1], str(tmp_path / "out"), "--set", f"autoencoder.initial={file}"]) == 2
    assert says in capsys.readouterr().err


def test_grids_that_do_not_divide_are_refused(run, tmp_path, capsys):
    for change, says in (("sizes.block=5", "don't divide into blocks of 5"), ("grids.thickness=0.01", "half a cell"),
                         ("sizes.block=9 grids.size=18 grids.color_size=6", "can't be halved")):
        sets = [part for one in change.split() for part in ("--set", one)]
        done = main([*arguments(run)[:-1], str(tmp_path / change), *sets])
        assert done == 2 and says in capsys.readouterr().err
