"""For all tests: nothing is fetched from the network. Also the app, served once for all tests that talk to it."""

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
LOADING_SECONDS = 600  # a generous bound, so that a hung load fails rather than hangs


@pytest.fixture(scope="session")
def app():
    """The app as it is, on a free port: url and engine. Its model may still be loading."""
    from app.serve import launch
    from app.settings import Settings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page, engine = launch(Settings(port=port, host="127.0.0.1", profile="embedded", mcp=True), block=False)
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}", engine=engine, page=page)
    page.close()


@pytest.fixture(scope="session")
def answering_app(app):
    """The app once its model is loaded; skips where the weights of the language model can't be had."""
    from pointllm.errors import WeightsError

    assert app.engine.wait(LOADING_SECONDS), "the model did not load"
    if isinstance(app.engine.failure, WeightsError):
        pytest.skip(f"no model to answer with: {app.engine.failure}")
    assert app.engine.failure is None
    return app


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample files."""
    return SAMPLES
