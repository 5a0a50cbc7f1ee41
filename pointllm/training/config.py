"""Config files of training runs: read, overridden, checked against a schema, saved with the run.

A config is the single source of a run. Its schema is a tree of `Section` classes (pydantic); what a key means stands
beside it there. Every fault is one line that names the file, the key and what is expected. Knows nothing of models.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InputError


class Section(BaseModel):
    """A part of a config: unknown keys are refused, values are not changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class OptimizerSection(Section):
    """AdamW and its schedule: linear warm-up, constant up to `decay_from`, then half a cosine down to `final`."""

    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(0.05, ge=0)  # matrices only; norms, biases and scalars have none
    betas: tuple[float, float] = (0.9, 0.98)
    warmup_steps: int = Field(0, ge=0)
    decay_from: float = Field(0.0, ge=0, le=1)  # share of all steps
    final: float = Field(0.0, ge=0, le=1)  # share of the learning rate that is left at the end
    clip: float = Field(1.0, gt=0)  # largest norm of the gradient
    factors: dict[str, float] = {}  # on the learning rate, by the beginning of a parameter's name
    ema: float | None = Field(None, gt=0, lt=1)  # decay of the moving average of the weights, or none


class TrainerSection(Section):
    """How a run is carried out; nothing here changes what is learned, except `precision` and the batch's split."""

    accumulate: int = Field(1, ge=1)  # batches whose gradients are added up before a step
    precision: Literal["no", "bf16", "fp16"] = "no"
    gradient_checkpointing: bool = False  # less memory, a third more arithmetic
    workers: int = Field(0, ge=0)  # processes that prepare batches; 0: in the training process itself
    device: Literal["auto", "cpu"] = "auto"
    log_every: int = Field(10, ge=1)  # steps
    evaluate_every: int | None = Field(None, ge=1)  # steps; none: only at the end
    checkpoint_every: int | None = Field(None, ge=1)  # steps
    checkpoint_minutes: float | None = Field(5.0, gt=0)
    keep_checkpoints: int = Field(2, ge=1)
    trackers: tuple[str, ...] = ()  # of accelerate (trackio, wandb, …); TensorBoard is used where it is installed
    find_unused_parameters: bool = False  # DDP: where a step may leave some of the weights unused


Schema = TypeVar("Schema", bound=Section)


def load_config(path: str | Path, schema: type[Schema], overrides: Sequence[str] = ()) -> Schema:
    """The config at `path` with `key.sub=value` overrides, checked.

    Raises InputError in one line: not there, not YAML, an unknown or missing key, a value of the wrong kind.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the config can't be read ({error.strerror}); name a file of configs/") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML ({' '.join(str(error).split())}); correct it") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds no keys; a config is a YAML file of `key: value`")
    for override in overrides:
        _set(values, override)
    return checked(values, schema, str(path))


def checked(values: dict[str, Any], schema: type[Schema], source: str) -> Schema:
    """The values as a schema's object; InputError names the first key that is at fault."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        raise InputError(f"{source}: {_fault(faults[0], schema, values)}") from error


def save_config(config: Section, path: Path) -> None:
    """Write every key with the value that the run uses, defaults too."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """The keys, as `a.b`, in which two configs differ."""
    found: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key), new.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            found += differences(one, other, f"{prefix}{key}.")
        elif one != other:
            found.append(f"{prefix}{key}")
    return found


def _set(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--set {override}: write key=value, such as optimizer.learning_rate=0.001")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {override}: the value is not YAML; quote it") from error
    *parents, last = name.strip().split(".")
    for parent in parents:
        inner = values.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise InputError(f"--set {override}: {parent} has no keys of its own")
        values = inner
    values[last] = value


def _fault(fault: dict[str, Any], schema: type[Section], values: dict[str, Any]) -> str:
    """One line about one of pydantic's faults."""
    where = ".".join(str(part) for part in fault["loc"]) or "the config"
    if fault["type"] == "extra_forbidden":
        known = _known_keys(schema, fault["loc"][:-1])
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        return f"unknown key {where}; {hint}"
    if fault["type"] == "missing":
        return f"missing key {where}; add it"
    reason = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{where} is {fault['input']!r}; it should be {reason}" if fault["type"] != "value_error" else (
        f"{where}: {reason}" if fault["loc"] else reason)


def _known_keys(schema: type[Section], where: Sequence[str | int]) -> list[str]:
    """Keys of the section at `where`; those of the outermost one where it can't be told."""
    for part in where:
        field = schema.model_fields.get(str(part))
        if field is None:
            continue  # an entry of a list or table, or the name of one of several kinds
        inner = [kind for kind in _classes(field.annotation) if issubclass(kind, Section)]
        if len(inner) != 1:
            return []
        schema = inner[0]
    return list(schema.model_fields)


def _classes(annotation: Any) -> list[type]:
    """Classes inside an annotation, such as those of `tuple[X, ...] | None`."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return [annotation]
    return [kind for inner in getattr(annotation, "__args__", ()) for kind in _classes(inner)]
