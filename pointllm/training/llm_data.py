"""What the language model is trained on: pairs of a joint embedding and a question with its answer.

The embeddings come from text and from images only, never from 3D points (section 3.3 of arXiv 2309.00615): text
embeddings of names, synonyms and true sentences, and image embeddings of training views. They are disturbed the way
embeddings of unseen objects are (noise, a share of a confusable label) and sometimes passed through the cache.
Every step's data depends on (seed, step) alone, so a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.data.questions import Group, QuestionBook
from pointllm.data.templates import TEMPLATES
from pointllm.llm.visual_cache import VisualCache


@dataclass(frozen=True)
class Disturbance:
    """How much training embeddings are disturbed; all are the largest values of uniform draws."""

    noise: float = 0.9  # length of a random vector added to a unit vector
    confusable: float = 0.6  # share of another label's vector
    image_noise: float = 0.3
    image_share: float = 0.7  # probability of an image embedding where the label has one
    cache_share: float = 0.6  # probability that the cache is applied


@dataclass
class EmbeddingBank:
    """label → text embeddings (S, D), and image embeddings of its objects, each (V, D)."""

    text: Mapping[str, Tensor]
    images: dict[str, list[Tensor]] = field(default_factory=dict)

    def add_images(self, file: Path, label_of: Mapping[str, str]) -> int:
        """Take the objects of an npz with `ids` (N,) and `embeddings` (N, V, D); returns how many had a label.

        `out_of_fold` (N, V, D), where the file has it, are embeddings by heads that did not see the object: they err as
        the embeddings of new objects do.
        """
        images: dict[str, list[Tensor]] = {}
        with np.load(file, allow_pickle=False) as arrays:
            for kind in arrays.keys() & {"embeddings", "out_of_fold"}:
                for identity, views in zip(arrays["ids"], arrays[kind].astype(np.float32), strict=True):
                    if label := label_of.get(str(identity)):
                        images.setdefault(label, []).append(F.normalize(torch.from_numpy(views), dim=-1))
        self.images = images
        return sum(map(len, images.values()))

    def sample(self, label: str, rival: str, amount: Disturbance, rng: random.Random) -> Tensor:
        """A disturbed unit vector (D,) that stands for an object with this label."""
        objects = self.images.get(label)
        if objects and rng.random() < amount.image_share:
            views = rng.choice(objects)
            chosen = rng.sample(range(len(views)), rng.randint(1, min(6, len(views))))
            vector = F.normalize(views[chosen].mean(0), dim=-1)
            noise = rng.uniform(0, amount.image_noise)
        else:
            vector = rng.choice(self.text[label])
            if rng.random() < 0.5:
                vector = vector + rng.uniform(0, amount.confusable) * rng.choice(self.text[rival])
            noise = rng.uniform(0, amount.noise)
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


def text_bank(book: QuestionBook, encode, file: Path, templates: int = 8, seed: int = 0) -> EmbeddingBank:
    """Embed the sentences of all labels with `encode(list[str]) -> (B, D)`; `file` keeps them for the next start."""
    sentences = {label: sentences_of(label, book, templates, random.Random(f"{seed}-{label}")) for label in book.names}
    flat = [sentence for label in book.names for sentence in sentences[label]]
    known: dict[str, Tensor] = {}
    if file.is_file():
        stored = torch.load(file, weights_only=True)
        known = dict(zip(stored["sentences"], stored["vectors"], strict=True))
    missing = sorted({sentence for sentence in flat if sentence not in known})
    if missing:
        known |= dict(zip(missing, encode(missing), strict=True))
        torch.save({"sentences": list(known), "vectors": torch.stack(list(known.values()))}, file)
    return EmbeddingBank(_split(torch.stack([known[sentence] for sentence in flat]), sentences))


def _split(vectors: Tensor, sentences: Mapping[str, Sequence[str]]) -> dict[str, Tensor]:
    parts = vectors.float().split([len(part) for part in sentences.values()])
    return dict(zip(sentences, parts, strict=True))


@dataclass
class Batch:
    """A group as tensors: `prompt` (P,) ids, `tail` (B, T) ids, `targets` (B, T), -100 where nothing is asked."""

    kind: str
    prompt: Tensor
    tail: Tensor
    targets: Tensor
    embeddings: Tensor  # (B, D)


class BatchMaker:
    """Turns (seed, step) into batches."""

    def __init__(self, book: QuestionBook, bank: EmbeddingBank, tokenizer, prompt, caches: Sequence[VisualCache],
                 amount: Disturbance, seed: int):
        self.book, self.bank, self.tokenizer, self.prompt = book, bank, tokenizer, prompt
        self.caches, self.amount, self.seed = caches, amount, seed

    def batches(self, step: int, groups: Sequence[Mapping]) -> list[list[Batch]]:
        """The batches of each row of `groups`: {"kinds": {kind: weight}, "size": objects, "unfinished"?: bool}."""
        rng = random.Random(f"{self.seed}-{step}")
        made = []
        for row in groups:
            group = None
            while group is None:
                kind = rng.choices(list(row["kinds"]), list(row["kinds"].values()))[0]
                group = self.book.group(kind, row["size"], rng)
            made.append(self.tensors(group, rng, row.get("unfinished", False)))
        return made

    def tensors(self, group: Group, rng: random.Random, unfinished: bool = False) -> list[Batch]:
        """Tokenise a group and draw an embedding for each of its objects; rows of like length go together.

        `unfinished` leaves out the full stop and the end mark: the cheapest lesson in names.
        """
        vectors = [self.bank.sample(i.label, self.book.confusable(i.label, rng), self.amount, rng) for i in group.items]
        embeddings = torch.stack(vectors)
        if self.caches:
            use = torch.tensor([rng.random() < self.amount.cache_share for _ in vectors])
            embeddings = torch.where(use[:, None], rng.choice(self.caches)(embeddings), embeddings)
        prompt = self.tokenizer(self.prompt(group.question), add_special_tokens=False).input_ids
        answers = []
        for item in group.items:
            text = item.answer.removesuffix(".") if unfinished else item.answer
            ids = self.tokenizer(text, add_special_tokens=False).input_ids
            answers.append(ids if unfinished else [*ids, self.tokenizer.eos_token_id])
        order = sorted(range(len(answers)), key=lambda row: len(answers[row]))
        batches = []
        for start, end in cheapest_split([len(answers[row]) for row in order]):
            rows = order[start:end]
            length = len(answers[rows[-1]])
            tail = torch.zeros(len(rows), length, dtype=torch.long)
            targets = torch.full((len(rows), length), -100)
            for place, row in enumerate(rows):
                answer = answers[row]
                # the prompt's last token predicts the first of the answer
                tail[place, : len(answer)] = torch.tensor([prompt[-1], *answer[:-1]])
                targets[place, : len(answer)] = torch.tensor(answer)
            batches.append(Batch(group.kind, torch.tensor(prompt), tail, targets, embeddings[rows]))
        return batches


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


def labels_of(objects: Path, split: str = "train") -> dict[str, str]:
    """id → label of the objects of a split, from objects.jsonl."""
    rows = map(json.loads, objects.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["label"] for row in rows if row["split"] == split}
