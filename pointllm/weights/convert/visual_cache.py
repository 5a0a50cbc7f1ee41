"""Plans `llm/knn.index`: the published visual cache, a faiss index with inner product, copied as it is.

A flat index is checked from its header alone: the file must be exactly as long as the header says. Any other kind is
opened by faiss in a process of its own with limited memory, so that a damaged file can't take this one down.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

from pointllm.errors import WeightsError
from pointllm.weights.convert.plan import Part
from pointllm.weights.profile_parts import place_of

NAME = "knn.index"
CACHE = {"k": 10, "weight": 0.5, "temperature": 20.0}  # the defaults of the original's `forward_visual`
INNER_PRODUCT = 0
_FLAT = {b"IxFI": "inner product", b"IxF2": "L2", b"IxFl": "unknown metric"}
_HEADER = struct.Struct("<4siqqqBi")  # kind, d, ntotal, two unused numbers, is_trained, metric
_SPARE_BYTES = 6 << 30  # for faiss itself and its threads; address space, not memory
_SECONDS = 600
_PROBE = """
import json, resource, sys
try:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
except (ValueError, OSError):
    pass
import faiss
index = faiss.read_index(sys.argv[1])
index.reconstruct(0)
print(json.dumps([index.d, index.ntotal, index.metric_type]))
"""


def plan_visual_cache(file: Path) -> Part:
    """The cache's part of `llm/`. WeightsError for anything but a whole index with inner product."""
    dim, vectors, metric = _flat(file) or _probed(file)
    if metric != INNER_PRODUCT:
        raise WeightsError(f"{file.name}: a faiss index with metric {metric}; the visual cache needs inner product (0)")
    if vectors < 1 or dim < 1:
        raise WeightsError(f"{file.name}: an index without vectors; fetch the published knn.index")
    row = {"file": NAME, **CACHE, "k": min(CACHE["k"], vectors)}
    return Part(place_of("llm/cache"), (file,), copies={NAME: file}, facts={"dim": dim, "cache": row})


def _flat(file: Path) -> tuple[int, int, int] | None:
    """Dimension, number of vectors and metric of a flat index; None for another kind."""
    with file.open("rb") as stream:
        head = stream.read(_HEADER.size + 8)
    if head[:4] not in _FLAT:
        return None
    if len(head) < _HEADER.size + 8:
        raise WeightsError(f"{file.name}: cut short; fetch it again")
    _, dim, vectors, _, _, _, metric = _HEADER.unpack_from(head)
    extra = 4 if metric > 1 else 0  # an argument of the rarer metrics
    numbers = int.from_bytes(head[_HEADER.size + extra :][:8], "little")
    needed = _HEADER.size + extra + 8 + 4 * dim * vectors
    # newer versions count the bytes of the vectors in units of four, older ones the floats: the same number
    if extra == 0 and (numbers != dim * vectors or file.stat().st_size != needed):
        raise WeightsError(f"{file.name}: {file.stat().st_size} bytes, but {vectors} vectors of {dim} take {needed}; "
                           "cut short or damaged, fetch it again")
    return dim, vectors, metric


def _probed(file: Path) -> tuple[int, int, int]:
    """The same of any index that faiss can read and take vectors out of."""
    limit = 2 * file.stat().st_size + _SPARE_BYTES
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run([sys.executable, "-c", _PROBE, str(file), str(limit)], env=environment, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS)
        return tuple(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise WeightsError(f"{file.name}: faiss can't read it as an index that gives its vectors back; fetch the "
                           "published knn.index") from error
