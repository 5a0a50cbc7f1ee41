"""What the pages search: the server's gallery, and one that a visitor makes of uploads, kept in the visitor's session.

The server's is a folder or an index that whoever starts the app chose (`Settings.gallery`), else the samples.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..examples import FOLDER
from ..uploads import explain, scratch
from .work import Tower

if TYPE_CHECKING:
    import numpy as np

    from pointllm.tasks.gallery import Gallery
    from pointllm.tasks.gallery.store import Entry

MOST_FILES = 300  # of a visitor's gallery: a few minutes of one core


@dataclass
class Own:
    """A visitor's gallery: path → entry and vector, and which weights made them."""

    weights: str = ""
    rows: dict[str, tuple[Entry, np.ndarray]] = field(default_factory=dict)


class ServerGallery:
    """The gallery that all visitors share; made, or brought up to date, by the first job that needs it."""

    def __init__(self, place: str | None = None) -> None:
        self.place = Path(place) if place else FOLDER
        self._lock = threading.Lock()
        self._open: tuple[str, Gallery] | None = None

    def open(self, tower: Tower) -> Gallery:
        """The gallery for the profile in use. InputError, without the server's paths, where it can't be used."""
        from pointllm.errors import InputError
        from pointllm.tasks.gallery.from_profile import Searcher, cached_index, open_gallery

        searcher = Searcher(tower.profile, bind=tower)
        state = f"{searcher.identity.weights} {self._written()}"
        with self._lock:
            if self._open is None or self._open[0] != state:
                try:
                    self._open = (state, open_gallery(searcher, self.place))
                except InputError as error:
                    line = str(error)
                    for path in (self.place, cached_index(searcher.identity, self.place)):
                        line = line.replace(str(path), self.place.name)
                    raise InputError(line) from error
            return self._open[1]

    def _written(self) -> int:
        """When an index was last written, so that a change of it is noticed; a folder is looked through once."""
        from pointllm.tasks.gallery.store import FILE

        try:
            return (self.place / FILE).stat().st_mtime_ns
        except OSError:
            return 0

    def name(self, path: Path) -> str:
        """What to call a file of it: its place inside the gallery."""
        root = self._open[1].root if self._open else self.place
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def own_gallery(tower: Tower, own: Own, paths: Sequence[str], language: str) -> tuple[Gallery, list[str]]:
    """The gallery of these uploads, and a line for each that can't be read; what was embedded before is kept."""
    from pointllm.errors import InputError
    from pointllm.inputs import read_input
    from pointllm.tasks.calibration import Calibration
    from pointllm.tasks.fingerprint import fingerprint
    from pointllm.tasks.gallery import Gallery
    from pointllm.tasks.gallery.store import Entry
    from pointllm.tasks.gallery.thumbnails import write_thumbnail

    if not paths:
        raise InputError("the gallery is empty; add files to it")
    if len(paths) > MOST_FILES:
        raise InputError(f"{len(paths)} files are too many for a gallery made here; add up to {MOST_FILES}, or index a "
                         "folder with: pointllm index")
    weights = fingerprint(tower.profile)
    if own.weights != weights:
        own.weights, own.rows = weights, {}
    errors = []
    for number, path in enumerate(paths, start=1):
        if path in own.rows:
            continue
        try:
            item = read_input(path)
            vector = tower.embed_input(item)
        except (InputError, MemoryError, OSError) as error:
            errors.append(explain(error, [path], language))
            continue
        tower.job.say("pages_indexing", name=Path(path).name, number=number, total=len(paths))
        content = hashlib.sha256(path.encode()).hexdigest()[:32]
        picture = write_thumbnail(item, scratch(), content)
        entry = Entry(path, item.modality, 0, 0, content, str(scratch() / picture) if picture else "")
        own.rows[path] = (entry, vector)
    kept = [own.rows[path] for path in paths if path in own.rows]
    if not kept:
        raise InputError(errors[0])
    return Gallery.of(kept, Calibration.of(tower.profile)), errors
