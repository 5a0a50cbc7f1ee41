"""Tokenizers of the language models, and turning tokens into text as they arrive.

Two kinds: a `tokenizer.json` (Hugging Face layout) and a `tokenizer.model` (sentencepiece, Meta's layout). Both give
ids for a whole prompt, text for ids, and know the id that ends an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pointllm.errors import WeightsError

REPLACEMENT = "\ufffd"  # what decoders give for bytes that aren't (yet) a character


class Tokenizer(Protocol):
    """What the generator needs of a tokenizer."""

    end: int

    def encode(self, text: str) -> list[int]:
        """Ids of a prompt."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, without special marks."""
        ...


class JsonTokenizer:
    """A `tokenizer.json`; marks such as <|im_start|> in the text become their ids. `begin`: set before prompts."""

    def __init__(self, folder: Path, end: int, begin: int | None = None):
        from tokenizers import Tokenizer as Fast

        file = Path(folder) / "tokenizer.json"
        try:
            self._tokenizer = Fast.from_file(str(file))
        except Exception as error:  # the library raises bare Exceptions
            raise WeightsError(f"{file.name}: can't be read as a tokenizer ({error}); fetch the model again") from error
        self.end, self._before = end, [] if begin is None else [begin]

    def encode(self, text: str) -> list[int]:
        """See `Tokenizer`."""
        return self._before + self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """See `Tokenizer`."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)


class SentencePieceTokenizer:
    """A `tokenizer.model`; prompts begin with the begin-of-sentence id, as the original LLaMA's do."""

    def __init__(self, file: Path):
        from sentencepiece import SentencePieceProcessor

        try:
            self._model = SentencePieceProcessor(model_file=str(file))
        except (OSError, RuntimeError) as error:
            raise WeightsError(f"{Path(file).name}: can't be read as a sentencepiece model; fetch it again") from error
        self.end = self._model.eos_id()
        self._pieces = self._model.vocab_size()

    def encode(self, text: str) -> list[int]:
        """See `Tokenizer`."""
        return [self._model.bos_id(), *self._model.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """See `Tokenizer`."""
        # A model may have more output rows than its tokenizer has pieces, such as one for padding.
        return self._model.decode([token for token in ids if 0 <= token < self._pieces])


def tokenizer_of(folder: Path, config, prompt: str) -> Tokenizer:
    """The tokenizer in a folder of a language model: sentencepiece where it is there, else `tokenizer.json`.

    config: the model's, for the ids that begin and end a text. prompt: the kind of prompts; those of the published
    adapters begin with the begin-of-sentence id, marks do the same for chats. WeightsError where there is neither.
    """
    if (Path(folder) / "tokenizer.model").is_file():
        return SentencePieceTokenizer(Path(folder) / "tokenizer.model")
    end = config.eos_token_id[0] if isinstance(config.eos_token_id, list) else config.eos_token_id
    return JsonTokenizer(folder, end, config.bos_token_id if prompt == "alpaca" else None)


class TextStream:
    """Feeds on ids and gives out text, never half a character."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = 0  # a few ids before `_given`: how a token is spelled may depend on the one before it
        self._given = 0

    def feed(self, token: int) -> str:
        """The text that `token` completes; "" while a character is still incomplete."""
        self._ids.append(token)
        text = self._fresh()
        if not text or text.endswith(REPLACEMENT):
            return ""
        self._start, self._given = self._given, len(self._ids)
        return text

    def flush(self) -> str:
        """What is left at the end, without a broken last character."""
        return self._fresh().rstrip(REPLACEMENT)

    def _fresh(self) -> str:
        before = self._tokenizer.decode(self._ids[self._start : self._given])
        return self._tokenizer.decode(self._ids[self._start :])[len(before):]
