"""A small data folder made of the samples, the embedded joint space, and one folder of vectors for all tests."""

import json
import shutil

import pytest

LABELS = {
    "airplane": {"category": "vehicle", "zh": "飞机", "synonyms": ["plane"]},
    "car": {"category": "vehicle", "zh": "汽车", "synonyms": []},
    "chair": {"category": "furniture", "zh": "椅子", "synonyms": ["seat"]},
    "sofa": {"category": "furniture", "zh": "沙发", "synonyms": ["couch"]},
    "tree": {"category": "plant", "zh": "树", "synonyms": []},
    "rooster": {"category": "animal", "zh": "公鸡", "synonyms": []},
}
FILES = {"airplane": "airplane.stl", "chair": "chair.ply", "sofa": "sofa.off", "tree": "tree.pcd"}


@pytest.fixture(scope="session")
def data(tmp_path_factory, samples):
    """Four objects, a second chair, one that can't be read, one of another split; two sounds."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for label, file in FILES.items():
        shutil.copy(samples / file, folder / file)
        rows.append({"id": label, "path": file, "label": label, "category": LABELS[label]["category"], "split": "val",
                     "colors": ["brown"] if label == "chair" else [], "source": "samples"})
    rows.append(rows[1] | {"id": "chair2", "source": "elsewhere", "acceptable": ["sofa"]})
    (folder / "broken.ply").write_bytes(b"ply\nthis is no shape\n")
    rows.append({"id": "broken", "path": "broken.ply", "label": "car", "category": "vehicle", "split": "val",
                 "source": "samples"})
    rows.append(rows[0] | {"id": "trained", "split": "train"})
    rows.append(rows[0] | {"id": "strange", "in_vocab": False})
    _write_lines(folder / "objects.jsonl", rows)
    (folder / "labels.json").write_text(json.dumps(LABELS))
    shutil.copy(samples / "rooster.ogg", folder / "rooster.ogg")
    _write_lines(folder / "audio.jsonl", [
        {"path": "rooster.ogg", "class": "rooster", "fold": 1, "object_label": "rooster"},
        {"path": "absent.ogg", "class": "sea_waves", "fold": 2}])
    return folder


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Where the vectors of all tests are kept."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="session")
def bind():
    from pointllm.bind import PointBind

    return PointBind.from_pretrained("embedded")


def _write_lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
