"""/ask: a question about files and sentences, answered as it is written.

Built on hidden components rather than on bare functions: gradio checks that a caller's files were uploaded by that
caller's requests, and takes no path of the server.
"""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from ..engine import Engine, Options, Status
from ..settings import ANSWERS_AT_ONCE, MOST_TOKENS
from ..uploads import arrange
from . import components as take
from . import values
from .errors import told


def build(engine: Engine) -> None:
    """Add the endpoint to the current `gr.Blocks`."""

    # A default of None tells gradio that callers may leave a parameter out; those of the others stand below.
    def ask(files: list[str] | None = None, prompt: str = "", max_tokens: int = 0, seed: int = 0,
            use_cache: bool = True, history: list[dict[str, str]] | None = None, texts: list[str] | None = None,
            weights: list[float] | None = None, temperature: float | None = None, top_p: float | None = None,
            witness: str | None = None) -> Iterator[str]:
        """Ask about 3D files, pictures, sounds or videos; the answer streams, each update being the answer so far.

        Args:
            files: uploads to ask about together; an .obj may come with its .mtl and textures. Empty: plain chat.
            prompt: the question
            max_tokens: the longest answer
            seed: the same seed gives the same answer
            use_cache: whether the visual cache helps to recognise
            history: earlier messages, [{"role": "user" or "assistant", "content": "…"}]
            texts: sentences to look at like the files
            weights: how much each file and then each text counts; null: all alike
            temperature: 0 is always the likeliest word; null: the profile's own
            top_p: words are drawn from the likeliest that together have this chance; null: the profile's own
            witness: how 3D files are seen: "point", "views" or "both"; null: the profile's own
        """
        paths = arrange(files or [])
        answer = ""
        with told(paths):
            if not prompt.strip():
                raise gr.Error("prompt is empty; give a question", print_exception=False)
            options = Options(
                cache=use_cache, seed=int(seed), max_tokens=int(max_tokens), temperature=temperature, top_p=top_p,
                text=tuple(values.words(texts, "texts")), weights=values.numbers(weights, "weights"),
                witness=values.witness(witness),
            )
            for piece in engine.answer(paths, prompt.strip(), history or [], options):
                if not isinstance(piece, Status):
                    answer += piece
                yield answer

    with gr.Column(visible=False):
        inputs = [
            take.files("files"),
            gr.Textbox(label="prompt"),
            gr.Number(Options.max_tokens, label="max_tokens", precision=0, minimum=1, maximum=MOST_TOKENS),
            gr.Number(Options.seed, label="seed", precision=0),
            gr.Checkbox(Options.cache, label="use_cache"),
            take.json("history", take.HISTORY, []),
            take.json("texts", take.TEXTS, []),
            take.json("weights", take.NUMBERS),
            gr.Number(None, label="temperature", minimum=0),
            gr.Number(None, label="top_p", minimum=0, maximum=1),
            take.witness(),
        ]
        answer = gr.Textbox(label="answer")
        gr.Button().click(ask, inputs, answer, api_name="ask", concurrency_id="answers",
                          concurrency_limit=ANSWERS_AT_ONCE, trigger_mode="multiple")
