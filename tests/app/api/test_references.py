"""What a program may name a file by."""

import base64
from pathlib import Path

import pytest

from app.api.references import decode, keep, path_of
from app.api.store import Store
from pointllm.errors import InputError


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "sent", max_file=1000)


def data_url(content: bytes, head: str) -> str:
    return f"data:{head};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(("content", "head", "name", "called"), [
    (b"ply\nformat", "", "chair.ply", "chair.ply"),
    (b"ply\nformat", "application/octet-stream;name=chair.ply", None, "chair.ply"),
    (b"ply\nformat", "application/octet-stream", None, "file.ply"),
    (b"glTF\x02\0\0\0", "", "lamp", "lamp.glb"),
    (b"anything", "model/gltf-binary", None, "file.glb"),
    (b"\x89PNG\r\n", "image/png", None, "file.png"),
    (b"RIFF\0\0\0\0WAVE", "", None, "file.wav"),
    (b"0 0 0\n", "text/plain", None, "file.txt"),
    (b"a", "audio/mpeg", None, "file.mp3"),
])
def test_a_data_url_is_called_by_name_type_or_beginning(store, content, head, name, called):
    path = Path(path_of(data_url(content, head), store, name))
    assert path.name == called and path.read_bytes() == content


def test_percent_encoding_and_loose_base64_are_read(store):
    assert Path(path_of("data:text/plain,0%200%200", store)).read_bytes() == b"0 0 0"
    assert decode("YW\nJj-_8") == base64.b64decode("YWJj+/8=") and decode("YQ") == b"a"


@pytest.mark.parametrize(("reference", "line"), [
    ("/etc/passwd", "neither"), ("file:///etc/passwd", "neither"), ("C:\\a.ply", "neither"), ("", "neither"),
    ("file-../../etc/passwd", "there is no file"), ("data:;base64", "must read"), ("data:;base64,", "empty"),
    ("data:;base64,%%%", "base64 is broken"), ("data:application/x-unheard-of;base64,YQ==", "kind can't be told"),
    ("https://example.com/a.ply", "not fetched"), ("HTTP://example.com/a.ply", "not fetched"),
    ("http://localhost/gradio_api/file=/etc/passwd", "was not uploaded here"),
    ("http://localhost/gradio_api/file=../../etc/passwd", "was not uploaded here"),
])
def test_everything_else_is_refused_in_one_line(store, reference, line, monkeypatch):
    monkeypatch.delenv("POINTLLM_FETCH_URLS", raising=False)
    with pytest.raises(InputError, match=line):
        path_of(reference, store)


def test_a_file_that_is_too_large_is_refused(store):
    with pytest.raises(InputError, match="too many"):
        keep(b"x" * 1001, store, "a.ply")
