"""Files of other hosts: not unless allowed, never from private addresses, never more than the limit."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app import remote
from pointllm.errors import InputError


class Away(BaseHTTPRequestHandler):
    """Another host: a file, a way round to it, a way into the private network, and a way without end."""

    ways = {"/round": "/chair.ply", "/private": "http://10.0.0.1/secret", "/endless": "/endless", "/odd": "ftp://a/b"}

    def do_GET(self):
        if self.path in self.ways:
            self.send_response(302)
            self.send_header("Location", self.ways[self.path])
            self.end_headers()
            return
        found = self.path == "/chair.ply"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "model/ply; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"ply\n" * 25 if found else b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def away(monkeypatch):
    monkeypatch.setenv("POINTLLM_FETCH_URLS", "1")
    server = HTTPServer(("127.0.0.1", 0), Away)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetch(address: str, limit: int = 1000, public=lambda ip: ip == "127.0.0.1"):
    return remote.fetch(address, limit, public, ports=None)


def test_nothing_is_fetched_unless_the_server_was_started_for_it(monkeypatch):
    monkeypatch.delenv("POINTLLM_FETCH_URLS", raising=False)
    with pytest.raises(InputError, match="not fetched from other hosts"):
        remote.fetch("http://example.com/chair.ply", 1000)


def test_a_file_is_fetched_with_its_type_and_over_redirects(away):
    assert fetch(f"{away}/chair.ply") == (b"ply\n" * 25, "model/ply")
    assert fetch(f"{away}/round")[0] == b"ply\n" * 25


@pytest.mark.parametrize(("path", "line"), [
    ("/none", "answered 404"), ("/private", "not a host of the public internet"), ("/endless", "redirects"),
    ("/odd", "http or https"),
])
def test_what_leads_nowhere_or_inside_is_refused(away, path, line):
    with pytest.raises(InputError, match=line):
        fetch(away + path)


def test_more_than_the_limit_is_not_taken(away):
    with pytest.raises(InputError, match="larger"):
        fetch(f"{away}/chair.ply", limit=99)


@pytest.mark.parametrize("address", [
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/", "http://10.1.2.3/",
    "http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://0x7f.1/",
    "http://[64:ff9b::7f00:1]/", "http://100.64.0.1/", "http://224.0.0.1/", "http://user:word@example.com/",
    "http://127.0.0.1:22/", "ftp://example.com/", "http://", "http://no-such-host.invalid/a",
])
def test_private_addresses_in_every_disguise_are_refused(address, monkeypatch):
    monkeypatch.setenv("POINTLLM_FETCH_URLS", "1")
    with pytest.raises(InputError):
        remote.fetch(address, 1000)


def test_public_addresses_are_told_from_others():
    assert remote.is_public("93.184.216.34") and remote.is_public("2606:2800:220:1:248:1893:25c8:1946")
    assert not any(map(remote.is_public, ("192.168.1.1", "fe80::1%eth0", "fc00::1", "::", "2002:7f00:1::", "words")))
