"""Tools for assistants: the app as an MCP server, by gradio's own switch (`mcp_server`), at /gradio_api/mcp.

Tools of their own rather than the endpoints: assistants can't upload as browsers do, so files are texts here (data
URLs, ids, addresses; see `references`), and gradio's conversion of files knows neither lists nor names. What they
give back is words and JSON, never the server's paths.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import gradio as gr

from ..engine import Engine, Options, Status
from ..settings import ANSWERS_AT_ONCE, READS_AT_ONCE
from ..space import Space, each
from ..uploads import arrange
from .errors import told
from .references import path_of
from .store import Store

PREFIX = "mcp_"  # of the endpoints behind the tools
# Gradio takes one line for each parameter, and what must be said of files is long: it stands here once.
FILES = ("each a data URL (data:;name=chair.ply;base64,…), the id of an upload to /v1/files (file-…), or the address "
         "of an upload to this server; other addresses only where the server was started to fetch them. An .obj may "
         "come with its .mtl and textures.")


def build(engine: Engine, space: Space, store: Store) -> None:
    """Add the tools to the current `gr.Blocks`. The docstrings are what assistants read."""

    def had(files: Sequence[str]) -> list[str]:
        with told():
            return arrange([path_of(file, store) for file in files])

    def ask_about_files(question: str, files: list[str] = [], texts: list[str] = [],  # noqa: B006
                        max_tokens: int = Options.max_tokens) -> str:
        """Look at 3D files (point clouds and meshes: PLY, OBJ, GLB, STL, PCD, …), pictures, sounds or videos, and
        answer a question about them in words. Names plain objects and says what they are for; a small model, often
        wrong on rare things.

        Args:
            question: what to answer, in English
            files: what to look at, {FILES}
            texts: sentences to look at like files
            max_tokens: the longest answer
        """
        paths = had(files)
        with told(paths):
            if not question.strip():
                raise gr.Error("the question is empty; ask something", print_exception=False)
            pieces = engine.answer(paths, question.strip(), [], Options(max_tokens=int(max_tokens), text=tuple(texts)))
            return "".join(piece for piece in pieces if not isinstance(piece, Status))

    def classify_files(files: list[str], labels: list[str], top: int = 5) -> str:
        """Recognise 3D files, pictures, sounds or videos: which of the given labels each one is, with scores that add
        up to 1, and whether none of them fits. More reliable than asking in words where the answers are known.

        Args:
            files: what to recognise, {FILES}
            labels: possible names, such as chair, table, guitar
            top: how many labels to give for each file
        """
        paths = had(files)
        with told(paths):
            return _written(space.classify(paths, labels, top=int(top), none=True))

    def retrieve_files(texts: list[str] = [], files: list[str] = [], minus_texts: list[str] = [],  # noqa: B006
                       gallery: list[str] = [], top: int = 10) -> str:  # noqa: B006
        """Find, among files of any kind, those that fit best what is described and shown: sentences and files are
        added up, and sentences may be subtracted. A sentence finds a 3D file, a picture finds a sound.

        Args:
            texts: sentences to look for
            files: files to look for, {FILES}
            minus_texts: what the results should have less of
            gallery: the files to search among, given like the others; empty: the gallery of this server
            top: how many results
        """
        paths, among = had(files), had(gallery)
        with told([*paths, *among]):
            return _written(space.search(paths, text=texts, minus_text=minus_texts, among=among, top=int(top)))

    def describe_files(files: list[str]) -> str:
        """Measure 3D files, pictures, sounds or videos: format, size, vertices and faces, colours, whether a mesh is
        closed, which way is up; length or pixels of others. Facts read from the file, not guessed by a model.

        Args:
            files: what to measure, {FILES}
        """
        paths = had(files)
        with told(paths):
            return _written(each(paths, space.describe))

    def generate_shape(request: gr.Request, texts: list[str] = [], files: list[str] = [],  # noqa: B006
                       seed: int = 0, best_of: int = 4) -> str:
        """Make a new 3D shape, a coloured mesh as a .glb file, out of words, files, or a mix of them. Plain objects
        such as furniture and vehicles come out best. Gives an address to fetch it from, and its id, by which other
        tools can look at it.

        Args:
            texts: what the shape should be, such as a red chair
            files: 3D files, pictures, sounds or videos that the shape should be like, {FILES}
            seed: another one gives another shape
            best_of: of so many tries, up to 16, keep the one that looks most like what was asked for
        """
        paths = had(files)
        with told(paths):
            (row,) = space.generate(paths, texts, seed=int(seed), best_of=int(best_of))
            kept = store.add(row.pop("path"))
            host = request.headers.get("host") if request is not None else None
            address = f"{f'http://{host}' if host else ''}/v1/files/{kept.id}/content"
            return _written({"file": kept.id, "address": address, **row})

    _offer(ask_about_files, "ask", "answers", ANSWERS_AT_ONCE)
    for name, tool in (("classify", classify_files), ("retrieve", retrieve_files), ("generate", generate_shape),
                       ("describe", describe_files)):
        _offer(tool, name, "space", READS_AT_ONCE)


def _offer(tool: Callable[..., str], name: str, line: str, at_once: int) -> None:
    tool.__doc__ = (tool.__doc__ or "").replace("{FILES}", FILES)
    gr.api(tool, api_name=PREFIX + name, concurrency_id=line, concurrency_limit=at_once)


def only_these(page: gr.Blocks) -> None:
    """Offer no other endpoint as a tool; called once the page is launched."""
    server = page.mcp_server_obj
    if server is not None:
        server.tool_to_endpoint = {tool: endpoint for tool, endpoint in server.tool_to_endpoint.items()
                                   if endpoint.startswith(f"/{PREFIX}")}


def _written(result: object) -> str:
    return json.dumps(result, ensure_ascii=False)
