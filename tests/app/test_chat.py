"""What the handlers of the chat ask the engine for, over an engine that only writes down what it was asked."""

import json
from types import SimpleNamespace

import pytest

from app.archive import to_browser
from app.chat import Chat
from app.conversation import Conversation
from app.engine import Options, Status

LANGUAGE = "en"


class Engine:
    """Answers with the number of messages that it was given."""

    def __init__(self):
        self.asked = []

    def read(self, path, stopped=lambda: False):
        if path.endswith("broken.ply"):
            raise ValueError(path)
        yield Status("status_reading", {"name": "x"})

    def answer(self, paths, question, history, options, stopped, figures):
        self.asked.append(SimpleNamespace(paths=list(paths), question=question, history=history, options=options))
        yield Status("status_thinking", {})
        for word in ("After ", f"{len(history)}."):
            if stopped():
                return
            yield word


class Parts:
    """Gives what it is asked to draw, by name."""

    state, kept = "state", "kept"

    def __init__(self, whole=None):
        self.drawn = []

    def whole(self, conversation, language, **box):
        self.drawn.append([turn.answer for turn in conversation.turns])
        return {"whole": conversation, **box}

    words = talk = inputs = whole

    def nothing(self):
        return {"nothing": None}


@pytest.fixture
def chat():
    engine = Engine()
    inputs = SimpleNamespace(kept=lambda files, conversation, language: list(files))
    return Chat(engine, Parts(), inputs, [], lambda seed: Options(seed=seed))


@pytest.fixture
def here(tmp_path):
    def make(name):
        (tmp_path / name).write_text("x")
        return str(tmp_path / name)
    return make


def ask(chat, conversation, question, *files):
    request = SimpleNamespace(session_hash="me")
    update = chat.begin({"text": question, "files": list(files)}, "", conversation, LANGUAGE, request)
    conversation = update.get("state", conversation)
    list(chat.write(conversation, LANGUAGE, 5))
    return conversation


def test_the_model_is_given_everything_that_was_said_before(chat, here):
    conversation = ask(chat, Conversation(), "What is this?", here("chair.ply"))
    ask(chat, conversation, "My name is Otto.")
    ask(chat, conversation, "What is my name?")
    assert chat.engine.asked[-1].history == [
        {"role": "user", "content": "What is this?"}, {"role": "assistant", "content": "After 0."},
        {"role": "user", "content": "My name is Otto."}, {"role": "assistant", "content": "After 2."},
    ]
    assert chat.engine.asked[-1].paths == chat.engine.asked[0].paths and chat.engine.asked[-1].options.seed == 5


def test_weights_are_given_where_they_differ(chat, here):
    conversation = Conversation()
    conversation.add([here("a.ply"), here("b.ply")])
    ask(chat, conversation, "What are these?")
    conversation.weigh(conversation.items[1].path, 0.5)
    ask(chat, conversation, "What are these?")
    assert [asked.options.weights for asked in chat.engine.asked] == [None, (1.0, 0.5)]


def test_what_cannot_be_read_or_is_gone_is_noted_and_the_rest_is_asked_about(chat, here, tmp_path):
    conversation = Conversation()
    conversation.add([here("a.ply"), here("broken.ply"), str(tmp_path / "gone.ply")])
    ask(chat, conversation, "What are these?")
    turn = conversation.turns[0]
    assert [asked.paths for asked in chat.engine.asked] == [[here("a.ply")]] and turn.state == "done"
    assert any("gone.ply" in note for note in turn.notes) and len(turn.notes) == 2


def test_a_question_about_nothing_that_is_left_is_not_asked(chat, tmp_path):
    conversation = Conversation()
    conversation.add([str(tmp_path / "gone.ply")])
    ask(chat, conversation, "What is this?")
    assert chat.engine.asked == [] and conversation.turns[0].state == "failed"


def test_a_stopped_answer_keeps_its_words_and_asks_for_no_more(chat):
    conversation = Conversation()
    conversation.ask("Tell me.")
    writing = chat.write(conversation, LANGUAGE, 0)
    while not conversation.turns[0].answer:
        next(writing)
    chat.stop(conversation, LANGUAGE)
    list(writing)
    assert conversation.turns[0].state == "stopped" and conversation.turns[0].answer == "After "


def test_leaving_ends_the_answer(chat):
    request = SimpleNamespace(session_hash="me")
    conversation = chat.begin({"text": "Tell me."}, "", Conversation(), LANGUAGE, request)["state"]
    chat.leave(request)
    list(chat.write(conversation, LANGUAGE, 0))
    assert conversation.turns[0].state == "stopped" and chat.engine.asked == []


def test_a_server_that_forgot_goes_on_with_what_the_browser_kept(chat, here):
    told = ask(chat, Conversation(), "My name is Otto.")
    kept = json.dumps(to_browser(told))
    request = SimpleNamespace(session_hash="me")
    update = chat.begin({"text": "What is my name?"}, kept, Conversation(), LANGUAGE, request)
    list(chat.write(update["state"], LANGUAGE, 0))
    assert len(chat.engine.asked[-1].history) == 2 and update["state"].id == told.id


def test_what_a_browser_kept_never_takes_the_place_of_what_is_there(chat):
    conversation = ask(chat, Conversation(), "Hello.")
    other = json.dumps(to_browser(ask(chat, Conversation(), "Another.")))
    assert chat.restored(other, conversation) is conversation
    for nonsense in ("", "{", "null", "[]", '{"format": 1}', "[" * 100_000):
        assert chat.restored(nonsense, Conversation()).empty


def test_a_new_session_never_shares_its_conversation_with_another(chat):
    shared = Conversation()  # gradio copies one default for all sessions
    assert chat.restored("", shared).id != chat.restored("", shared).id
