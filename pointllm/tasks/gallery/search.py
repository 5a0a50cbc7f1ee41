"""Searching an index: the entries that score highest for a query, over all modalities or some.

Each modality is searched by itself, with its own query vector (see `arithmetic`), and the results are merged. Up to
FLAT_NUMBERS numbers a modality the search is exact; beyond, vectors are grouped into cells (faiss IVF) of which the
nearest PROBES are looked at.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..arithmetic import Query
from ..calibration import Calibration
from .store import Entry, Identity, Store

logger = logging.getLogger("pointllm")

# 60 M numbers are 156,000 vectors of 384, 58,000 of 1024: about 30 ms on one core.
FLAT_NUMBERS = 60_000_000
PROBES = 32
TRAINED_ON = 40  # vectors a cell


@dataclass(frozen=True)
class Hit:
    """A result. path: of the file; score: see `arithmetic` (1); shares: what each term of the query adds to it.

    thumbnail: of the picture, or None.
    """

    path: Path
    modality: str
    score: float
    shares: tuple[float, ...]
    thumbnail: Path | None


class Gallery:
    """An index in memory, ready to be searched."""

    def __init__(self, folder: Path, root: Path, calibration: Calibration, complete: bool) -> None:
        self.folder, self.root, self.calibration, self.complete = folder, root, calibration, complete
        self.entries: dict[str, list[Entry]] = {}
        self._search: dict[str, object] = {}

    @classmethod
    def open(cls, folder: str | Path, identity: Identity, calibration: Calibration | None = None, *,
             root: str | Path | None = None, exact: bool = False) -> Gallery:
        """Load an index. root: where the files are now, if the index can't know.

        exact: search all vectors also where the index is large. InputError for no index, a damaged one, or one of
        another profile.
        """
        calibration = calibration or Calibration()
        with Store.open(folder) as store:
            store.require(identity, witness=False)
            place = Path(root) if root else store.root()
            gallery = cls(Path(folder), place, calibration, store.get("complete") == "1")
            matrices = {name: np.empty((count, identity.dim), np.float32) for name, count in store.counts().items()}
            for entry, vector in store.vectors():
                if len(vector) != 4 * identity.dim:
                    raise InputError(f"{folder}: the vector of {entry.path} is damaged; add --rebuild to index again")
                rows = gallery.entries.setdefault(entry.modality, [])
                matrices[entry.modality][len(rows)] = np.frombuffer(vector, np.float32)
                rows.append(entry)
            generation = store.get("generation")
        stamp = f"{generation} {calibration.stamp}"
        for modality, rows in gallery.entries.items():
            vectors = calibration.centred(matrices.pop(modality)[: len(rows)], modality)
            gallery._search[modality] = _searcher(vectors, gallery.folder, modality, stamp, exact)
        return gallery

    @classmethod
    def of(cls, rows: Sequence[tuple[Entry, np.ndarray]], calibration: Calibration | None = None) -> Gallery:
        """A gallery without an index: entries whose paths are absolute, with their vectors (D,) of unit norm."""
        gallery = cls(Path(), Path(), calibration or Calibration(), complete=True)
        for entry, _ in rows:
            gallery.entries.setdefault(entry.modality, []).append(entry)
        for modality in gallery.entries:
            vectors = np.stack([vector for entry, vector in rows if entry.modality == modality])
            gallery._search[modality] = _searcher(gallery.calibration.centred(vectors, modality), Path(), modality, "",
                                                  exact=True)
        return gallery

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))

    def search(self, query: Query, top: int = 10, modalities: Sequence[str] | None = None) -> list[Hit]:
        """The `top` entries with the highest scores, best first; equal ones by path.

        InputError for an empty gallery, for modalities that it has nothing of, and for terms that cancel out.
        """
        if not len(self):
            raise InputError(f"{self.root}: the gallery is empty; no file in it could be indexed")
        wanted = [modality for modality in self.entries if modalities is None or modality in modalities]
        if not wanted:
            raise InputError(f"{self.root}: the gallery holds nothing of kind {', '.join(modalities or ())}; "
                             f"it has {', '.join(sorted(self.entries))}")
        hits = []
        for modality in wanted:
            entries, search = self.entries[modality], self._search[modality]
            vector = query.vector(modality)
            scores, rows = search.search(vector[None], min(top, len(entries)))
            rows, scores = rows[0], scores[0]
            rows, scores = rows[rows >= 0], scores[rows >= 0]
            shares = query.shares(search.reconstruct_batch(rows), modality)
            hits += [self._hit(entries[row], float(part.sum()), part) for row, part in zip(rows, shares, strict=True)]
        hits.sort(key=lambda hit: (-hit.score, str(hit.path)))
        return hits[:top]

    def _hit(self, entry: Entry, score: float, shares: np.ndarray) -> Hit:
        picture = self.folder / entry.thumbnail if entry.thumbnail else None
        if picture and not picture.is_file():
            picture = None
        return Hit(self.root / entry.path, entry.modality, score, tuple(map(float, shares)), picture)


def _searcher(vectors: np.ndarray, folder: Path, modality: str, stamp: str, exact: bool):
    """faiss over vectors (N, D): flat where exact search is quick enough, else cells, kept in the index's folder."""
    import faiss

    count, dim = vectors.shape
    if exact or count * dim <= FLAT_NUMBERS:
        flat = faiss.IndexFlatIP(dim)
        flat.add(vectors)
        return flat
    file = folder / f"search-{modality}.faiss"
    label = file.with_suffix(".json")
    try:
        if json.loads(label.read_text()) == {"stamp": stamp, "count": count}:
            found = faiss.read_index(str(file))
            found.nprobe = PROBES
            found.make_direct_map()
            return found
    except (OSError, ValueError, RuntimeError) as error:
        logger.debug("%s is made anew: %s", file, error)
    cells = _cells(vectors)
    try:
        partial = file.with_suffix(".part")
        faiss.write_index(cells, str(partial))
        label.unlink(missing_ok=True)
        partial.replace(file)
        label.write_text(json.dumps({"stamp": stamp, "count": count}))
    except (OSError, RuntimeError) as error:  # a read-only index is searched all the same
        logger.info("%s: the search structure can't be kept (%s)", folder, error)
    cells.make_direct_map()
    return cells


def _cells(vectors: np.ndarray):
    """An inverted file of about 4 √N cells, trained on a sample."""
    import faiss

    count, dim = vectors.shape
    cells = int(4 * count**0.5)
    logger.info("grouping %d vectors into %d cells for search", count, cells)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = 10
    sample = np.random.default_rng(0).choice(count, min(count, TRAINED_ON * cells), replace=False)
    index.train(vectors[np.sort(sample)])
    index.add(vectors)
    index.nprobe = PROBES
    return index
