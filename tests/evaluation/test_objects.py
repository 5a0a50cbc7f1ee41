import json
import random

import pytest

from pointllm.errors import DataError, InputError
from pointllm.evaluation.objects import read_objects
from pointllm.evaluation.variants import VARIANTS, parse_variants
from pointllm.inputs import read_shape


def test_a_data_folder_gives_the_objects_of_a_split_with_all_labels_that_count(data):
    objects = read_objects(data)
    assert [t.id for t in objects.targets] == ["airplane", "chair", "sofa", "tree", "chair2", "broken"]
    assert objects.targets[4].accepted == {"chair", "sofa"}
    assert objects.names == ["airplane", "car", "chair", "rooster", "sofa", "tree"]


def test_a_held_out_source_takes_its_objects_of_every_split(data):
    assert [t.id for t in read_objects(data, hold_out="elsewhere").targets] == ["chair2"]
    assert "trained" in [t.id for t in read_objects(data, hold_out="samples").targets]
    with pytest.raises(DataError, match="elsewhere, samples"):
        read_objects(data, hold_out="nowhere")


def test_some_objects_are_drawn_in_the_order_of_the_acceptance_check(data):
    everything = [t.id for t in read_objects(data).targets]
    random.Random(7).shuffle(everything)
    assert [t.id for t in read_objects(data, n=3).targets] == everything[:3]


def test_a_file_of_rows_is_read_as_the_acceptance_check_reads_it(tmp_path, samples):
    rows = [{"path": str(samples / "chair.ply"), "label": "chair", "acceptable": ["seat"]},
            {"path": "x.ply", "label": "novelty", "in_vocab": False}]
    file = tmp_path / "hidden.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    (target,) = read_objects(file).targets
    assert target.accepted == {"chair", "seat"} and target.path == samples / "chair.ply"


def test_modelnet_is_read_from_its_own_folder(tmp_path, samples):
    for category, split in (("sofa", "train"), ("sofa", "test"), ("night_stand", "test")):
        place = tmp_path / category / split
        place.mkdir(parents=True)
        (place / f"{category}_0001.off").write_bytes((samples / "sofa.off").read_bytes())
    objects = read_objects(tmp_path)
    assert sorted(t.label for t in objects.targets) == ["nightstand", "sofa"]  # the test split alone
    assert objects.targets[0].up_axis == "z" and "split test" in objects.origin


def test_nothing_to_evaluate_is_one_line(tmp_path, data):
    with pytest.raises(DataError):
        read_objects(tmp_path / "absent")
    with pytest.raises(DataError, match="choose another --split"):
        read_objects(data, split="test")


def test_variants_show_the_same_shape_otherwise(samples):
    cloud = read_shape(samples / "chair.ply")
    shown = {name: make(cloud) for name, (make, _) in VARIANTS.items()}
    assert shown["mesh"] is cloud
    assert shown["plain"].rgb is None and shown["plain"].mesh is not None
    assert len(shown["cloud8192"]) == 8192 and shown["cloud8192"].mesh is None
    assert len(shown["cloud1024"]) == 1024 and len(shown["ten-percent"]) == 819
    tall, lying = cloud.xyz, shown["z-up"].xyz
    assert abs(lying[:, 2] - tall[:, 1]).max() < 1e-5 and shown["z-up"].metadata.up_axis is None


def test_unknown_variants_are_named():
    assert parse_variants("all") == tuple(VARIANTS)
    assert parse_variants("plain, mesh") == ("plain", "mesh")
    for wrong in ("upside-down", " , "):
        with pytest.raises(InputError, match="cloud8192"):
            parse_variants(wrong)
