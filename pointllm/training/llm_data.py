"""What the language model is trained on: pairs of a joint embedding and a question with its answer.

The embeddings come from text and from images only, never from 3D points (section 3.3 of arXiv 2309.00615): text
embeddings of names, synonyms and true sentences, and image embeddings of training views. They are disturbed the way
embeddings of unseen objects are (noise, a share of a confusable label) and sometimes passed through the cache.
Every step's data depends on (seed, step, part) alone, so a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.data.questions import QuestionBook
from pointllm.data.templates import TEMPLATES
from pointllm.errors import InputError
from pointllm.llm.visual_cache import VisualCache
from pointllm.training.llm_config import DisturbanceSection, GroupSection
from pointllm.training.llm_hints import HintedQuestions
from pointllm.training.llm_sources import Turn, caption_question

MODALITIES = ("text", "image")  # of embeddings that the language model may learn from
DRAWS = 50  # of a kind of question, before a group is given up


@dataclass
class EmbeddingBank:
    """label → text embeddings (S, D), and image embeddings of its objects, each (V, D)."""

    text: Mapping[str, Tensor]
    images: dict[str, list[Tensor]] = field(default_factory=dict)

    def add(self, label: str, views: Tensor, modality: str) -> None:
        """Embeddings (V, D) of an object with this label.

        Raises InputError for any other modality than images: what looks at 3D points never teaches the language model.
        """
        if modality != "image":
            raise InputError(f"the language model learns from {' and '.join(MODALITIES)} embeddings only, "
                             f"not from {modality}")
        self.images.setdefault(label, []).append(F.normalize(views.float(), dim=-1))

    def add_file(self, file: Path, label_of: Mapping[str, str]) -> int:
        """Take the objects of an npz with `ids` (N,) and `embeddings` (N, V, D); returns how many had a label.

        `out_of_fold` (N, V, D), where the file has it, are embeddings by heads that did not see the object: they err as
        the embeddings of new objects do. A `modality` in the file must be "image".
        """
        try:
            with np.load(file, allow_pickle=False) as arrays:
                modality = str(arrays["modality"]) if "modality" in arrays else "image"
                for kind in arrays.keys() & {"embeddings", "out_of_fold"}:
                    for identity, views in zip(arrays["ids"], arrays[kind], strict=True):
                        if label := label_of.get(str(identity)):
                            self.add(label, torch.from_numpy(views.astype(np.float32)), modality)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{file}: not an npz with ids and embeddings ({error}); write it again") from error
        return sum(map(len, self.images.values()))

    def sample(self, label: str, rival: str, amount: DisturbanceSection, rng: random.Random) -> Tensor:
        """A disturbed unit vector (D,) that stands for an object with this label."""
        objects = self.images.get(label)
        if objects and rng.random() < amount.image_share:
            views = rng.choice(objects)
            chosen = rng.sample(range(len(views)), rng.randint(1, min(6, len(views))))
            return disturbed(F.normalize(views[chosen].mean(0), dim=-1), rng.uniform(0, amount.image_noise), rng)
        vector = rng.choice(self.text[label])
        if rng.random() < 0.5:
            vector = vector + rng.uniform(0, amount.confusable) * rng.choice(self.text[rival])
        return disturbed(vector, rng.uniform(0, amount.noise), rng)


def disturbed(vector: Tensor, noise: float, rng: random.Random) -> Tensor:
    """The vector (D,) with a random one of length `noise` added, unit norm."""
    generator = torch.Generator().manual_seed(rng.getrandbits(48))
    direction = F.normalize(torch.randn(vector.shape, generator=generator), dim=-1)
    return F.normalize(vector + noise * direction, dim=-1)


def sentences_of(label: str, book: QuestionBook, templates: int, rng: random.Random) -> list[str]:
    """Names, synonyms and true sentences of a label; the first ones are the bare names."""
    names = [book.noun(label), *book.labels[label].get("synonyms", ())]
    sentences = list(names)
    for name in names[:4]:
        sentences += [template.format(name) for template in rng.sample(TEMPLATES, templates)]
    entry = book.knowledge.get(label)
    if entry:
        sentences += [entry["short"], *entry["long"].split(". ")[:1], f"{book.noun(label)} is {entry['is']}"]
    return sentences


def text_bank(book: QuestionBook, encode, templates: int = 8, seed: int = 0) -> EmbeddingBank:
    """Embed the sentences of all labels with `encode(list[str]) -> (B, D)`."""
    sentences = {label: sentences_of(label, book, templates, random.Random(f"{seed}-{label}")) for label in book.names}
    vectors = encode([sentence for label in book.names for sentence in sentences[label]]).float()
    parts = vectors.split([len(part) for part in sentences.values()])
    return EmbeddingBank(dict(zip(sentences, parts, strict=True)))


@dataclass(frozen=True)
class Row:
    """One answer to be learned: the whole prompt, the answer, and the embedding (D,); None for text alone."""

    prompt: str
    answer: str
    embedding: Tensor | None


class BatchMaker:
    """Turns (seed, number) into batches.

    sources: name → its turns; pictures: path → (D,) image embedding, of all that the turns name and that can be read.
    """

    def __init__(self, book: QuestionBook, bank: EmbeddingBank, tokenizer, prompt, caches: Sequence[VisualCache],
                 amount: DisturbanceSection, seed: int, sources: Mapping[str, Sequence[Turn]] | None = None,
                 pictures: Mapping[Path, Tensor] | None = None, longest: int = 1024,
                 hinted: HintedQuestions | None = None):
        self.book, self.bank, self.tokenizer, self.prompt = book, bank, tokenizer, prompt
        self.caches, self.amount, self.seed, self.longest = caches, amount, seed, longest
        self.pictures, self.hinted = pictures or {}, hinted
        self.sources = {name: [turn for turn in turns if turn.image is None or turn.image in self.pictures]
                        for name, turns in (sources or {}).items()}
        if empty := [name for name, turns in self.sources.items() if not turns]:
            raise InputError(f"source {empty[0]}: none of its pictures can be read")
        self._before = tokenizer.encode("")  # marks that the tokenizer sets before any text

    def batches(self, number: int, groups: Sequence[GroupSection]) -> list[list[dict]]:
        """The batches of each group, in the form that `LlmModel.forward` reads."""
        rng = random.Random(f"{self.seed}-{number}")
        made = []
        for group in groups:
            if group.hints:
                made.append(self._hinted(group, rng))
                continue
            kind, rows = self._from_source(group, rng) if group.source else self._from_book(group, rng)
            made.append(self.tensors(kind, rows, group.weight, rng, group.unfinished))
        return made

    def _from_book(self, group: GroupSection, rng: random.Random) -> tuple[str, list[Row]]:
        for _ in range(DRAWS):
            kind = rng.choices(list(group.kinds), list(group.kinds.values()))[0]
            found = self.book.group(kind, group.size, rng)
            if found is not None and found.items:
                prompt = self.prompt(found.question)
                return kind, [Row(prompt, i.answer, self.bank.sample(i.label, self.book.confusable(i.label, rng),
                                                                     self.amount, rng)) for i in found.items]
        raise InputError(f"phases: no question of the kinds {', '.join(group.kinds)} can be made about these labels")

    def _hinted(self, group: GroupSection, rng: random.Random) -> list[dict]:
        """Questions of several kinds with hints; each is read whole, for no two prompts are alike."""
        pairs = []
        for _ in range(DRAWS * group.size):
            kind = rng.choices(list(group.kinds), list(group.kinds.values()))[0]
            row = self.hinted.make(kind, rng)
            if row is None:
                continue
            embedding = rng.choice(self.caches)(row.embedding[None])[0] if self.caches else row.embedding
            prompt = self.tokenizer.encode(self.prompt(row.question, row.history))
            answer = [*self.tokenizer.encode(row.answer)[len(self._before):], self.tokenizer.end]
            if len(prompt) + len(answer) <= self.longest:
                pairs.append((prompt, answer, embedding))
            if len(pairs) == group.size:
                break
        if not pairs:
            raise InputError(f"phases: no question with hints of the kinds {', '.join(group.kinds)} can be made")
        pairs.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
        return [_whole(pairs[start:end], group.weight)
                for start, end in cheapest_split([len(p) + len(a) for p, a, _ in pairs], overhead=60)]

    def _from_source(self, group: GroupSection, rng: random.Random) -> tuple[str, list[Row]]:
        turns = rng.choices(self.sources[group.source], k=group.size)
        question = caption_question(rng)
        return group.source, [self._row(turn, question, rng) for turn in turns]

    def _row(self, turn: Turn, question: str, rng: random.Random) -> Row:
        prompt = self.prompt(turn.question or question, turn.history)
        embedding = None
        if turn.image is not None:
            embedding = disturbed(self.pictures[turn.image], rng.uniform(0, self.amount.image_noise), rng)
        return Row(prompt, turn.answer, embedding)

    def tensors(self, kind: str, rows: Sequence[Row], weight: float, rng: random.Random,
                unfinished: bool = False) -> list[dict]:
        """Tokenise; rows with the same prompt and answers of like length go together.

        `unfinished` leaves out the full stop and the end mark: the cheapest lesson in names.
        """
        by_prompt: dict[tuple[str, bool], list[tuple[list[int], Tensor | None]]] = {}
        for row in rows:
            text = row.answer.removesuffix(".") if unfinished else row.answer
            ids = self.tokenizer.encode(text)[len(self._before):]
            answer = ids if unfinished else [*ids, self.tokenizer.end]
            embedding = row.embedding
            if embedding is not None and self.caches and rng.random() < self.amount.cache_share:
                embedding = rng.choice(self.caches)(embedding[None])[0]
            by_prompt.setdefault((row.prompt, embedding is None), []).append((answer, embedding))
        batches = []
        for (text, _), pairs in by_prompt.items():
            prompt = self.tokenizer.encode(text)[-self.longest // 2 :]  # of long conversations the end
            pairs = sorted(((answer[: self.longest - len(prompt)], e) for answer, e in pairs), key=lambda p: len(p[0]))
            for start, end in cheapest_split([len(answer) for answer, _ in pairs]):
                batches.append(_padded(kind, prompt, pairs[start:end], weight))
        return batches


def _padded(kind: str, prompt: list[int], pairs: Sequence[tuple[list[int], Tensor | None]], weight: float) -> dict:
    """`prompt` (P,) ids, `tail` (B, T) ids, `targets` (B, T), -100 where nothing is asked, `embeddings` (B, D) or None.

    The prompt's last token stands first in the tail: it predicts the first of the answer.
    """
    length = len(pairs[-1][0])
    tail = torch.zeros(len(pairs), length, dtype=torch.long)
    targets = torch.full((len(pairs), length), -100)
    for place, (answer, _) in enumerate(pairs):
        tail[place, : len(answer)] = torch.tensor([prompt[-1], *answer[:-1]])
        targets[place, : len(answer)] = torch.tensor(answer)
    vectors = [embedding for _, embedding in pairs]
    return {"kind": kind, "weight": weight, "prompt": torch.tensor(prompt), "tail": tail, "targets": targets,
            "embeddings": None if vectors[0] is None else torch.stack(vectors)}


def _whole(rows: Sequence[tuple[list[int], list[int], Tensor]], weight: float) -> dict:
    """Rows that read their own prompts: `whole` (B, T) ids, `targets` (B, T), `begins` (B,), the first position that
    predicts an answer's token, `embeddings` (B, D)."""
    length = max(len(prompt) + len(answer) for prompt, answer, _ in rows) - 1
    whole = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full((len(rows), length), -100)
    for place, (prompt, answer, _) in enumerate(rows):
        ids = torch.tensor([*prompt, *answer])
        whole[place, : len(ids) - 1] = ids[:-1]
        targets[place, len(prompt) - 1 : len(ids) - 1] = ids[len(prompt):]
    return {"kind": "hints", "weight": weight, "whole": whole, "targets": targets,
            "begins": torch.tensor([len(prompt) - 1 for prompt, _, _ in rows]),
            "embeddings": torch.stack([embedding for _, _, embedding in rows])}


def cheapest_split(lengths: Sequence[int], overhead: int = 20) -> list[tuple[int, int]]:
    """Ranges of ascending `lengths` that cost least: a range costs rows x longest, plus `overhead` tokens."""
    best: list[tuple[float, int]] = [(0, 0)]  # cost of the first n rows, and where the last range begins
    for end in range(1, len(lengths) + 1):
        best.append(min((best[b][0] + (end - b) * lengths[end - 1] + overhead, b) for b in range(end)))
    ranges, end = [], len(lengths)
    while end:
        ranges.append((best[end][1], end))
        end = best[end][1]
    return ranges[::-1]
