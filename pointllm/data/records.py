"""A data folder as records: objects, labels and sounds, checked row by row.

A **data folder** holds

    objects.jsonl   a line an object: id, path, label, split, and what else is known of it
    labels.json     label → category, synonyms, zh; optional: without it the labels are those of the objects
    audio.jsonl     a line a sound: path, class, fold, object_label; optional

Paths are relative to the folder and stay inside it, or absolute. Whether the files exist and can be read is not
looked at here (`check` does); nothing is written here (`folder` does).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import DataError

OBJECTS, LABELS, AUDIO = "objects.jsonl", "labels.json", "audio.jsonl"
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Record:
    """One object.

    path: its 3D file, absolute or joined to the folder; None for an object known by pictures or text alone
    colors: names by area, largest first; images: pictures of the object, beside the views that are rendered
    captions: sentences that are true of it; size_m: width, height and depth in metres where known
    up_axis: "x", "y" or "z" where the source says which axis of the file is up; None is taken as y
    """

    id: str
    path: Path | None
    label: str
    category: str | None = None
    split: str = "train"
    colors: tuple[str, ...] = ()
    name: str | None = None
    license: str | None = None
    creator: str | None = None
    source: str | None = None
    images: tuple[Path, ...] = ()
    captions: tuple[str, ...] = ()
    size_m: tuple[float, float, float] | None = None
    tags: tuple[str, ...] = ()
    up_axis: str | None = None


@dataclass(frozen=True)
class Label:
    """A label and its other names; zh is the Chinese one."""

    name: str
    category: str | None = None
    zh: str | None = None
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sound:
    """One recording. name: its class, as the source calls it; object_label: what makes the sound, where a label."""

    path: Path
    name: str
    fold: int | None = None
    object_label: str | None = None
    license: str | None = None
    creator: str | None = None
    source_url: str | None = None
    split: str = "train"


def read_records(folder: str | Path, split: str | None = None) -> list[Record]:
    """The objects of a data folder in the order of the file, or those of one split.

    Raises:
        DataError: no `objects.jsonl`, or a row of it that can't be used (with its line); an unknown split.
    """
    if split is not None and split not in SPLITS:
        raise DataError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    folder = data_folder(folder)
    records: list[Record] = []
    lines: dict[str, int] = {}
    for row in read_rows(folder / OBJECTS):
        record = _record(row, folder)
        if record.id in lines:
            raise row.error(f"id {record.id!r} is also on line {lines[record.id]}; every object needs its own")
        lines[record.id] = row.line
        records.append(record)
    return [r for r in records if split is None or r.split == split]


def read_labels(folder: str | Path) -> dict[str, Label]:
    """Label by name, in the order of `labels.json`; without that file, the objects' labels, sorted.

    Raises:
        DataError: not a data folder, or an entry that can't be used.
    """
    folder = data_folder(folder)
    path = folder / LABELS
    if not path.is_file():
        found = {r.label: r.category for r in reversed(read_records(folder))}
        return {name: Label(name, found[name]) for name in sorted(found)}
    entries = _parse(_read_text(path), str(path))
    if not isinstance(entries, dict):
        raise DataError(f"{path}: holds no JSON object of labels; write {{\"chair\": {{\"synonyms\": []}}, …}}")
    labels = {}
    for name, entry in entries.items():
        where = f"{path}: label {name!r}"
        if not name.strip() or not isinstance(entry, dict):
            raise DataError(f"{where}: each label needs a name and an object {{…}} of its own")
        row = Row(path, None, entry, where)
        labels[name] = Label(name, row.text("category"), row.text("zh"), row.texts("synonyms"))
    return labels


def read_sounds(folder: str | Path, split: str | None = None) -> list[Sound]:
    """The sounds of a data folder in the order of the file, or those of one split; none without `audio.jsonl`.

    A sound without `split` belongs to `train`: folds are for cross-validation.

    Raises:
        DataError: not a data folder, or a row that can't be used (with its line).
    """
    folder = data_folder(folder, needs_objects=False)
    path = folder / AUDIO
    if not path.is_file():
        return []
    sounds = [_sound(row, folder) for row in read_rows(path)]
    return [s for s in sounds if split is None or s.split == split]


def data_folder(folder: str | Path, needs_objects: bool = True) -> Path:
    """The folder as a path; DataError where it is none, or holds no objects though it needs to."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name a data folder, which holds {OBJECTS}")
    if needs_objects and not (folder / OBJECTS).is_file():
        raise DataError(f"{folder}: holds no {OBJECTS}; make a data folder with: pointllm data build SOURCE --out DIR")
    return folder


