"""Puts questions to the language model, once each: answers are kept by weights, file, question and settings."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..bind import PointBind
from ..errors import WeightsError
from .provenance import Progress, Run, one_line
from .questions import Question
from .stores import AnswerStore, file_key, key_of

if TYPE_CHECKING:
    from ..llm.model import PointLLM

logger = logging.getLogger("pointllm")

SEED = 0


class Asker:
    """A model, loaded when the first answer isn't known yet, and the answers that are."""

    def __init__(self, run: Run, cache: bool = True, model: PointLLM | None = None) -> None:
        """cache: whether the visual cache mends embeddings."""
        self.run, self.cache = run, cache
        self._model = model
        self._store = AnswerStore(run.cache / "answers.jsonl")

    @property
    def model(self) -> PointLLM:
        """The language model and its joint space."""
        if self._model is None:
            from ..llm.model import PointLLM

            self._model = PointLLM.from_pretrained(self.run.profile)
        return self._model

    @cached_property
    def bind(self) -> PointBind:
        """The joint space: the model's, where it is loaded."""
        return getattr(self._model, "bind", None) or PointBind.from_pretrained(self.run.profile)

    def ask(self, questions: Sequence[Question]) -> tuple[list[str], dict[str, str]]:
        """The answers in order ("" where the object can't be read), and id → reason of such objects.

        Questions about the same object should stand together: the model remembers what it looked at last.
        """
        keys = [self._key(question) for question in questions]
        progress = Progress("answers", sum(key not in self._store for key in keys))
        failures: dict[str, str] = {}
        answers = []
        for question, key in zip(questions, keys, strict=True):
            if key not in self._store and question.target.id not in failures:
                try:
                    answer = "".join(self.model.stream([question.target.path], question.prompt, seed=SEED,
                                                       max_tokens=question.max_tokens, cache=self.cache,
                                                       witness=self.run.witness))
                    self._store.put(key, answer, {"object": question.target.id, "question": question.prompt})
                except WeightsError:
                    raise
                except Exception as error:  # counted as wrong and listed; the others go on
                    failures[question.target.id] = one_line(error)
                    logger.warning("%s: %s", question.target.id, failures[question.target.id])
                progress.step()
            answers.append(self._store[key] if key in self._store else "")
        return answers, failures

    def _key(self, question: Question) -> str:
        return key_of(self.run.model_key, self.run.witness, self.cache, file_key(question.target.path),
                      question.prompt, question.max_tokens, SEED)
