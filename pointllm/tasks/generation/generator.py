"""`ShapeGenerator`: embeddings of the joint space → 3D shapes.

Any modality that the profile embeds can be asked with, mixes of several too (`tasks.arithmetic.combine`), because the
generator was trained on that space. It takes an embedding and leaves making one to `pointllm.bind`. Same embedding,
seed and settings: same shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...errors import InputError, WeightsError
from ...inputs.views import render_views, ring
from ...profiles import default_profile, read_config, resolve
from .grids import Grids
from .networks import ShapeModel, Sizes
from .shape import Shape
from .surface import EmptyShape, extract, fine

if TYPE_CHECKING:
    from ...bind import PointBind

FOLDER = "generator"
MOST_SAMPLES, MOST_TRIES = 64, 32
VIEW_SIZE = 224  # of pictures for image towers that don't say what they want


def has_generator(profile_folder: str | Path) -> bool:
    """Whether a profile's folder holds a generator."""
    return (Path(profile_folder) / FOLDER / "config.json").is_file()


class ShapeGenerator:
    """The generator of a profile. settings: the sampler's, from its config.json."""

    def __init__(self, model: ShapeModel, settings: dict, profile_folder: Path, bind: PointBind | None = None) -> None:
        self.model, self.settings, self.profile_folder = model.eval(), settings, Path(profile_folder)
        self._bind = bind

    @classmethod
    def from_folder(cls, profile_folder: str | Path, bind: PointBind | None = None) -> ShapeGenerator:
        """The generator in a profile's folder.

        bind: the profile's joint space, where it is loaded already; else it is loaded when the best of several is to
        be chosen. Raises WeightsError where the profile has no generator, or its files don't fit together.
        """
        profile_folder = Path(profile_folder)
        folder = profile_folder / FOLDER
        if not has_generator(profile_folder):
            raise WeightsError(f"profile {profile_folder.name!r} has no shape generator; use the profile embedded, or "
                               "train one with `pointllm train generator` (see docs/generation.md)")
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            config = read_config(folder)
            settings = dict(config["sampler"])
            settings = {name: settings[name] for name in ("steps", "guidance", "resolution", "level", "views")} | {
                "best_of": settings.get("best_of", 1)}
            known = {item.name for item in fields(Sizes)}
            sizes = Sizes(**{name: Grids(**value) if name == "grids" else value for name, value in config.items()
                             if name in known})
            model = ShapeModel(sizes)
            weights = load_file(folder / "model.safetensors")
            model.load_state_dict({name: value.float() for name, value in weights.items()})
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{FOLDER}/model.safetensors doesn't load ({str(error).splitlines()[0][:160]}); "
                               "restore the folder from the repository") from error
        return cls(model, settings, profile_folder, bind)

    @classmethod
    def from_pretrained(cls, profile: str | None = None, bind: PointBind | None = None) -> ShapeGenerator:
        """The generator of a named profile (None: the default one). WeightsError where it has none."""
        return cls.from_folder(resolve(profile or default_profile()), bind)

    @property
    def dim(self) -> int:
        """Of the joint space."""
        return self.model.sizes.dim

    @property
    def bind(self) -> PointBind:
        """The joint space, loaded when first asked for."""
        if self._bind is None:
            from ...bind import PointBind

            self._bind = PointBind.from_pretrained(str(self.profile_folder))
        return self._bind

    def generate(self, embedding: np.ndarray, samples: int = 1, seed: int = 0, guidance: float | None = None,
                 best_of: int | None = None) -> list[Shape]:
        """Shapes for an embedding (D,) of the joint space, of unit norm; `samples` of them, each another.

        guidance: how strictly the embedding is followed: 1 as in training, more exaggerates it at the cost of variety,
        0 ignores it; None is the config's. best_of: of so many tries the one is kept whose views, embedded by the
        profile's image tower, are most like the embedding; None is the config's. InputError for values out of range.
        """
        best_of = self.settings["best_of"] if best_of is None else best_of
        embedding = self._checked(embedding, samples, guidance, best_of)
        noise = self._noise(samples * best_of, seed)
        drawn = list(self._drawn(embedding.expand(len(noise), -1), noise, seed, guidance, best_of > 1))
        return self._best(drawn, embedding, best_of) if best_of > 1 else drawn

    def interpolate(self, first: np.ndarray, second: np.ndarray, count: int = 5, seed: int = 0,
                    guidance: float | None = None) -> list[Shape]:
        """`count` shapes on the way from one embedding (D,) to another, both included, drawn from the same noise."""
        if count < 2:
            raise InputError(f"{count} shapes can't lead from one prompt to another; ask for at least 2")
        first, second = self._checked(first, count, guidance, 1), self._checked(second, count, guidance, 1)
        share = torch.linspace(0, 1, count)[:, None]
        cosine = float((first @ second).clamp(-1, 1))
        angle = np.arccos(cosine)
        if angle > 3.1:
            raise InputError("the two prompts mean opposite things, so there is no way between them; change one")
        if angle < 1e-3:
            path = first.expand(count, -1)
        else:  # along the sphere
            path = (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * second) / np.sin(angle)
        return list(self._drawn(path, self._noise(1, seed).expand(count, -1), seed, guidance))

    def _checked(self, embedding: np.ndarray, samples: int, guidance: float | None, best_of: int) -> torch.Tensor:
        vector = torch.as_tensor(np.asarray(embedding, np.float32)).reshape(-1)
        if len(vector) != self.dim:
            raise InputError(f"an embedding of {len(vector)} numbers was given; this generator's joint space has "
                             f"{self.dim}; use the profile that made the embedding")
        length = float(vector.norm())
        if not np.isfinite(length) or length < 1e-6:
            raise InputError("the embedding is zero or not finite; ask with another input")
        for name, value, most in (("samples", samples, MOST_SAMPLES), ("best-of", best_of, MOST_TRIES)):
            if not 1 <= value <= most:
                raise InputError(f"{name} is {value}; give a number from 1 to {most}")
        if guidance is not None and not 0 <= guidance <= 20:
            raise InputError(f"guidance is {guidance}; give a number from 0 to 20")
        return vector / length

    def _noise(self, count: int, seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(int(seed) % 2**63)
        # Row by row, so that a sample doesn't depend on how many are drawn.
        return torch.stack([torch.randn(self.model.sizes.latent, generator=generator) for _ in range(count)])

    def _drawn(self, embeddings: torch.Tensor, noise: torch.Tensor, seed: int, guidance: float | None,
               among_others: bool = False) -> Iterator[Shape | None]:
        """among_others: None in place of an empty shape, which else is an error."""
        settings = self.settings
        guidance = settings["guidance"] if guidance is None else guidance
        distances, colors = self.model.draw(embeddings, noise, float(guidance), settings["steps"])
        size = settings["resolution"]
        for number, (distance, color) in enumerate(zip(distances.numpy(), colors.numpy(), strict=True)):
            try:
                mesh = extract(fine(distance, size), fine(color, size), settings["level"])
            except EmptyShape:
                if not among_others:
                    raise
                yield None
            else:
                yield Shape(mesh, seed, number)

    def _best(self, drawn: list[Shape | None], embedding: torch.Tensor, best_of: int) -> list[Shape]:
        """The best of each `best_of`. PointLLMError where all of these are empty."""
        kept = []
        for number, start in enumerate(range(0, len(drawn), best_of)):
            shapes = [shape for shape in drawn[start : start + best_of] if shape is not None]
            if not shapes:
                raise EmptyShape
            scores = self.views_of(shapes) @ embedding.numpy()
            best = int(np.argmax(scores))
            kept.append(Shape(shapes[best].mesh, shapes[best].seed, number, float(scores[best])))
        return kept

    def views_of(self, shapes: list[Shape]) -> np.ndarray:
        """Embeddings (N, D) float32, of unit norm, of pictures of shapes by the profile's image tower."""
        space, cameras = self.bind.space, ring(self.settings["views"])
        size = getattr(getattr(space, "image_tower", None), "view_size", VIEW_SIZE)
        rows = []
        with torch.inference_mode():
            for shape in shapes:
                pictures = render_views(shape.cloud(64), cameras, size)
                if hasattr(getattr(space, "image_tower", None), "embed_features"):
                    row = space.image_tower.embed_features(space.image_tower.features(pictures)[None])[0]
                else:
                    from PIL import Image

                    row = space.embed_images([Image.fromarray(picture) for picture in pictures]).float().mean(0)
                rows.append(torch.nn.functional.normalize(row.float().cpu(), dim=-1))
        return torch.stack(rows).numpy()

