"""Labels for recognition: words, Chinese words, and files (sounds, pictures, shapes) that show what is meant.

Reads what people give as labels and makes their vectors in the joint space. Scores are `zero_shot`'s.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..inputs.reading import SUFFIXES
from . import chinese
from .calibration import Calibration

if TYPE_CHECKING:
    import torch

    from ..bind import PointBind
    from .label_cache import LabelCache

logger = logging.getLogger("pointllm")

AT_ONCE = 256  # labels embedded between two writes to the cache
MANY_LABELS = 2000  # from here on a label is not worth eight sentences: two minutes of two cores for 10,000
NOT_REFERENCES = (".txt", ".csv", ".json")  # as the only item of --labels these are lists


@dataclass(frozen=True)
class Label:
    """name: as shown. words: English for the text tower, or "". files: what shows or sounds like it."""

    name: str
    words: str = ""
    files: tuple[str, ...] = ()


@dataclass
class Labels:
    """Labels in the order given, each once, and a line for each that can't be used."""

    labels: list[Label] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def merged(self) -> Labels:
        """The same with labels of one meaning merged; says on the log which."""
        by_meaning: dict[str, Label] = {}
        repeated: dict[str, None] = {}
        for label in self.labels:
            meaning = (label.words or label.name).casefold()
            before = by_meaning.get(meaning)
            if before is None:
                by_meaning[meaning] = label
                continue
            if before.words and label.words:
                repeated[label.name] = None
            by_meaning[meaning] = Label(before.name, before.words or label.words,
                                        tuple(dict.fromkeys(before.files + label.files)))
        if repeated:
            shown = ", ".join(list(repeated)[:5]) + (", …" if len(repeated) > 5 else "")
            logger.info("%d labels were given more than once and are merged: %s", len(repeated), shown)
        return Labels(list(by_meaning.values()), self.errors)


def parse_labels(given: str | None, files: Sequence[str] = ()) -> Labels:
    """Labels from `--labels` and `--label-files`; `InputError` when none is left or a list can't be read.

    given: a file with one label a line (.json: a list, or the keys of a table), else names between commas, among which
    files of a known kind are taken as what shows the label. files: files, named by their stem, and folders whose
    subfolders are labels of several files each.
    """
    found = Labels()
    for name in _items(given) if given is not None else ():
        _add(found, name)
    for path in files:
        _add_files(found, Path(path))
    if not found.labels and not found.errors:
        raise InputError(f"--labels {given!r} holds no label; give a file with one label a line, or A,B,C")
    if not found.labels:
        raise InputError(found.errors[0] + (f" (and {len(found.errors) - 1} more)" if len(found.errors) > 1 else ""))
    return found.merged()


def word_labels(names: Sequence[str]) -> Labels:
    """Labels in words alone, English or Chinese. Opens no file, whatever the names say: for names from strangers.

    InputError when none is left.
    """
    found = Labels()
    for name in names:
        if name := " ".join(str(name).split()):
            _add_words(found, name)
    if not found.labels:
        raise InputError(found.errors[0] if found.errors else "no labels; give one or more, such as chair, table")
    return found.merged()


def known_labels(language: str = "en") -> Labels:
    """Every name of the object knowledge, shown in English or in Chinese ("zh")."""
    from ..data.questions import read_knowledge

    known = read_knowledge()
    return Labels([Label(known[name].get("zh", {}).get("name") or name if language == "zh" else name, name)
                   for name in sorted(known)])


def _items(given: str) -> list[str]:
    path = Path(given)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a file name
        is_file = False
    if is_file:
        names = _lines(path)
    elif "," not in given and (path.suffix or "/" in given):
        raise InputError(f"{given}: no such file of labels; give a file with one label a line, or A,B,C")
    else:
        names = given.split(",")
    return [" ".join(name.split()) for name in names if name.strip()]


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            return [str(name) for name in list(json.loads(text))]
        return text.splitlines()
    except (OSError, ValueError, TypeError) as error:
        hint = "give a text file with one label a line"
        if path.suffix.lower() in SUFFIXES and path.suffix.lower() not in NOT_REFERENCES:
            hint += ", or name sounds and pictures with --label-files"
        raise InputError(f"{path}: can't be read as labels ({error}); {hint}") from error


def _add(found: Labels, name: str) -> None:
    """One item of --labels: a file, a Chinese name, or a name."""
    if Path(name).suffix.lower() in SUFFIXES:
        _add_files(found, Path(name))
    else:
        _add_words(found, name)


def _add_words(found: Labels, name: str) -> None:
    words: str | None = name
    if chinese.is_chinese(name):
        words = chinese.translate(name)
        if words is None:
            found.errors.append(f"label {name!r}: not in the table of Chinese names; give it in English")
            return
    found.labels.append(Label(name, words))


