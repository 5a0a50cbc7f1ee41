"""Requests to /v1 that need no model: the key, uploads, and how messages become a question."""

import asyncio

import pytest
from starlette.testclient import TestClient

from app.api.openai import application
from app.api.openai.answering import _cut
from app.api.openai.conversation import asked
from app.api.openai.errors import Refusal
from app.api.openai.schema import ChatRequest
from app.api.store import Store
from app.engine import Engine, Status


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "sent", max_file=2 * 2**20)


@pytest.fixture
def http(store):
    return TestClient(application(Engine("some/where/folder"), store, key="s3cret"),
                      headers={"Authorization": "Bearer s3cret"})


def ask(store, *messages, **given):
    return asked(ChatRequest(messages=list(messages), **given), store)


def file(name, content="MCAwIDA="):
    return {"type": "file", "file": {"filename": name, "file_data": content}}


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "s3cret", "Basic s3cret2"])
def test_without_the_key_nothing_is_answered(http, header):
    http.headers.pop("Authorization")
    headers = {} if header is None else {"Authorization": header}
    for answer in (http.get("/models", headers=headers), http.post("/chat/completions", json={}, headers=headers),
                   http.post("/files", files={"file": b"a"}, headers=headers), http.get("/files/x", headers=headers)):
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"


def test_a_profile_in_a_folder_is_named_without_its_place(http):
    assert [model["id"] for model in http.get("/models").json()["data"]] == ["folder"]


def test_an_upload_is_kept_and_forgotten(http):
    sent = http.post("/files", files={"file": ("a/b/chair.ply", b"ply\n")}, data={"purpose": "vision"}).json()
    assert sent["filename"] == "chair.ply" and sent["bytes"] == 4 and sent["purpose"] == "vision"
    assert sent["expires_at"] - sent["created_at"] == 24 * 3600
    assert http.get(f"/files/{sent['id']}").json() == sent
    got = http.get(f"/files/{sent['id']}/content")
    assert got.content == b"ply\n" and got.headers["content-disposition"].startswith("attachment")
    assert http.delete(f"/files/{sent['id']}").json()["deleted"]
    assert http.get(f"/files/{sent['id']}/content").status_code == 404
    assert http.get(f"/files/{sent['id']}").status_code == http.delete(f"/files/{sent['id']}").status_code == 404


@pytest.mark.parametrize(("content", "status"), [(b"", 400), (b"x" * (2 * 2**20 + 1), 413), (b"x" * 4 * 2**20, 413)])
def test_an_upload_that_cannot_be_kept_leaves_nothing(http, store, content, status):
    assert http.post("/files", files={"file": ("a.ply", content)}).status_code == status
    assert not [entry for entry in store.folder.glob("*")]


def test_files_of_a_message_and_the_turns_before_it(store):
    found = ask(
        store, {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, file("a.xyz")]},
        {"role": "assistant", "content": "A chair."},
        {"role": "user", "content": "And its colour?"},
    )
    assert found.question == "Be brief.\n\nAnd its colour?"
    assert [path.rsplit("/", 1)[1] for path in found.paths] == ["a.xyz"]
    assert found.history == [{"role": "user", "content": "What is this?"}, {"role": "assistant", "content": "A chair."}]


def test_new_files_take_the_place_of_those_before(store):
    found = ask(store, {"role": "user", "content": [file("a.xyz")]}, {"role": "assistant", "content": "A chair."},
                {"role": "user", "content": [file("b.xyz"), file("c.xyz", "MSAxIDE=")]})
    assert [path.rsplit("/", 1)[1] for path in found.paths] == ["b.xyz", "c.xyz"]
    assert found.question


def test_a_mesh_comes_with_its_materials(store):
    found = ask(store, {"role": "user", "content": [
        {"type": "file", "file": {"filename": "car.obj", "file_data": "data:,mtllib%20car.mtl"}},
        {"type": "file", "file": {"filename": "car.mtl", "file_data": "data:,newmtl%20a"}}]})
    assert [path.rsplit("/", 1)[1] for path in found.paths] == ["car.obj"]


def test_options_reach_the_model_and_long_answers_are_bounded(store):
    options = ask(store, {"role": "user", "content": "Hi"}, temperature=0.5, top_p=0.8, max_tokens=9999, seed=7,
                  texts=["a"], weights=[2], witness="views", use_cache=False).options
    assert (options.temperature, options.top_p, options.seed, options.max_tokens) == (0.5, 0.8, 7, 1024)
    assert (options.text, options.weights, options.witness, options.cache) == (("a",), (2.0,), "views", False)


@pytest.mark.parametrize("messages", [
    [{"role": "user", "content": " "}],
    [{"role": "user", "content": [file(f"{number}.xyz") for number in range(17)]}],
    [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Hello"}],
])
def test_conversations_that_ask_nothing_are_refused(store, messages):
    with pytest.raises(Refusal) as caught:
        ask(store, *messages)
    assert caught.value.status == 400


def test_more_than_may_wait_are_asked_to_come_back(http, monkeypatch):
    monkeypatch.setattr("app.api.openai.routes.MAX_WAITING", 0)
    answer = http.post("/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}]})
    assert answer.status_code == 429 and answer.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(("pieces", "stops", "expected"), [
    (["one", " two", " three"], [], "one two three"),
    (["one", " tw", "o three"], ["two"], "one "),
    (["a", "b", "c"], ["bd", "bc"], "a"),
    (["ends with tw"], ["two"], "ends with tw"),
])
def test_stop_texts_are_found_over_the_seams_of_pieces(pieces, stops, expected):
    cut = list(_cut((piece for piece in [Status("status_thinking", {}), *pieces]), stops))
    assert isinstance(cut[0], Status) and "".join(cut[1:]) == expected


def test_the_source_is_closed_when_a_stop_text_came():
    closed = []

    def source():
        try:
            yield from "abc"
        finally:
            closed.append(True)

    assert "".join(_cut(source(), ["b"])) == "a" and closed


def test_an_answer_that_nobody_waits_for_is_never_begun(store):
    from app.api.openai.answering import Answer

    engine = Engine("embedded")
    events = Answer(engine, ask(store, {"role": "user", "content": "Hi"})).events(False)
    assert "assistant" in asyncio.run(anext(events))
    assert len(engine.turns) == 0
