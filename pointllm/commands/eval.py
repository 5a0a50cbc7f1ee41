"""`pointllm eval …`: measure a profile, and write results.json, report.md and report.html."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from .inputs import add_model_options, add_placement_options, check_output, positive
from .output import emit, write

logger = logging.getLogger("pointllm")

KINDS = ("name", "what", "yes-no", "color", "use", "parts", "name-zh")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("eval", help="measure recognition, retrieval, sounds and answers; write a report")
    what = parser.add_subparsers(title="what", metavar="WHAT", required=True)
    _zero_shot(what)
    _retrieval(what)
    _audio(what)
    _qa(what)
    _caption(what)
    _compare(what)
    _ablation(what)


def _protocol(what: argparse._SubParsersAction, name: str, run: Callable[[argparse.Namespace], int],
              summary: str) -> argparse.ArgumentParser:
    """A parser with the options that every protocol has."""
    parser = what.add_parser(name, help=summary, description=summary)
    parser.add_argument("--data", required=True, metavar="DIR",
                        help="data folder (objects.jsonl), file of rows (.jsonl), or a benchmark's own folder")
    parser.add_argument("--split", default="val", help="which part of the data (default: val)")
    parser.add_argument("--n", type=positive, metavar="N", help="only so many objects, drawn always alike")
    parser.add_argument("--hold-out", metavar="SOURCE", help="only the objects of this source, of every split")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the report goes")
    parser.add_argument("--cache", metavar="DIR", help="where vectors and answers are kept (default: OUT/cache)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    add_model_options(parser)
    parser.set_defaults(run=run)
    return parser


def _zero_shot(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        from ..evaluation.variants import parse_variants
        from .classify import read_labels

        variants = parse_variants(args.variants)
        names = read_labels(args.labels) if args.labels else None
        setup, objects = _setup(args), _objects(args)
        from ..evaluation.zero_shot import run_zero_shot

        return _finish(args, setup, run_zero_shot(setup, objects, names, variants, args.templates.split(",")))

    parser = _protocol(what, "zero-shot", run, "zero-shot recognition over all labels")
    parser.add_argument("--variants", default="mesh", metavar="V,…", help="mesh, plain, cloud8192, cloud1024, "
                        "ten-percent, z-up, or all: how the objects are shown (default: mesh)")
    parser.add_argument("--templates", default="quick", metavar="T,…",
                        help="sentences a label stands for: 1 (the paper's), 64, or quick as classify has (default)")
    parser.add_argument("--labels", metavar="A,B,C|FILE", help="labels to choose from (default: all of the data)")


def _retrieval(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        setup, objects = _setup(args), _objects(args)
        from ..evaluation.retrieval import run_retrieval

        return _finish(args, setup, run_retrieval(setup, objects))

    _protocol(what, "retrieval", run, "mAP of 3D to 3D, image to 3D, 3D to image and text to 3D")


def _audio(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        from ..data.records import read_labels, read_sounds

        setup, sounds, data = _setup(args), read_sounds(args.data), Path(args.data)
        has_objects = (data / "objects.jsonl").is_file()
        objects = _objects(args) if has_objects else None
        names = tuple(read_labels(data)) if has_objects else ()
        from ..evaluation.sounds import run_audio

        return _finish(args, setup, run_audio(setup, sounds, data.name, objects, args.folds, heads=args.heads,
                                              conditions=_conditions(args.conditions), names=names))

    parser = _protocol(what, "audio", run, "sounds by class, sound to 3D retrieval, 3D objects by their sound")
    parser.add_argument("--folds", type=_folds, metavar="1,2", help="only the sounds of these folds (default: all)")
    parser.add_argument("--heads", metavar="DIR", help="embed each sound by a head trained without its fold: the "
                        "folder folds of a run of pointllm train audio")
    parser.add_argument("--conditions", metavar="C,…", help="recognise the sounds disturbed as well: silence-4s, "
                        "noise-10db, rate-8khz, …, or all")


def _conditions(given: str | None) -> tuple[str, ...]:
    from ..data.sound_disturbances import CONDITIONS

    if not given:
        return ()
    names = tuple(CONDITIONS) if given == "all" else tuple(name.strip() for name in given.split(",") if name.strip())
    for name in names:
        if name not in CONDITIONS:
            raise InputError(f"--conditions {name!r} isn't known; choose among {', '.join(CONDITIONS)}, or all")
    return names


def _folds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of folds; give numbers such as 1,2") from None


def _qa(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        setup, objects = _setup(args), _objects(args)
        kinds = [kind.strip() for kind in args.kinds.split(",") if kind.strip()]
        from ..evaluation.qa import run_qa

        return _finish(args, setup, run_qa(setup, objects, kinds, args.questions, not args.no_cache), with_llm=True)

    parser = _protocol(what, "qa", run, "questions about objects: names, yes or no, colours, use, parts, Chinese")
    add_placement_options(parser)
    parser.add_argument("--kinds", default=",".join(KINDS), metavar="K,…",
                        help=f"kinds of questions (default: {','.join(KINDS)})")
    parser.add_argument("--questions", type=Path, metavar="FILE", help="ask these instead: JSONL with object or path, "
                        "question, answer(s), and kind name, yes-no, color or text")
    parser.add_argument("--no-cache", action="store_true", help="don't mend the embedding by the visual cache")


def _caption(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        setup, objects = _setup(args), _objects(args)
        from ..evaluation.qa import run_caption

        return _finish(args, setup, run_caption(setup, objects, not args.no_cache), with_llm=True)

    parser = _protocol(what, "caption", run, "descriptions: names, colours, likeness to reference captions")
    add_placement_options(parser)
    parser.add_argument("--no-cache", action="store_true", help="don't mend the embedding by the visual cache")


def _compare(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        from ..evaluation.compare import compare, comparison_table

        found = compare(args.a, args.b)
        _print(args, found, comparison_table(found))
        return 0

    parser = what.add_parser("compare", help="two reports of the same kind: which is better, and is it chance?")
    parser.add_argument("a", metavar="A", help="folder of a report")
    parser.add_argument("b", metavar="B", help="folder of another")
    _output_options(parser, run)


def _ablation(what: argparse._SubParsersAction) -> None:
    def run(args: argparse.Namespace) -> int:
        from ..evaluation.ablation import ablation
        from ..evaluation.report_markdown import table_of

        head, rows = ablation(args.runs, args.figures.split(",") if args.figures else None)
        found = {"figures": head[1:], "runs": {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}}
        _print(args, found, table_of(head, rows))
        return 0

    parser = what.add_parser("ablation", help="figures of several reports in one table")
    parser.add_argument("--runs", nargs="+", required=True, metavar="[NAME=]DIR", help="folders of reports")
    parser.add_argument("--figures", metavar="F,…", help="such as top1,variants.plain.top1 (default: all that differ)")
    _output_options(parser, run)


def _output_options(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    parser.add_argument("--out", metavar="FILE.md", help="also write the table to this file")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.set_defaults(run=run)


def _print(args: argparse.Namespace, found: dict, table: str) -> None:
    from ..evaluation.report import write_text

    if args.out:
        write_text(check_output(args.out), table)
    if args.json:
        emit(found)
    else:
        write(table)


def _setup(args: argparse.Namespace):
    from ..evaluation.provenance import Run

    out = Path(args.out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder for --out")
    return Run(out, args.profile or "", args.witness, args.cache)


def _objects(args: argparse.Namespace):
    from ..evaluation.objects import read_objects

    return read_objects(args.data, args.split, args.n, args.hold_out, Path(args.cache or Path(args.out) / "cache"))


def _finish(args: argparse.Namespace, setup, report, with_llm: bool = False) -> int:
    from ..evaluation.report import figure_text, write_report

    line = write_report(report, setup, with_llm)
    if args.json:
        emit(line)
    else:
        for tile in report.tiles:
            write(f"{tile.name}: {figure_text(tile.value)}{f' {tile.unit}' if tile.unit else ''}"
                  f"{f' ({tile.note})' if tile.note else ''}\n")
    logger.info("report in %s", setup.out / "report.html")
    return 0
