"""Files on their way through the engine."""

import threading
from concurrent.futures import Future

from app.engine import Engine


class AtOnce:
    """An executor that has done its work when it returns, as a quick one may have."""

    def submit(self, do, *given):
        future = Future()
        future.set_result(do(*given))
        return future


def test_a_file_that_is_read_at_once_blocks_nobody(monkeypatch):
    monkeypatch.setattr("app.engine.look_at", lambda path: path)
    engine, done = Engine("embedded"), []
    engine._readers = AtOnce()
    engine._embed = lambda path: engine._lock.acquire() and (engine._lock.release(), done.append(path))
    thread = threading.Thread(target=lambda: done.append(engine.look("/up/a.png").result()), daemon=True)
    thread.start()
    thread.join(60)
    assert done == ["/up/a.png", "/up/a.png"]
