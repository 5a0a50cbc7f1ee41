"""Copies behind one port, with a small server in place of the app."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from pointllm.errors import InputError
from pointllm.serving.replicas import serve

COPY = '''
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

open(os.path.join(os.environ["STARTS"], f"{os.getpid()}"), "w").close()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        if self.path == "/slow":
            self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
            try:
                for number in range(600):
                    piece = b"data: %d\\n\\n" % number
                    self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(piece), piece)); self.wfile.flush(); time.sleep(0.1)
            except OSError:
                open(os.path.join(os.environ["STARTS"], "left"), "w").close()
            return
        length = int(self.headers.get("Content-Length") or 0)
        answer = {"pid": os.getpid(), "path": self.path, "body": len(self.rfile.read(length)),
                  "headers": {name.lower(): value for name, value in self.headers.items()},
                  "threads": os.environ["OMP_NUM_THREADS"]}
        content = json.dumps(answer).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(content))); self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
RUN = ("import os, sys; from pointllm.serving.replicas import serve;"
       "sys.exit(serve([sys.executable, sys.argv[1]], os.environ, int(sys.argv[3]), '127.0.0.1', int(sys.argv[2])))")
BROWSER = {"accept": "text/html"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until(what, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it never happened")


def started(folder, code=COPY, count=2):
    (folder / "fake_app.py").write_text(code)
    (folder / "starts").mkdir()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    process = subprocess.Popen([sys.executable, "-c", RUN, str(folder / "fake_app.py"), str(port), str(count)],
                               env={**environment, "STARTS": str(folder / "starts")}, stderr=subprocess.PIPE, text=True)
    return process, f"http://127.0.0.1:{port}"


def answers(url):
    """Waits until calls are answered."""
    def ask():
        try:
            return httpx.get(f"{url}/v1/models", timeout=5).json()
        except (httpx.HTTPError, json.JSONDecodeError):
            return None

    return until(ask)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    process, url = started(folder)
    try:
        until(lambda: len(list((folder / "starts").iterdir())) == 2)
        answers(url)
        yield url, folder / "starts"
    finally:
        process.terminate()
        process.wait(30)


def test_a_browser_stays_with_its_copy_and_browsers_are_spread(copies):
    url, _ = copies
    homes = []
    for _ in range(2):
        with httpx.Client(base_url=url) as browser:
            homes.append(browser.get("/", headers=BROWSER).json()["pid"])
            assert {browser.post("/gradio_api/queue/join", json={}).json()["pid"] for _ in range(4)} == {homes[-1]}
    assert len(set(homes)) == 2


def test_a_program_stays_with_one_copy(copies):
    url, _ = copies
    assert len({httpx.post(f"{url}/gradio_api/call/ask", json={}).json()["pid"] for _ in range(4)}) == 1


def test_path_query_host_and_body_arrive_as_they_were_sent(copies):
    url, _ = copies
    body = b"x" * 3_000_000
    seen = httpx.get(f"{url}/a%20b/%C3%A9?c=%26&d", headers={"x-forwarded-for": "9.9.9.9"}).json()
    assert seen["path"] == "/a%20b/%C3%A9?c=%26&d" and seen["headers"]["host"] == url.removeprefix("http://")
    assert seen["headers"]["x-forwarded-for"] == "9.9.9.9"
    assert httpx.get(url).json()["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert httpx.post(f"{url}/x", content=body).json()["body"] == len(body)


def test_the_cores_are_shared_out(copies):
    url, _ = copies
    assert httpx.get(url).json()["threads"] == str(max(1, os.cpu_count() // 2))


def test_an_answer_comes_as_it_is_written_and_ends_with_its_reader(copies):
    url, starts = copies
    with httpx.stream("GET", f"{url}/slow", timeout=30) as stream:
        first = next(stream.iter_text())
        assert first.startswith("data: 0") and "data: 9" not in first
    until(lambda: (starts / "left").exists())


def test_a_copy_that_ends_is_started_anew_while_others_answer(copies):
    url, starts = copies
    before = set(starts.iterdir())
    with httpx.Client(base_url=url, timeout=30) as browser:
        browser.get("/", headers=BROWSER)
        assert browser.get("/die").status_code == 502
        assert browser.get("/", headers=BROWSER).status_code == 200
    until(lambda: len(set(starts.iterdir()) - before) >= 1)


def test_the_end_of_the_port_is_the_end_of_the_copies(tmp_path):
    process, url = started(tmp_path)
    until(lambda: len(list((tmp_path / "starts").iterdir())) == 2)
    answers(url)
    pids = [int(entry.name) for entry in (tmp_path / "starts").iterdir()]
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_copies_that_never_start_are_given_up_with_a_line(tmp_path):
    process, _ = started(tmp_path, "raise SystemExit(7)", count=1)
    assert process.wait(60) != 0
    assert "ends at once with status 7" in process.stderr.read().strip().splitlines()[-1]


def test_a_taken_port_and_odd_numbers_are_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="can't be listened on"):
            serve(["true"], {}, 2, "127.0.0.1", taken.getsockname()[1])
    with pytest.raises(InputError, match="--replicas 1000"):
        serve(["true"], {}, 1000, "127.0.0.1", 1)