def _add_files(found: Labels, path: Path) -> None:
    if path.is_dir():
        before = len(found.labels)
        for child in sorted(path.iterdir()):
            if child.name.startswith("."):
                continue
            inside = [child] if child.is_file() else sorted(f for f in child.iterdir() if f.is_file())
            inside = [file for file in inside if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
            if inside:
                found.labels.append(Label(_spoken(child.stem if child.is_file() else child.name), "",
                                          tuple(map(str, inside))))
        if len(found.labels) == before:
            found.errors.append(f"{path}: holds no sound, picture or shape to take as a label")
    elif path.suffix.lower() not in SUFFIXES:
        found.errors.append(f"{path}: no sound, picture or shape; labels in words go with --labels")
    elif not path.is_file():
        found.errors.append(f"{path}: no such file for a label; check the path")
    else:
        found.labels.append(Label(_spoken(path.stem), "", (str(path),)))


def _spoken(stem: str) -> str:
    """dog_bark → dog bark"""
    return " ".join(stem.replace("_", " ").split()) or stem


@dataclass(frozen=True)
class _Tower:
    """The text side of a joint space as `data.templates` wants it."""

    bind: PointBind

    @property
    def dim(self) -> int:
        return self.bind.dim

    def encode(self, sentences: Sequence[str]) -> torch.Tensor:
        import torch

        return torch.from_numpy(self.bind.embed_text(sentences))


def word_vectors(bind: PointBind, words: Sequence[str], templates: Sequence[str],
                 cache: LabelCache | None = None) -> np.ndarray:
    """The vectors of labels in words, (L, D) float32, unit norm: means over `templates`, from the cache where known."""
    from ..data.templates import label_embeddings

    known = cache.get(list(dict.fromkeys(words)), bind.dim) if cache else {}
    missing = [word for word in dict.fromkeys(words) if word not in known]
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start:start + AT_ONCE]
        if len(missing) > 4 * AT_ONCE:
            logger.info("%d of %d new labels embedded", start, len(missing))
        new = dict(zip(some, label_embeddings(_Tower(bind), some, templates=templates).numpy(), strict=True))
        known |= new
        if cache:
            cache.put(new)
    return np.stack([known[word] for word in words]) if len(words) else np.zeros((0, bind.dim), np.float32)


@dataclass(frozen=True)
class Embedded:
    """Labels that could be embedded, what modality each stands in, vectors (L, D) float32 of unit norm; and a line for
    each file that could not be read."""

    labels: tuple[Label, ...]
    modalities: tuple[str, ...]
    vectors: np.ndarray
    errors: tuple[str, ...]


def embed_labels(bind: PointBind, labels: Sequence[Label], templates: Sequence[str], cache: LabelCache | None = None,
                 calibration: Calibration | None = None) -> Embedded:
    """The vectors of labels. InputError when none can be embedded.

    A label of several files, or of files and words, stands for the mean of their vectors, each centred by its modality
    where a `calibration` is given.
    """
    calibration = calibration or Calibration()
    worded = [label.words for label in labels if label.words]
    by_words = dict(zip(worded, word_vectors(bind, worded, templates, cache), strict=True))
    kept, modalities, rows, errors = [], [], [], []
    for label in labels:
        parts = [("text", by_words[label.words])] if label.words else []
        for file in label.files:
            try:
                found = bind.embed_file(file)
                parts.append((found.modality, found.vector))
            except InputError as error:
                errors.append(str(error))
        if parts:
            kept.append(label)
            modalities.append(parts[0][0])
            mean = np.mean([calibration.centred(vector[None], modality)[0] for modality, vector in parts], axis=0)
            rows.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
    if not kept:
        raise InputError(f"no label can be used: {errors[0]}" if errors else "no labels given; name at least one")
    return Embedded(tuple(kept), tuple(modalities), np.stack(rows).astype(np.float32), tuple(errors))


def read_templates(given: str, labels: int = 0) -> tuple[str, ...]:
    """`quick`, `all`, `none`, or a file with a sentence a line in which {} stands for the name.

    `auto` is `quick`, and for more than MANY_LABELS `labels` the name alone, which takes an eighth of the time.
    """
    from ..data.templates import QUICK_TEMPLATES, TEMPLATES

    named = {"quick": QUICK_TEMPLATES, "all": TEMPLATES, "none": ("{}",)}
    if given == "auto":
        if labels > MANY_LABELS:
            logger.info("%d labels are embedded by their names alone; --templates quick is slower and better", labels)
        return named["none" if labels > MANY_LABELS else "quick"]
    if given in named:
        return tuple(named[given])
    path = Path(given)
    if not path.is_file():
        raise InputError(f"--templates {given!r}: no such file; choose quick, all or none, or give a file of sentences")
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as templates ({error}); give one sentence with {{}} a line") from error
    for line in lines:
        if line.count("{}") != 1 or line.count("{") != 1 or line.count("}") != 1:
            raise InputError(f"{path}: template {line[:60]!r} must hold {{}} once, where the name goes")
    if not lines:
        raise InputError(f"{path}: holds no template; give one sentence with {{}} a line")
    return tuple(dict.fromkeys(lines))
