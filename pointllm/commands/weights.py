"""`pointllm weights`: what weights there are, fetch them, check them."""

from __future__ import annotations

import argparse

from ..errors import WeightsError
from ..weights import inventory, manifest
from .output import emit, write


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("weights", help="show, fetch and verify weights")
    parser.add_argument("action", choices=("status", "fetch", "verify"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows of the manifest (default: all)")
    parser.add_argument("--json", action="store_true", help="a JSON object a row")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    rows = [manifest.find(name) for name in args.names] or list(manifest.read_manifest().values())
    failures = 0
    for row in rows:
        error = None
        if args.action != "status":
            try:
                {"fetch": inventory.fetch, "verify": inventory.verify}[args.action](row)
            except WeightsError as caught:
                if len(rows) == 1:
                    raise
                failures += 1
                error = str(caught)
        _report(row, error, args.json)
    return 1 if failures else 0


def _report(row: manifest.Row, error: str | None, as_json: bool) -> None:
    state = inventory.state_of(row)
    if as_json:
        entry = {"name": state.name, "state": state.state, "folder": str(state.folder), "bytes": state.size}
        entry |= {"source": state.source, "licence": state.licence}
        emit(entry | ({"error": error} if error else {}))
    elif error:
        write(f"{state.name}: {error}\n")
    else:
        source = f" from {state.source}" if state.source else ""
        write(f"{state.name}: {state.state}, {state.size / 1e6:.0f} MB{source} in {state.folder} ({state.licence})\n")
