"""What was measured about a joint space, so that its similarities can be read: kept beside a profile's weights.

Modalities lie in different parts of the space, and cosines of unrelated things spread differently between them (the
modality gap, Liang et al., arXiv 2203.02053). A calibration holds, by modality, the centre of its embeddings and the
spread of cosines of unrelated pairs, with which modalities become comparable; and for recognition the softmax
temperature and the threshold for "none of these". `calibrate` fits it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import WeightsError
from ..profiles import read_config, resolve

FILE = "calibration/centres.safetensors"
SETTING = "recognition"  # of config.json
MODALITIES = ("point", "image", "audio", "text")


def kind_of(modality: str) -> str:
    """The modality whose numbers hold: videos are embedded as pictures."""
    return "image" if modality == "video" else modality


@dataclass(frozen=True)
class Calibration:
    """Numbers by modality; a profile without them has none, and similarities are taken as they are.

    centres: (D,) float32. spread: standard deviation of the cosines of unrelated pairs, by both modalities, after the
    centres are subtracted. temperature: of the softmax over labels in words. none: threshold of `zero_shot.none_score`.
    """

    centres: Mapping[str, np.ndarray] = field(default_factory=dict)
    spread: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    temperature: Mapping[str, float] = field(default_factory=dict)
    none: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: str) -> Calibration:
        """The calibration of a profile. WeightsError for one that can't be read."""
        folder = resolve(profile)
        settings = read_config(folder).get(SETTING, {})
        centres: dict[str, np.ndarray] = {}
        if (folder / FILE).is_file():
            from safetensors import SafetensorError
            from safetensors.numpy import load_file

            try:
                centres = {name: row.astype(np.float32) for name, row in load_file(folder / FILE).items()}
            except (SafetensorError, OSError) as error:
                raise WeightsError(f"{folder.name}/{FILE} can't be read ({error}); restore it, or run "
                                   "pointllm calibrate") from error
        return cls(centres, settings.get("spread", {}), settings.get("temperature", {}), settings.get("none", {}))

    def centred(self, vectors: np.ndarray, modality: str) -> np.ndarray:
        """(N, D) of one modality → the same without its centre, (N, D) float32, unit norm."""
        centre = self.centres.get(kind_of(modality))
        if centre is None:
            return np.ascontiguousarray(vectors, np.float32)
        moved = np.asarray(vectors, np.float32) - centre
        return moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-12)

    def spread_of(self, one: str, other: str) -> float:
        """The spread between two modalities; 1 where it was not measured."""
        one, other = kind_of(one), kind_of(other)
        return float(self.spread.get(one, {}).get(other) or self.spread.get(other, {}).get(one) or 1.0)

    def updated(self, newer: Calibration) -> Calibration:
        """This one with every number that `newer` has instead of its own; of a pair, whichever way round it stands."""
        spread = {one: dict(row) for one, row in self.spread.items()}
        for one, row in newer.spread.items():
            for other, value in row.items():
                first, second = (other, one) if one in spread.get(other, {}) else (one, other)
                spread.setdefault(first, {})[second] = value
        return Calibration({**self.centres, **newer.centres}, spread, {**self.temperature, **newer.temperature},
                           {**self.none, **newer.none})

    @property
    def is_measured(self) -> bool:
        """Whether scores are in standard deviations rather than plain cosines."""
        return bool(self.spread)

    @property
    def stamp(self) -> str:
        """A short hash of what search structures depend on."""
        digest = hashlib.blake2b(digest_size=8)
        for name in sorted(self.centres):
            digest.update(name.encode() + self.centres[name].tobytes())
        return digest.hexdigest()


def save(folder: Path, calibration: Calibration) -> None:
    """Write the calibration beside the weights in `folder`, each file at once or not at all."""
    from safetensors.numpy import save as packed

    (folder / FILE).parent.mkdir(exist_ok=True)
    partial = folder / f"{FILE}.part"
    partial.write_bytes(packed({n: np.ascontiguousarray(row, np.float32) for n, row in calibration.centres.items()}))
    partial.replace(folder / FILE)
    config = read_config(folder)
    config[SETTING] = {"temperature": dict(calibration.temperature), "none": dict(calibration.none),
                       "spread": {one: dict(row) for one, row in calibration.spread.items()}}
    if "point" in calibration.temperature:
        config["temperature"] = calibration.temperature["point"]
    partial = folder / ".config.json.part"
    partial.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / "config.json")
