"""`pointllm cache build`: the visual cache of a profile."""

from __future__ import annotations

import argparse
from pathlib import Path

from .inputs import positive
from .output import emit, write


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Registers the command."""
    parser = subparsers.add_parser("cache", help="build the visual cache that mends embeddings before an answer")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    text = "embed training views, label texts or pictures as the keys of a visual cache"
    build = actions.add_parser("build", help=text, description=text)
    build.add_argument("--profile", metavar="P", help="whose image and text towers embed (default: embedded)")
    build.add_argument("--data", metavar="DIR", type=Path, help="data folder, for views and label texts")
    build.add_argument("--images", metavar="DIR", type=Path, help="folder of pictures, searched through")
    build.add_argument("--out", metavar="FILE", type=Path, required=True,
                       help=".safetensors, or .index for a faiss index with inner product (for large caches)")
    build.add_argument("--keys", choices=("labels", "images", "both"), default="both", help="of --data (default: both)")
    build.add_argument("--views", type=positive, default=6, help="rendered of an object (default: 6)")
    build.add_argument("--each-view", action="store_true", help="a key a view, not their mean an object")
    build.add_argument("--cache", metavar="DIR", type=Path, help="where prepared data and features are kept "
                       "(default: beside FILE)")
    build.add_argument("--json", action="store_true", help="results as one JSON object")
    build.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Builds the cache and says what stands in it."""
    from ..profiles import default_profile
    from ..training.cache_build import KINDS, build

    kinds = KINDS if args.keys == "both" else (args.keys,)
    work = args.cache or args.out.absolute().parent / "cache"
    found = build(args.out, args.profile or default_profile(), work, args.data, args.images, kinds, args.views,
                  args.each_view)
    if args.json:
        emit({"file": str(args.out), "keys": found})
    else:
        write("".join(f"{args.out}: {count} {name}\n" for name, count in found.items()))
    return 0
