"""The app's few settings, read once from the environment. Numbers that describe a model live in its config instead.

PORT, GRADIO_SERVER_NAME, POINTLLM_PROFILE, POINTLLM_PROFILE_MENU, POINTLLM_GALLERY, POINTLLM_MCP and POINTLLM_API_KEY
are the ones that users set, and POINTLLM_FETCH_URLS (see `remote`; POINTLLM_DEVICE and the like are read by the
library); the rest are limits of this app.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

# Above the 200 MB of a generous scan, a browser upload is the wrong way in; the command line reads files in place.
MAX_FILE_MEGABYTES = 200
# Language model and embedder share the processor, so answers queue one after another; the rest wait in line with
# a message. More people than this waiting are asked to come back later.
ANSWERS_AT_ONCE = 1
MAX_WAITING = 32
READS_AT_ONCE = 2
MAX_FILES = 16  # inputs of one conversation; more can't be told apart in a mixture
MOST_TOKENS = 1024  # of an answer, for programs
# Words reach the page at most this often: quicker than the eye, slow enough for a phone.
SECONDS_BETWEEN_KEEPS = 2.0  # how often a growing answer is handed to the browser to be kept
SECONDS_BETWEEN_UPDATES = 0.15  # a browser without a graphics card takes long to draw each


@dataclass(frozen=True)
class Settings:
    """How this process serves. host None: gradio's own choice, 127.0.0.1, or 0.0.0.0 inside a Hugging Face Space.

    profile_menu: whether visitors may load another profile, which changes it for all of them; not in a Space.
    mcp: whether assistants may call the app as tools (MCP). api_key: what callers of /v1 must send, if anything.
    gallery: a folder or an index that visitors search; None: the samples.
    """

    port: int
    host: str | None
    profile: str
    profile_menu: bool = True
    mcp: bool = False
    api_key: str | None = None
    gallery: str | None = None

    @classmethod
    def from_environment(cls) -> Settings:
        """Raises ValueError, in one line, when PORT is no port number."""
        text = os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or "7860"
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise ValueError(f"PORT is {text!r}; give a number from 1 to 65535, or unset it for 7860")
        return cls(
            port=int(text),
            host=os.environ.get("GRADIO_SERVER_NAME") or None,
            profile=os.environ.get("POINTLLM_PROFILE") or "embedded",
            profile_menu=os.environ.get("POINTLLM_PROFILE_MENU", "0" if os.environ.get("SPACE_ID") else "1") != "0",
            mcp=os.environ.get("POINTLLM_MCP", "0") == "1" or os.environ.get("GRADIO_MCP_SERVER", "").lower() == "true",
            api_key=os.environ.get("POINTLLM_API_KEY") or None,
            gallery=os.environ.get("POINTLLM_GALLERY") or None,
        )
