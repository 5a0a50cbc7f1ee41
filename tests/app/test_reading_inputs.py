"""Files that arrived are read, and what can't be used is told once."""

from types import SimpleNamespace

from app.chat_page.inputs import Inputs
from app.conversation import Conversation
from pointllm.errors import InputError

TOLD = "broken.ply: not a PLY file; export it anew"


class BrokenFiles:
    """An engine that finds every file broken, the first time only after what `meanwhile` does."""

    def __init__(self, meanwhile):
        self.meanwhile = [meanwhile]

    def seen(self, path):
        return False

    def read(self, path, stopped):
        if self.meanwhile:
            self.meanwhile.pop()()
        yield
        raise InputError(TOLD)


def test_a_broken_file_that_two_uploads_wait_for_is_told_once(tmp_path):
    conversation = Conversation()
    broken = tmp_path / "broken.ply"
    broken.write_text("no mesh at all")
    conversation.add([str(broken)])
    engine = BrokenFiles(lambda: list(inputs.read(conversation, "en")))
    parts = SimpleNamespace(engine=engine, talk=lambda *_: {}, inputs=lambda *_: {}, nothing=dict)
    inputs = Inputs(parts)
    list(inputs.read(conversation, "en"))
    assert [turn.notes for turn in conversation.turns] == [[TOLD]]
    assert conversation.inputs == []
