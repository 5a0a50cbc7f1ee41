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

from .devices import Machine, device_option, precision_option, towers_placement
from .errors import InputError, WeightsError
from .inputs import Input, read_input
from .inputs.facts import shape_facts
from .inputs.video import read_video
from .profiles import default_profile, read_config, resolve

REMEMBERED = 256  # files whose embedding is kept: what a conversation comes back to


def _compact(folder: Path, config: dict, device: str, dtype: torch.dtype):
    from .encoders.compact.space import CompactSpace

    # These towers are small enough to stay on the CPU, in fp32, whatever the language model runs on.
    return CompactSpace(folder, config)


def _imagebind(folder: Path, config: dict, device: str, dtype: torch.dtype):
    from .encoders.official.space import ImageBindSpace

    return ImageBindSpace(folder, config, device, dtype)


# Kinds of joint space, by the config's `space`: how one is made from its folder, for a device and a type of numbers.
SPACES = {"compact": _compact, "imagebind": _imagebind}


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
    def from_pretrained(cls, profile: str | None = None, device: str | torch.device | None = None,
                        precision: str | None = None) -> PointBind:
        """The joint space of `profile` (None: the default one). WeightsError when its files are missing or damaged.

        device: "auto", "cpu", "cuda", "cuda:1", …; precision: "auto", "fp32", "bf16" or "fp16" (that of the towers;
        point branches stay in fp32). None: `$POINTLLM_DEVICE` and `$POINTLLM_PRECISION`, else "auto": fp16 on a CUDA
        card, fp32 on the CPU. InputError for a device that isn't here.
        """
        folder = resolve(profile or default_profile(), needs=("imagebind", "point"))
        place, dtype = towers_placement(device_option(device), precision_option(precision), Machine.here())
        return cls.from_folder(folder, place, dtype)

    @classmethod
    def from_folder(cls, folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> PointBind:
        """The joint space in a profile's folder, on a device that is here. WeightsError when it is of no known kind."""
        config = read_config(folder)
        if config.get("space") not in SPACES:
            raise WeightsError(f"{folder.name}/config.json: space is {config.get('space')!r}; known: "
                               f"{', '.join(SPACES)}")
        return cls(SPACES[config["space"]](folder, config, device, dtype), config)

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
                vector = self.space.embed_video(self._video(given))
            else:
                vector = self.space.embed_text([given.data])[0]
        return vector.float().numpy()

    def _video(self, given: Input):
        """A video with as many frames as the space wants; reading gives few, enough for most."""
        wanted = getattr(self.space, "video_frames", 0)
        return read_video(given.path, wanted) if wanted > len(given.data) else given.data

    def embed_raw(self, modality: str, values: np.ndarray | torch.Tensor) -> np.ndarray:
        """A batch of prepared tensors → (B, D) float32, unit norm: for depth, thermal and IMU, which come in no files.

        Only ImageBind's space takes them; see `pointllm.encoders.official.space` for the shapes. InputError otherwise.
        """
        if not hasattr(self.space, "embed_raw"):
            raise InputError(f"this profile has no tower for {modality}; use an official one")
        return self.space.embed_raw(modality, values).float().numpy()

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
