"""`pointllm index`: the joint embeddings of a folder's files, kept up to date, for `retrieve`."""

from __future__ import annotations

import argparse
import logging

from ..profiles import default_profile, resolve
from .inputs import add_model_options
from .output import emit, write

logger = logging.getLogger("pointllm")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("index", help="index a folder of mixed files, for retrieval")
    parser.add_argument("folder", metavar="DIR", help="folder of 3D files, images, sounds, videos and texts")
    parser.add_argument("--out", required=True, metavar="INDEX", help="the index, a folder; updated where it exists")
    parser.add_argument("--no-thumbnails", action="store_true", help="make no small pictures")
    parser.add_argument("--rebuild", action="store_true", help="begin anew rather than embed what is new or changed")
    parser.add_argument("--json", action="store_true", help='a line {"input", "error"} a failing file, then a summary')
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..tasks.gallery.from_profile import update

    profile = args.profile or default_profile()
    resolve(profile, needs=("imagebind", "point"))

    def failed(path: str, line: str) -> None:
        if args.json:
            emit({"input": path, "error": line})
        else:
            logger.error("error: %s", line)

    report = update(profile, args.folder, args.out, witness=args.witness, thumbnails=not args.no_thumbnails,
                    rebuild=args.rebuild, failed=failed)
    counts = {name: getattr(report, name) for name in ("added", "changed", "renamed", "removed", "unchanged")}
    if args.json:
        emit({"index": args.out, "entries": report.entries, **counts, "failed": len(report.errors),
              "seconds": round(report.seconds, 2)})
    else:
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        failures = f"; {len(report.errors)} could not be read" if report.errors else ""
        write(f"{args.out}: {report.entries} files indexed ({said or 'nothing found'}){failures}\n")
    if not report.entries and not report.errors:
        logger.warning("%s holds no file of a known kind; the index is empty", args.folder)
    return 1 if report.errors else 0
