"""One person's conversation: the inputs that were added, the questions, and what was answered.

Plain data, kept by the app per browser session; knows nothing of the page or the model. A question with new files is
about these; one without is about the inputs that are still ticked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Item:
    """A file of this conversation. sent: whether a question with it was asked, or it still waits in the text box."""

    path: str
    active: bool = True
    sent: bool = False

    @property
    def name(self) -> str:
        """The file's own name, never its place on the server."""
        return Path(self.path).name


@dataclass
class Turn:
    """A question and its answer. state: "waiting", "writing", "done", "stopped" or "failed".

    added: paths that came with the question; paths: those it is about; status: what is being done while no word has
    come; notes: what went wrong, a line each. A turn without question and files is a note of the app's own.
    """

    question: str
    added: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answer: str = ""
    status: str = ""
    notes: list[str] = field(default_factory=list)
    state: str = "waiting"
    figures: dict[str, float] | None = None  # how quick the answer was, see `insight.Figures`
    options: object = None  # the `engine.Options` it was answered with

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "writing")


@dataclass
class Conversation:
    """Inputs in the order of their arrival, turns in the order of asking.

    shown: the path that belongs in the preview; drawn: the preview that the page was last given;
    closed: whether a new one has taken its place.
    """

    items: list[Item] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    shown: str | None = None
    drawn: str = ""
    closed: bool = False

    @property
    def pending(self) -> Turn | None:
        """The question that is being answered, or waits to be."""
        return self.turns[-1] if self.turns and self.turns[-1].open else None

    def sync_unsent(self, paths: list[str]) -> list[Item]:
        """Make the not yet sent items those of the text box, `paths`; gives the new ones."""
        self.items = [item for item in self.items if item.sent or item.path in paths]
        known = {item.path for item in self.items}
        fresh = [Item(path) for path in paths if path not in known]
        self.items += fresh
        if fresh:
            self.shown = fresh[0].path
        elif self.shown not in known:
            self.shown = self.items[-1].path if self.items else None
        return fresh

    def drop(self, path: str) -> None:
        """Forget an input that turned out to be unusable."""
        self.items = [item for item in self.items if item.path != path]
        if self.shown == path:
            self.shown = self.items[-1].path if self.items else None

    def ask(self, question: str, paths: list[str]) -> Turn:
        """Open a turn. New files become what is asked about; without any, the ticked inputs stay it."""
        self.sync_unsent(paths)
        if paths:
            self.shown = paths[0]
            for item in self.items:
                item.active = item.path in paths
                item.sent = item.sent or item.path in paths
        turn = Turn(question, added=list(paths), paths=[item.path for item in self.items if item.active and item.sent])
        self.turns.append(turn)
        return turn

    def note(self, line: str) -> None:
        """Tell the person something outside of any answer."""
        self.turns.append(Turn("", notes=[line], state="failed"))

    def take_back(self) -> Turn | None:
        """Remove the last question and what was answered, to ask it anew; None when nothing was asked yet."""
        while self.turns:
            turn = self.turns.pop()
            if turn.question:
                return turn
        return None

    def tick(self, indexes: set[int]) -> None:
        """Exactly the items at `indexes` are asked about next."""
        for index, item in enumerate(self.items):
            item.active = index in indexes

    def history(self) -> list[dict[str, str]]:
        """The finished turns before the open one, as chat messages for the model."""
        messages: list[dict[str, str]] = []
        for turn in self.turns:
            if not turn.open and turn.answer:
                messages += [{"role": "user", "content": turn.question}, {"role": "assistant", "content": turn.answer}]
        return messages
