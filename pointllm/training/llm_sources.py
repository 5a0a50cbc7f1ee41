"""Questions and answers from files of other projects: LLaVA's, COCO's and Alpaca's JSON.

Each gives `Turn`s: what was said before, a question, its answer, and the picture that they are about. A row that can't
be used is reported with its place and left out. 3D files are refused: the language model learns from pictures and
text alone (arXiv 2309.00615, section 3.3), which is what lets it speak of 3D without 3D instruction data.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, InputError
from ..inputs.reading import modality_of
from .llm_config import SourceSection

logger = logging.getLogger("pointllm")

IMAGE_MARK = "<image>"
CAPTION_QUESTIONS = (
    "Describe what you see in one sentence.", "What is shown here?", "Give a short description.",
    "Say briefly what this is.", "Write a caption for this.",
)  # fmt: skip
REPORTED = 10  # bad rows that are named; of the others only the number


class BadRow(Exception):
    """Why a row can't be used."""


@dataclass(frozen=True)
class Turn:
    """A question with its answer. history: the turns before, (question, answer) each; image: None for text alone.

    question is None where any question for a caption will do.
    """

    question: str | None
    answer: str
    image: Path | None = None
    history: tuple[tuple[str, str], ...] = ()


def read_source(source: SourceSection, folder: Path) -> list[Turn]:
    """All turns of a source whose paths are relative to `folder`.

    Raises DataError for a file that isn't of the format, or without a usable row.
    """
    path, images = folder / source.file, folder / source.images
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror}); correct the source's file") from error
    except (ValueError, RecursionError):
        content = _lines(path)
    turns: list[Turn] = []
    bad: list[str] = []
    for number, row in enumerate(_rows(content, source.format, path)[: source.most], start=1):
        try:
            if not isinstance(row, dict):
                raise BadRow("is no table of keys")
            turns += READERS[source.format](row, images)
        except BadRow as error:
            bad.append(f"row {number} {error}")
    for line in bad[:REPORTED]:
        logger.warning("%s: %s; left out", path, line)
    if len(bad) > REPORTED:
        logger.warning("%s: %d more rows left out", path, len(bad) - REPORTED)
    if not turns:
        raise DataError(f"{path}: not one row can be used as {source.format}; first fault: "
                        f"{bad[0] if bad else 'it has no rows'}")
    return turns


def _lines(path: Path) -> list[Any]:
    """A file of JSON lines, which some sets are."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path}: is neither JSON nor JSON lines (line {number}: {error})") from error
    return rows


def _rows(content: Any, kind: str, path: Path) -> list[Any]:
    if kind == "coco":
        lists = isinstance(content, dict) and all(isinstance(content.get(k), list) for k in ("images", "annotations"))
        if not lists:
            raise DataError(f"{path}: is not COCO captions, which have lists `images` and `annotations`")
        files = {row.get("id"): row.get("file_name") for row in content["images"] if isinstance(row, dict)}
        return [{**row, "file_name": files.get(row.get("image_id"))} if isinstance(row, dict) else row
                for row in content["annotations"]]
    if not isinstance(content, list):
        raise DataError(f"{path}: is not {kind} data, which is a list of rows")
    return content


def picture(row: dict, key: str, images: Path) -> Path:
    """The picture that a row names; BadRow for another kind of file, 3D above all, or one outside the folder."""
    name = row.get(key)
    if not isinstance(name, str) or not name.strip():
        raise BadRow(f"has no {key}")
    path = Path(name)
    if not path.is_absolute():
        path = images / path
        if ".." in Path(name).parts:
            raise BadRow(f"names {name}, which leaves the folder of pictures")
    try:
        modality = modality_of(path)
    except InputError as error:
        raise BadRow(f"names {name}, which is no picture") from error
    if modality == "point":
        raise BadRow(f"names {name}, a 3D file: the language model is never trained on 3D points")
    if modality != "image":
        raise BadRow(f"names {name}, which is no picture but {modality}")
    if not path.is_file():
        raise BadRow(f"names {name}, which isn't there")
    return path


def _text(row: dict, key: str, needed: bool = True) -> str:
    value = row.get(key)
    if not isinstance(value, str) or (needed and not value.strip()):
        if needed or value is not None:
            raise BadRow(f"has no text in {key}")
        return ""
    return value.strip()


def _llava(row: dict, images: Path) -> Iterator[Turn]:
    """{"image"?, "conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}, …]}"""
    messages = row.get("conversations")
    if not isinstance(messages, list) or not messages:
        raise BadRow("has no conversations")
    image = picture(row, "image", images) if row.get("image") is not None else None
    history: list[tuple[str, str]] = []
    question = None
    turns = []
    for message in messages:
        if not isinstance(message, dict) or message.get("from") not in ("human", "gpt", "system"):
            raise BadRow("has a message from neither human nor gpt")
        text = _text(message, "value").replace(IMAGE_MARK, "").strip()
        if message["from"] == "human":
            question = text
        elif message["from"] == "gpt":
            if not question or not text:
                raise BadRow("has an answer without a question, or an empty one")
            turns.append(Turn(question, text, image, tuple(history)))
            history.append((question, text))
            question = None
    if not turns:
        raise BadRow("has no answer")
    yield from turns


def _coco(row: dict, images: Path) -> Iterator[Turn]:
    """An annotation {"image_id", "caption"} with its image's file name."""
    caption = _text(row, "caption")
    yield Turn(None, caption[0].upper() + caption[1:].rstrip(".") + ".", picture(row, "file_name", images))


def _alpaca(row: dict, images: Path) -> Iterator[Turn]:
    """{"instruction", "input"?, "output"}; text alone."""
    instruction, given, output = _text(row, "instruction"), _text(row, "input", needed=False), _text(row, "output")
    yield Turn(f"{instruction}\n\n{given}" if given else instruction, output)


READERS = {"llava": _llava, "coco": _coco, "alpaca": _alpaca}


def caption_question(rng: random.Random) -> str:
    """A question that a caption answers."""
    return rng.choice(CAPTION_QUESTIONS)
