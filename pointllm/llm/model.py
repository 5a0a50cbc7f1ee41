"""PointLLM: files and a question in, an answer out, piece by piece.

Puts the parts together: the joint space (`pointllm.bind`) embeds what was uploaded, the inputs are mixed by weight,
the visual cache mends the mixture, the injection turns it into biases of every layer, and the language model writes.
With nothing uploaded the plain language model answers. Serving many people at once is `pointllm.serving`'s business.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.errors import InputError, WeightsError
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig, load_llama
from pointllm.llm.facts import with_relevant_facts
from pointllm.llm.generation import Sampling, generate
from pointllm.llm.prompts import NOTHING_ATTACHED, Turn, chat_prompt, turns_of
from pointllm.llm.tokens import JsonTokenizer, TextStream
from pointllm.llm.visual_cache import VisualCache
from pointllm.profiles import default_profile, read_config, resolve

if TYPE_CHECKING:
    from pointllm.bind import PointBind

logger = logging.getLogger("pointllm")


@dataclass(frozen=True)
class Attachment:
    """One input as the answer's report shows it; `weight` is its share of the mixture, in [0, 1]."""

    path: str
    modality: str
    weight: float


@dataclass(frozen=True)
class Answer:
    """A whole answer: its text, what it was about, how many tokens, and how long it took."""

    answer: str
    inputs: tuple[Attachment, ...]
    tokens: int
    seconds_to_first_token: float
    seconds: float

    def as_dict(self) -> dict:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass
class Look:
    """What the model sees of the inputs: the mixed embedding (1, D), the inputs, and measured facts of the 3D files."""

    embedding: Tensor | None
    inputs: tuple[Attachment, ...]
    facts: tuple[Mapping, ...]


