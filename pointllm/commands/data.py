"""`pointllm data`: collect, prepare, check and describe what training reads."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..errors import DataError
from .inputs import positive
from .output import emit, write


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("data", help="build, prepare, check and describe folders of training data")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_build(actions)
    _add_prepare(actions)
    _add_check(actions)
    _add_info(actions)
    _add_split(actions)
    _add_packs(actions)
    _add_procedural(actions)


def _action(actions: argparse._SubParsersAction, name: str, run, text: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("--json", action="store_true", help="results as one JSON object a line")
    parser.set_defaults(run=run)
    return parser


def _add_build(actions: argparse._SubParsersAction) -> None:
    parser = _action(actions, "build", run_build, "make or extend a data folder from folders of 3D files and sounds")
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a folder of any of the layouts of docs/data.md")
    parser.add_argument("--out", required=True, metavar="DIR", help="the data folder; extended if it is there")
    parser.add_argument("--layout", default="auto", metavar="L", help="of all sources (default: auto)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="CSV or JSONL of paths and labels")
    parser.add_argument("--label-from", choices=("folder", "name"), default="folder",
                        help="what of a file's path says what it is (default: folder)")
    parser.add_argument("--captions", type=Path, metavar="FILE", help="JSON, JSONL or CSV: id and sentences")
    parser.add_argument("--vocabulary", metavar="DIR|FILE", help="data folder or labels.json whose labels to use")
    parser.add_argument("--source", metavar="NAME", help="the name that the objects carry (default: the layout's)")
    parser.add_argument("--license", metavar="L", help="of everything that doesn't say its own, such as CC0-1.0")
    parser.add_argument("--creator", metavar="C", help="of everything that doesn't say its own")
    parser.add_argument("--unlabelled", action="store_true", help="Objaverse: also objects that only have a name")
    parser.add_argument("--limit", type=positive, metavar="N", help="objects to take of each source")
    _add_share(parser)
    parser.add_argument("--no-prepare", dest="prepare", action="store_false", help="list objects, prepare nothing")
    _add_parameters(parser)


def _add_share(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--val-share", type=float, default=0.1, metavar="S",
                        help="held out of what has no split of its own (default: 0.1)")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of random views (default: 0)")


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="processes (default: one a core; 0: this one)")
    parser.add_argument("--points", type=positive, default=8192, help="of a cloud (default: 8192)")
    parser.add_argument("--views", type=int, default=6, help="rendered of an object (default: 6)")
    parser.add_argument("--size", type=positive, default=224, help="of a view in pixels (default: 224)")
    parser.add_argument("--encoding", default="jpeg", help="of views: jpeg, webp or png (default: jpeg)")
    parser.add_argument("--shard-objects", type=positive, default=64, metavar="N", help="in a file (default: 64)")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="S", help="seconds for one (default: 120)")


def _add_prepare(actions: argparse._SubParsersAction) -> None:
    parser = _action(actions, "prepare", run_prepare, "make the clouds and views of a data folder that are missing")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--out", metavar="DIR", help="where they are kept (default: DIR/prepared)")
    parser.add_argument("--seed", type=int, default=0, help="of random views (default: 0)")
    _add_parameters(parser)


def _add_check(actions: argparse._SubParsersAction) -> None:
    parser = _action(actions, "check", run_check, "look for what would spoil a training run")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--prepared", metavar="DIR", help="where it was prepared (default: DIR/prepared)")
    parser.add_argument("--quick", action="store_true", help="don't compare checksums and shapes")


def _add_info(actions: argparse._SubParsersAction) -> None:
    parser = _action(actions, "info", run_info, "count what a data folder holds")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--top", type=positive, default=12, metavar="N", help="rows of each table (default: 12)")


def _add_split(actions: argparse._SubParsersAction) -> None:
    parser = _action(actions, "split", run_split, "choose anew what is held out, as a new objects.jsonl")
    parser.add_argument("folder", metavar="DIR")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--hold-out", nargs="+", metavar="SOURCE", help="whole sources; wildcards allowed, as kenney-*")
    how.add_argument("--val-share", type=float, metavar="S", help="share of each label's objects")
    parser.add_argument("--everything", action="store_true", help="hold out labels too that no other source has")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="DIR", help="a new data folder that refers to the files of this one "
                                                     "(default: change this one)")


def _add_packs(actions: argparse._SubParsersAction) -> None:
    _action(actions, "packs", run_packs, "list the public packs of objects and sounds")
    parser = _action(actions, "fetch", run_fetch, "bring a public pack into a data folder")
    parser.add_argument("pack", metavar="PACK", help="a name that `pointllm data packs` lists")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--from", dest="origin", metavar="URL|FILE|DIR", help="another address, or what was downloaded")
    parser.add_argument("--limit", type=positive, metavar="N", help="objects to take")
    parser.add_argument("--vocabulary", metavar="DIR|FILE", help="data folder or labels.json whose labels to use")
    _add_share(parser)
    parser = _action(actions, "attribution", run_attribution, "write who made what, under which licence")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--out", metavar="FILE", help="(default: DIR/ATTRIBUTION.md)")


def _add_procedural(actions: argparse._SubParsersAction) -> None:
    parser = _action(actions, "procedural", run_procedural, "generate parametric objects with true captions")
    parser.add_argument("--out", required=True, metavar="DIR", help="the data folder; extended if it is there")
    parser.add_argument("--count", type=positive, required=True, metavar="N", help="objects in all")
    parser.add_argument("--labels", nargs="+", metavar="L", help="only these (default: all there are)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    _add_share(parser)


def run_build(args: argparse.Namespace) -> int:
    from ..data.build import add_colors, build
    from ..data.layouts import Options
    from ..data.prepared import PreparedData

    parameters = _parameters(args)
    options = Options(source=args.source, table=args.table, captions=args.captions, license=args.license,
                      creator=args.creator, unlabelled=args.unlabelled, label_from=args.label_from, limit=args.limit)
    built = build(args.sources, args.out, layout=args.layout, options=options, vocabulary=args.vocabulary,
                  val_share=args.val_share, seed=args.seed)
    _report_built(args, built)
    if not args.prepare:
        return 0
    prepared = Path(args.out) / "prepared"
    status = _prepare(args, Path(args.out), prepared, parameters)
    if (prepared / "index.jsonl").is_file():
        add_colors(args.out, PreparedData(prepared))
    return status


def run_prepare(args: argparse.Namespace) -> int:
    folder = Path(args.folder)
    return _prepare(args, folder, Path(args.out) if args.out else folder / "prepared", _parameters(args))


def _parameters(args: argparse.Namespace):
    from ..data.prepared import Parameters

    return Parameters(points=args.points, views=args.views, fixed_views=args.views, size=args.size,
                      encoding=args.encoding, seed=args.seed)


def _prepare(args: argparse.Namespace, folder: Path, out: Path, parameters) -> int:
    from ..data.folder import REPORT, write_report
    from ..data.prepared import prepare
    from ..data.records import read_records

    result = prepare(read_records(folder), out, parameters, workers=max(0, args.workers),
                     shard_objects=args.shard_objects, timeout=args.timeout)
    report = (folder if out.parent == folder else out) / REPORT
    write_report(report, "prepare", [(path, reason) for _, path, reason in result.failed])
    if args.json:
        emit({"prepared": result.done, "kept": result.kept, "failed": len(result.failed), "folder": str(out)})
    else:
        left_out = f", {len(result.failed):,} left out (see {report})" if result.failed else ""
        write(f"{out}: {result.done:,} objects prepared, {result.kept:,} as they were{left_out}\n")
    return 1 if result.failed else 0


def _report_built(args: argparse.Namespace, built) -> None:
    if args.json:
        emit({"folder": str(args.out), "added": built.objects.added, "changed": built.objects.changed,
              "unchanged": built.objects.same, "sounds_added": built.sounds.added, "labels": built.labels,
              "left_out": len(built.skipped), "sources": built.found})
    else:
        sounds = f", {built.sounds.added:,} sounds added" if built.sounds.added else ""
        left_out = f", {len(built.skipped):,} left out (see {args.out}/report.jsonl)" if built.skipped else ""
        write(f"{args.out}: {built.objects.added:,} objects added, {built.objects.changed:,} changed, "
              f"{built.objects.same:,} as they were{sounds}{left_out}\n")


def run_check(args: argparse.Namespace) -> int:
    from ..data.checking import check

    findings = check(args.folder, args.prepared, thorough=not args.quick)
    for severity, entries in (("problem", findings.problems), ("remark", findings.remarks)):
        for kind, text in entries:
            if args.json:
                emit({"severity": severity, "kind": kind, "text": text})
            else:
                write(f"{severity}: {kind}: {text}\n")
    if args.json:
        emit({"folder": args.folder, **findings.counts, "problems": len(findings.problems),
              "remarks": len(findings.remarks)})
    else:
        counts = ", ".join(f"{count:,} {name}" for name, count in findings.counts.items())
        write(f"{args.folder}: {counts}; {len(findings.problems)} problems, {len(findings.remarks)} remarks\n")
    return 1 if findings.problems else 0


def run_info(args: argparse.Namespace) -> int:
    from ..data.info import describe

    found = describe(args.folder)
    if args.json:
        emit(found)
        return 0
    write(f"{found['folder']}: {found['objects']:,} objects, {found['labels']:,} labels, {found['sounds']:,} sounds\n")
    for key, title in (("splits", "split"), ("categories", "category"), ("sources", "source"), ("licenses", "licence"),
                       ("labels_by_count", "label"), ("sound_classes", "sound")):
        rows = list(found[key].items())
        shown = ", ".join(f"{name} {count:,}" for name, count in rows[:args.top])
        more = f" and {len(rows) - args.top} more" if len(rows) > args.top else ""
        write(f"by {title}: {shown}{more}\n" if rows else "")
    write(f"{found['labels_of_one']:,} labels with a single object; colours of {found['with_colors']:,}, captions of "
          f"{found['with_captions']:,}, pictures of {found['with_images']:,} objects\n")
    return 0


def run_split(args: argparse.Namespace) -> int:
    from ..data.resplit import resplit

    counts = resplit(args.folder, hold_out=args.hold_out, val_share=args.val_share, seed=args.seed,
                     everything=args.everything, out=args.out)
    if args.json:
        emit(counts)
    else:
        write(f"{counts['folder']}: {counts['train']:,} train, {counts['val']:,} val; "
              f"{counts['labels_val']:,} labels in val, {counts['labels_untaught']:,} of them not in train\n")
    return 0


def run_packs(args: argparse.Namespace) -> int:
    from ..data.packs.table import PACKS

    for name, pack in PACKS.items():
        if args.json:
            emit({"pack": name, "title": pack.title, "license": pack.license, "creator": pack.creator,
                  "address": pack.address, "objects": pack.objects, "fetched": pack.kind != "page"})
        else:
            how = "" if pack.kind != "page" else " (by hand, then --from FILE)"
            number = f", {pack.objects:,} objects in ours" if pack.objects else ""
            write(f"{name}: {pack.title}, {pack.license}{number}, {pack.address}{how}\n")
    return 0


def run_fetch(args: argparse.Namespace) -> int:
    from ..data.packs.fetch import fetch

    built = fetch(args.pack, args.out, origin=args.origin, limit=args.limit, vocabulary=args.vocabulary,
                  val_share=args.val_share, seed=args.seed)
    _report_built(args, built)
    return 0


def run_attribution(args: argparse.Namespace) -> int:
    from ..data.attribution import write_attribution

    path = write_attribution(args.folder, args.out)
    emit({"attribution": str(path)}) if args.json else write(f"{path}\n")
    return 0


def run_procedural(args: argparse.Namespace) -> int:
    from ..data.procedural import generate

    if not 0 <= args.val_share < 1:
        raise DataError(f"--val-share {args.val_share} is not between 0 and 1; give a share such as 0.1")
    result = generate(args.out, args.count, seed=args.seed, labels=args.labels, val_share=args.val_share,
                      workers=max(1, args.workers))
    if args.json:
        emit({"folder": str(args.out), "objects": result.objects, "labels": result.labels, "written": result.written})
    else:
        write(f"{args.out}: {result.objects:,} objects of {result.labels:,} labels, {result.written:,} written now\n")
    return 0
