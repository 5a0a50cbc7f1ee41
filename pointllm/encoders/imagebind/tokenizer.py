"""The byte-pair tokeniser of CLIP, as ImageBind's text tower expects it: sentences to ids (B, 77).

Byte-pair encoding after Sennrich et al. (arXiv 1508.07909) over bytes written as printable characters, with the merge
table of CLIP (`bpe_simple_vocab_16e6.txt.gz`, MIT; see BPE_LICENSE.md). Text is cleaned by `ftfy` as in the original,
lower-cased, and cut after 77 tokens, the begin mark included (a long text loses its end mark, as in the original).
"""

from __future__ import annotations

import gzip
import html
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from pointllm.errors import InputError

VOCABULARY_FILE = Path(__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
MERGES = 49152 - 256 - 2  # the file holds more than the vocabulary uses
CONTEXT = 77
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
# Special marks, English contractions, runs of letters, single digits, runs of anything else.
PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


@lru_cache(maxsize=1)
def byte_characters() -> list[str]:
    """A printable character for each of the 256 bytes: itself where it prints, else one from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return [chr(256 + others.index(byte)) if byte in others else chr(byte) for byte in range(256)]


def clean(text: str) -> str:
    """Mended Unicode, HTML entities resolved (twice: `&amp;lt;` occurs), spaces folded, lower case."""
    import ftfy

    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


class Tokenizer:
    """Sentences → ids. Holds the merge table; build it once."""

    def __init__(self, vocabulary_file: Path = VOCABULARY_FILE) -> None:
        import regex

        with gzip.open(vocabulary_file, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")[1 : MERGES + 1]  # the first line names the version
        merges = [tuple(line.split()) for line in lines]
        characters = byte_characters()
        # The published order of single characters: printable ones first.
        single = sorted(characters, key=lambda character: (ord(character) >= 256, ord(character)))
        tokens = [*single, *(character + "</w>" for character in single), *map("".join, merges), BEGIN, END]
        self.ids = {token: index for index, token in enumerate(tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.pattern = regex.compile(PATTERN, regex.IGNORECASE)
        self.split = lru_cache(maxsize=65536)(self._split)

    def _split(self, word: str) -> tuple[str, ...]:
        """A word written in byte characters → its tokens, merged from the most frequent pair on."""
        if word in (BEGIN, END):
            return (word,)
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pair = min(zip(parts, parts[1:], strict=False), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if pair not in self.ranks:
                break
            merged, index = [], 0
            while index < len(parts):
                if tuple(parts[index : index + 2]) == pair:
                    merged.append(parts[index] + parts[index + 1])
                    index += 2
                else:
                    merged.append(parts[index])
                    index += 1
            parts = merged
        return tuple(parts)

    def encode(self, text: str) -> list[int]:
        """One text → ids without begin and end marks, of any length."""
        characters = byte_characters()
        ids = []
        for word in self.pattern.findall(clean(text)):
            written = "".join(characters[byte] for byte in word.encode("utf-8"))
            ids.extend(self.ids[token] for token in self.split(written))
        return ids

    def __call__(self, texts: Sequence[str], context: int = CONTEXT) -> Tensor:
        """Texts → (B, context) int64, filled up with zeros.

        Raises:
            InputError: `texts` is a bare string or holds something that is not one.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InputError("the tokeniser takes a list of strings")
        rows = torch.zeros(len(texts), context, dtype=torch.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [self.ids[BEGIN], *self.encode(text), self.ids[END]][:context]
            row[: len(ids)] = torch.tensor(ids)
        return rows