class PointLLM:
    """A language model that looks at 3D files, images, sounds, videos and sentences through the joint space."""

    def __init__(self, bind: PointBind, adapted: AdaptedLlama, tokenizer, cache: VisualCache, config: dict, base: Path):
        self.bind = bind
        self.config = config
        self._adapted = adapted
        self._tokenizer = tokenizer
        self._cache = cache
        self._base_folder = base
        self._plain = None  # the language model without adapters, loaded when somebody chats without an upload

    @classmethod
    def from_pretrained(cls, profile: str | None = None, device: str = "cpu") -> PointLLM:
        """Load a profile: "embedded", or a folder that training wrote.

        Raises WeightsError when weights are missing, damaged or of another kind.
        """
        from pointllm.bind import PointBind
        from pointllm.weights import ensure_language_model

        profile = profile or default_profile()
        folder = resolve(profile) / "llm"
        config = read_config(folder)
        base = ensure_language_model(config["language_model"])
        adapted = load_adapted(base, folder, config).to(device)
        tokenizer = JsonTokenizer(base, end=adapted.llama.config.eos_token_id)
        cache = VisualCache.from_config(folder, config.get("cache", []))
        return cls(PointBind.from_pretrained(profile, device=device), adapted, tokenizer, cache, config, base)

    def stream(
        self,
        paths: Sequence[str | Path],
        prompt: str,
        *,
        text: Sequence[str] = (),
        weights: Sequence[float] | None = None,
        history: Sequence = (),
        cache: bool = True,
        seed: int = 0,
        max_tokens: int = 256,
        temperature: float | None = None,
        witness: str | None = None,
    ) -> Iterator[str]:
        """The answer to `prompt` about `paths` and `text`, in pieces; the same seed gives the same answer.

        Args:
            paths: files of any modality; none and no `text`: a chat with the plain language model.
            text: sentences to look at, embedded like the files.
            weights: one a file and sentence, in that order; equal if None. Their ratios count.
            history: earlier turns, (question, answer) pairs or {"role", "content"} messages.
            cache: whether the visual cache mends the embedding.
            temperature: 0 is greedy; None is the profile's own.
            witness: "point", "views" or "both" for 3D files; None is the profile's own.

        Raises InputError for a file, prompt or option that can't be used. Closing the generator stops the model.
        """
        sampling = self._sampling(seed, max_tokens, temperature)
        look = self.look(paths, text, weights, witness)
        yield from self._write(look, prompt, turns_of(history), cache, sampling, [])

    def answer(self, paths: Sequence[str | Path], prompt: str, **options) -> Answer:
        """The whole answer with its figures; the options of `stream`."""
        started = time.monotonic()
        sampling = self._sampling(
            options.pop("seed", 0), options.pop("max_tokens", 256), options.pop("temperature", None)
        )
        cache, history = options.pop("cache", True), turns_of(options.pop("history", ()))
        look = self.look(paths, **options)
        moments: list[float] = []
        answer = "".join(self._write(look, prompt, history, cache, sampling, moments))
        ended = time.monotonic()
        first = moments[0] if moments else ended
        return Answer(answer, look.inputs, len(moments), round(first - started, 4), round(ended - started, 4))

    def look(
        self,
        paths: Sequence[str | Path],
        text: Sequence[str] = (),
        weights: Sequence[float] | None = None,
        witness: str | None = None,
    ) -> Look:
        """Embed the inputs and mix them; several questions about the same files can share the result of this."""
        if isinstance(paths, str | Path):
            paths = [paths]
        if isinstance(text, str):
            text = [text]
        shares = mixing_shares(weights, len(paths) + len(text))
        if not shares:
            return Look(None, (), ())
        vectors, names, facts = [], [], []
        for path in paths:
            given = self.bind.embed_file(path, witness)
            vectors.append(torch.as_tensor(given.vector).reshape(1, -1))
            names.append((str(path), given.modality))
            if given.facts is not None:
                facts.append(given.facts)
        if text:
            vectors.append(torch.from_numpy(self.bind.embed_text(list(text))))
            names += [(sentence, "text") for sentence in text]
        inputs = tuple(Attachment(*name, round(share, 4)) for name, share in zip(names, shares, strict=True))
        mixed = torch.tensor(shares) @ torch.cat(vectors)  # (D,)
        if self.config.get("normalise_mixture", True):  # the published adapters take the mean as it is
            mixed = F.normalize(mixed, dim=-1)
        return Look(mixed[None], inputs, tuple(facts))

    def _write(self, look: Look, prompt: str, history: list[Turn], cache: bool, sampling: Sampling,
               moments: list[float]) -> Iterator[str]:
        """Pieces of the answer; the times at which tokens came are appended to `moments`."""
        if not isinstance(prompt, str) or not prompt.strip():
            raise InputError("the prompt is empty; ask a question, such as 'What is this?'")
        attached = look.embedding is not None
        question = with_relevant_facts(prompt.strip(), look.facts)
        llama = self._adapted.llama if attached else self._plain_llama()
        ids = self._prompt_ids(question, history, attached, sampling.max_tokens, llama.config.max_position_embeddings)
        biases = self._biases(look.embedding, cache) if attached else None
        text = TextStream(self._tokenizer)
        injection = self._adapted.injection if attached else None
        for token in generate(llama, ids, self._tokenizer.end, sampling, injection, biases):
            moments.append(time.monotonic())
            if piece := text.feed(token):
                yield piece
        if rest := text.flush():
            yield rest

    def _prompt_ids(self, question: str, history: list[Turn], attached: bool, new: int, room: int) -> list[int]:
        """Ids of the prompt; the oldest turns are forgotten where it would not fit."""
        system = None if attached else NOTHING_ATTACHED
        while True:
            ids = self._tokenizer.encode(chat_prompt(question, history, system))
            if len(ids) + new <= room:
                return ids
            if not history:
                raise InputError(f"the prompt is too long: {len(ids)} tokens and {new} for the answer, of at most "
                                 f"{room}; shorten it")
            history = history[1:]

    @torch.inference_mode()
    def _biases(self, embedding: Tensor, cache: bool) -> list[Tensor]:
        if cache:
            embedding = self._cache(embedding)
        return self._adapted.injection.biases(embedding.to(self._adapted.injection.gates))

    def _plain_llama(self):
        """The language model as it was before any adapter."""
        if self._plain is None:
            self._plain = load_llama(self._base_folder).to(self._adapted.llama.device)
        return self._plain

    def _sampling(self, seed: int, max_tokens: int, temperature: float | None) -> Sampling:
        own = self.config.get("generation", {})
        temperature = own.get("temperature", 0.0) if temperature is None else temperature
        if not isinstance(max_tokens, int) or max_tokens < 1:
            raise InputError(f"max_tokens is {max_tokens}; give a whole number of at least 1")
        if not math.isfinite(temperature) or temperature < 0:
            raise InputError(f"temperature is {temperature}; give 0 (always the likeliest word) or more")
        return Sampling(max_tokens, temperature, own.get("top_p", 0.9), seed, own.get("no_repeat", 0))


def mixing_shares(weights: Sequence[float] | None, count: int) -> list[float]:
    """Shares in the mixture, which sum to 1. Raises InputError for weights that don't fit `count` inputs."""
    if weights is None:
        return [1 / count] * count if count else []
    if len(weights) != count:
        raise InputError(f"{len(weights)} weights for {count} inputs; give one weight for each, or none")
    if any(not math.isfinite(weight) or weight < 0 for weight in weights):
        raise InputError(f"weights {', '.join(map(str, weights))}: give numbers of 0 or more")
    total = sum(weights)
    if count and total <= 0:
        raise InputError("all weights are 0; at least one input must count")
    return [weight / total for weight in weights]


def load_adapted(base: Path, folder: Path, config: dict) -> AdaptedLlama:
    """The language model of `base` with the adapters of `folder`, LoRA merged, ready to answer."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = Path(folder) / "adapters.safetensors"
    if not file.is_file():
        raise WeightsError(f"{file.name}: missing from {Path(folder).name}/; restore it, or run `pointllm train llm`")
    try:
        state = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file.name}: damaged ({error}); restore it") from error
    adapted = AdaptedLlama(load_llama(base), AdapterConfig.from_dict(config["adapters"]))
    adapted.load_adapter_state(state, file.name)
    return adapted.merge().eval()


def save_config(folder: Path, config: dict) -> None:
    """config.json of a folder of adapters."""
    (Path(folder) / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
