"""What users, files and the model write is shown as text: no HTML of theirs, no picture from another host."""

from app.conversation import Conversation
from app.messages import feedback, literal, messages, turn_of


def drawn(question="", answer="", added=(), state="done", **more):
    conversation = Conversation()
    turn = conversation.ask(question, list(added))
    turn.answer, turn.state = answer, state
    for name, value in more.items():
        setattr(turn, name, value)
    return [message["content"] for message in messages(conversation, "en", lambda path: None)]


def test_messages_are_found_again_by_their_number():
    conversation = Conversation()
    conversation.note("a note")
    for question, added in (("What is this?", ["/up/a.ply"]), ("And?", [])):
        conversation.ask(question, added).answer = "A thing."
        conversation.turns[-1].state = "done"
    conversation.turns[-1].feedback = "Like"
    roles = [message["role"] for message in messages(conversation, "en", lambda path: None)]
    assert roles == ["assistant", "user", "user", "assistant", "user", "assistant"]
    assert [turn_of(conversation, index) for index in range(7)] == [0, 1, 1, 1, 2, 2, None]
    assert feedback(conversation) == [None, None, "Like"]


def test_html_of_questions_and_answers_is_shown_as_text():
    question, answer = drawn("<img src=x onerror=alert(1)>", "<script>alert(1)</script> **bold**")
    assert "<img" not in question and "&lt;img" in question
    assert "<script" not in answer and "**bold**" in answer


def test_a_picture_in_an_answer_stays_a_link():
    assert "![" not in drawn("q", "![x](http://example.com/x.png)")[1].replace("!\\[", "")


def test_a_file_name_is_no_markup():
    name = "**a**_b_<i>`.ply"
    assert literal(name) in drawn("q", "a", added=[f"/up/{name}"])[0]
    assert not set("*_<>`") & set(literal(name))


def test_an_answer_shows_what_is_being_done_until_its_first_word():
    assert "Thinking" in drawn("q", state="writing", status="Thinking")[1]
    assert "Thinking" not in drawn("q", "A", state="writing", status="Thinking")[1]


def test_a_stopped_and_a_failed_answer_say_so():
    assert drawn("q", "A chair", state="stopped")[1].startswith("A chair")
    assert "Stopped" in drawn("q", "A chair", state="stopped")[1]
    assert 'role="alert"' in drawn("q", state="failed", notes=["a.ply: empty"])[1]
