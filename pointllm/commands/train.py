"""`pointllm train bind|llm|audio|image|generator`: a training run by a config file.

Each stage is a module of `pointllm.training`; here is only how it is asked for. Several GPUs or machines:
`accelerate launch … -m pointllm train bind …`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

STOPPED = 130  # exit status of a run that a signal stopped; it goes on with --resume


def add_to(subparsers: argparse._SubParsersAction) -> None:
    """Registers the command."""
    parser = subparsers.add_parser("train", help="train the towers and the language model's adapters")
    stages = parser.add_subparsers(title="stages", metavar="STAGE", required=True)
    for name, (help_text, run) in STAGES.items():
        stage = stages.add_parser(name, help=help_text, description=help_text)
        stage.add_argument("--config", required=True, metavar="FILE", help="recipe, such as configs/embedded/bind.yaml")
        stage.add_argument("--data", required=True, metavar="DIR", help="data folder, see `pointllm data`")
        stage.add_argument("--out", required=True, metavar="DIR", help="folder of the run, for all it writes")
        stage.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
        stage.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                           help="another value for a key of the config, such as optimizer.learning_rate=0.001")
        stage.add_argument("--cache", metavar="DIR", help="where clouds and frozen towers' features are kept "
                           "(default: OUT/cache); runs may share it")
        stage.add_argument("--export", metavar="DIR", help="profile that the finished weights go into; what it "
                           "lacks is copied from the config's (default: OUT/profile)")
        stage.set_defaults(run=run)


def _bind(args: argparse.Namespace) -> int:
    from ..training import bind
    from ..training.bind_config import BindConfig

    return _run(args, BindConfig, bind.train)


def _llm(args: argparse.Namespace) -> int:
    from ..training import llm
    from ..training.llm_config import LlmConfig

    return _run(args, LlmConfig, llm.train)


def _audio(args: argparse.Namespace) -> int:
    from ..training import audio
    from ..training.audio_config import AudioConfig

    return _run(args, AudioConfig, audio.train, needs_objects=False)


def _image(args: argparse.Namespace) -> int:
    from ..training import image
    from ..training.image_config import ImageConfig

    return _run(args, ImageConfig, image.train)


def _generator(args: argparse.Namespace) -> int:
    from functools import partial

    from ..training import generator
    from ..training.generator_config import GeneratorConfig

    return _run(args, GeneratorConfig, partial(generator.train, resume=args.resume))


def _run(args: argparse.Namespace, schema: type, train, needs_objects: bool = True) -> int:
    """Check, open the run's folder and train; whatever can be refused at once is."""
    from ..data.records import data_folder
    from ..training.config import load_config
    from ..training.trainer import open_run

    config = load_config(args.config, schema, args.overrides)
    data, out = data_folder(args.data, needs_objects), Path(args.out)
    open_run(config, out, args.resume, data)
    cache = Path(args.cache) if args.cache else out / "cache"
    finished = train(config, data, out, cache, Path(args.export) if args.export else None)
    return 0 if finished else STOPPED


STAGES = {
    "bind": ("the point tower: contrast with images, texts and sounds", _bind),
    "llm": ("the language model's adapters, on text and image embeddings", _llm),
    "audio": ("the audio tower's linear layer, sounds towards the text of what is heard", _audio),
    "image": ("the image tower's last blocks and head, on rendered views", _image),
    "generator": ("the shape generator: shapes to latents, embeddings to latents", _generator),
}
