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


def test_what_a_question_will_be_about_is_ticked_before_it_is_asked():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    conversation.add(["/up/car.obj", "/up/cat.jpg"])
    assert [item.active for item in conversation.inputs] == [False, True, True]
    conversation.tick("/up/chair.ply", True)
    conversation.tick("/up/cat.jpg", False)
    turn = conversation.ask("Which is larger?")
    assert turn.paths == ["/up/chair.ply", "/up/car.obj"] and turn.added == ["/up/car.obj"]


def test_the_same_file_twice_is_one_input():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    paths_asked_about(conversation, "Sure?", ["/up/chair.ply"])
    assert [item.path for item in conversation.items] == ["/up/chair.ply"]


def test_an_input_taken_out_is_forgotten_but_for_the_questions_about_it():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    conversation.add(["/up/car.obj"])
    assert conversation.shown == "/up/car.obj"
    conversation.drop("/up/car.obj")
    assert [item.path for item in conversation.items] == ["/up/chair.ply"] and conversation.shown == "/up/chair.ply"
    conversation.drop("/up/chair.ply")
    assert conversation.inputs == [] and conversation.shown is None
    assert conversation.item("/up/chair.ply").removed
    assert paths_asked_about(conversation, "And now?", []) == []


def test_weights_go_with_the_question_and_stay_within_their_bounds():
    conversation = Conversation()
    conversation.add(["/up/a.ply", "/up/b.ply", "/up/c.ply"])
    conversation.weigh("/up/a.ply", 0.3)
    conversation.weigh("/up/b.ply", 99)
    conversation.weigh("/up/c.ply", float("nan"))
    assert conversation.ask("What are these?").weights == [0.3, 2.0, 1.0]


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


def test_a_question_taken_back_is_asked_anew_about_the_same_inputs():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    paths_asked_about(conversation, "And this?", ["/up/car.obj"])
    conversation.note("a note after it")
    conversation.tick("/up/chair.ply", True)
    assert conversation.take_back().question == "And this?"
    again = conversation.ask("What is that?")
    assert again.paths == again.added == ["/up/car.obj"] and len(conversation.turns) == 2


def test_editing_an_early_question_forgets_what_followed():
    conversation = Conversation()
    paths_asked_about(conversation, "What is this?", ["/up/chair.ply"])
    paths_asked_about(conversation, "And this?", ["/up/car.obj"])
    assert conversation.take_back(0).question == "What is this?"
    assert conversation.turns == [] and conversation.ask("Hm?").paths == ["/up/chair.ply"]
    assert conversation.take_back(7) is None


def test_two_conversations_never_share_an_id():
    assert Conversation().id != Conversation().id
