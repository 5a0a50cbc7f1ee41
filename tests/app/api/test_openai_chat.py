"""/v1 as OpenAI's own client and plain HTTP see it, against the running app."""

import base64
import json
import threading

import httpx
import pytest
from waiting import LONG, eventually

openai = pytest.importorskip("openai")


@pytest.fixture(scope="module")
def client(answering_app):
    return openai.OpenAI(base_url=f"{answering_app.url}/v1", api_key="none", max_retries=0, timeout=300)


def user(*parts) -> list[dict]:
    return [{"role": "user", "content": list(parts)}]


def said(text: str) -> dict:
    return {"type": "text", "text": text}


def part(name: str, content: str) -> dict:
    return {"type": "file", "file": {"filename": name, "file_data": content}}


def encoded(path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_the_loaded_profile_is_the_model(client):
    assert [model.id for model in client.models.list()] == ["embedded"]
    assert client.models.retrieve("pointllm").id == "embedded"


def test_a_shape_inside_the_message_is_answered_about(client, samples):
    file = part("chair.ply", "data:;base64," + encoded(samples / "chair.ply"))
    answer = client.chat.completions.create(model="pointllm", messages=user(said("What is this?"), file), max_tokens=32)
    assert "chair" in answer.choices[0].message.content.lower()
    assert answer.choices[0].finish_reason == "stop" and answer.model == "embedded"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 4


def test_pictures_and_sounds_come_as_openai_has_them(client, samples):
    picture = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{encoded(samples / 'cat.jpg')}"}}
    sound = {"type": "input_audio", "input_audio": {"data": encoded(samples / "rooster.ogg"), "format": "ogg"}}
    for part, names in ((picture, ("cat",)), (sound, ("rooster", "chicken"))):
        answer = client.chat.completions.create(model="pointllm", messages=user(said("What is this?"), part))
        assert any(name in answer.choices[0].message.content.lower() for name in names)


def test_an_upload_is_asked_about_by_its_id_and_later_without(client, samples):
    upload = client.files.create(file=samples / "guitar.glb", purpose="user_data")
    assert client.files.retrieve(upload.id).filename == "guitar.glb"
    messages = user(said("What is this?"), {"type": "file", "file": {"file_id": upload.id}})
    messages += [{"role": "assistant", "content": "An instrument."}, {"role": "user", "content": "What is it called?"}]
    answer = client.chat.completions.create(model="pointllm", messages=messages, max_tokens=32)
    assert "guitar" in answer.choices[0].message.content.lower()
    assert client.files.delete(upload.id).deleted
    with pytest.raises(openai.BadRequestError, match="no file"):
        client.chat.completions.create(model="pointllm", messages=messages)


def test_a_streamed_answer_is_the_whole_answer_in_pieces(client):
    given = {"model": "pointllm", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12, "seed": 3}
    events = list(client.chat.completions.create(**given, stream=True, stream_options={"include_usage": True}))
    pieces = [event.choices[0].delta.content for event in events if event.choices]
    whole = client.chat.completions.create(**given)
    assert len([piece for piece in pieces if piece]) > 2
    assert "".join(filter(None, pieces)) == whole.choices[0].message.content
    assert events[-1].usage == whole.usage and whole.usage.completion_tokens == 12
    assert events[-2].choices[0].finish_reason == whole.choices[0].finish_reason == "length"


def test_an_answer_ends_before_a_stop_text(client):
    given = {"model": "pointllm", "messages": [{"role": "user", "content": "Count: 1, 2, 3, 4, 5, 6, 7, 8"}],
             "max_tokens": 40, "temperature": 0}
    plain = client.chat.completions.create(**given).choices[0].message.content
    stop = plain[len(plain) // 2:][:4]
    cut = client.chat.completions.create(**given, stop=stop)
    assert cut.choices[0].message.content == plain[:plain.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(("given", "status", "line"), [
    ({"model": "gpt-4"}, 404, "no model"),
    ({"n": 2}, 400, "n: one answer"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, 400, "tools"),
    ({"temperature": 3}, 400, "temperature"),
    ({"messages": []}, 400, "messages"),
    ({"messages": [{"role": "assistant", "content": "Hi"}]}, 400, "the user's"),
    ({"messages": [{"role": "user", "content": [{"type": "video", "video": {}}]}]}, 400, "messages.0.content"),
    ({"messages": user({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}})}, 400, "not fetched"),
    ({"messages": user({"type": "image_url", "image_url": {"url": "/etc/passwd"}})}, 400, "neither"),
    ({"messages": user(part("a.ply", "data:;base64,bm8="))}, 400, "a.ply"),
    ({"messages": user(part("a.ply", "!!"))}, 400, "base64 is broken"),
    ({"extra_body": {"weights": [1, 2]}}, 400, "2 weights for 0 inputs"),
    ({"messages": [{"role": "user", "content": "word " * 9000}]}, 400, "too long"),
])
def test_requests_that_cannot_be_answered_say_why(client, given, status, line):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**{"model": "pointllm", "messages": user(said("Hi")), "max_tokens": 4, **given})
    assert caught.value.status_code == status and line in caught.value.message
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert "/tmp" not in caught.value.message and "\n" not in caught.value.message


def test_a_question_that_is_too_long_ends_its_stream_with_the_reason(client):
    with pytest.raises(openai.APIError, match="too long"):
        list(client.chat.completions.create(model="pointllm", messages=user(said("word " * 9000)), stream=True))


def test_what_is_no_request_is_refused_as_openai_does(app):
    def code(answer):
        return answer.status_code, set(answer.json()["error"])

    keys = {"message", "type", "param", "code"}
    assert code(httpx.post(f"{app.url}/v1/chat/completions", content=b"{no json")) == (400, keys)
    assert code(httpx.get(f"{app.url}/v1/nothing")) == (404, keys)
    assert code(httpx.get(f"{app.url}/v1/files")) == (405, keys)
    assert code(httpx.post(f"{app.url}/v1/files", data={"purpose": "x"})) == (400, keys)
    big = httpx.post(f"{app.url}/v1/chat/completions", content=iter([b" " * 2**20] * 66))
    assert code(big) == (413, keys)


def test_a_reader_who_goes_away_frees_the_worker(answering_app):
    engine, body = answering_app.engine, {"messages": [{"role": "user", "content": LONG}], "max_tokens": 512}
    url = f"{answering_app.url}/v1/chat/completions"
    with httpx.stream("POST", url, json={**body, "stream": True}, timeout=120) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        words = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: {"))
        assert any(event["choices"][0]["delta"].get("content") for event in words)
        assert engine.answering == 1
    assert eventually(lambda: engine.answering == 0 and not len(engine.turns))

    def impatient():
        with pytest.raises(httpx.TimeoutException):
            httpx.post(url, json=body, timeout=3)

    waiting = threading.Thread(target=impatient)
    waiting.start()
    assert eventually(lambda: engine.answering == 1)
    waiting.join()
    assert eventually(lambda: engine.answering == 0 and not len(engine.turns))
