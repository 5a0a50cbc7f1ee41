"""What a run says of itself: metrics.jsonl, curves.png, TensorBoard or another tracker, a progress bar."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .checkpoints import write_atomically
from .curves import draw_panels, smoothed

if TYPE_CHECKING:
    from accelerate import Accelerator

logger = logging.getLogger("pointllm")


def tracker_names(wanted: tuple[str, ...]) -> list[str]:
    """The trackers to use: those asked for, and TensorBoard where it is installed. InputError for a missing one."""
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    for name in wanted:
        if name not in LOGGER_TYPE_TO_CLASS:
            raise InputError(f"trainer.trackers: unknown tracker {name!r}; known: {', '.join(LOGGER_TYPE_TO_CLASS)}")
        if importlib.util.find_spec(name) is None:
            raise InputError(f"trainer.trackers: {name} isn't installed; pip install {name}")
    found = [name for name in ("tensorboard", "tensorboardX") if importlib.util.find_spec(name)]
    return list(dict.fromkeys([*wanted, *(["tensorboard"] if found else [])]))


class RunLog:
    """Written by the first process only. Rows: {"step", "loss", "losses", …} and {"step", "evaluation"}."""

    def __init__(self, out: Path, accelerator: Accelerator, steps: int, step: int):
        self.file = Path(out) / "metrics.jsonl"
        self.out = Path(out)
        self.accelerator = accelerator
        self.active = accelerator.is_main_process
        self.bar = None
        if self.active:
            from tqdm import tqdm

            self._forget_after(step)
            self.bar = tqdm(total=steps, initial=step, unit="step", disable=None, dynamic_ncols=True)
        if accelerator.log_with:
            accelerator.init_trackers("pointllm")

    def _forget_after(self, step: int) -> None:
        """Drop rows of steps that will be done again, and a last line that a kill cut off."""
        rows = [row for row in read_metrics(self.file) if row["step"] <= step]
        if self.file.is_file():
            write_atomically(self.file, "".join(json.dumps(row) + "\n" for row in rows).encode())

    def advance(self) -> None:
        """One step is done."""
        if self.bar is not None:
            self.bar.update(1)

    def write(self, row: dict[str, Any]) -> None:
        """One row of metrics."""
        if not self.active:
            return
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.bar.clear()
        logger.info("%s", json.dumps(row, ensure_ascii=False))
        if self.accelerator.log_with:
            self.accelerator.log({k: v for k, v in flat(row).items() if k != "step"}, step=row["step"])

    def draw(self) -> None:
        """curves.png from the metrics so far."""
        if self.active:
            draw_curves(self.file, self.out / "curves.png")

    def close(self) -> None:
        """End the bar and the trackers."""
        if self.bar is not None:
            self.bar.close()
        if self.accelerator.log_with:
            self.accelerator.end_training()


def read_metrics(file: Path) -> list[dict[str, Any]]:
    """The rows of a metrics file, less a last one that was cut off."""
    rows: list[dict[str, Any]] = []
    if not Path(file).is_file():
        return rows
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of nested tables by dotted names."""
    found: dict[str, float] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{prefix}{key}"] = value
    return found


def draw_curves(metrics: Path, file: Path) -> None:
    """Losses and what was measured on the way, as a PNG: a panel for each."""
    rows = read_metrics(metrics)
    losses: dict[str, list[tuple[float, float]]] = {}
    measured: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for key, value in row.get("losses", {}).items():
            losses.setdefault(key, []).append((row["step"], value))
        for key, value in flat(row.get("evaluation", {})).items():
            measured.setdefault(key, []).append((row["step"], value))
    panels = {"training losses": {name: smoothed(curve, 0.8) for name, curve in losses.items()}}
    several = {name: curve for name, curve in measured.items() if len(curve) > 1}  # the last evaluation measures more
    if measured:
        panels["evaluation"] = several or measured
    draw_panels(panels, file)
