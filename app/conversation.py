"""One person's conversation: the inputs that were added, the questions, and what was answered.

Plain data, kept by the app per browser session; knows nothing of the page or the model. A question is about the inputs
that are ticked: new ones arrive so, and those that were asked about before are then unticked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WEIGHTS = (0.0, 2.0)  # of an input in the mixture; 1 is as much as any other


@dataclass
class Item:
    """An input of this conversation, named by its path, which no other input shares.

    active: whether the next question is about it; sent: whether a question with it was asked; weight: its part in the
    mixture; removed: taken out by the person, and known only to the questions that were about it.
    """

    path: str
    active: bool = True
    sent: bool = False
    weight: float = 1.0
    removed: bool = False

    @property
    def name(self) -> str:
        """The file's own name, never its place on the server."""
        return Path(self.path).name

    @property
    def lost(self) -> bool:
        """Whether the upload is no longer on the server."""
        return not Path(self.path).is_file()


@dataclass
class Turn:
    """A question and its answer. state: "waiting", "writing", "done", "stopped" or "failed".

    added: paths that came with the question; paths: those it is about; weights: theirs; status: what is being done
    while no word has come; notes: what went wrong, a line each; feedback: "Like", "Dislike" or "". A turn without
    question and files is a note of the app's own.
    """

    question: str
    added: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    answer: str = ""
    status: str = ""
    notes: list[str] = field(default_factory=list)
    state: str = "waiting"
    feedback: str = ""
    figures: dict[str, float] | None = None  # how quick the answer was, see `insight.Figures`
    options: object = None  # the `engine.Options` it was answered with

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "writing")

    def note(self, line: str) -> None:
        """Say once what went wrong."""
        if line not in self.notes:
            self.notes.append(line)


@dataclass
class Conversation:
    """Inputs in the order of their arrival, turns in the order of asking.

    id: unguessable, by which a browser keeps it; started: seconds since the epoch; shown: the path that belongs in the
    preview; drawn: the preview that the page was last given; closed: whether another one has taken its place.
    """

    items: list[Item] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    shown: str | None = None
    drawn: str = ""
    closed: bool = False
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    started: float = field(default_factory=time.time)

    @property
    def pending(self) -> Turn | None:
        """The question that is being answered, or waits to be."""
        return self.turns[-1] if self.turns and self.turns[-1].open else None

    @property
    def inputs(self) -> list[Item]:
        """The items that were not taken out."""
        return [item for item in self.items if not item.removed]

    @property
    def empty(self) -> bool:
        return not self.turns and not self.inputs

    def item(self, path: str) -> Item | None:
        """The input of this path."""
        return next((item for item in self.items if item.path == path), None)

    def add(self, paths: Sequence[str]) -> list[Item]:
        """New inputs, ticked; those that were asked about are unticked. Gives the items that weren't there."""
        fresh = []
        for path in paths:
            item = self.item(path)
            if item is None:
                item = Item(path)
                self.items.append(item)
                fresh.append(item)
            item.active, item.removed = True, False
        if paths:
            self.shown = paths[0]
            for item in self.items:
                item.active = item.active and (not item.sent or item.path in paths)
        return fresh

    def drop(self, path: str) -> None:
        """Take an input out: by its person, or because it turned out to be unusable."""
        item = self.item(path)
        if item is None:
            return
        item.removed, item.active = True, False
        if not any(path in turn.added for turn in self.turns):
            self.items.remove(item)
        if self.shown == path:
            self.shown = self.inputs[-1].path if self.inputs else None

    def ask(self, question: str, paths: Sequence[str] = ()) -> Turn:
        """Open a turn about the ticked inputs, after adding `paths`."""
        self.add(paths)
        about = [item for item in self.inputs if item.active]
        turn = Turn(question, added=[item.path for item in about if not item.sent or item.path in paths],
                    paths=[item.path for item in about], weights=[item.weight for item in about])
        for item in about:
            item.sent = True
        self.turns.append(turn)
        return turn

    def note(self, line: str) -> None:
        """Tell the person something outside of any answer."""
        self.turns.append(Turn("", notes=[line], state="failed"))

    def take_back(self, number: int | None = None) -> Turn | None:
        """Remove the last question (or turn `number`) and all that follows, to ask it anew; None without one.

        The inputs that it was about are ticked again, and only these.
        """
        if number is None:
            number = max((n for n, turn in enumerate(self.turns) if turn.question), default=-1)
        if not 0 <= number < len(self.turns) or not self.turns[number].question:
            return None
        turn = self.turns[number]
        del self.turns[number:]
        for item in self.items:
            item.active = item.path in turn.paths
            if item.path in turn.added:
                item.sent = False
            if item.active and item.removed:
                item.removed = False
        return turn

    def tick(self, path: str, ticked: bool) -> None:
        """Whether the next question is about this input."""
        item = self.item(path)
        if item is not None and not item.removed:
            item.active = ticked

    def weigh(self, path: str, weight: float) -> None:
        """How much the input counts in the mixture."""
        item = self.item(path)
        if item is not None and weight == weight:  # not NaN
            item.weight = min(max(float(weight), WEIGHTS[0]), WEIGHTS[1])

    def history(self) -> list[dict[str, str]]:
        """The finished turns before the open one, as chat messages for the model."""
        messages: list[dict[str, str]] = []
        for turn in self.turns:
            if not turn.open and turn.question and turn.answer:
                messages += [{"role": "user", "content": turn.question}, {"role": "assistant", "content": turn.answer}]
        return messages
