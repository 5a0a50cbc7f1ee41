"""Where figures come from: weights by their sha256, versions of the libraries, the command line, the time it took."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .. import __version__
from ..devices import DEFAULTS
from ..errors import PointLLMError
from ..profiles import default_profile, read_config, resolve
from ..weights.manifest import sha256_of
from .stores import key_of

logger = logging.getLogger("pointllm")

WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".model", ".index")
LIBRARIES = ("torch", "transformers", "peft", "numpy", "open3d-cpu", "open3d", "scipy", "pillow", "soxr", "fpsample")
SETTINGS = "config.json"
CENTRES = "centres.safetensors"  # of a calibration


@dataclass
class Run:
    """One evaluation: which profile and witness, where its report and what it keeps go, how it was called.

    out: folder of the report; cache: folder of kept vectors and answers; command: as it was typed.
    """

    out: Path
    profile: str = ""
    witness: str | None = None
    cache: Path | None = None
    command: str = field(default_factory=lambda: " ".join(["pointllm", *sys.argv[1:]]))
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.out = Path(self.out)
        self.profile = self.profile or default_profile()
        self.cache = Path(self.cache) if self.cache else self.out / "cache"
        resolve(self.profile)

    @cached_property
    def space_weights(self) -> dict[str, str]:
        """file → sha256 of the joint space's weights and configs."""
        return _hashes(resolve(self.profile), skip=("llm",))

    @cached_property
    def space_key(self) -> str:
        """Changes with any weight or setting that an embedding depends on, and not with how similarities are read."""
        from ..tasks.fingerprint import fingerprint

        # the fingerprint knows which settings count; the hashes see behind links to folders as well
        weights = {name: sha for name, sha in self.space_weights.items() if name not in (SETTINGS, CENTRES)}
        return key_of(fingerprint(self.profile), *sorted(weights.items()))

    @cached_property
    def llm_weights(self) -> dict[str, str]:
        """file → sha256 of the language model's adapters and of the language model itself."""
        from ..weights import ensure_language_model

        folder = resolve(self.profile)
        found = {f"llm/{name}": sha for name, sha in _hashes(folder / "llm").items()}
        base = read_config(folder / "llm").get("language_model", "base")
        if not (folder / "llm" / base / SETTINGS).is_file():  # else it is among those above
            found |= {f"{base}/{name}": sha for name, sha in _hashes(ensure_language_model(base)).items()}
        return found

    @cached_property
    def model_key(self) -> str:
        """Changes with any weight or setting of the joint space or the language model, and with where they run."""
        place = [os.environ.get(name) for name in sorted(DEFAULTS.values())]
        return key_of(self.space_key, *sorted(self.llm_weights.items()), *place)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.started

    def provenance(self, with_llm: bool) -> dict[str, object]:
        """What a report says of where its figures come from."""
        weights = self.space_weights | (self.llm_weights if with_llm else {})
        return {"command": self.command, "profile": self.profile, "witness": self.witness or "the profile's own",
                "versions": versions(), "weights": weights,
                "weights_key": self.model_key if with_llm else self.space_key, "seconds": round(self.seconds, 1)}


def versions() -> dict[str, str]:
    """Of this project, Python and the libraries that figures depend on."""
    found = {"pointllm": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _hashes(folder: Path, skip: tuple[str, ...] = ()) -> dict[str, str]:
    found = {}
    for place, _, names in os.walk(folder, followlinks=True):
        for path in (Path(place) / name for name in names):
            name = path.relative_to(folder)
            wanted = path.suffix in WEIGHTS or path.name == SETTINGS or path.name.startswith("tokenizer")
            if wanted and name.parts[0] not in skip:
                found[name.as_posix()] = sha256_of(path)
    return dict(sorted(found.items()))


class Progress:
    """Lines on the log: how far a long run is, at most one every few seconds."""

    def __init__(self, what: str, total: int, every: float = 10.0) -> None:
        self.what, self.total, self.every = what, total, every
        self._started = self._last = time.monotonic()
        self._done = 0

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= self.every:
            self._last = now
            left = (now - self._started) / self._done * (self.total - self._done)
            logger.info("%s: %d of %d, about %s left", self.what, self._done, self.total, spoken(left))


def spoken(seconds: float) -> str:
    """"40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def one_line(error: Exception) -> str:
    """What a report says of an object that failed."""
    return str(error) if isinstance(error, PointLLMError) else " ".join(f"{type(error).__name__}: {error}".split())
