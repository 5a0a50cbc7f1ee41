"""`pointllm embed`: files and sentences as vectors of the joint space, in an .npz file."""

from __future__ import annotations

import argparse
import logging
import os

import numpy as np

from ..errors import InputError
from ..inputs import Input
from ..profiles import default_profile, resolve
from .inputs import add_model_options, check_output, each

logger = logging.getLogger("pointllm")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("embed", help="write the joint embeddings of files and texts to an .npz file")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="3D file, image, sound, video or text file")
    parser.add_argument("--text", nargs="+", action="extend", default=[], metavar="T", help="sentences to embed")
    parser.add_argument(
        "--out", required=True, metavar="FILE.npz", help='arrays "embeddings" [N, D] float32, unit norm, and "names"'
    )
    parser.add_argument("--json", action="store_true", help='report failing files as {"input", "error"} on stdout')
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if not args.paths and not args.text:
        raise InputError("nothing to embed: name files, or sentences with --text")
    if not all(text.strip() for text in args.text):
        raise InputError("--text is empty; give a sentence")
    target = check_output(args.out)
    profile = args.profile or default_profile()
    resolve(profile, needs=("imagebind", "point"))
    vectors: list[np.ndarray] = []
    names: list[str] = []
    model: dict[str, object] = {}

    def prepare() -> None:
        from ..bind import PointBind

        model["bind"] = PointBind.from_pretrained(profile)

    def embed(item: Input) -> None:
        vectors.append(model["bind"].embed_input(item, witness=args.witness))
        names.append(item.path)

    status = each(args.paths, embed, prepare=prepare, as_json=args.json)
    if args.text:
        if not model:
            prepare()
        vectors += list(model["bind"].embed_text(args.text))
        names += args.text
    if not vectors:
        raise InputError(f"none of the {len(args.paths)} files can be embedded; {target} is not written")
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as stream:
            np.savez(stream, embeddings=np.stack(vectors).astype(np.float32), names=np.array(names))
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{target}: can't be written ({error.strerror}); choose another --out") from error
    logger.info("%d embeddings in %s", len(vectors), target)
    return status
