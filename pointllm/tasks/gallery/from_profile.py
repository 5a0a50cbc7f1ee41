"""Galleries by the name of a profile: what the command line and the app call.

Loads the joint space when it is first needed: an index that is up to date costs no model.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...profiles import read_config, resolve
from ...weights.paths import cache_dir
from ..arithmetic import Query, Term
from ..calibration import Calibration
from ..fingerprint import fingerprint
from .build import Report, build_index
from .search import Gallery
from .store import Identity, is_index

if TYPE_CHECKING:
    from ...bind import PointBind

logger = logging.getLogger("pointllm")

MOST_CACHED = 16  # indexes of folders that were searched without one


class Searcher:
    """A profile's joint space and calibration, for queries."""

    def __init__(self, profile: str, *, witness: str | None = None, bind: PointBind | None = None) -> None:
        """bind: the profile's joint space, where it is loaded already."""
        self.profile, self.witness, self._given = profile, witness, bind

    @cached_property
    def bind(self) -> PointBind:
        """The joint space, loaded when first asked for."""
        if self._given is not None:
            return self._given
        from ...bind import PointBind

        return PointBind.from_pretrained(self.profile)

    @cached_property
    def calibration(self) -> Calibration:
        """Of the profile."""
        return Calibration.of(self.profile)

    @cached_property
    def identity(self) -> Identity:
        """What vectors of this profile are, with 3D files seen by `witness`."""
        return Identity(self.profile, fingerprint(self.profile), read_config(resolve(self.profile))["dim"],
                        self.witness or "")

    def query(self, paths: Sequence[str] = (), *, text: Sequence[str] = (), minus: Sequence[str] = (),
              minus_text: Sequence[str] = (), weights: Sequence[float] | None = None) -> Query:
        """Files and sentences, added and subtracted. weights: in the order of the arguments, 1 each where None.

        InputError for a file that can't be read: a sum without one of its terms is another question.
        """
        given = [(name, sign, is_text) for names, sign, is_text in
                 ((paths, 1.0, False), (text, 1.0, True), (minus, -1.0, False), (minus_text, -1.0, True))
                 for name in names]
        if weights is not None and len(weights) != len(given):
            raise InputError(f"{len(weights)} weights for {len(given)} inputs; give one for each")
        terms = []
        for index, (name, sign, is_text) in enumerate(given):
            weight = sign * (1.0 if weights is None else float(weights[index]))
            if is_text:
                terms.append(Term(str(name), "text", self.bind.embed_text([name])[0], weight))
            else:
                found = self.bind.embed_file(name, self.witness)
                terms.append(Term(str(name), found.modality, found.vector, weight))
        return Query(terms, self.calibration)


def update(profile: str, folder: str | Path, out: str | Path, *, witness: str | None = None, thumbnails: bool = True,
           rebuild: bool = False, failed: Callable[[str, str], None] = lambda path, line: None,
           bind: PointBind | None = None) -> Report:
    """`build_index` with the joint space of a profile."""
    searcher = Searcher(profile, witness=witness, bind=bind)
    return build_index(lambda: searcher.bind, searcher.identity, folder, out, thumbnails=thumbnails, rebuild=rebuild,
                       failed=failed)


def open_gallery(searcher: Searcher, place: str | Path, *, root: str | Path | None = None,
                 failed: Callable[[str, str], None] = lambda path, line: None) -> Gallery:
    """An index; or of a folder of files the index kept in the cache, brought up to date first."""
    place = Path(place)
    if is_index(place):
        gallery = Gallery.open(place, searcher.identity, searcher.calibration, root=root)
        if not gallery.complete:
            logger.warning("%s: the index is not complete, indexing was interrupted; finish it with pointllm index",
                           place)
        return gallery
    if not place.is_dir():
        raise InputError(f"{place}: no such gallery; give a folder of files, or an index made by pointllm index")
    folder = cached_index(searcher.identity, place)
    _make_room(folder)
    build_index(lambda: searcher.bind, searcher.identity, place, folder, failed=failed)
    return Gallery.open(folder, searcher.identity, searcher.calibration, root=root or place)


def cached_index(identity: Identity, place: Path) -> Path:
    """Where the index of a folder is kept that has none of its own: by its place and the weights."""
    key = "\0".join([str(place.resolve()), identity.weights, identity.witness]).encode("utf-8", "surrogateescape")
    return cache_dir() / "galleries" / hashlib.blake2b(key, digest_size=12).hexdigest()


def _make_room(kept: Path) -> None:
    """Before another folder is indexed, the cached indexes that were used longest ago go."""
    if kept.is_dir() or not kept.parent.is_dir():
        return
    others = sorted((folder for folder in kept.parent.iterdir() if is_index(folder)), key=lambda f: f.stat().st_mtime)
    for folder in others[: max(0, len(others) - MOST_CACHED + 1)]:
        shutil.rmtree(folder, ignore_errors=True)
