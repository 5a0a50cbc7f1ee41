"""The named endpoints that programs call with `gradio_client`, curl or any HTTP client.

Built on hidden components rather than on bare functions: gradio checks that a caller's files were uploaded by that
caller's requests, and takes no path of the server.
"""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from .engine import Engine, Options, Status
from .language import DEFAULT
from .settings import ANSWERS_AT_ONCE
from .uploads import arrange, explain


def build(engine: Engine) -> None:
    """Add the endpoints to the current `gr.Blocks`."""

    def ask(files: list[str] | None, prompt: str, max_tokens: int, seed: int, use_cache: bool,
            history: list[dict[str, str]] | None) -> Iterator[str]:
        """Ask about 3D files, pictures, sounds or videos; the answer streams, each update being the answer so far.

        Example:
            from gradio_client import Client, handle_file
            client = Client("http://localhost:7860")
            for answer in client.submit([handle_file("chair.ply")], "What is this?", api_name="/ask"):
                print(answer)

        Args:
            files: uploads to ask about together; an .obj may come with its .mtl and textures. Empty: plain chat.
            prompt: the question
            max_tokens: the longest answer
            seed: the same seed gives the same answer
            use_cache: whether the visual cache helps to recognise
            history: earlier messages, [{"role": "user" or "assistant", "content": "…"}]
        """
        paths = arrange(files or [])
        answer = ""
        try:
            if not prompt.strip():
                raise gr.Error("prompt is empty; give a question", print_exception=False)
            options = Options(cache=use_cache, seed=int(seed), max_tokens=int(max_tokens))
            for piece in engine.answer(paths, prompt.strip(), history or [], options):
                if not isinstance(piece, Status):
                    answer += piece
                yield answer
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(explain(error, paths, DEFAULT), print_exception=False) from error

    with gr.Column(visible=False):
        inputs = [
            gr.File(file_count="multiple", label="files"),
            gr.Textbox(label="prompt"),
            gr.Number(Options.max_tokens, label="max_tokens", precision=0, minimum=1, maximum=1024),
            gr.Number(Options.seed, label="seed", precision=0),
            gr.Checkbox(Options.cache, label="use_cache"),
            gr.JSON([], label="history"),
        ]
        answer = gr.Textbox(label="answer")
        gr.Button().click(ask, inputs, answer, api_name="ask", concurrency_id="answers",
                          concurrency_limit=ANSWERS_AT_ONCE, trigger_mode="multiple")
