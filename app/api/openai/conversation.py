"""From the messages of a request to a question, the files it is about, and the turns before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pointllm.errors import InputError

from ...engine import Options
from ...settings import MAX_FILES, MOST_TOKENS
from ...uploads import arrange
from ..references import decode, keep, path_of
from ..store import Store
from .errors import Refusal
from .schema import AudioPart, ChatRequest, FilePart, ImagePart, Message, TextPart


@dataclass
class Asked:
    """What is asked: question, paths of files, earlier messages in words, and options."""

    question: str
    paths: list[str]
    history: list[dict[str, str]]
    options: Options
    stops: list[str] = field(default_factory=list)


def asked(request: ChatRequest, store: Store) -> Asked:
    """Read a request; files that come inside it go to `store`.

    The last message asks. It is about the files that come with it; without any, about those of the latest message
    before it that had some. Instructions (system, developer) stand before the question: the model knows no such role.
    Raises `Refusal`.
    """
    last = len(request.messages) - 1
    if request.messages[last].role != "user":
        raise Refusal(400, "the last message must be the user's", f"messages.{last}.role", "invalid_value")
    question = _text(request.messages[last])
    with_files = next((index for index in range(last, -1, -1) if _files_of(request.messages[index])), None)
    paths = [] if with_files is None else _paths(request.messages[with_files], with_files, store)
    instructions = [_text(message) for message in request.messages if message.role in ("system", "developer")]
    if not question:
        if not paths:
            raise Refusal(400, "the last message is empty; ask something", f"messages.{last}.content", "invalid_value")
        question = "What is this?"
    history = [{"role": message.role, "content": _text(message)} for message in request.messages[:last]
               if message.role in ("user", "assistant") and _text(message)]
    inputs = len(paths) + len(request.texts or ())
    if request.weights is not None and len(request.weights) != inputs:
        raise Refusal(400, f"{len(request.weights)} weights for {inputs} inputs; give one for each file and text",
                      "weights", "invalid_value")
    longest = request.max_completion_tokens or request.max_tokens or Options.max_tokens
    options = Options(
        cache=request.use_cache, seed=request.seed or 0, max_tokens=min(longest, MOST_TOKENS),
        temperature=request.temperature, top_p=request.top_p, text=tuple(request.texts or ()),
        weights=None if request.weights is None else tuple(request.weights), witness=request.witness,
    )
    return Asked("\n\n".join([*filter(None, instructions), question]), paths, history, options, request.stops)


def _text(message: Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return (message.content or "").strip()
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart)).strip()


def _files_of(message: Message) -> list[ImagePart | AudioPart | FilePart]:
    if message.role != "user" or not isinstance(message.content, list):
        return []
    return [part for part in message.content if not isinstance(part, TextPart)]


def _paths(message: Message, index: int, store: Store) -> list[str]:
    parts = _files_of(message)
    if len(parts) > MAX_FILES:
        raise Refusal(400, f"{len(parts)} files at once are too many; send up to {MAX_FILES}",
                      f"messages.{index}.content", "invalid_value")
    paths = []
    for part in parts:
        try:
            paths.append(_path(part, store))
        except InputError as error:
            raise Refusal(400, str(error), f"messages.{index}.content", "invalid_input") from error
    return arrange(paths)


def _path(part: ImagePart | AudioPart | FilePart, store: Store) -> str:
    if isinstance(part, ImagePart):
        return path_of(part.address.url, store, part.address.name)
    if isinstance(part, AudioPart):
        kind = part.input_audio.format.strip(". ").lower()
        if part.input_audio.data.startswith("data:"):
            return path_of(part.input_audio.data, store, f"sound.{kind}")
        return keep(decode(part.input_audio.data, "input_audio"), store, f"sound.{kind}")
    given = part.file
    if given.file_id:
        return path_of(given.file_id, store)
    if given.file_data.startswith("data:"):
        return path_of(given.file_data, store, given.filename)
    name = Path(given.filename).name if given.filename else None
    return keep(decode(given.file_data, name), store, name)
