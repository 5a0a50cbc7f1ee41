"""`pointllm cache build`: the keys of a visual cache, from a data folder's views and labels or a folder of pictures.

ImageBind-LLM (arXiv 2309.03905) retrieves among image embeddings; here label texts may be keys as well. What a cache
does with them is `pointllm.llm.visual_cache`'s matter.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.prepared import Parameters
from ..data.records import read_labels, read_records
from ..data.templates import QUICK_TEMPLATES, label_embeddings
from ..errors import InputError
from ..inputs.image import SUFFIXES
from .bind import label_names
from .frozen import FrozenTowers
from .objects import prepared_data
from .profile_folder import write_tensors

logger = logging.getLogger("pointllm")
KINDS = ("labels", "images")
FORMATS = (".safetensors", ".index")


def label_keys(towers: FrozenTowers, folder: Path) -> Tensor:
    """(L, D) unit norm: a text embedding a label of a data folder, in the order of their sorted names."""
    labels = read_labels(folder)
    names = label_names(labels, read_records(folder))
    synonyms = {name: labels[name].synonyms for name in names if name in labels}
    return label_embeddings(towers.bind.text_tower, names, synonyms, QUICK_TEMPLATES).clone()


def object_keys(towers: FrozenTowers, folder: Path, cache: Path, views: int, each_view: bool) -> Tensor:
    """(N, D) unit norm: image embeddings of the training objects' rendered views, a mean an object or every view."""
    records = [record for record in read_records(folder, "train") if record.path is not None]
    prepared = prepared_data(records, folder, cache, Parameters(views=views, fixed_views=views))
    found = towers.views(prepared, [record.id for record in records])
    rows = [towers.embed_features(features[None])[0] for features in found.values()]
    return torch.cat(rows) if each_view else F.normalize(torch.stack([row.mean(0) for row in rows]), dim=-1)


def picture_keys(towers: FrozenTowers, folder: Path) -> Tensor:
    """(N, D) unit norm: every picture in a folder and those below it. InputError where there is none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise InputError(f"{folder}: holds no pictures; known are {' '.join(SUFFIXES)}")
    return torch.stack(list(towers.pictures(paths).values()))


def build(out: Path, profile: str, cache: Path, data: Path | None = None, images: Path | None = None,
          kinds: Sequence[str] = KINDS, views: int = 6, each_view: bool = False) -> dict[str, int]:
    """Write the cache file and return how many keys each kind has.

    out: .safetensors holds every kind by name; .index is faiss' with inner product and holds one kind.
    Raises InputError for what can't be used.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"{out}: name a file that ends in {' or '.join(FORMATS)}")
    if data is None and images is None:
        raise InputError("name a data folder with --data, a folder of pictures with --images, or both")
    if out.suffix == ".index" and data is not None and len(kinds) > 1:
        raise InputError(f"{out}: a faiss index holds one kind of keys; choose --keys labels or --keys images")
    towers = FrozenTowers(profile, cache)
    keys: dict[str, Tensor] = {}
    if data is not None and "labels" in kinds:
        keys["labels"] = label_keys(towers, data)
    rows = []
    if data is not None and "images" in kinds:
        rows.append(object_keys(towers, data, cache, views, each_view))
    if images is not None:
        rows.append(picture_keys(towers, images))
    if rows:
        keys["images"] = torch.cat(rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".index":
        _write_index(next(iter(keys.values())), out)
    else:
        write_tensors(keys, out)
    return {name: len(value) for name, value in keys.items()}


def _write_index(vectors: Tensor, out: Path) -> None:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors.float().numpy())
    partial = out.with_name(out.name + ".partial")
    faiss.write_index(index, str(partial))
    os.replace(partial, out)
