"""`pointllm calibrate`: fits how a profile's similarities are read, on labelled data, and keeps it there."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ..errors import InputError
from ..profiles import default_profile, resolve
from .inputs import positive
from .output import emit, write

logger = logging.getLogger("pointllm")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "calibrate", help="fit a profile's temperatures, none-of-these thresholds and modality centres on labelled data"
    )
    parser.add_argument("--data", required=True, metavar="FOLDER", help="with objects.jsonl and labels.json")
    parser.add_argument("--split", default="val", help="objects to fit to; not those it was trained on (default: val)")
    parser.add_argument("--every", type=positive, default=1, metavar="N", help="take every N-th object and sound")
    parser.add_argument("--no-sounds", action="store_true", help="what is stored of sounds stays: those that an audio "
                        "head was trained on would flatter it")
    parser.add_argument("--profile", metavar="P", help="set of weights: embedded, or a folder (default: embedded)")
    parser.add_argument("--dry-run", action="store_true", help="measure, but store nothing")
    parser.add_argument("--json", action="store_true", help="a line a modality")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    profile = args.profile or default_profile()
    folder = resolve(profile)
    if not Path(args.data).is_dir():
        raise InputError(f"{args.data}: no such folder; give one with objects.jsonl and labels.json")

    from ..bind import PointBind
    from ..data.records import read_labels
    from ..data.templates import QUICK_TEMPLATES
    from ..tasks import calibrate
    from ..tasks.calibration import Calibration, save
    from ..tasks.fingerprint import fingerprint
    from ..tasks.label_cache import LabelCache
    from ..tasks.labels import word_vectors
    from ..tasks.zero_shot import background_vectors

    bind = PointBind.from_pretrained(profile)
    tower = fingerprint(profile, "text")
    names = sorted(read_labels(args.data))
    text = word_vectors(bind, names, QUICK_TEMPLATES, LabelCache(tower, QUICK_TEMPLATES))
    background = background_vectors(bind)

    def step(done: int, whole: int) -> None:
        if done % 50 == 0:
            logger.info("%d of %d embedded", done, whole)

    samples = calibrate.embed_data(bind, args.data, args.split, args.every, not args.no_sounds, step)
    found = calibrate.fit(samples, names, text, background)
    if args.no_sounds:
        found = Calibration.of(profile).updated(found)
    for kind, sample in samples.items():
        entry = {"modality": kind, "temperature": found.temperature.get(kind), "none": found.none.get(kind),
                 **calibrate.judge(sample, names, text, background, bind.temperature)}
        emit(entry) if args.json else write(" ".join(f"{key}={value}" for key, value in entry.items()) + "\n")
    if not args.dry_run:
        save(folder, found)
        logger.info("stored in %s", folder)
    return 0
