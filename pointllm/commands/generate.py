"""`pointllm generate`: 3D shapes from files of any modality, sentences, or a mix of them."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from ..errors import InputError
from ..profiles import default_profile, resolve
from .inputs import add_model_options, check_output, check_path, positive
from .output import emit, write

logger = logging.getLogger("pointllm")


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("generate", help="make 3D shapes out of files, sentences, or a mix of them")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="3D file, image, sound, video or text file")
    parser.add_argument("--text", nargs="+", action="extend", default=[], metavar="T", help="sentences to ask with")
    parser.add_argument("--weight", nargs="+", type=float, metavar="W",
                        help="how much each input counts in the mix: files, then texts, in order (default: 1)")
    parser.add_argument("--out", required=True, metavar="FILE.glb",
                        help=".glb, .obj or .ply; several shapes become FILE-1.glb, FILE-2.glb, …")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other shapes (default: 0)")
    parser.add_argument("--samples", type=positive, default=1, metavar="N", help="how many shapes (default: 1)")
    parser.add_argument("--guidance", type=float, metavar="G",
                        help="how strictly the inputs are followed, at the cost of variety; 1 is as in training "
                        "(default: the profile's)")
    parser.add_argument("--best-of", type=positive, metavar="N",
                        help="of N tries keep the one whose pictures are most like the inputs (default: the profile's)")
    parser.add_argument("--interpolate", type=positive, metavar="N",
                        help="N shapes on the way from the first input to the second")
    parser.add_argument("--json", action="store_true",
                        help='an object a shape: "path", "seed", "sample", "score", "vertices", "faces", "seconds"')
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    count = len(args.paths) + len(args.text)
    if not count:
        raise InputError("nothing to generate from: name files, or a sentence with --text")
    if not all(text.strip() for text in args.text):
        raise InputError("--text is empty; give a sentence")
    if args.weight is not None and len(args.weight) != count:
        raise InputError(f"--weight has {len(args.weight)} numbers for {count} inputs; give one for each")
    if args.interpolate is not None and (count != 2 or args.weight or args.samples > 1 or (args.best_of or 1) > 1):
        raise InputError("--interpolate leads from one input to another: give exactly two, without --weight, "
                         "--samples and --best-of")
    target = check_output(args.out)
    profile = args.profile or default_profile()
    folder = resolve(profile, needs=("imagebind", "point"))
    for path in args.paths:
        check_path(path)

    from ..tasks.generation import ShapeGenerator, check_format

    check_format(target)
    generator = ShapeGenerator.from_folder(folder)

    from ..tasks.arithmetic import combine

    vectors = generator.bind.embed(args.paths, text=args.text, witness=args.witness)
    started = time.monotonic()
    if args.interpolate is not None:
        shapes = generator.interpolate(*vectors, args.interpolate, args.seed, args.guidance)
    else:
        asked = combine(vectors, args.weight)
        shapes = generator.generate(asked, args.samples, args.seed, args.guidance, args.best_of)
    seconds = (time.monotonic() - started) / len(shapes)
    for number, shape in enumerate(shapes, start=1):
        path = shape.write(target if len(shapes) == 1 else numbered(target, number))
        vertices, faces = len(shape.mesh.vertices), len(shape.mesh.faces)
        if args.json:
            emit({"path": str(path), "seed": shape.seed, "sample": number,
                  "score": None if shape.score is None else round(shape.score, 4), "vertices": vertices,
                  "faces": faces, "seconds": round(seconds, 3)})
        else:
            write(f"{path}  {faces:,} faces" + ("" if shape.score is None else f", score {shape.score:.2f}") + "\n")
    logger.info("%d %s, %.1f s each", len(shapes), "shape" if len(shapes) == 1 else "shapes", seconds)
    return 0


def numbered(target: Path, number: int) -> Path:
    """chair.glb → chair-3.glb."""
    return target.with_name(f"{target.stem}-{number}{target.suffix}")
