"""`pointllm ask`: a question about files and sentences, answered as it is written."""

from __future__ import annotations

import argparse

from ..errors import InputError
from ..inputs import read_input
from ..profiles import default_profile, resolve
from .inputs import add_model_options, add_placement_options, check_path, positive
from .output import emit, write


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("ask", help="ask a question about files")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="3D file, image, sound, video or text file")
    parser.add_argument("--prompt", required=True, metavar="TEXT", help="the question")
    parser.add_argument("--text", action="append", default=[], metavar="T", help="a sentence to look at like a file")
    parser.add_argument(
        "--weight", nargs="+", type=float, metavar="W", help="how much each file and text counts (default: alike)"
    )
    parser.add_argument("--no-cache", action="store_true", help="don't mend the embedding by the visual cache")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same answer (default: 0)")
    parser.add_argument("--max-tokens", type=positive, default=256, metavar="N", help="longest answer (default: 256)")
    parser.add_argument("--json", action="store_true", help="print one object with the answer, its inputs and timings")
    add_model_options(parser)
    add_placement_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if not args.prompt.strip():
        raise InputError("--prompt is empty; ask a question, such as 'What is this?'")
    if not all(text.strip() for text in args.text):
        raise InputError("--text is empty; give a sentence, or leave it out")
    inputs = len(args.paths) + len(args.text)
    if args.weight is not None and len(args.weight) != inputs:
        raise InputError(f"--weight has {len(args.weight)} numbers for {inputs} inputs; give one for each")
    profile = args.profile or default_profile()
    resolve(profile, needs=("imagebind", "point", "llm", "llm/base"))
    for path in args.paths:
        check_path(path)
    for path in args.paths:  # a file that can't be read is refused before seconds are spent on loading the model
        read_input(path)

    from ..llm.model import PointLLM

    model = PointLLM.from_pretrained(profile)
    options = {
        "text": args.text,
        "weights": args.weight,
        "cache": not args.no_cache,
        "seed": args.seed,
        "max_tokens": args.max_tokens,
        "witness": args.witness,
    }
    if args.json:
        emit(model.answer(args.paths, args.prompt, **options).as_dict())
    else:
        for piece in model.stream(args.paths, args.prompt, **options):
            write(piece)
        write("\n")
    return 0
