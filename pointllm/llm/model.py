"""PointLLM: files and a question in, an answer out, piece by piece.

Puts the parts together: the joint space (`pointllm.bind`) embeds what was uploaded, the inputs are mixed by weight,
the visual cache mends the mixture, the injection turns it into biases of every layer, and the language model writes.
With nothing uploaded the plain language model answers. Serving many people at once is `pointllm.serving`'s business.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.data.hints import about_the_input, is_chinese, questions_in
from pointllm.data.templates import QUICK_TEMPLATES, label_embeddings
from pointllm.errors import InputError, WeightsError
from pointllm.llm.adapters import AdaptedLlama
from pointllm.llm.compare import Thing, compare, compares
from pointllm.llm.compared import NAME_QUESTION, NAME_TOKENS, thing_named, thing_seen
from pointllm.llm.facts import with_relevant_facts
from pointllm.llm.generation import Sampling, generate
from pointllm.llm.hints import Hints
from pointllm.llm.loading import load_adapted, load_plain
from pointllm.llm.placement import Plan, Request
from pointllm.llm.prompts import BESIDE_THE_POINT, NOTHING_ATTACHED, PROMPTS, Turn, turns_of
from pointllm.llm.tokens import TextStream, tokenizer_of
from pointllm.llm.visual_cache import PROFILES_OWN, CacheOptions, VisualCache
from pointllm.profiles import default_profile, read_config, resolve

if TYPE_CHECKING:
    from pointllm.bind import PointBind

logger = logging.getLogger("pointllm")

MIXTURE_EPSILON = 1e-6  # added to the sum of the weights by the published adapters' mixture


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
class Usage:
    """Filled while an answer is written: tokens of the prompt, and the moment (`time.monotonic`) of each new token.

    composed: whether the answer was put together from names and facts (`compare`) and its words stand for tokens."""

    prompt_tokens: int = 0
    moments: list[float] = field(default_factory=list)
    composed: bool = False


@dataclass
class Look:
    """What the model sees of the inputs: the mixed embedding (1, D), the inputs, measured facts of the 3D files, and
    the inputs' own embeddings (N, D) and facts, None for what isn't 3D."""

    embedding: Tensor | None
    inputs: tuple[Attachment, ...]
    facts: tuple[Mapping, ...]
    vectors: Tensor | None = None
    measured: tuple[Mapping | None, ...] = ()


class PointLLM:
    """A language model that looks at 3D files, images, sounds, videos and sentences through the joint space."""

    def __init__(self, bind: PointBind, adapted: AdaptedLlama, tokenizer, cache: VisualCache, config: dict, base: Path,
                 plan: Plan, hints: Hints | None = None):
        self.bind = bind
        self.hints = hints  # what the visual cache recognises, in words; None where the profile has no captions
        self.config = config
        self.plan = plan  # where everything lies, and in which precision
        self._adapted = adapted
        self._tokenizer = tokenizer
        self._cache = cache
        self._base_folder = base
        self._prompt = PROMPTS[config.get("prompt", "chat")]
        self._plain = None  # the language model without adapters, loaded when somebody chats without an upload
        if config.get("prompt") == "alpaca":
            # A published LLaMA follows instructions by its adapters alone: without an upload they stay, unmoved by one.
            self._plain = adapted.llama

    @classmethod
    def from_pretrained(
        cls,
        profile: str | None = None,
        device: str | torch.device | None = None,
        precision: str | None = None,
        *,
        towers_device: str | None = None,
        offload: str | None = None,
    ) -> PointLLM:
        """Load a profile: "embedded", "official-i2pmae", "official-pointbert", or a folder.

        Args:
            profile: None: `$POINTLLM_PROFILE`, else "embedded".
            device: of the language model: "auto", "cpu", "cuda", "cuda:1", …, or "split" over all CUDA cards. None:
                `$POINTLLM_DEVICE`, else "auto", the quickest that fits.
            precision: "auto", "fp32", "bf16", "fp16"; "int8" and "int4" with bitsandbytes on a CUDA card. None:
                `$POINTLLM_PRECISION`, else "auto": on an x86 CPU fp16, which there means weights held in fp16 and
                arithmetic in fp32; elsewhere small models in fp32, others in 16 bits.
            towers_device: of the towers; None: the language model's card if both fit, else the CPU.
            offload: "cpu" or "disk": where layers may go that no card holds, or "none". None: `$POINTLLM_OFFLOAD`.

        Raises WeightsError when weights are missing, damaged or of another kind, InputError when the device is not here
        or too small: its message lists what fits.
        """
        from pointllm.bind import PointBind
        from pointllm.weights import ensure_language_model

        request = Request.of(device, precision, towers_device, offload)
        profile = profile or default_profile()
        home = resolve(profile, needs=("imagebind", "point", "llm", "llm/base"))
        folder = home / "llm"
        config = read_config(folder)
        if config.get("prompt", "chat") not in PROMPTS:
            raise WeightsError(f"llm/config.json: prompt is {config['prompt']!r}; known: {', '.join(PROMPTS)}")
        name = config.get("language_model", "base")
        base = folder / name if (folder / name / "config.json").is_file() else ensure_language_model(name)
        space = PointBind.from_folder(home).space
        tower, point = space.count() if hasattr(space, "count") else ({}, 0)
        adapted, plan = load_adapted(base, folder, config, request, tower=tower, point=point, name=f"profile {profile}")
        logger.debug("%s: %s", profile, plan.summary())
        tokenizer = tokenizer_of(base, adapted.llama.config, config.get("prompt", "chat"))
        cache = VisualCache.from_config(folder, config.get("cache", []))
        bind = PointBind.from_folder(home, plan.towers_device, plan.towers_dtype)
        hints = Hints.from_config(folder, config, cache.keys_of(config.get("cache", []), "labels"),
                                  lambda names: label_embeddings(bind.text_tower, names, {}, QUICK_TEMPLATES))
        return cls(bind, adapted, tokenizer, cache, config, base, plan, hints)

    def stream(
        self,
        paths: Sequence[str | Path],
        prompt: str,
        *,
        text: Sequence[str] = (),
        weights: Sequence[float] | None = None,
        history: Sequence = (),
        cache: bool | CacheOptions = True,
        seed: int = 0,
        max_tokens: int = 256,
        temperature: float | None = None,
        top_p: float | None = None,
        witness: str | None = None,
        usage: Usage | None = None,
    ) -> Iterator[str]:
        """The answer to `prompt` about `paths` and `text`, in pieces; the same seed gives the same answer.

        Args:
            paths: files of any modality; none and no `text`: a chat with the plain language model.
            text: sentences to look at, embedded like the files.
            weights: one a file and sentence, in that order; equal if None. Their ratios count.
            history: earlier turns, (question, answer) pairs or {"role", "content"} messages.
            cache: whether the visual cache mends the embedding; `CacheOptions` for other than the profile's settings.
            temperature: 0 is greedy; None is the profile's own.
            top_p: words are drawn from the likeliest that together have this chance, (0, 1]; None is the profile's own.
            witness: "point", "views" or "both" for 3D files; None is the profile's own.
            usage: where tokens are counted, for who wants to know.

        Raises InputError for a file, prompt or option that can't be used. Closing the generator stops the model.
        """
        sampling = self._sampling(seed, max_tokens, temperature, top_p)
        look = self.look(paths, text, weights, witness)
        yield from self._write(look, prompt, turns_of(history), cache, sampling, usage or Usage())

    def answer(self, paths: Sequence[str | Path], prompt: str, **options) -> Answer:
        """The whole answer with its figures; the options of `stream`."""
        started = time.monotonic()
        sampling = self._sampling(
            options.pop("seed", 0), options.pop("max_tokens", 256), options.pop("temperature", None),
            options.pop("top_p", None),
        )
        cache, history = options.pop("cache", True), turns_of(options.pop("history", ()))
        look = self.look(paths, **options)
        usage = Usage()
        answer = "".join(self._write(look, prompt, history, cache, sampling, usage))
        ended = time.monotonic()
        first = usage.moments[0] if usage.moments else ended
        return Answer(answer, look.inputs, len(usage.moments), round(first - started, 4), round(ended - started, 4))

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
        normalised = self.config.get("normalise_mixture", True)  # the published adapters take the mean as it is
        shares = mixing_shares(weights, len(paths) + len(text), 0.0 if normalised else MIXTURE_EPSILON)
        if not shares:
            return Look(None, (), ())
        vectors, names, measured = [], [], []
        for path in paths:
            given = self.bind.embed_file(path, witness)
            vectors.append(torch.as_tensor(given.vector).reshape(1, -1))
            names.append((str(path), given.modality))
            measured.append(given.facts)
        if text:
            vectors.append(torch.from_numpy(self.bind.embed_text(list(text))))
            names += [(sentence, "text") for sentence in text]
            measured += [None] * len(text)
        inputs = tuple(Attachment(*name, round(share, 4)) for name, share in zip(names, shares, strict=True))
        own = torch.cat(vectors)  # (N, D)
        mixed = torch.tensor(shares) @ own  # (D,)
        if normalised:
            mixed = F.normalize(mixed, dim=-1)
        facts = tuple(given for given in measured if given is not None)
        return Look(mixed[None], inputs, facts, own, tuple(measured))

    def _write(self, look: Look, prompt: str, history: list[Turn], cache: bool | CacheOptions, sampling: Sampling,
               usage: Usage) -> Iterator[str]:
        """Pieces of the answer; `usage` is filled meanwhile."""
        if not isinstance(prompt, str) or not prompt.strip():
            raise InputError("the prompt is empty; ask a question, such as 'What is this?'")
        # A question that has nothing to do with the uploads is the plain language model's, where hints do the seeing.
        attached = look.embedding is not None and (self.hints is None or about_the_input(prompt))
        if told := self._compared(prompt, look, cache):
            usage.composed = True
            for piece in re.findall(r"\s*\S+", told)[: sampling.max_tokens]:
                usage.moments.append(time.monotonic())
                yield piece
            return
        # A small model answers one thing at a time; without hints the question stays as it is.
        questions = questions_in(prompt.strip()) if attached and cache and self.hints else [prompt.strip()]
        begun = len(usage.moments)
        for number, question in enumerate(questions):
            left = sampling.max_tokens - (len(usage.moments) - begun)
            if left < 1:
                return
            if number and not is_chinese(question):
                yield " "
            shorter = replace(sampling, max_tokens=left)
            yield from self._write_one(look, question, attached, history, cache, shorter, usage)

    def _write_one(self, look: Look, question: str, attached: bool, history: list[Turn], cache: bool | CacheOptions,
                   sampling: Sampling, usage: Usage) -> Iterator[str]:
        """Pieces of the answer to one question, about the uploads if `attached`."""
        if attached:
            question = with_relevant_facts(question, look.facts, self._hints(question, look) if cache else ())
        llama = self._adapted.llama if attached else self._plain_llama()
        system = None if attached else NOTHING_ATTACHED if look.embedding is None else BESIDE_THE_POINT
        ids = self._prompt_ids(question, history, system, sampling.max_tokens, llama.config.max_position_embeddings)
        usage.prompt_tokens = len(ids)
        biases = self._biases(look.embedding, cache) if attached else None
        text = TextStream(self._tokenizer)
        injection = self._adapted.injection if attached else None
        begun = False
        for token in generate(llama, ids, self._tokenizer.end, sampling, injection, biases):
            usage.moments.append(time.monotonic())
            piece = text.feed(token)
            if piece := piece if begun else piece.lstrip():  # LLaMA begins an answer with a new line
                begun = True
                yield piece
        if rest := text.flush():
            yield rest if begun else rest.lstrip()

    def _compared(self, prompt: str, look: Look, cache: bool | CacheOptions) -> str | None:
        """The answer to a question that compares the inputs, where names and facts settle it."""
        counted = [index for index, given in enumerate(look.inputs) if given.weight > 0]
        if len(counted) < 2 or not compares(prompt):
            return None
        return compare(prompt, [self._thing(look, index, cache) for index in counted])

    def _thing(self, look: Look, index: int, cache: bool | CacheOptions) -> Thing:
        """One input by itself: named by the visual cache's captions, else by the language model."""
        given, vector, facts = look.inputs[index], look.vectors[index], look.measured[index] or {}
        file = Path(given.path).name if given.modality != "text" or Path(given.path).is_file() else given.path
        if self.hints is not None:
            return thing_seen(file, facts, vector, self.hints)
        alone = Look(vector[None], (given,), (facts,) if facts else (), vector[None], (facts,))
        briefly = self._sampling(0, NAME_TOKENS, 0.0, None)
        return thing_named(file, facts, "".join(self._write(alone, NAME_QUESTION, [], cache, briefly, Usage())))

    def _hints(self, question: str, look: Look) -> list[str]:
        """What the visual cache recognised, in words, as far as the question asks for it."""
        if self.hints is None or look.vectors is None:
            return []
        counted = [vector for vector, given in zip(look.vectors, look.inputs, strict=True) if given.weight > 0]
        return self.hints.lines(question, [self.hints.see(vector) for vector in counted])

    def _prompt_ids(self, question: str, history: list[Turn], system: str | None, new: int, room: int) -> list[int]:
        """Ids of the prompt; the oldest turns are forgotten where it would not fit."""
        while True:
            ids = self._tokenizer.encode(self._prompt(question, history, system))
            if len(ids) + new <= room:
                return ids
            if not history:
                raise InputError(f"the prompt is too long: {len(ids)} tokens and {new} for the answer, of at most "
                                 f"{room}; shorten it")
            history = history[1:]

    @torch.inference_mode()
    def _biases(self, embedding: Tensor, cache: bool | CacheOptions) -> list[Tensor]:
        if cache:
            embedding = self._cache(embedding, cache if isinstance(cache, CacheOptions) else PROFILES_OWN)
        return self._adapted.injection.biases(embedding.to(self._adapted.injection.gates))

    def _plain_llama(self):
        """The language model as it was before any adapter."""
        if self._plain is None:
            self._plain = load_plain(self._base_folder, self.plan)
        return self._plain

    def _sampling(self, seed: int, max_tokens: int, temperature: float | None, top_p: float | None) -> Sampling:
        own = self.config.get("generation", {})
        top_p = own.get("top_p", 0.9) if top_p is None else top_p
        temperature = own.get("temperature", 0.0) if temperature is None else temperature
        if not isinstance(max_tokens, int) or max_tokens < 1:
            raise InputError(f"max_tokens is {max_tokens}; give a whole number of at least 1")
        if not math.isfinite(temperature) or temperature < 0:
            raise InputError(f"temperature is {temperature}; give 0 (always the likeliest word) or more")
        if not 0 < top_p <= 1:
            raise InputError(f"top_p is {top_p}; give a number above 0 and up to 1")
        return Sampling(max_tokens, temperature, top_p, seed, own.get("no_repeat", 0))


def mixing_shares(weights: Sequence[float] | None, count: int, epsilon: float = 0.0) -> list[float]:
    """Shares in the mixture: weights by their sum plus `epsilon`. InputError for weights that don't fit the inputs."""
    if weights is None:
        weights = [1.0] * count
    if len(weights) != count:
        raise InputError(f"{len(weights)} weights for {count} inputs; give one weight for each, or none")
    if any(not math.isfinite(weight) or weight < 0 for weight in weights):
        raise InputError(f"weights {', '.join(map(str, weights))}: give numbers of 0 or more")
    total = sum(weights)
    if count and total <= 0:
        raise InputError("all weights are 0; at least one input must count")
    return [weight / (total + epsilon) for weight in weights]


def save_config(folder: Path, config: dict) -> None:
    """config.json of a folder of adapters."""
    (Path(folder) / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