@dataclass(frozen=True)
class Row:
    """One JSON object of a file, with typed access to its fields and errors that say where it stands."""

    file: Path
    line: int | None
    fields: dict
    where: str

    def error(self, message: str) -> DataError:
        """The error to raise for this row."""
        return DataError(f"{self.where}: {message}")

    def text(self, key: str, needed: bool = False) -> str | None:
        """A string, without blanks around it; None where missing, null or empty."""
        value = self.fields.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(f"\"{key}\" is not a string; write it in quotes")
        value = value.strip() if value else None
        if needed and not value:
            raise self.error(f"no \"{key}\"; every row needs one")
        return value or None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty where missing or null."""
        value = self.fields.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.error(f"\"{key}\" is not a list of strings; write [\"…\", \"…\"]")
        return tuple(v.strip() for v in value if v.strip())

    def split(self) -> str:
        """One of SPLITS, `train` where missing."""
        split = self.text("split") or "train"
        if split not in SPLITS:
            raise self.error(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
        return split

    def path_in(self, folder: Path, value: str) -> Path:
        """A path of a row: absolute, or inside the folder."""
        value = value.replace("\\", "/") if ":\\" not in value else value
        path = Path(value)
        if "\0" in value or (not path.is_absolute() and ".." in PurePosixPath(value).parts):
            raise self.error(f"path {value!r} leaves the data folder; give one inside it, or an absolute one")
        return path if path.is_absolute() else folder / path


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a .jsonl file; blank lines are passed over. DataError names file and line."""
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        fields = _parse(line, where)
        if not isinstance(fields, dict):
            raise DataError(f"{where}: holds no JSON object; each line is one {{…}}")
        yield Row(path, number, fields, where)


def _record(row: Row, folder: Path) -> Record:
    path = row.text("path")
    images = tuple(row.path_in(folder, value) for value in row.texts("images"))
    return Record(
        id=row.text("id", needed=True),
        path=None if path is None else row.path_in(folder, path),
        label=row.text("label", needed=True),
        category=row.text("category"),
        split=row.split(),
        colors=row.texts("colors"),
        name=row.text("name"),
        license=row.text("license"),
        creator=row.text("creator"),
        source=row.text("source"),
        images=images,
        captions=row.texts("captions"),
        size_m=_size(row),
        tags=row.texts("tags"),
        up_axis=_up_axis(row),
    )


def _size(row: Row) -> tuple[float, float, float] | None:
    value = row.fields.get("size_m")
    if value is None:
        return None
    numbers = isinstance(value, list) and len(value) == 3
    if not numbers or not all(type(v) in (int, float) and 0 <= v < float("inf") for v in value):
        raise row.error("\"size_m\" is not [width, height, depth] in metres; give three numbers, or null")
    return tuple(float(v) for v in value)


def _up_axis(row: Row) -> str | None:
    axis = row.text("up_axis")
    if axis not in (None, "x", "y", "z"):
        raise row.error(f"unknown \"up_axis\" {axis!r}; known: x, y, z, or null")
    return axis


def _sound(row: Row, folder: Path) -> Sound:
    fold = row.fields.get("fold")
    if fold is not None and type(fold) is not int:
        raise row.error("\"fold\" is not a whole number; give one, or null")
    return Sound(
        path=row.path_in(folder, row.text("path", needed=True)),
        name=row.text("class", needed=True),
        fold=fold,
        object_label=row.text("object_label"),
        license=row.text("license"),
        creator=row.text("creator"),
        source_url=row.text("source_url"),
        split=row.split(),
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start}"
        raise DataError(f"{path}: is not UTF-8 text ({error.reason} at {where}); save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror}); check the path and its permissions") from error


def _parse(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        cause = getattr(error, "msg", type(error).__name__)
        raise DataError(f"{where}: is not JSON ({cause}); correct or remove it") from error
