"""How well the embedded joint space recognises labelled shapes, as files are and as they come in practice.

    python benchmarks/recognition.py --data FOLDER [--split val] [--every 1] [--variants mesh,plain,…] --out FILE.json

FOLDER holds objects.jsonl (path, label, category, split) and labels.json. Every shape is classified over all labels
by either witness and by both; variants show it as a bare cloud, without colours, lying, and thinned out.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from pointllm import PointBind
from pointllm.data.templates import QUICK_TEMPLATES, label_embeddings
from pointllm.encoders.compact.space import WITNESSES
from pointllm.errors import PointLLMError
from pointllm.inputs import PointCloud, read_shape
from pointllm.inputs.orientation import UP_AXES, rotated


def bare(cloud: PointCloud, points: int) -> PointCloud:
    """The shape as a scan of so many points, without its surface."""
    return replace(cloud.resampled(points), mesh=None)


def colorless(cloud: PointCloud) -> PointCloud:
    """The shape without colours."""
    mesh = cloud.mesh
    if mesh is not None:
        mesh = replace(mesh, vertex_colors=None, face_colors=None, uv=None, materials=(),
                       face_starts=np.zeros(0, np.int64))
    return replace(cloud, rgb=None, mesh=mesh)


def z_up(cloud: PointCloud) -> PointCloud:
    """The shape as a program with z up saves it, in a format that doesn't say so."""
    return replace(rotated(cloud, UP_AXES["z"].T), metadata=replace(cloud.metadata, up_axis=None))


VARIANTS = {
    "mesh": lambda cloud: cloud,
    "plain": colorless,
    "cloud8192": lambda cloud: bare(cloud, 8192),
    "cloud1024": lambda cloud: bare(cloud, 1024),
    "ten percent": lambda cloud: bare(bare(cloud, 8192), 819),
    "z up": z_up,
}


def embed_all(space, cloud: PointCloud) -> dict[str, torch.Tensor]:
    """{witness: (D,)}: what `embed_shape` gives for each witness, from one look at the shape."""
    upright, features = space.stand_upright(cloud)
    share = space.config["witness"]
    vectors = {"point": space.point_tower.embed([upright])[0],
               "views": space.image_tower.embed_features(features[None])[0]}
    vectors["both"] = F.normalize(share["point"] * vectors["point"] + share["views"] * vectors["views"], dim=-1)
    return vectors


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--every", type=int, default=1, help="take every n-th object")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--embeddings", type=Path, help="where the embeddings of the first variant go (.npz)")
    args = parser.parse_args()
    rows = [json.loads(line) for line in (args.data / "objects.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["split"] == args.split][:: args.every]
    names = sorted(json.loads((args.data / "labels.json").read_text()))
    bind = PointBind.from_pretrained(args.profile)
    anchors = label_embeddings(bind.text_tower, names, templates=QUICK_TEMPLATES)
    report, first = {"objects": len(rows), "labels": len(names)}, None
    for variant in args.variants.split(","):
        vectors, kept = defaultdict(list), []
        for row in rows:
            try:
                found = embed_all(bind.space, VARIANTS[variant](read_shape(args.data / row["path"])))
            except PointLLMError as error:
                print(row["id"], error)
                found = dict.fromkeys(WITNESSES, torch.zeros(bind.dim))
            kept.append(row)
            for witness, vector in found.items():
                vectors[witness].append(vector)
        first = first or {witness: torch.stack(found).numpy() for witness, found in vectors.items()}
        wanted = torch.tensor([names.index(row["label"]) for row in kept])
        report[variant] = {}
        for witness, found in vectors.items():
            top = (torch.stack(found) @ anchors.T).topk(5).indices
            hits = top == wanted[:, None]
            report[variant][witness] = {"top1": round(100 * hits[:, 0].float().mean().item(), 1),
                                        "top5": round(100 * hits.any(1).float().mean().item(), 1)}
            if variant == "mesh" and witness == "both":
                categories = defaultdict(list)
                for row, hit in zip(kept, hits[:, 0].tolist(), strict=True):
                    categories[row["category"]].append(hit)
                report["categories"] = {name: {"objects": len(hit), "top1": round(100 * float(np.mean(hit)), 1)}
                                        for name, hit in sorted(categories.items())}
        print(variant, report[variant], flush=True)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + "\n")
    if args.embeddings:
        np.savez(args.embeddings, ids=np.array([row["id"] for row in rows]),
                 labels=np.array([row["label"] for row in rows]), **first)


if __name__ == "__main__":
    main()
