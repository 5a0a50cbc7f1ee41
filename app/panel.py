"""The right-hand side: a preview of one of the inputs, its facts, and how the last answer's inputs were seen.

Previews are plain HTML that the scripts in `page/` bring to life: shapes are drawn by `viewer.js`, sounds played by
`viewer_sound.js`. Gradio's own Model3D stays empty when an event gives it a file soon after the page has loaded
(gradio 6.31), and its viewers bring megabytes where previews need little.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape

import gradio as gr

from .conversation import Conversation, Turn
from .engine import Engine, Options, Status
from .facts import short, table
from .insight import Insights
from .language import DEFAULT, text
from .looking import Look
from .messages import address
from .pages.work import Changed, Job, Stopped
from .report import report
from .shape_view import shape_view
from .uploads import explain


class Panel:
    """Builds its components where it is called, and says how they should look for a conversation."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.preview = gr.HTML(_hint(DEFAULT), elem_id="preview")
        self.facts = gr.HTML(visible=False, elem_id="facts")
        self.report = gr.HTML(visible=False, elem_id="report")
        self.components = [self.preview, self.facts, self.report]
        self._insights = Insights(engine)

    def updates(self, conversation: Conversation, language: str) -> list:
        """One update per component, in their order."""
        look = self._look(conversation.shown)
        preview = self._waiting(conversation, language) if look is None else _preview(look, language)
        unchanged = preview == conversation.drawn
        conversation.drawn = preview
        facts = "" if look is None else f"<h2>{escape(look.name)}</h2>{table(look.facts, language)}"
        return [
            # A player that is given the same file again would start from its beginning.
            gr.skip() if unchanged else gr.update(value=preview),
            gr.update(value=facts, visible=look is not None),
            self._report(conversation, language),
        ]

    def explain(self, conversation: Conversation, language: str) -> Iterator:
        """Find out how the last answer's inputs were seen. Gives the report, as it grows."""
        turn = _explained(conversation)
        if turn is None or not turn.paths or self._insights.known(tuple(turn.paths), _options(turn)) is not None:
            yield self._report(conversation, language)
            return
        job, shown = Job(), ""
        try:
            for step in self._insights.find(tuple(turn.paths), _options(turn), job):
                if conversation.closed or _explained(conversation) is not turn:
                    job.stopped = True
                    yield gr.skip()
                    return
                words = _words(step, language) if isinstance(step, Status) else ""
                if words != shown or not words:
                    shown = words
                    yield self._report(conversation, language, words)
        except Stopped:
            yield gr.skip()
        except Changed:
            yield self._report(conversation, language)
        except Exception as error:
            words = text(language, "report_failed", reason=explain(error, turn.paths, language))
            yield self._report(conversation, language, words)

    def _report(self, conversation: Conversation, language: str, words: str = "") -> dict:
        turn = _explained(conversation)
        found = "" if turn is None else report(
            turn.figures or {}, self._insights.known(tuple(turn.paths), _options(turn)), language, words)
        return gr.update(value=found, visible=bool(found))

    def picture(self, path: str) -> str | None:
        """The preview of a path that is a picture and has been read, else None."""
        look = self._look(path)
        return look.preview if look and look.modality == "image" else None

    def _look(self, path: str | None) -> Look | None:
        if path is None:
            return None
        future = self.engine.look(path)
        return future.result() if future.done() and future.exception() is None else None

    @staticmethod
    def _waiting(conversation: Conversation, language: str) -> str:
        name = next((item.name for item in conversation.items if item.path == conversation.shown), None)
        return _hint(language, name and text(language, "status_reading", name=name))


def _words(status: Status, language: str) -> str:
    """What is being done for the report: the first time all names are read, which takes a while."""
    share = status.values.get("share")
    return text(language, "report_working") if share is None else text(language, "report_reading", share=share)


def _explained(conversation: Conversation) -> Turn | None:
    """The last turn that was answered."""
    return next((turn for turn in reversed(conversation.turns) if turn.answer and not turn.open), None)


def _options(turn: Turn) -> Options:
    """What of a turn's settings decides how its inputs are seen."""
    return turn.options or Options()


def _preview(look: Look, language: str) -> str:
    """HTML that shows a file by its modality."""
    name = escape(look.name)
    if look.modality == "point":
        return shape_view(address(look.preview), look.name, language, "view")
    if look.modality == "image":
        return f'<img class="view" src="{address(look.preview)}" alt="{name}">'
    if look.modality == "audio":
        return _sound(look, language)
    if look.modality == "video":
        return _video(look, language)
    return f'<blockquote class="view" tabindex="0">{escape(look.words)}</blockquote>'


def _sound(look: Look, language: str) -> str:
    """A waveform to click into; played by `page/viewer_sound.js`."""
    bars = json.dumps(look.wave)
    play, pause, position = (escape(text(language, key, name=look.name)) for key in ("play", "pause", "sound_position"))
    length = look.facts["duration"]
    return (f'<div class="view sound-view" data-wave="{bars}" data-length="{length:.3f}" data-play="{play}" '
            f'data-pause="{pause}"><canvas aria-hidden="true"></canvas>'
            f'<input type="range" min="0" max="{length:.3f}" step="0.1" value="0" aria-label="{position}">'
            f'<div class="controls"><button type="button" aria-label="{play}"></button>'
            f'<output>0:00</output><span>{escape(text(language, "seconds", value=short(length)))}</span></div>'
            f'<audio preload="metadata" src="{address(look.played)}"></audio></div>')


def _video(look: Look, language: str) -> str:
    label = escape(text(language, "video_frames", name=look.name))
    poster = address(look.preview)
    player = (f'<video controls playsinline preload="metadata" src="{address(look.played)}" poster="{poster}" '
              f'aria-label="{escape(look.name)}"></video>' if look.played else
              f'<img src="{poster}" alt="{escape(look.name)}">')
    return (f'<div class="view video-view" data-poster="{poster}">{player}'
            f'<div class="strip" tabindex="0" role="group" aria-label="{label}">'
            f'<img src="{address(look.strip)}" alt="{label}"></div></div>')


def _hint(language: str, words: str | None = None) -> str:
    return f'<div class="view hint" role="status">{escape(words or text(language, "preview_empty"))}</div>'
