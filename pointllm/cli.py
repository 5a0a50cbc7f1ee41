"""The command line: `pointllm COMMAND …`. A thin reading of the Python API.

Each command is a file of `pointllm.commands` with `add_to(subparsers)` and `run(args) -> exit status`. What all share
is here: one-line errors with exit status 2, results on stdout and everything else on stderr. PyTorch is imported by
the commands, once their arguments have proved sound.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import __version__
from .commands import (
    ask,
    cache,
    calibrate,
    classify,
    data,
    embed,
    eval,
    generate,
    index,
    retrieve,
    serve,
    train,
    weights,
)
from .commands.inputs import placement_defaults
from .commands.output import one_line, results_on_stdout
from .errors import PointLLMError

COMMANDS = (ask, embed, classify, index, retrieve, generate, calibrate, eval, train, cache, data, weights, serve)


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line, and without guessing at abbreviated options."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"pointllm: error: {one_line(message)} (see: {self.prog} --help)\n")


def build_parser() -> Parser:
    """The parser with every command."""
    parser = Parser(prog="pointllm", description="Ask about, embed and recognise 3D files, images, sounds and videos.")
    parser.add_argument("--version", action="version", version=f"pointllm {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 1 if some of the inputs failed, 2 for an error."""
    args, rest = build_parser().parse_known_args(argv)
    # argparse gives up on paths that stand behind an option when others stood before it.
    if rest and "paths" in args and not any(word.startswith("-") for word in rest):
        args.paths, rest = [*args.paths, *rest], []
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    logging.getLogger("pointllm").setLevel(logging.INFO)
    try:
        if rest:
            raise PointLLMError(f"unrecognized arguments: {' '.join(rest)} (see: pointllm --help)")
        os.environ.update(placement_defaults(args))
        with results_on_stdout():
            return args.run(args)
    except PointLLMError as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader of our output has gone (`pointllm … | head -1`)
        return 141
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        return _fail("out of memory; close other programs or give smaller files")
    except Exception as error:
        if os.environ.get("POINTLLM_DEBUG"):
            raise
        return _fail(f"unexpected {type(error).__name__}: {error} (POINTLLM_DEBUG=1 shows where)")


def _fail(message: str) -> int:
    print(f"pointllm: error: {one_line(message)}", file=sys.stderr)
    return 2
