"""The app as an MCP server, called with the protocol's own client over HTTP."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import httpx
import pytest

from app.settings import Settings
from pointllm.profiles import checkpoints_dir
from pointllm.tasks.generation import has_generator

mcp = pytest.importorskip("mcp")


@asynccontextmanager
async def connected(url):
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(f"{url}/gradio_api/mcp/") as (read, write, _):
        async with mcp.ClientSession(read, write) as session:
            await session.initialize()
            yield session


def call(url: str, tool: str, **given):
    async def called():
        async with connected(url) as session:
            return await session.call_tool(tool, given)

    return asyncio.run(called())


def words(result) -> str:
    assert not result.isError, result
    return result.content[0].text


@pytest.fixture
def chair(samples) -> str:
    return "data:;name=chair.ply;base64," + base64.b64encode((samples / "chair.ply").read_bytes()).decode()


def test_it_is_served_only_where_it_was_asked_for(monkeypatch):
    for name in ("POINTLLM_MCP", "GRADIO_MCP_SERVER"):
        monkeypatch.delenv(name, raising=False)
    assert not Settings.from_environment().mcp
    monkeypatch.setenv("POINTLLM_MCP", "1")
    assert Settings.from_environment().mcp


def test_the_tools_say_what_they_are_for(app):
    async def listed():
        async with connected(app.url) as session:
            return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(tools) >= {"ask_about_files", "classify_files", "retrieve_files", "generate_shape", "describe_files"}
    for tool in tools.values():
        assert len(tool.description) > 80 and "{" not in tool.description
        assert all(about.get("description") for about in tool.inputSchema["properties"].values()), tool.name
    assert tools["ask_about_files"].inputSchema["required"] == ["question"]
    assert tools["classify_files"].inputSchema["properties"]["files"]["items"] == {"type": "string"}


def test_an_assistant_asks_about_a_shape(answering_app, chair):
    assert "chair" in words(call(answering_app.url, "ask_about_files", question="What is this?", files=[chair])).lower()


def test_an_assistant_recognises_an_upload_by_its_id(answering_app, samples):
    url = answering_app.url
    files = {"file": ("guitar.glb", (samples / "guitar.glb").read_bytes())}
    id = httpx.post(f"{url}/v1/files", files=files, timeout=60).json()["id"]
    rows = json.loads(words(call(url, "classify_files", files=[id], labels=["guitar", "hammer"])))
    assert rows[0]["input"] == "guitar.glb" and rows[0]["top"][0]["label"] == "guitar"


def test_an_assistant_measures_an_upload_by_its_address(app, samples):
    files = {"files": ("chair.ply", (samples / "chair.ply").read_bytes())}
    sent = httpx.post(f"{app.url}/gradio_api/upload", files=files)
    address = f"{app.url}/gradio_api/file={sent.json()[0]}"
    assert json.loads(words(call(app.url, "describe_files", files=[address])))[0]["faces"] == 4999


def test_an_assistant_finds_among_files(answering_app, chair, samples):
    cat = "data:image/jpeg;base64," + base64.b64encode((samples / "cat.jpg").read_bytes()).decode()
    found = json.loads(words(call(answering_app.url, "retrieve_files", texts=["furniture"], gallery=[cat, chair])))
    assert found["top"][0]["name"] == "chair.ply"


@pytest.mark.skipif(not has_generator(checkpoints_dir() / "embedded"), reason="there is no shape generator")
def test_an_assistant_makes_a_shape_and_looks_at_it(answering_app):
    made = json.loads(words(call(answering_app.url, "generate_shape", texts=["a chair"])))
    assert httpx.get(made["address"]).content.startswith(b"glTF")
    measured = json.loads(words(call(answering_app.url, "describe_files", files=[made["file"]])))
    assert measured[0]["faces"] == made["faces"]


@pytest.mark.parametrize("file", [__file__, f"file://{__file__}", "http://127.0.0.1:1/a.ply", "file-00", "data:,",
                                  "http://x/gradio_api/file=/etc/hostname"])
def test_nothing_but_what_was_sent_is_opened(app, file):
    result = call(app.url, "describe_files", files=[file])
    assert result.isError and "\n" not in result.content[0].text


def test_other_endpoints_are_no_tools(app):
    assert call(app.url, "profiles").isError
