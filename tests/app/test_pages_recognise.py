"""The page that recognises: many files, labels of all kinds, bad files among good ones, results to take along."""

import csv
import json

import pytest
from pages import TinyEngine, Visit
from tiny_space import write_picture

from app.pages.recognise import RecognisePage, words_of


@pytest.fixture
def visit(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    return Visit(RecognisePage, TinyEngine(tmp_path / "profile"))


def objects(visit):
    with open(visit.download("json"), encoding="utf-8") as file:
        return json.load(file)


def test_files_are_recognised_and_can_be_taken_along(visit, tmp_path):
    files = [write_picture(tmp_path / f"{color}_thing.png", color) for color in ("red", "blue")]
    html = visit.result({"labels": "red, green\nblue", "top": 2}, files=files)
    assert html.count("<h3>") == 2 and "red_thing.png" in html and str(tmp_path) not in html
    assert [row["top"][0]["label"] for row in objects(visit)] == ["red", "blue"]
    assert all(len(row["top"]) == 2 for row in objects(visit))
    with open(visit.download("csv"), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["input"], row["rank"], row["label"]) for row in rows][:2] == [
        ("red_thing.png", "1", "red"), ("red_thing.png", "2", rows[1]["label"])]
    assert len(rows) == 4


def test_many_files_become_a_table(visit, tmp_path):
    files = [write_picture(tmp_path / f"{number}.png", "green") for number in range(9)]
    html = visit.result({"labels": "red, green"}, files=files)
    assert html.count('<th scope="row">') == 9 and "<h3>" not in html


def test_a_bad_file_gets_a_line_and_the_others_are_done(visit, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    html = visit.result({"labels": "red"}, files=[broken, write_picture(tmp_path / "good.png", "red")])
    assert html.count('role="alert"') == 1 and "broken.png" in html and "good.png" in html
    assert str(tmp_path) not in html and "Traceback" not in html
    assert ["error" in row for row in objects(visit)] == [True, False]


def test_pictures_can_be_labels_and_join_a_label_of_their_name(visit, tmp_path):
    shown = [write_picture(tmp_path / "labels" / name, color) for name, color in
             (("ruby.png", "red"), ("blue.png", "blue"))]
    visit.result({"labels": "green, blue", "top": 5}, files=[write_picture(tmp_path / "a.png", "red")],
                 label_files=shown)
    (row,) = objects(visit)
    assert row["top"][0]["label"] == "ruby" and sorted(one["label"] for one in row["top"]) == ["blue", "green", "ruby"]


def test_a_label_file_that_cannot_be_read_is_told_by_its_name(visit, tmp_path):
    broken = tmp_path / "bad.png"
    broken.write_bytes(b"no picture")
    html = visit.result({"labels": "red"}, files=[write_picture(tmp_path / "a.png", "red")], label_files=[broken])
    assert "bad.png" in html and str(tmp_path) not in html


def test_labels_in_words_are_never_taken_for_files(visit, tmp_path):
    secret = tmp_path / "labels.txt"
    secret.write_text("green\nsecret\n")
    visit.result({"labels": f"{secret}, red"}, files=[write_picture(tmp_path / "a.png", "red")])
    assert "secret" not in [one["label"] for one in objects(visit)[0]["top"]]


def test_chinese_labels_are_shown_as_written_and_unknown_ones_told(visit, tmp_path):
    file = write_picture(tmp_path / "a.png", "red")
    html = visit.result({"labels": "红色的杯子，椅子、量子纠缠"}, "zh", files=[file])
    assert objects(visit)[0]["top"][0]["label"] == "红色的杯子"
    assert "量子纠缠" in html


def test_all_known_labels_join_those_in_words_and_are_shown_in_the_readers_language(visit, tmp_path):
    values = {"all": True, "labels": "red thing", "top": 20, "templates": "none"}
    visit.result(values, "zh", files=[write_picture(tmp_path / "a.png", "red")])
    names = [one["label"] for one in objects(visit)[0]["top"]]
    assert names[0] == "red thing" and any("\u4e00" <= name[0] <= "\u9fff" for name in names)


def test_html_in_a_name_is_text(visit, tmp_path):
    html = visit.result({"labels": "<img src=x onerror=alert(1)>"}, files=[write_picture(tmp_path / "a.png", "red")])
    assert "<img" not in html and "&lt;img" in html


def test_a_cell_that_looks_like_a_formula_is_text(visit, tmp_path):
    visit.result({"labels": "=HYPERLINK(1)"}, files=[write_picture(tmp_path / "a.png", "red")])
    assert ",'=HYPERLINK(1)," in open(visit.download("csv"), encoding="utf-8-sig").read()


@pytest.mark.parametrize(("values", "uploads", "words"), [
    ({"labels": "red"}, [], "Add a file"), ({"samples": ("cat.jpg",)}, [], "Give labels"),
    ({"samples": ("cat.jpg",), "labels": "a", "label_samples": ("cat.jpg",), "none": True}, [], "words only"),
    ({"samples": ("cat.jpg",), "labels": ",".join(f"thing {n}" for n in range(2001))}, [], "2001"),
    ({"labels": "a"}, [f"/up/{n}.png" for n in range(201)], "201"),
])
def test_a_form_that_cannot_be_run_says_what_is_missing(visit, values, uploads, words):
    (only,) = visit.run(values, files=uploads)
    assert words in only[0]


def test_none_without_a_fitted_threshold_is_one_line(visit, tmp_path):
    html = visit.result({"labels": "red", "none": True}, files=[write_picture(tmp_path / "a.png", "red")])
    assert "threshold" in html and html.count('role="alert"') == 1


def test_labels_stand_between_commas_of_both_scripts_and_lines():
    assert words_of(" a ,b，c、d\n\n e  f;") == ["a", "b", "c", "d", "e f"]
