"""What the commands share about the files they are given: options, early checks, and one failing among many."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from ..devices import DEFAULTS, DEVICE_HELP, OFFLOADS, PRECISIONS, device_option
from ..errors import InputError, PointLLMError, WeightsError
from ..inputs import Input, modality_of, read_input
from ..inputs.files import check_file
from ..profiles import BUNDLED, CONVERTED
from .output import emit, one_line

logger = logging.getLogger("pointllm")

WITNESSES = ("point", "views", "both")


PROFILE_HELP = f"set of weights: {', '.join(BUNDLED + CONVERTED)}, or a folder (default: embedded)"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """`--profile`, `--witness`, `--device` and `--precision`, which every command that embeds files has."""
    parser.add_argument("--profile", metavar="P", help=PROFILE_HELP)
    add_device_options(parser)
    parser.add_argument(
        "--witness", choices=WITNESSES, help="what a 3D file is judged by (default: the mix of the profile)"
    )


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`; what is left out comes from $POINTLLM_DEVICE and $POINTLLM_PRECISION."""
    parser.add_argument("--device", type=_checked(device_option), metavar="D", help=f"{DEVICE_HELP} (default: auto)")
    parser.add_argument("--precision", choices=PRECISIONS,
                        help="of the numbers; int8 and int4 concern the language model alone (default: auto)")


def add_placement_options(parser: argparse.ArgumentParser) -> None:
    """`--towers-device` and `--offload`, for commands that load the language model."""
    parser.add_argument("--towers-device", type=_checked(device_option), metavar="D",
                        help="where the towers go (default: beside the language model if they fit, else cpu)")
    parser.add_argument("--offload", choices=OFFLOADS, help="where layers go that no card holds (default: none)")


def placement_defaults(args: argparse.Namespace) -> dict[str, str]:
    """The options of placement that were given, as the environment variables that hold for a whole process."""
    return {variable: getattr(args, option) for option, variable in DEFAULTS.items() if getattr(args, option, None)}


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """argparse type out of a check that raises InputError."""

    def convert(text: str) -> str:
        try:
            return check(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def check_path(path: str) -> None:
    """`InputError` when the file can't be one of ours: a look at name, kind and size, which takes no time."""
    modality_of(path)
    check_file(Path(path))


def each(paths: Sequence[str], do: Callable[[Input], None], *, prepare: Callable[[], None], as_json: bool) -> int:
    """Reads the files in order and hands each to `do`; returns the exit status.

    `prepare` loads the model: it runs once, when the first file has been read without error, so that a bad file is
    refused at once. One path alone raises its error; among several, a failing one is reported as `{"input", "error"}`
    on stdout (with `as_json`) or as a line on stderr, and the others go on.
    """
    failures = 0
    prepared = False
    for number, path in enumerate(paths, start=1):
        try:
            check_path(path)
            item = read_input(path)
            if not prepared:
                prepare()
                prepared = True
            do(item)
        except (WeightsError, BrokenPipeError):  # these concern all files alike
            raise
        except Exception as error:
            if len(paths) == 1:
                raise
            failures += 1
            known = isinstance(error, PointLLMError)
            reason = one_line(error if known else f"unexpected {type(error).__name__}: {error}")
            if as_json:
                emit({"input": path, "error": reason})
            else:
                logger.error("error: %s", reason)
        if len(paths) >= 50 and number % 25 == 0:
            logger.info("%d of %d files", number, len(paths))
    return 1 if failures else 0


def check_output(path: str) -> Path:
    """The path as one that can be written to; `InputError` otherwise. Called before the work rather than after."""
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{path}: is a folder; name a file for --out")
    if not target.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {target.absolute().parent}; create it first")
    return target


def positive(text: str) -> int:
    """argparse type: a whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number
