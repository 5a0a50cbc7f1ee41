"""What happens when somebody adds files, asks, stops, or starts anew: events of the page in, updates of the page out.

Every handler gets its person's own `Conversation` from the session and changes it in place. Nothing is kept here but
whose conversation is whose, to end an answer when its reader has left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from weakref import WeakValueDictionary

import gradio as gr

from .conversation import Conversation, Turn
from .engine import Engine, Options, Status
from .examples import Example
from .insight import Figures
from .language import text
from .messages import messages
from .panel import Panel
from .settings import SECONDS_BETWEEN_UPDATES
from .uploads import arrange, explain

MAX_FILES = 16
IDLE = {"submit_btn": True, "stop_btn": False}
BUSY = {"submit_btn": False, "stop_btn": True}


class Chat:
    """The handlers of the page, over one engine."""

    def __init__(self, engine: Engine, panel: Panel, examples: list[Example]) -> None:
        self.engine = engine
        self.panel = panel
        self.examples = examples
        self._of_session: WeakValueDictionary[str, Conversation] = WeakValueDictionary()

    # -- adding files ------------------------------------------------------------------------------------------------

    def add(self, box: dict | None, conversation: Conversation, language: str) -> Iterator[list]:
        """Files arrived in the text box, or left it: read them, show them, say what can't be used.

        Gives [chat, *panel].
        """
        paths = arrange((box or {}).get("files") or [])
        fresh = conversation.sync_unsent(paths)
        for item in fresh:
            self.engine.look(item.path)  # all start now; below they are waited for in order
        yield [gr.skip(), *self.panel.updates(conversation, language)]
        for item in fresh:
            try:
                for _ in self.engine.read(item.path):
                    pass
            except Exception as error:
                conversation.drop(item.path)
                conversation.note(explain(error, [item.path], language))
            yield [self.draw(conversation, language), *self.panel.updates(conversation, language)]

    # -- asking ------------------------------------------------------------------------------------------------------

    def begin(self, box: dict | None, conversation: Conversation, language: str, request: gr.Request) -> list:
        """A question was sent: show it at once, before its turn to be answered comes. Gives [chat, box, *panel]."""
        box = box or {}
        question, paths = (box.get("text") or "").strip(), arrange(box.get("files") or [])
        problem = None
        if conversation.pending:
            problem = text(language, "error_busy")
        elif not question and not paths:
            problem = text(language, "error_nothing_asked")
        elif len(paths) > MAX_FILES:
            problem = text(language, "error_too_many_files", count=len(paths), limit=MAX_FILES)
        if problem:
            gr.Info(problem)
            return [gr.skip()] * (2 + len(self.panel.components))
        return self._open(question, paths, conversation, language, request)

    def example(self, conversation: Conversation, language: str, chosen: gr.SelectData, request: gr.Request) -> list:
        """An example was clicked. Only its number is taken from the browser, never a path."""
        example = self.examples[int(chosen.index)]
        if conversation.pending:
            return [gr.skip()] * (2 + len(self.panel.components))
        return self._open(example.question, [str(example.file)], conversation, language, request)

    def retry(self, conversation: Conversation, language: str, request: gr.Request) -> list:
        """Ask the last question again."""
        turn = None if conversation.pending else conversation.take_back()
        if turn is None:
            return [gr.skip()] * (2 + len(self.panel.components))
        return self._open(turn.question, turn.added, conversation, language, request)

    def _open(self, question: str, paths: list[str], conversation: Conversation, language: str,
              request: gr.Request) -> list:
        self._of_session[request.session_hash] = conversation
        question = question or text(language, "default_question" if len(paths) < 2 else "default_question_many")
        turn = conversation.ask(question, paths)
        for path in turn.paths:
            self.engine.look(path)
        turn.status = text(language, "status_waiting")
        return [self.draw(conversation, language), gr.update(value={"text": "", "files": []}, **BUSY),
                *self.panel.updates(conversation, language)]

    def write(self, conversation: Conversation, language: str, cache: bool, length: int, seed: int) -> Iterator[list]:
        """Write the answer to the question that waits, word by word. Gives [chat, box, *panel].

        Closing this iterator (a stop, a closed browser) ends the generation within a token.
        """
        turn = conversation.pending
        if turn is None or turn.state != "waiting":
            return
        turn.state = "writing"
        idle_panel = [gr.skip()] * len(self.panel.components)
        try:
            paths = yield from self._usable(turn, conversation, language)
            options = Options(cache=cache, seed=int(seed), max_tokens=int(length))
            shown_at = 0.0
            turn.options, figures = options, Figures(time.monotonic())
            for piece in self.engine.answer(paths, turn.question, conversation.history(), options,
                                            lambda: not turn.open, figures) if turn.open else ():
                if isinstance(piece, Status):
                    turn.status = text(language, piece.key, **piece.values)
                elif turn.open:
                    turn.answer += piece
                now = time.monotonic()
                if now - shown_at >= SECONDS_BETWEEN_UPDATES:
                    shown_at = now
                    yield [self.draw(conversation, language), gr.skip(), *idle_panel]
            turn.figures = figures.measured()
            if turn.open:
                turn.state = "done"
        except GeneratorExit:
            raise
        except Exception as error:
            turn.notes.append(explain(error, turn.paths, language))
            turn.state = "failed"
        finally:
            if turn.open:
                turn.state = "stopped"
        if conversation.closed:  # gradio repeats the last update at the end: let that be none
            yield [gr.skip(), gr.skip(), *idle_panel]
        else:
            yield [*self.redraw(conversation, language), *self.panel.updates(conversation, language)]

    def _usable(self, turn: Turn, conversation: Conversation, language: str) -> Iterator[list]:
        """The turn's paths that can be read; the others are dropped and noted. Without any left the turn failed."""
        usable = []
        for path in turn.paths:
            try:
                for status in self.engine.read(path, lambda: not turn.open):
                    turn.status = text(language, status.key, **status.values)
                    yield [self.draw(conversation, language), *[gr.skip()] * (1 + len(self.panel.components))]
                usable.append(path)
            except Exception as error:
                conversation.drop(path)
                turn.notes.append(explain(error, [path], language))
        if turn.paths and not usable and turn.open:
            turn.state = "failed"
        turn.paths = usable
        return usable

    def stop(self, conversation: Conversation, language: str) -> list:
        """End the answer that is being written, or that waits. Gives [chat, box]."""
        if conversation.pending:
            conversation.pending.state = "stopped"
        return self.redraw(conversation, language)

    def leave(self, request: gr.Request) -> None:
        """The page was closed: nobody reads on. Gradio notices this by itself only once words are on their way."""
        conversation = self._of_session.pop(request.session_hash, None)
        if conversation is not None and conversation.pending:
            conversation.pending.state = "stopped"

    def redraw(self, conversation: Conversation, language: str) -> list:
        """The chat and its buttons as they should be now. Gives [chat, box]."""
        return [self.draw(conversation, language), gr.update(**(BUSY if conversation.pending else IDLE))]

    # -- the rest of the page ----------------------------------------------------------------------------------------

    def restart(self, conversation: Conversation, language: str) -> list:
        """A new conversation; the old one is forgotten. Gives [conversation, chat, box, *panel]."""
        if conversation.pending:
            conversation.pending.state = "stopped"
        conversation.closed = True
        fresh = Conversation()
        fresh.drawn = conversation.drawn
        return [fresh, [], gr.update(value={"text": "", "files": []}, **IDLE), *self.panel.updates(fresh, language)]

    def tick(self, ticked: list[str], conversation: Conversation, language: str) -> list:
        """Other inputs were ticked to be asked about. Gives the panel."""
        conversation.tick({int(index) for index in ticked})
        return self.panel.updates(conversation, language)

    def show(self, conversation: Conversation, language: str, chosen: gr.SelectData) -> list:
        """An input was clicked: preview it. Gives the panel."""
        if 0 <= int(chosen.index) < len(conversation.items):
            conversation.shown = conversation.items[int(chosen.index)].path
        return self.panel.updates(conversation, language)

    def draw(self, conversation: Conversation, language: str) -> list[dict]:
        """The chat's messages."""
        return messages(conversation, language, self.panel.picture)
