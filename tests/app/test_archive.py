"""A conversation survives its way to the browser or into a file and back; what strangers send does no harm."""

import base64
import json
from pathlib import Path

import pytest

from app import archive, keeping
from app.conversation import Conversation


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    keeping.folder.cache_clear()
    yield
    keeping.folder.cache_clear()


@pytest.fixture
def conversation(tmp_path):
    for name in ("chair.ply", "car.obj", "car.mtl"):
        (tmp_path / name).write_text(f"the content of {name}")
    chair = keeping.keep(str(tmp_path / "chair.ply"))
    car = keeping.keep(str(tmp_path / "car.obj"), [str(tmp_path / "car.mtl")])
    made = Conversation()
    made.add([chair, car])
    made.weigh(car, 0.5)
    turn = made.ask("What are these?")
    turn.answer, turn.state, turn.feedback = "A chair\nand a **car**.", "done", "Like"
    made.ask("Which is red?").answer = "The c"
    return made


def there_and_back(conversation):
    return archive.from_browser(json.loads(json.dumps(archive.to_browser(conversation))))


def test_everything_comes_back_from_the_browser(conversation):
    back = there_and_back(conversation)
    assert (back.id, back.started, back.shown) == (conversation.id, conversation.started, conversation.shown)
    assert back.items == conversation.items
    assert back.turns[0] == conversation.turns[0]
    assert back.history()[:2] == conversation.history()


def test_an_answer_that_was_being_written_comes_back_as_stopped(conversation):
    back = there_and_back(conversation)
    assert back.turns[1].state == "stopped" and back.turns[1].answer == "The c" and back.pending is None


def test_no_path_of_the_server_goes_to_the_browser(conversation):
    assert str(keeping.folder()) not in json.dumps(archive.to_browser(conversation))


def test_a_saved_file_stands_by_itself(conversation):
    saved = json.loads(json.dumps(archive.to_file(conversation, "Two things")))
    for item in conversation.items:
        for file in Path(item.path).parent.iterdir():
            file.unlink()
    back, title = archive.from_file(saved)
    assert title == "Two things" and back.id != conversation.id
    assert [item.name for item in back.items] == ["chair.ply", "car.obj"]
    assert Path(back.items[0].path).read_text() == "the content of chair.ply"
    assert (Path(back.items[1].path).parent / "car.mtl").read_text() == "the content of car.mtl"
    assert back.turns[0].paths == [item.path for item in back.items] and back.turns[0].weights == [1.0, 0.5]


def test_inputs_that_are_gone_are_named_and_said_to_be_lost(conversation):
    Path(conversation.items[0].path).unlink()
    for back in (there_and_back(conversation), archive.from_file(archive.to_file(conversation, ""))[0]):
        assert [(item.name, item.lost) for item in back.items] == [("chair.ply", True), ("car.obj", False)]


def test_inputs_beyond_the_limit_are_left_out_of_a_file(conversation, monkeypatch):
    monkeypatch.setattr(archive, "EMBED_BYTES", 30)
    back, _ = archive.from_file(archive.to_file(conversation, ""))
    assert [item.lost for item in back.items] == [False, True] and len(back.turns) == 2


def test_people_read_questions_answers_and_what_they_were_about(conversation):
    written = archive.markdown(conversation, "Two things", "en")
    assert written.startswith("# Two things\n") and "**car**" in written and "`car.obj` × 0.5" in written
    assert "liked" in written and "What are these?" in written
    assert "问：" in archive.markdown(conversation, "x", "zh")


HOSTILE = [
    None, [], "x", {"format": "another"}, {"format": archive.FORMAT},
    {"format": archive.FORMAT, "inputs": 3, "turns": {}},
    {"format": archive.FORMAT, "inputs": [None, {"file": {"key": "../..", "name": "passwd"}}, {"file": "/etc/passwd"}],
     "turns": [{"about": [0, 1, 99, -1, True, "x"], "weights": ["a"], "question": 5, "notes": [None]}, {"state": 1}, 7],
     "shown": 1, "id": "<script>", "started": "now"},
]


@pytest.mark.parametrize("kept", HOSTILE)
def test_what_is_no_conversation_opens_nothing(kept):
    back = archive.from_browser(kept)
    assert back is None or (back.items == [] and all(turn.paths == [] for turn in back.turns))


@pytest.mark.parametrize("name", ["../outside.ply", "/etc/cron.d/x", "..", "a\\b", ""])
def test_a_saved_file_cannot_write_elsewhere(name, tmp_path):
    data = "data:;base64," + base64.b64encode(b"x").decode()
    saved = {"format": archive.FORMAT, "inputs": [{"name": name, "files": [{"name": name, "data": data}]}]}
    back, _ = archive.from_file(saved)
    assert all(item.lost for item in back.items) and not (tmp_path / "outside.ply").exists()
    assert list(keeping.folder().iterdir()) == []


def test_broken_contents_are_lost_inputs_and_no_error():
    files = [{"name": "a.ply", "data": "data:;base64,%"}]
    saved = {"format": archive.FORMAT, "inputs": [{"name": "a.ply", "files": files}]}
    assert archive.from_file(saved)[0].items[0].lost


def test_another_json_file_is_refused():
    with pytest.raises(archive.ArchiveError):
        archive.from_file({"labels": []})
