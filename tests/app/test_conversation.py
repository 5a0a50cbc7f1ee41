"""What a question is about, and what is remembered of a conversation."""

from app.conversation import Conversation


def paths_asked_about(conversation: Conversation, question: str, files: list[str]) -> list[str]:
    turn = conversation.ask(question, files)
    turn.answer, turn.state = "An answer.", "done"
    return turn.paths


def test_new_files_are_what_a_question_is_about_and_stay_it():
    conversation = Conversation()
    assert paths_asked_about(conversation, "What is this?", ["/up/chair.ply"]) == ["/up/chair.ply"]
    assert paths_asked_about(conversation, "What colour is it?", []) == ["/up/chair.ply"]
    assert paths_asked_about(conversation, "And this?", ["/up/car.obj"]) == ["/up/car.obj"]
    assert paths_asked_about(conversation, "Is it fast?", []) == ["/up/car.obj"]


def test_inputs_can_be_ticked_again():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    paths_asked_about(conversation, "And this?", ["/up/car.obj"])
    conversation.tick({0, 1})
    assert paths_asked_about(conversation, "Which is larger?", []) == ["/up/chair.ply", "/up/car.obj"]


def test_the_same_file_twice_is_one_input():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    paths_asked_about(conversation, "Sure?", ["/up/chair.ply"])
    assert [item.path for item in conversation.items] == ["/up/chair.ply"]


def test_a_file_taken_out_of_the_text_box_is_forgotten_and_a_sent_one_is_not():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    conversation.sync_unsent(["/up/car.obj"])
    assert conversation.shown == "/up/car.obj"
    conversation.sync_unsent([])
    assert [item.path for item in conversation.items] == ["/up/chair.ply"]
    assert conversation.shown == "/up/chair.ply"


def test_history_has_the_answered_questions_only():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", [])
    conversation.note("broken.ply: not a mesh")
    failed = conversation.ask("And this?", ["/up/broken.ply"])
    failed.state = "failed"
    conversation.ask("Hello?", [])
    assert conversation.history() == [
        {"role": "user", "content": "What is this?"}, {"role": "assistant", "content": "An answer."},
    ]


def test_a_question_taken_back_can_be_asked_anew():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    conversation.note("a note after it")
    turn = conversation.take_back()
    assert (turn.question, turn.added) == ("What is this?", ["/up/chair.ply"])
    assert conversation.turns == [] and conversation.take_back() is None
