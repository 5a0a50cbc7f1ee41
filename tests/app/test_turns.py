"""The line of those who wait for an answer."""

from app.turns import Turns


def test_turns_come_in_the_order_of_asking():
    turns = Turns()
    with turns.one() as first:
        with turns.one() as second, turns.one() as third:
            assert first.has_come() and not second.has_come() and not third.has_come()
            assert len(turns) == 3
    assert len(turns) == 0


def test_who_leaves_the_line_holds_nobody_up():
    turns = Turns()
    first, second, third = turns.one(), turns.one(), turns.one()
    first.__enter__()
    second.__enter__()
    last = third.__enter__()
    second.__exit__(None, None, None)
    assert not last.has_come()
    first.__exit__(None, None, None)
    assert last.has_come()
    third.__exit__(None, None, None)


def test_an_answer_that_fails_gives_its_turn_up():
    turns = Turns()
    try:
        with turns.one():
            raise ValueError
    except ValueError:
        pass
    with turns.one() as turn:
        assert turn.has_come()
