"""XML from strangers, without document types: no entities, nothing external, names without namespaces."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from xml.parsers import expat

from ...errors import InputError

MAX_DEPTH = 400
MAX_TAGS = 20_000_000


def parse(path: Path, data: bytes, start: Callable[[str, dict[str, str]], None],
          end: Callable[[str], None], text: Callable[[str], None] | None = None) -> None:
    """Runs through a document, calling start(name, attributes), end(name) and text(data)."""
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise InputError(f"{path.name}: its XML is nested more than {MAX_DEPTH} deep; export it again")
        start(_local(name), {_local(k): v for k, v in attributes.items()})

    def finish(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(_local(name))

    def refuse(*_: object) -> None:
        raise InputError(f"{path.name}: its XML declares a document type or entities, which are not read; "
                         "export it again")

    if data.count(b"<") > MAX_TAGS:
        raise InputError(f"{path.name}: its XML holds more than {MAX_TAGS:,} tags; export it as .glb")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"{path.name}: its XML cannot be read ({error}); export it again") from error


def parse_tree(path: Path, data: bytes) -> ElementTree.Element:
    """The root element of a document."""
    builder = ElementTree.TreeBuilder()
    parse(path, data, builder.start, builder.end, builder.data)
    return builder.close()


@lru_cache(1024)
def _local(name: str) -> str:
    return name.rsplit(":", 1)[-1]
