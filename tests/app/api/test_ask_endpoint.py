"""/ask, called through HTTP as any program would; and that the app starts, ends and waits as it should."""

import json
import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from waiting import LONG, eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def client(answering_app):
    return Client(answering_app.url, verbose=False)


def test_the_page_is_built_without_loading_the_model_or_pytorch():
    code = ("import sys; from app.engine import Engine; from app.layout import build; build(Engine('embedded'));"
            "print(sorted({'torch', 'transformers', 'open3d', 'trimesh'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_taken_port_is_told_in_one_line(app):
    port = app.url.rsplit(":", 1)[1]
    done = subprocess.run([sys.executable, "app.py"], capture_output=True, text=True, cwd=ROOT,
                          env={**os.environ, "PORT": port, "GRADIO_SERVER_NAME": "127.0.0.1"})
    assert done.returncode == 1
    assert port in done.stderr.strip().splitlines()[-1] and "Traceback" not in done.stderr


def test_every_response_forbids_other_hosts(app):
    policy = httpx.get(app.url).headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy


def test_the_named_endpoint_is_documented(app):
    endpoints = Client(app.url, verbose=False).view_api(return_format="dict")["named_endpoints"]
    names = [parameter["parameter_name"] for parameter in endpoints["/ask"]["parameters"]]
    assert names == ["files", "prompt", "max_tokens", "seed", "use_cache", "history", "texts", "weights",
                     "temperature", "top_p", "witness"]
    needed = [parameter["parameter_name"] for parameter in endpoints["/ask"]["parameters"]
              if not parameter["parameter_has_default"]]
    assert needed == ["prompt"]


def test_a_question_about_a_shape_is_answered_and_the_answer_grows(client, samples):
    job = client.submit([handle_file(str(samples / "chair.ply"))], "What is this?", api_name="/ask")
    answer = job.result(timeout=300)
    assert answer.strip()
    steps = [step for step in job.outputs() if step]
    assert len(set(steps)) > 1
    assert all(later.startswith(earlier) for earlier, later in zip(steps, steps[1:], strict=False))


def test_the_same_seed_gives_the_same_answer(client, samples):
    ask = [[handle_file(str(samples / "cat.jpg"))], "What is this?", 24, 3]
    assert client.predict(*ask, api_name="/ask") == client.predict(*ask, api_name="/ask")


def test_the_history_changes_the_answer(client):
    told = [{"role": "user", "content": "I have a parrot called Rio."}, {"role": "assistant", "content": "Lovely!"}]
    answers = {client.predict(None, "What pet do I have?", 24, 0, True, history, api_name="/ask")
               for history in ([], told)}
    assert len(answers) == 2 and all(answers)


def test_an_obj_is_read_with_its_materials(client, samples):
    files = [handle_file(str(samples / name)) for name in ("car.mtl", "car.obj")]
    assert "green" in client.predict(files, "What colour is it?", 32, api_name="/ask").lower()


@pytest.mark.parametrize(("name", "content"), [("empty.ply", b""), ("words.ply", b"no mesh at all"), ("a.xyzzy", b"1")])
def test_a_file_that_cannot_be_used_gives_one_line_with_its_name_only(client, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Exception, match=name) as caught:
        client.predict([handle_file(str(tmp_path / name))], "What is this?", api_name="/ask")
    assert "\n" not in str(caught.value) and "/tmp" not in str(caught.value) and "gradio/" not in str(caught.value)


def test_an_empty_prompt_is_refused(client):
    with pytest.raises(Exception, match="prompt is empty"):
        client.predict(None, "  ", api_name="/ask")


def call(url: str, **given) -> str:
    """Start an answer as curl would; gives the event's id."""
    return httpx.post(f"{url}/gradio_api/call/v2/ask", json=given, timeout=60).json()["event_id"]


def test_a_file_of_the_server_that_nobody_uploaded_is_not_read(answering_app):
    secret = {"path": str(Path(__file__)), "meta": {"_type": "gradio.FileData"}}
    event = call(answering_app.url, files=[secret], prompt="What is this?", max_tokens=16)
    lines = httpx.get(f"{answering_app.url}/gradio_api/call/ask/{event}", timeout=300).text
    assert "event: error" in lines and "event: complete" not in lines


def test_sentences_are_looked_at_by_their_weights(client):
    given = {"prompt": "What is this?", "texts": ["a photo of a dog", "a photo of a car"], "max_tokens": 16,
             "api_name": "/ask"}
    assert "dog" in client.predict(**given, weights=[1, 0]).lower()
    assert "car" in client.predict(**given, weights=[0, 1]).lower()


@pytest.mark.parametrize(("given", "line"), [
    ({"weights": [1, 2]}, "2 weights for 0 inputs"), ({"weights": "many"}, "weights must be a list of numbers"),
    ({"texts": [" "]}, "texts holds an empty text"), ({"witness": "nobody"}, "witness|nobody"),
    ({"top_p": 0}, "top_p is 0"),
])
def test_options_that_cannot_be_used_are_refused(client, given, line):
    with pytest.raises(Exception, match=line):
        client.predict(prompt="What is this?", max_tokens=4, **given, api_name="/ask")


def test_cancelling_frees_the_worker(client, answering_app):
    engine = answering_app.engine
    job = client.submit(None, LONG, 512, api_name="/ask")
    assert eventually(lambda: engine.answering == 1 and any(job.outputs()))
    job.cancel()
    assert eventually(lambda: engine.answering == 0)
    assert client.predict(None, "Say hello.", 8, api_name="/ask").strip()


def test_a_client_that_goes_away_frees_the_worker(answering_app):
    engine, url = answering_app.engine, answering_app.url
    session = uuid.uuid4().hex
    config = httpx.get(f"{url}/config").json()
    function = next(d["id"] for d in config["dependencies"] if d["api_name"] == "ask")
    data = [None, LONG, 512, 0, True, *[None] * 6]
    body = {"data": data, "fn_index": function, "session_hash": session}
    httpx.post(f"{url}/gradio_api/queue/join", json=body).raise_for_status()
    with httpx.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}, timeout=120) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and json.loads(line[5:])["msg"] == "process_generating":
                break
        assert engine.answering == 1
    assert eventually(lambda: engine.answering == 0)


def test_questions_of_two_people_wait_for_each_other(answering_app):
    most, done = [], threading.Event()

    def watch():
        while not done.wait(0.01):
            most.append(answering_app.engine.answering)

    watcher = threading.Thread(target=watch)
    watcher.start()
    jobs = [Client(answering_app.url, verbose=False).submit(None, f"Say {word}.", 16, api_name="/ask")
            for word in ("yes", "no")]
    answers = [job.result(timeout=300) for job in jobs]
    done.set()
    watcher.join()
    assert all(answers) and max(most) == 1
