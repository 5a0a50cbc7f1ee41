"""How an evaluation hears sounds: as recorded or disturbed, by the profile's audio tower or by heads of held-out folds.

`pointllm train audio` leaves a head for each fold that was trained without it (`folds/fold-N.safetensors` in the run's
folder). With these each sound is embedded by the head that never heard its fold: figures over all sounds, none of them
trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..bind import PointBind
from ..data.records import Sound
from ..data.sound_disturbances import AS_RECORDED, under
from ..errors import InputError, WeightsError
from ..inputs import Input
from ..inputs.audio import read_audio
from ..weights.manifest import sha256_of
from .stores import file_key, key_of

HEAD = "fold-{}.safetensors"


class Hearing:
    """heads: folder of heads by held-out fold, or None for the profile's own tower.

    InputError for a folder without heads, or a profile whose audio tower has none; WeightsError for damaged ones.
    """

    def __init__(self, bind: PointBind, heads: str | Path | None = None) -> None:
        self.bind, self._folder = bind, None if heads is None else Path(heads)
        self._towers: dict[int, tuple[object, str]] = {}
        if self._folder is None:
            return
        files = sorted(self._folder.glob(HEAD.format("*")))
        if not files:
            raise InputError(f"{self._folder}: holds no {HEAD.format('N')}; name the folder folds of a run of "
                             "pointllm train audio")
        own = getattr(bind.space, "audio_tower", None)
        if not hasattr(own, "with_head"):
            raise InputError("--heads: this profile's audio tower has no exchangeable head; leave the option out")
        for file in files:
            fold = file.stem.rpartition("-")[2]
            if not fold.isdigit():
                raise InputError(f"{file}: the name says no fold; heads are called {HEAD.format('N')}")
            self._towers[int(fold)] = own.with_head(file), sha256_of(file)

    def items(self, sounds: Sequence[Sound], condition: str = AS_RECORDED) -> list[
            tuple[str, Callable[[], np.ndarray]]]:
        """For `embedding.embed_each`: a key for each sound, and how it is read and embedded under a condition.

        InputError for a sound of a fold that no head was trained without.
        """
        return [(self._key(sound, condition), lambda sound=sound: self._embed(sound, condition)) for sound in sounds]

    def _key(self, sound: Sound, condition: str) -> str:
        parts = [file_key(sound.path)]
        if self._folder is not None:
            if sound.fold not in self._towers:
                raise InputError(f"{self._folder}: no {HEAD.format(sound.fold)} for {sound.path.name}; choose folds "
                                 f"among {', '.join(map(str, sorted(self._towers)))} with --folds")
            parts.append(self._towers[sound.fold][1])
        if condition != AS_RECORDED:
            parts.append(condition)
        return parts[0] if len(parts) == 1 else key_of(*parts)

    def _embed(self, sound: Sound, condition: str) -> np.ndarray:
        if self._folder is None and condition == AS_RECORDED:
            return self.bind.embed_file(sound.path).vector
        heard = under(condition, *read_audio(sound.path), sound.path.name)
        if self._folder is None:
            return self.bind.embed_input(Input(str(sound.path), "audio", heard))
        tower = self._towers[sound.fold][0]
        try:
            return tower.embed([heard])[0].numpy()
        except RuntimeError as error:  # of another width than the features
            raise WeightsError(f"{self._folder}: heads don't fit the profile ({error}); train them again") from error
