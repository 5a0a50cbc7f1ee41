"""`pointllm classify`: which of the given labels each file is."""

from __future__ import annotations

import argparse
import logging

from ..errors import InputError
from ..inputs import Input
from ..profiles import default_profile, resolve
from ..tasks.labels import parse_labels, read_templates
from .inputs import add_model_options, each, positive
from .output import emit, write

logger = logging.getLogger("pointllm")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("classify", help="recognise files: scores over labels of your choice")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="3D file, image, sound, video or text file")
    parser.add_argument(
        "--labels", metavar="A,B,C|FILE",
        help="names (English or Chinese) or files divided by commas, or a file with one name a line",
    )
    parser.add_argument(
        "--label-files", nargs="+", default=[], metavar="DIR|PATH",
        help="sounds, pictures or shapes as labels, named as the files; a folder's subfolders are labels of several",
    )
    parser.add_argument(
        "--templates", default="auto", metavar="quick|all|none|FILE",
        help="sentences that a label is embedded in: 8, 64, its name alone, or your own with {} (default: quick, of "
        "more than 2000 labels none)",
    )
    parser.add_argument("--top", type=positive, default=5, metavar="K", help="how many labels a file (default: 5)")
    parser.add_argument("--none", action="store_true", help='say where none of the labels fits: "none": true or false')
    parser.add_argument(
        "--none-threshold", type=float, metavar="X", help="instead of the profile's; higher says none more often"
    )
    parser.add_argument("--json", action="store_true", help='a line {"input", "top": [{"label", "score"}…]} a file')
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.labels is None and not args.label_files:
        raise InputError("no labels: give --labels A,B,C|FILE, or sounds and pictures with --label-files")
    labels = parse_labels(args.labels, args.label_files)
    templates = read_templates(args.templates, len(labels.labels))
    profile = args.profile or default_profile()
    resolve(profile, needs=("imagebind", "point"))
    want_none = args.none or args.none_threshold is not None
    failures = list(labels.errors)
    for line in failures:
        logger.error("error: %s", line)
    model: dict[str, object] = {}

    def prepare() -> None:
        from ..bind import PointBind
        from ..tasks.recognition import Recogniser

        model["bind"] = bind = PointBind.from_pretrained(profile)
        model["recognise"] = recognise = Recogniser(bind, profile, labels.labels, templates=templates, none=want_none,
                                                    none_threshold=args.none_threshold)
        for line in recognise.errors:
            logger.error("error: %s", line)
        failures.extend(recognise.errors)

    def recognise(item: Input) -> None:
        found = model["recognise"](model["bind"].embed_input(item, witness=args.witness), item.modality, args.top)
        if args.json:
            entry: dict[str, object] = {"input": item.path}
            entry["top"] = [{"label": p.label, "score": round(p.score, 6)} for p in found.top]
            if want_none:
                entry |= {"none": found.none, "none_margin": round(found.none_margin, 4)}
            emit(entry)
        else:
            named = ", ".join(f"{p.label} {p.score:.2f}" for p in found.top)
            write(f"{item.path}: none of these (nearest: {named})\n" if found.none else f"{item.path}: {named}\n")

    return each(args.paths, recognise, prepare=prepare, as_json=args.json) or int(bool(failures))


def read_labels(given: str) -> list[str]:
    """The labels of `--labels` where only words will do, in English; `InputError` where one isn't."""
    found = parse_labels(given)
    if found.errors:
        raise InputError(found.errors[0])
    if pictured := [label.name for label in found.labels if not label.words]:
        raise InputError(f"label {pictured[0]!r} is a file; only words can be used here")
    return [label.words for label in found.labels]
