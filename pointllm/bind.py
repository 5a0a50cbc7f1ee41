"""PointBind: files of any modality and sentences → one joint embedding space (arXiv 2309.00615, section 3).

Reads files through `pointllm.inputs`, embeds them with the towers of a profile, and remembers what it embedded last.
What the embeddings are used for stands in `pointllm.tasks` and `pointllm.llm`.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .errors import InputError
from .inputs import Input, read_input
from .inputs.facts import shape_facts
from .profiles import default_profile, read_config, resolve

REMEMBERED = 256  # files whose embedding is kept: what a conversation comes back to


def _compact(folder: Path, config: dict):
    from .encoders.compact.space import CompactSpace

    return CompactSpace(folder, config)


# Kinds of joint space, by the config's `space`: how one is made from its folder.
SPACES = {"compact": _compact}


@dataclass(frozen=True)
class Embedded:
    """One file in the joint space: vector (D,) float32 of unit norm, its modality, and facts measured on 3D files."""

    vector: np.ndarray
    modality: str
    facts: dict | None = None


class PointBind:
    """The joint space of a profile."""

    def __init__(self, space, config: dict):
        self.space, self.config = space, config
        self._memory: OrderedDict[tuple, Embedded] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def from_pretrained(cls, profile: str | None = None, device: str | torch.device = "cpu") -> PointBind:
        """The joint space of `profile` (None: the default one). WeightsError when its files are missing or damaged.

        The compact towers are small enough to stay on the CPU whatever `device` the language model runs on.
        """
        folder = resolve(profile or default_profile())
        config = read_config(folder)
        return cls(SPACES[config["space"]](folder, config), config)

    @property
    def dim(self) -> int:
        """D, the dimension of the joint space."""
        return self.config["dim"]

    @property
    def temperature(self) -> float:
        """Cosine similarities are divided by this before a softmax over labels."""
        return self.config["temperature"]

    @property
    def text_tower(self):
        """The tower that embeds sentences."""
        return self.space.text_tower

    def embed(self, paths: Sequence[str | Path] = (), *, text: Sequence[str] = (),
              witness: str | None = None) -> np.ndarray:
        """Files and sentences → (N, D) float32 of unit norm: first the files, then the sentences, each in order.

        `witness` ("point", "views" or "both") chooses how 3D files are seen; None is the profile's own way.
        Raises InputError for the first file that can't be read.
        """
        paths, text = ([given] if isinstance(given, str | Path) else list(given) for given in (paths, text))
        rows = [self.embed_file(path, witness).vector[None] for path in paths]
        if text:
            rows.append(self.embed_text(text))
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)

    def embed_file(self, path: str | Path, witness: str | None = None) -> Embedded:
        """One file, from memory where the same file was embedded before. InputError when it can't be read."""
        key = _identity(path, witness)
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        given = read_input(path)
        facts = shape_facts(given.data) if given.modality == "point" else None
        embedded = Embedded(self.embed_input(given, witness), given.modality, facts)
        if key:
            with self._lock:
                self._memory[key] = embedded
                while len(self._memory) > REMEMBERED:
                    self._memory.popitem(last=False)
        return embedded

    def embed_input(self, given: Input, witness: str | None = None) -> np.ndarray:
        """What was read from one file → (D,) float32, unit norm."""
        with torch.inference_mode():
            if given.modality == "point":
                vector = self.space.embed_shape(given.data, witness)
            elif given.modality == "image":
                vector = self.space.embed_images([given.data])[0]
            elif given.modality == "audio":
                vector = self.space.embed_audio([given.data])[0]
            elif given.modality == "video":
                vector = self.space.embed_video(list(given.data))
            else:
                vector = self.space.embed_text([given.data])[0]
        return vector.float().numpy()

    def embed_text(self, sentences: Sequence[str]) -> np.ndarray:
        """Sentences → (B, D) float32, unit norm. InputError for an empty one."""
        if any(not str(sentence).strip() for sentence in sentences):
            raise InputError("an empty text can't be embedded; write a word or a sentence")
        with torch.inference_mode():
            return self.space.embed_text(list(sentences)).float().numpy()


def _identity(path: str | Path, witness: str | None) -> tuple | None:
    """What tells a file's content from another's without reading it; None where the file can't be looked at."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return os.path.realpath(path), stat.st_size, stat.st_mtime_ns, witness
