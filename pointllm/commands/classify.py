"""`pointllm classify`: which of the given labels each file is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..errors import InputError
from ..inputs import Input
from ..profiles import default_profile, resolve
from .inputs import add_model_options, each, positive
from .output import emit, write


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("classify", help="recognise files: scores over labels of your choice")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="3D file, image, sound, video or text file")
    parser.add_argument(
        "--labels", required=True, metavar="A,B,C|FILE", help="names divided by commas, or a file with one a line"
    )
    parser.add_argument("--top", type=positive, default=5, metavar="K", help="how many labels a file (default: 5)")
    parser.add_argument("--json", action="store_true", help='a line {"input", "top": [{"label", "score"}…]} a file')
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    names = read_labels(args.labels)
    profile = args.profile or default_profile()
    resolve(profile)
    model: dict[str, object] = {}

    def prepare() -> None:
        from ..bind import PointBind
        from ..tasks.zero_shot import ZeroShot

        model["bind"] = PointBind.from_pretrained(profile)
        model["recognise"] = ZeroShot(model["bind"], names)

    def recognise(item: Input) -> None:
        vector = model["bind"].embed_input(item, witness=args.witness)
        top = model["recognise"](vector[None], args.top)[0]
        if args.json:
            emit({"input": item.path, "top": [{"label": p.label, "score": round(p.score, 6)} for p in top]})
        else:
            write(f"{item.path}: {', '.join(f'{p.label} {p.score:.2f}' for p in top)}\n")

    return each(args.paths, recognise, prepare=prepare, as_json=args.json)


def read_labels(given: str) -> list[str]:
    """The labels of `--labels`: the lines of a file (of a .json file the items of its list, or its keys), else what
    stands between commas. Each once, in order."""
    path = Path(given)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a file name
        is_file = False
    if is_file:
        names = _names_of(path)
    elif "," not in given and (path.suffix or "/" in given):
        raise InputError(f"{given}: no such file of labels; give a file with one label a line, or A,B,C")
    else:
        names = given.split(",")
    names = list(dict.fromkeys(" ".join(name.split()) for name in names if name.strip()))
    if not names:
        raise InputError(f"--labels {given!r} holds no label; give a file with one label a line, or A,B,C")
    return names


def _names_of(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            return [str(name) for name in list(json.loads(text))]
        return text.splitlines()
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: can't be read as labels ({error}); give a text file with one label a line"
        ) from error
