"""The pages that search: by words and files, added and subtracted, in the server's gallery or a visitor's own."""

import json
from types import SimpleNamespace

import pytest
from pages import TinyEngine, Visit
from tiny_space import write_picture

from app.pages.combine import CombinePage, Line, lines_of
from app.pages.drawing import served
from app.pages.find import FindPage
from app.pages.galleries import ServerGallery


@pytest.fixture
def folder(tmp_path):
    """red.png, sub/green.png, blue.png, words.txt."""
    root = tmp_path / "files"
    for name, color in (("red.png", "red"), ("sub/green.png", "green"), ("blue.png", "blue")):
        write_picture(root / name, color)
    (root / "words.txt").write_text("something red stands in the garden")
    return root


@pytest.fixture
def open_page(tmp_path, monkeypatch, folder):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    engine = TinyEngine(tmp_path / "profile")
    return lambda kind: Visit(kind, engine, ServerGallery(str(folder)))


def found(visit):
    with open(visit.download("json"), encoding="utf-8") as file:
        return json.load(file)


def names(visit):
    return [hit["name"] for hit in found(visit)["top"]]


def test_the_servers_gallery_is_searched_by_words(open_page, folder, tmp_path):
    visit = open_page(FindPage)
    html = visit.result({"words": "something green", "kinds": ("image",), "top": 2})
    assert names(visit)[0] == "sub/green.png" and len(names(visit)) == 2 and found(visit)["searched"] == 4
    assert html.count("data-hit=") == 2 and "data:image/webp" in html and str(tmp_path) not in html


def test_a_mix_of_words_and_a_file_is_their_sum(open_page, tmp_path):
    visit = open_page(FindPage)
    visit.result({"words": "red", "kinds": ("image",)}, files=[write_picture(tmp_path / "mine.png", "blue")])
    assert sorted(names(visit)[:2]) == ["blue.png", "red.png"]
    assert [term["input"] for term in found(visit)["inputs"]] == ["red", "mine.png"]


def test_a_visitors_own_gallery_is_searched_and_bad_files_told(open_page, tmp_path):
    visit = open_page(FindPage)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    mine = [write_picture(tmp_path / "mine" / f"{color}.png", color) for color in ("gray", "blue", "green")]
    engine = visit.page.worker.engine
    html = visit.result({"words": "blue", "gallery": "own"}, gallery_files=[broken, *mine])
    assert names(visit)[0] == "blue.png" and found(visit)["searched"] == 3
    assert html.count('role="alert"') == 1 and "broken.png" in html and str(tmp_path) not in html
    before = len(engine.bind.embedded)
    visit.result({"words": "green", "gallery": "own"}, gallery_files=mine)
    assert names(visit)[0] == "green.png" and len(engine.bind.embedded) == before


def test_an_empty_gallery_of_ones_own_is_told(open_page):
    assert "add files" in open_page(FindPage).line({"words": "blue", "gallery": "own"})


def test_a_gallery_that_is_not_there_is_told_without_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    visit = Visit(FindPage, TinyEngine(tmp_path / "profile"), ServerGallery(str(tmp_path / "gone")))
    line = visit.line({"words": "blue"})
    assert "gone: no such gallery" in line and str(tmp_path) not in line


def test_a_search_that_is_stopped_while_the_gallery_is_made_leaves_nothing_out_of_it(open_page):
    visit = open_page(FindPage)
    bind = visit.page.worker.engine.bind
    embed_input = bind.embed_input

    def stop_at_the_second(item, witness=None):
        visit.session.job.stopped = len(bind.embedded) == 1
        return embed_input(item, witness)

    bind.embed_input = stop_at_the_second
    assert "Stopped" in visit.line({"words": "green"})
    bind.embed_input = embed_input
    visit.result({"words": "green"})
    assert found(visit)["searched"] == 4


def test_a_kind_that_the_gallery_has_nothing_of_is_told(open_page):
    assert "nothing of kind audio" in open_page(FindPage).line({"words": "blue", "kinds": ("audio",)})


def test_inputs_are_added_and_subtracted_and_shares_add_up(open_page):
    visit = open_page(CombinePage)
    html = visit.result({"terms": "2 × red\n-0.5 × blue\n\n+ green", "kinds": ("image",)})
    assert [(term["input"], term["weight"]) for term in found(visit)["inputs"]] == [
        ("red", 2.0), ("blue", -0.5), ("green", 1.0)]
    assert names(visit)[0] == "red.png" and names(visit)[-1] == "blue.png"
    assert all(sum(hit["shares"]) == pytest.approx(hit["score"], abs=1e-5) for hit in found(visit)["top"])
    assert html.count('class="bars shares"') == 3


def test_inputs_that_cancel_out_are_told(open_page):
    assert "cancel each other out" in open_page(CombinePage).line({"terms": "red\n- red"})


def test_a_line_names_an_upload_before_a_sample_and_an_unknown_file_is_told(open_page, tmp_path):
    visit = open_page(CombinePage)
    visit.result({"terms": "cat.jpg"}, files=[write_picture(tmp_path / "cat.jpg", "blue")])
    assert names(visit)[0] == "blue.png"
    assert "missing.ply" in visit.line({"terms": "missing.ply"})


@pytest.mark.parametrize(("written", "lines"), [
    ("a tree", [Line(1, "a tree")]), ("0.5 × a tree\n\n", [Line(0.5, "a tree")]),
    ("-2*sofa.off", [Line(-2, "sofa.off")]), ("− cat.jpg", [Line(-1, "cat.jpg")]), ("3 chairs", [Line(1, "3 chairs")]),
    ("+ .5 · x", [Line(0.5, "x")]), ("1,5 × 2 × 4 board", [Line(1.5, "2 × 4 board")]), (" \n-\n", []),
    ("0 × a", [Line(0, "a")]),
])
def test_lines_are_read_as_weights_and_names(written, lines):
    assert lines_of(written) == lines


def test_a_result_is_shown_large_by_its_number_only(open_page, tmp_path):
    visit = open_page(FindPage)
    visit.result({"words": "red", "kinds": ("image",)})
    html = visit.page.look(visit.session, "en", SimpleNamespace(index=0))
    assert "<img" in html and "red.png" in html and str(tmp_path / "files") not in html
    for index in (-1, 99, "0", None, "../red.png"):
        assert visit.page.look(visit.session, "en", SimpleNamespace(index=index)) == ""


def test_a_file_outside_what_the_server_gives_out_is_given_as_a_copy(folder):
    copy = served(str(folder / "red.png"))
    assert copy != str(folder / "red.png") and open(copy, "rb").read() == (folder / "red.png").read_bytes()
    assert served(copy) == copy
