"""Other projects' question files: what is read, what is left out and said so, and that 3D never comes in."""

import json
import logging

import pytest
from PIL import Image

from pointllm.errors import DataError
from pointllm.training.llm_config import SourceSection
from pointllm.training.llm_sources import REPORTED, read_source


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (8, 8), "red").save(tmp_path / "pictures" / name)
    (tmp_path / "pictures" / "chair.ply").write_text("ply")
    (tmp_path / "pictures" / "song.wav").write_text("RIFF")
    return tmp_path


def read(folder, kind, content, **more):
    (folder / "f.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return read_source(SourceSection(format=kind, file="f.json", images="pictures", **more), folder)


def talk(image="a.jpg", *values):
    values = values or ("<image>\nWhat is it?", "A red square.")
    messages = [{"from": "gpt" if n % 2 else "human", "value": value} for n, value in enumerate(values)]
    return {"conversations": messages} | ({"image": image} if image is not None else {})


def test_a_conversation_gives_a_turn_an_answer_with_what_was_said_before(folder):
    first, second = read(folder, "llava", [talk("a.jpg", "<image>\nWhat?", "A square.", "Its colour?", "Red.")])
    assert (first.question, first.answer, first.image.name, first.history) == ("What?", "A square.", "a.jpg", ())
    assert (second.question, second.history) == ("Its colour?", (("What?", "A square."),))


def test_a_conversation_may_have_no_picture(folder):
    [turn] = read(folder, "llava", [talk(None, "Hello?", "Hello.")])
    assert turn.image is None


def test_captions_find_their_pictures_and_become_sentences(folder):
    content = {"images": [{"id": 7, "file_name": "b.png"}], "annotations": [{"image_id": 7, "caption": "a red thing "}]}
    [turn] = read(folder, "coco", content)
    assert (turn.question, turn.answer, turn.image.name) == (None, "A red thing.", "b.png")


def test_instructions_are_text_alone_with_their_input(folder):
    rows = [{"instruction": "Add.", "input": "1 and 2", "output": "3"}, {"instruction": "Greet.", "output": "Hello."}]
    one, two = read(folder, "alpaca", rows)
    assert (one.question, one.answer, one.image) == ("Add.\n\n1 and 2", "3", None)
    assert two.question == "Greet."


def test_json_lines_are_read_and_the_number_of_rows_limited(folder):
    lines = "\n".join(json.dumps({"instruction": f"{n}", "output": "x"}) for n in range(5))
    assert [turn.question for turn in read(folder, "alpaca", lines, most=2)] == ["0", "1"]


@pytest.mark.parametrize(("kind", "row", "reason"), [
    ("llava", talk("chair.ply"), "3D file: the language model is never trained on 3D points"),
    ("llava", talk("song.wav"), "no picture but audio"),
    ("llava", talk("missing.jpg"), "isn't there"),
    ("llava", talk("../f.jpg"), "leaves the folder"),
    ("llava", talk("a.exe"), "no picture"),
    ("llava", talk(7), "has no image"),
    ("llava", {"image": "a.jpg"}, "has no conversations"),
    ("llava", talk("a.jpg", "Only a question?"), "has no answer"),
    ("llava", talk("a.jpg", "Q", ""), "has no text in value"),
    ("llava", {"conversations": [{"from": "dog", "value": "wow"}]}, "neither human nor gpt"),
    ("llava", "text", "is no table"),
    ("alpaca", {"instruction": "x"}, "has no text in output"),
    ("alpaca", {"instruction": "x", "output": "y", "input": 3}, "has no text in input"),
])  # fmt: skip
def test_a_bad_row_is_left_out_and_named(folder, caplog, kind, row, reason):
    good = talk() if kind == "llava" else {"instruction": "a", "output": "b"}
    with caplog.at_level(logging.WARNING, "pointllm"):
        assert len(read(folder, kind, [good, row])) == 1
    assert "row 2" in caplog.text and reason in caplog.text


def test_of_many_bad_rows_some_are_named_and_the_others_counted(folder, caplog):
    with caplog.at_level(logging.WARNING, "pointllm"):
        read(folder, "alpaca", [{"instruction": "a", "output": "b"}, *[{}] * 15])
    assert len(caplog.records) == REPORTED + 1 and "5 more rows" in caplog.text


@pytest.mark.parametrize(("kind", "content", "message"), [
    ("llava", "{}", "a list of rows"), ("coco", "[]", "`images` and `annotations`"), ("alpaca", "[]", "has no rows"),
    ("alpaca", "[{}]", "row 1 has no text in instruction"), ("alpaca", "{", "neither JSON nor JSON lines"),
])  # fmt: skip
def test_a_file_of_another_form_is_refused(folder, kind, content, message):
    with pytest.raises(DataError, match=message):
        read(folder, kind, content)


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(DataError, match="none.json"):
        read_source(SourceSection(format="alpaca", file="none.json"), folder)
