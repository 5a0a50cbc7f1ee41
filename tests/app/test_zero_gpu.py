"""Borrowing a card on ZeroGPU, with a stand-in for the package `spaces`, which only Spaces have."""

import sys

import pytest

from app.engine import Engine
from app.zero_gpu import borrow_gpu

FAKE = """
wrapped = []

def GPU(duration):
    def wrap(function):
        wrapped.append((function.__name__, duration))
        def lent(*args):
            yield "lent"
            yield from function(*args)
        return lent
    return wrap
"""


@pytest.fixture
def spaces(tmp_path, monkeypatch):
    (tmp_path / "spaces.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    import spaces

    yield spaces
    sys.modules.pop("spaces")


def answer():
    yield "a chair"


def test_without_the_package_nothing_changes():
    assert borrow_gpu(answer) is answer


def test_an_answer_borrows_a_card(spaces):
    assert list(borrow_gpu(answer)()) == ["lent", "a chair"]
    assert spaces.wrapped[0][1] > 0


def test_the_engine_wraps_what_answers_before_anything_is_loaded(spaces):
    engine = Engine("embedded")
    assert [name for name, _ in spaces.wrapped] == ["_stream"]
    assert not engine.ready
