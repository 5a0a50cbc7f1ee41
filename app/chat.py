"""Asking and answering: a question is sent, stopped, asked again, edited, judged; a conversation is opened or begun.

Every handler gets its person's own `Conversation` from the session and changes it in place; what changed on the page is
given as a dictionary of updates. Nothing is kept here but whose conversation is whose, to end an answer when its reader
has left.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

import gradio as gr

from .archive import from_browser
from .chat_page.inputs import Inputs
from .chat_page.parts import Parts, keepable
from .conversation import Conversation, Turn
from .engine import Engine, Options, Status
from .examples import Example
from .insight import Figures
from .language import text
from .messages import turn_of
from .settings import SECONDS_BETWEEN_KEEPS, SECONDS_BETWEEN_UPDATES
from .uploads import explain


class Chat:
    """The handlers of the conversation, over one engine. options: from the values of the settings to an answer's."""

    def __init__(self, engine: Engine, parts: Parts, inputs: Inputs, examples: list[Example],
                 options: Callable[..., Options]) -> None:
        self.engine = engine
        self.parts = parts
        self.inputs = inputs
        self.examples = examples
        self.options = options
        self._of_session: WeakValueDictionary[str, Conversation] = WeakValueDictionary()

    # -- asking ------------------------------------------------------------------------------------------------------

    def begin(self, box: dict | None, carried: str, conversation: Conversation, language: str,
              request: gr.Request) -> dict:
        """A question was sent: show it at once, before its turn to be answered comes.

        carried: the conversation as the browser has it, for when this server no longer does.
        """
        conversation = self.restored(carried, conversation)
        box = box or {}
        question, files = (box.get("text") or "").strip(), box.get("files") or []
        problem = None
        if conversation.pending:
            problem = "error_busy"
        elif not question and not files and not any(item.active and not item.sent for item in conversation.inputs):
            problem = "error_nothing_asked"
        if problem:
            gr.Info(text(language, problem))
            return {self.parts.state: conversation, **self.parts.nothing()}
        paths = self.inputs.kept(files, conversation, language)
        return self._open(question, paths, conversation, language, request)

    def example(self, conversation: Conversation, language: str, chosen: gr.SelectData, request: gr.Request) -> dict:
        """An example was clicked. Only its number is taken from the browser, never a path."""
        example = self.examples[int(chosen.index)]
        if conversation.pending:
            return self.parts.nothing()
        paths = self.inputs.kept([str(file) for file in example.files], conversation, language)
        return self._open(example.question(language), paths, conversation, language, request)

    def retry(self, conversation: Conversation, language: str, request: gr.Request) -> dict:
        """Ask the last question again."""
        turn = None if conversation.pending else conversation.take_back()
        if turn is None:
            return self.parts.nothing()
        return self._open(turn.question, (), conversation, language, request)

    def edit(self, conversation: Conversation, language: str, edited: gr.EditData, request: gr.Request) -> dict:
        """Ask a question of before in other words; what followed it is forgotten."""
        number = turn_of(conversation, edited.index if isinstance(edited.index, int) else edited.index[0])
        question = edited.value.strip() if isinstance(edited.value, str) else ""
        if conversation.pending or number is None or not question or conversation.take_back(number) is None:
            return self.parts.whole(conversation, language)
        return self._open(question, (), conversation, language, request)

    def judge(self, conversation: Conversation, language: str, judged: gr.LikeData) -> dict:
        """An answer was liked or not."""
        number = turn_of(conversation, judged.index if isinstance(judged.index, int) else judged.index[0])
        if number is not None:
            conversation.turns[number].feedback = {True: "Like", False: "Dislike"}.get(judged.liked, "")
        return {self.parts.kept: keepable(conversation)}

    def _open(self, question: str, paths: Sequence[str], conversation: Conversation, language: str,
              request: gr.Request) -> dict:
        self._of_session[request.session_hash] = conversation
        conversation.add(paths)
        asked_about = sum(item.active for item in conversation.inputs)
        question = question or text(language, "default_question" if asked_about < 2 else "default_question_many")
        turn = conversation.ask(question, paths)
        turn.status = text(language, "status_waiting")
        return {self.parts.state: conversation,
                **self.parts.whole(conversation, language, value={"text": "", "files": []})}

    # -- answering ---------------------------------------------------------------------------------------------------

    def write(self, conversation: Conversation, language: str, *settings: object) -> Iterator[dict]:
        """Write the answer to the question that waits, word by word.

        Closing this iterator (a stop, a closed browser) ends the generation within a token.
        """
        turn = conversation.pending
        if turn is None or turn.state != "waiting":
            return
        turn.state = "writing"
        try:
            yield from self._usable(turn, conversation, language)
            if turn.open:
                yield from self._words(turn, conversation, language, self.options(*settings))
            if turn.open:
                turn.state = "done"
        except GeneratorExit:
            raise
        except Exception as error:
            turn.note(explain(error, turn.paths, language))
            turn.state = "failed"
        finally:
            if turn.open:
                turn.state = "stopped"
        # gradio repeats the last update at the end: let that be none where another conversation took this one's place
        yield self.parts.nothing() if conversation.closed else self.parts.whole(conversation, language)

    def _words(self, turn: Turn, conversation: Conversation, language: str, options: Options) -> Iterator[dict]:
        """Let the answer grow, and show it now and then."""
        if len(set(turn.weights)) > 1 or turn.weights and not turn.weights[0]:
            options = replace(options, weights=tuple(turn.weights))
        shown_at = kept_at = time.monotonic()
        turn.options, figures = options, Figures(shown_at)
        first = True
        for piece in self.engine.answer(turn.paths, turn.question, conversation.history(), options,
                                        lambda: not turn.open, figures):
            if isinstance(piece, Status):
                turn.status = text(language, piece.key, **piece.values)
            elif turn.open:
                turn.answer += piece
            now = time.monotonic()
            if (first and turn.answer) or now - shown_at >= SECONDS_BETWEEN_UPDATES:
                shown_at, first = now, not turn.answer
                update = self.parts.words(conversation, language)
                if now - kept_at >= SECONDS_BETWEEN_KEEPS:
                    kept_at = now
                    update[self.parts.kept] = keepable(conversation)
                yield update
        turn.figures = figures.measured()

    def _usable(self, turn: Turn, conversation: Conversation, language: str) -> Iterator[dict]:
        """Leave the turn with the inputs that can be read; the others are noted. Without any left it failed."""
        usable = []
        for path, weight in zip(turn.paths, turn.weights, strict=True):
            item = conversation.item(path)
            if item is not None and item.lost:
                turn.note(text(language, "error_lost_file", name=item.name))
                continue
            try:
                for status in self.engine.read(path, lambda: not turn.open):
                    turn.status = text(language, status.key, **status.values)
                    yield self.parts.words(conversation, language)
                usable.append((path, weight))
            except Exception as error:
                conversation.drop(path)
                turn.note(explain(error, [path], language))
        if turn.paths and not usable and turn.open:
            turn.state = "failed"
        turn.paths, turn.weights = [path for path, _ in usable], [weight for _, weight in usable]

    def stop(self, conversation: Conversation, language: str) -> dict:
        """End the answer that is being written, or that waits."""
        if conversation.pending:
            conversation.pending.state = "stopped"
        return self.parts.whole(conversation, language)

    def leave(self, request: gr.Request) -> None:
        """The page was closed: nobody reads on. Gradio notices this by itself only once words are on their way."""
        conversation = self._of_session.pop(request.session_hash, None)
        if conversation is not None and conversation.pending:
            conversation.pending.state = "stopped"

    def redraw(self, conversation: Conversation, language: str) -> dict:
        """Everything as it should be now."""
        return self.parts.whole(conversation, language)

    # -- conversations -----------------------------------------------------------------------------------------------

    def restart(self, conversation: Conversation, language: str) -> dict:
        """A new conversation."""
        return self.exchange(conversation, Conversation(), language)

    def resume(self, carried: str, conversation: Conversation, language: str) -> dict:
        """The page is back, after a reload or a lost connection: what the browser kept counts if this server forgot."""
        restored = self.restored(carried, conversation)
        return {self.parts.state: restored, **self.parts.whole(restored, language)}

    def exchange(self, old: Conversation, new: Conversation, language: str) -> dict:
        """Put another conversation into the page."""
        if old.pending:
            old.pending.state = "stopped"
        old.closed, new.drawn = True, old.drawn
        return {self.parts.state: new, **self.parts.whole(new, language, value={"text": "", "files": []})}

    @staticmethod
    def restored(carried: str, conversation: Conversation) -> Conversation:
        """The conversation of a session; for a session that has none yet, what the browser kept, else a new one."""
        if not conversation.empty:
            return conversation
        try:
            kept = from_browser(json.loads(carried or "null"))
        except (ValueError, RecursionError):
            kept = None
        restored = kept or Conversation()
        restored.drawn = conversation.drawn
        return restored
