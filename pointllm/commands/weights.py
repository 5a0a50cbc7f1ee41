"""`pointllm weights`: what weights there are, fetch them, convert published files, check what is here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import WeightsError
from ..weights import inventory, manifest, published
from ..weights.profile_parts import PROFILES, profile_dir
from .output import emit, one_line, write

DTYPE_NAMES = ("keep", "fp16", "bf16", "fp32")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("weights", help="show, fetch, convert and verify weights")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    status = actions.add_parser("status", help="what is here, what is missing, under which licence")
    fetch = actions.add_parser("fetch", help="download; without names: what the embedded profile needs")
    verify = actions.add_parser("verify", help="read every file again; without names: everything that is here")
    for action in (status, fetch, verify):
        action.add_argument("names", nargs="*", metavar="NAME", help="rows or profiles, as `status` shows them")
        action.add_argument("--json", action="store_true", help="a JSON object a row")
        action.set_defaults(run=run, action=action.prog.split()[-1], accept_licence=[])
    fetch.add_argument("--accept-licence", action="append", metavar="LICENCE", default=[],
                       help="a licence that forbids commercial use and that you accept, such as CC-BY-NC-4.0")

    convert = actions.add_parser("convert", help="published files to a profile: safetensors with a config")
    convert.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER",
                         help="recognised by what they hold; or the name of something that was fetched")
    target = convert.add_mutually_exclusive_group()
    target.add_argument("--profile", choices=tuple(PROFILES), help="the profile that the files belong to")
    target.add_argument("--out", type=Path, metavar="FOLDER", help="a folder instead, usable as a profile by its path")
    convert.add_argument("--dtype", choices=DTYPE_NAMES, default="keep", help="type of the result (default: as stored)")
    convert.add_argument("--sizes", type=Path, metavar="FILE.json",
                         help="numbers of heads and groups of models of other sizes, which tensors don't tell")
    convert.add_argument("--json", action="store_true", help="a JSON object a part")
    convert.set_defaults(run=run_convert)


def run(args: argparse.Namespace) -> int:
    items = inventory.choose(args.names, args.action)
    if args.action == "fetch":
        rows = [item for item in items if isinstance(item, manifest.Row) and item.sources[0].kind == "url"]
        published.consent(rows, args.accept_licence, _ask if sys.stdin.isatty() and sys.stderr.isatty() else None)
    failures = 0
    for item in items:
        error = None
        if args.action != "status":
            try:
                {"fetch": inventory.fetch, "verify": inventory.verify}[args.action](item)
            except WeightsError as caught:
                if len(items) == 1:
                    raise
                failures += 1
                error = str(caught)
        _report(item, error, args)
    return 1 if failures else 0


def run_convert(args: argparse.Namespace) -> int:
    from ..weights.convert import convert, read_sizes

    # the name of a profile stands for what was fetched of it, and for the profile itself
    profile = args.profile or next((path for path in args.paths if path in PROFILES), None)
    if not profile and not args.out:
        raise WeightsError(f"say where to: --profile {'|'.join(PROFILES)}, or --out FOLDER")
    out = args.out or profile_dir(profile)
    sizes = read_sizes(args.sizes) if args.sizes else None
    paths = [path for given in args.paths for path in _inputs(given)]
    failures = 0
    for path in paths:
        try:
            parts = convert(path, out, encoder=PROFILES.get(profile), dtype=args.dtype, sizes=sizes)
        except WeightsError as caught:
            if len(paths) == 1:
                raise
            failures += 1
            if args.json:
                emit({"input": path, "error": str(caught)})
            else:
                print(f"pointllm: error: {one_line(caught)}", file=sys.stderr)
            continue
        for part in parts:
            if args.json:
                entry = {key: value for key, value in vars(part).items() if key not in ("folder", "size")}
                emit(entry | {"folder": str(part.folder), "bytes": part.size})
            else:
                note = f" ({part.note})" if part.note else f", {part.size / 1e6:.1f} MB in {part.folder}"
                write(f"{path}: {part.part} {part.state}{note}\n")
    return 1 if failures else 0


def _inputs(given: str) -> list[str]:
    """A path as it is; for the name of something published, the folders where `fetch` put it."""
    folders = None if Path(given).exists() else published.downloads(given)
    return [str(folder) for folder in folders] if folders else [given]


def _ask(question: str) -> bool:
    """A yes or no from the terminal; anything else is a no."""
    print(f"{one_line(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _report(item: inventory.Item, error: str | None, args: argparse.Namespace) -> None:
    state = inventory.state_of(item)
    if args.json:
        entry = {"name": state.name, "state": state.state, "folder": str(state.folder), "bytes": state.size}
        entry |= {"source": state.source, "licence": state.licence}
        emit(entry | ({"error": error} if error else {}))
    elif error:
        write(f"{state.name}: {error}\n")
    else:
        source = f" from {state.source}" if state.source else ""
        write(f"{state.name}: {state.state}, {state.size / 1e6:.0f} MB{source} in {state.folder} ({state.licence})\n")
        if args.action == "fetch" and isinstance(item, manifest.Row) and item.published:
            write(f"{state.name}: now run: {published.next_step(item)}\n")
