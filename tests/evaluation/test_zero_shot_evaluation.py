"""Recognition, retrieval and sounds on a few samples, by the real towers."""

import json

import pytest

from pointllm.data.records import read_sounds
from pointllm.errors import DataError, InputError
from pointllm.evaluation import embedding
from pointllm.evaluation.objects import read_objects
from pointllm.evaluation.provenance import Run
from pointllm.evaluation.report import write_report
from pointllm.evaluation.retrieval import run_retrieval
from pointllm.evaluation.sounds import run_audio
from pointllm.evaluation.zero_shot import run_zero_shot
from pointllm.tasks.zero_shot import ZeroShot


def run_at(out, kept, **options):
    return Run(out, "embedded", cache=kept, command="pointllm eval", **options)


def test_recognition_counts_what_classify_says_and_goes_on_after_a_broken_file(tmp_path, data, kept, bind):
    run, objects = run_at(tmp_path, kept), read_objects(data)
    report = run_zero_shot(run, objects, templates=("quick", "1"), bind=bind)
    summary = report.summary
    assert summary["objects"] == 6 and summary["unreadable"] == 1
    assert set(summary["witnesses"]) == {"point", "views", "both"} and set(summary["templates"]) == {"quick", "1"}

    recognise, right = ZeroShot(bind, objects.names), 0
    for target in objects.targets[:5]:
        (best,) = recognise(bind.embed_file(target.path).vector[None], 1)
        right += best[0].label in target.accepted
    assert summary["top1"] == pytest.approx(100 * right / 6)
    (broken,) = [i for i in report.items if i["id"] == "broken" and i["group"] == "mesh, both, quick"]
    assert broken["right"] is False and broken["top5"] is False and broken["top"] == []

    line = write_report(report, run)
    assert line["summary"]["top1"] == round(summary["top1"], 2)
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert "broken" in page and "broken.ply" in text
    assert page.count("data:image/jpeg") == 4 and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert all((tmp_path / name).is_file() for name in _linked(text))
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["weights"]["point/model.safetensors"]) == 64 and results["versions"]["torch"]


def _linked(text):
    import re

    found = re.findall(r"pictures/[^\")]+", text)
    assert found
    return found


def test_a_second_run_embeds_nothing(tmp_path, data, kept, bind, monkeypatch):
    first = run_zero_shot(run_at(tmp_path, kept), read_objects(data), bind=bind)
    looked = []
    monkeypatch.setattr(embedding, "_look", lambda *given: looked.append(given))
    again = run_zero_shot(run_at(tmp_path, kept), read_objects(data), bind=bind)
    assert not looked and again.summary == first.summary and again.items == first.items


def test_other_weights_share_no_vectors(tmp_path, kept):
    run, other = run_at(tmp_path, kept), run_at(tmp_path, kept)
    other.__dict__["space_weights"] = run.space_weights | {"point/model.safetensors": "0" * 64}
    assert run.space_key != other.space_key


def test_labels_of_ones_own_and_a_single_witness(tmp_path, data, kept, bind):
    report = run_zero_shot(run_at(tmp_path, kept, witness="point"), read_objects(data), ["chair", "tree"], bind=bind)
    assert report.summary["labels"] == 2 and set(report.summary["witnesses"]) == {"point"}
    plane = next(item for item in report.items if item["id"] == "airplane")
    assert not plane["right"] and not plane["top5"]  # its label isn't among those to choose from


def test_unknown_templates_are_named(tmp_path, data, kept, bind):
    with pytest.raises(InputError, match="1, 64, quick"):
        run_zero_shot(run_at(tmp_path, kept), read_objects(data), templates=("7",), bind=bind)


def test_retrieval_leaves_an_object_out_of_its_own_gallery(tmp_path, data, kept, bind):
    report = run_retrieval(run_at(tmp_path, kept), read_objects(data), bind)
    summary = report.summary
    assert summary["unreadable"] == 1
    # only the two chairs have another of their label, and they are the same file
    assert summary["3d-3d"] == {"map": 100.0, "r1": 100.0, "r5": 100.0, "queries": 2, "left_out": 3}
    assert summary["image-3d"]["queries"] == 4 and summary["image-3d"]["left_out"] == 6
    assert summary["text-3d"]["queries"] == 4 and summary["text-3d"]["left_out"] == 0
    assert summary["text-3d"]["map"] > 60
    write_report(report, run_at(tmp_path, kept))
    assert "63.2" in (tmp_path / "report.md").read_text()  # the paper's figure stands beside


def test_retrieval_of_one_object_is_refused(tmp_path, data, kept, bind):
    with pytest.raises(DataError, match="at least two"):
        run_retrieval(run_at(tmp_path, kept), read_objects(data, n=1), bind)


def test_sounds_are_recognised_and_a_missing_one_counts_as_wrong(tmp_path, data, kept, bind):
    report = run_audio(run_at(tmp_path, kept), read_sounds(data), "data", read_objects(data), bind=bind)
    assert report.summary["top1"] == 50.0 and report.summary["unreadable"] == 1
    assert report.summary["sound-3d"] == {"map": 0.0, "r1": 0.0, "r5": 0.0, "queries": 0, "left_out": 1}
    write_report(report, run_at(tmp_path, kept))
    assert "absent.ogg" in (tmp_path / "report.html").read_text()

    chosen = run_audio(run_at(tmp_path, kept), read_sounds(data), "data", None, folds=[1], bind=bind)
    assert chosen.summary["sounds"] == 1 and chosen.summary["top1"] == 100
    with pytest.raises(DataError, match="folds 9"):
        run_audio(run_at(tmp_path, kept), read_sounds(data), "data", None, folds=[9], bind=bind)
