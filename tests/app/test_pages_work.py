"""Long jobs: they take turns with each other and with the chat, can be stopped, and notice another model."""

import threading

import pytest
from pages import TinyEngine
from tiny_space import TinyBind

from app.pages.work import SENTENCES_AT_ONCE, Changed, Finished, Job, Stopped, Tower, Worker


@pytest.fixture
def engine(tmp_path):
    return TinyEngine(tmp_path / "profile")


def test_a_job_tells_what_is_done_and_gives_its_result(engine):
    go = threading.Event()

    def task(tower):
        tower.job.say("pages_looking", name="a.ply")
        assert go.wait(60)
        return tower.embed_text(["red"]).shape

    steps = Worker(engine).run(Job(), task)
    while next(steps).values != {"name": "a.ply"}:
        pass
    go.set()
    assert list(steps)[-1] == Finished((1, 8))


def test_others_have_their_turn_between_the_pieces_of_a_long_list(engine):
    tower = Tower(engine, Job())
    turns = []
    with_space = engine.with_space
    engine.with_space = lambda job: (turns.append("page"), with_space(job))[1]
    vectors = tower.embed_text([f"thing {number} red" for number in range(3 * SENTENCES_AT_ONCE + 1)])
    assert len(turns) == 4 and vectors.shape == (3 * SENTENCES_AT_ONCE + 1, 8)
    assert (vectors[-1:] == engine.bind.embed_text([f"thing {3 * SENTENCES_AT_ONCE} red"])).all()


def test_a_stopped_job_ends_at_its_next_call(engine):
    job = Job()
    started, begun = threading.Event(), []

    def task(tower):
        for _ in range(1000):
            tower.embed_text(["red"])
            begun.append(1)
            started.set()
            job.stopped = True
        return "all"

    with pytest.raises(Stopped):
        list(Worker(engine).run(job, task))
    assert started.is_set() and len(begun) == 1


def test_closing_the_page_stops_its_job(engine):
    job = Job()
    steps = Worker(engine).run(job, lambda tower: threading.Event().wait(1))
    next(steps)
    steps.close()
    assert job.stopped


def test_a_model_that_was_changed_meanwhile_ends_the_job(engine):
    def task(tower):
        engine.bind = TinyBind()
        tower.embed_text(["red"])

    with pytest.raises(Changed):
        list(Worker(engine).run(Job(), task))


def test_a_job_raises_what_its_task_raises_also_when_that_is_a_timeout(engine):
    def task(tower):
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        list(Worker(engine).run(Job(), task))


def test_a_page_holds_back_while_an_answer_is_written_but_goes_on(engine):
    tower = Tower(engine, Job())
    engine.answering = 1
    assert tower.embed_text(["red"]).shape == (1, 8)
