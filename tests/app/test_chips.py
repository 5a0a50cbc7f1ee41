"""The chips of the inputs: what they offer, and that names are text."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from app.chat_page.chips import chips_html, find, key_of
from app.conversation import Conversation
from app.looking import Look


@pytest.fixture
def inputs(tmp_path):
    """A conversation about two files, and an engine that has read the first."""
    paths = []
    for key, name in (("a" * 32, "chair <b>&.ply"), ("b" * 32, "rooster.ogg")):
        (tmp_path / key).mkdir()
        (tmp_path / key / name).write_text("x")
        paths.append(str(tmp_path / key / name))
    conversation = Conversation()
    conversation.add(paths)

    def look(path):
        future = Future()
        if path == paths[0]:
            future.set_result(Look(path, "point"))
        return future

    return conversation, SimpleNamespace(look=look)


def test_names_are_text(inputs):
    html = chips_html(inputs[0], "en", inputs[1])
    assert "<b>" not in html and "chair &lt;b&gt;&amp;.ply" in html


def test_a_chip_says_what_it_is_or_that_it_is_being_read(inputs):
    html = chips_html(inputs[0], "zh", inputs[1])
    assert "三维" in html and "读取中" in html


def test_weights_are_offered_where_several_inputs_count(inputs):
    conversation, engine = inputs
    assert chips_html(conversation, "en", engine).count('type="range"') == 2
    conversation.tick(conversation.items[0].path, False)
    assert 'type="range"' not in chips_html(conversation, "en", engine)


def test_what_is_gone_can_only_be_removed(inputs, tmp_path):
    conversation, engine = inputs
    (tmp_path / ("b" * 32) / "rooster.ogg").unlink()
    chip = chips_html(conversation, "en", engine).split('data-key="' + "b" * 32)[1]
    assert "add it again" in chip and 'role="checkbox"' not in chip and 'data-do="remove"' in chip


def test_the_browser_names_inputs_by_their_folder_only(inputs):
    conversation, _ = inputs
    first = conversation.items[0]
    assert find(conversation, key_of(first)) is first
    assert find(conversation, first.path) is None and find(conversation, None) is None


def test_without_inputs_there_is_nothing_unless_something_is_on_its_way(inputs):
    assert chips_html(Conversation(), "en", inputs[1]) == ""
    assert "Fetching &lt;x&gt;" in chips_html(Conversation(), "en", inputs[1], "Fetching <x>")
