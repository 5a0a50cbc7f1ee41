"""`pointllm retrieve`: the files of a gallery that are most like some inputs, added and subtracted."""

from __future__ import annotations

import argparse
import logging

from ..errors import InputError
from ..inputs.reading import MODALITIES
from ..profiles import default_profile, resolve
from .inputs import add_model_options, check_path, positive
from .output import emit, write

logger = logging.getLogger("pointllm")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("retrieve", help="find files by files and words, added and subtracted")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="3D file, image, sound, video or text file")
    parser.add_argument("--text", action="append", default=[], metavar="T", help="a sentence to look for")
    parser.add_argument("--minus", nargs="+", action="extend", default=[], metavar="PATH", help="files to subtract")
    parser.add_argument("--minus-text", action="append", default=[], metavar="T", help="a sentence to subtract")
    parser.add_argument(
        "--weight", nargs="+", type=float, metavar="W",
        help="how much each input counts: files, texts, subtracted files, subtracted texts, each in order (default: 1)",
    )
    parser.add_argument("--gallery", required=True, metavar="DIR|INDEX", help="a folder of files, or an index of one")
    parser.add_argument("--root", metavar="DIR", help="where the indexed files lie now, if they were moved")
    parser.add_argument(
        "--modality", nargs="+", choices=MODALITIES, metavar="M", help=f"only files of a kind: {', '.join(MODALITIES)}"
    )
    parser.add_argument("--top", type=positive, default=10, metavar="K", help="how many results (default: 10)")
    parser.add_argument(
        "--json", action="store_true", help='one object: "inputs", "searched", "top": [{"path", "score", "shares"…}…]'
    )
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    count = len(args.paths) + len(args.text) + len(args.minus) + len(args.minus_text)
    if not count:
        raise InputError("nothing to search for: name files, or give a sentence with --text")
    if not all(text.strip() for text in args.text + args.minus_text):
        raise InputError("--text or --minus-text is empty; give a sentence")
    if args.weight is not None and len(args.weight) != count:
        raise InputError(f"--weight has {len(args.weight)} numbers for {count} inputs; give one for each")
    profile = args.profile or default_profile()
    resolve(profile, needs=("imagebind", "point"))
    for path in args.paths + args.minus:
        check_path(path)

    from ..tasks.gallery.from_profile import Searcher, open_gallery

    failures: list[str] = []

    def failed(path: str, line: str) -> None:
        failures.append(path)
        logger.error("error: %s", line)

    searcher = Searcher(profile, witness=args.witness)
    gallery = open_gallery(searcher, args.gallery, root=args.root, failed=failed)
    query = searcher.query(args.paths, text=args.text, minus=args.minus, minus_text=args.minus_text,
                           weights=args.weight)
    hits = gallery.search(query, args.top, args.modality)
    if args.json:
        emit({
            "inputs": [{"input": t.name, "modality": t.modality, "weight": t.weight} for t in query.terms],
            "searched": len(gallery),
            "top": [
                {"path": str(hit.path), "modality": hit.modality, "score": round(hit.score, 6),
                 "shares": [round(share, 6) for share in hit.shares],
                 **({"thumbnail": str(hit.thumbnail)} if hit.thumbnail else {})}
                for hit in hits
            ],
        })
    else:
        for hit in hits:
            shares = " + ".join(f"{share:.2f}" for share in hit.shares).replace("+ -", "- ")
            write(f"{hit.score:6.2f}  {hit.path}" + (f"  ({shares})" if len(hit.shares) > 1 else "") + "\n")
    return 1 if failures else 0
