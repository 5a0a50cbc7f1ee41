"""Starts the web app; also the entry point of a Hugging Face Space.

`python app.py` serves on port 7860. PORT, GRADIO_SERVER_NAME and POINTLLM_PROFILE change port, address and weights.
"""

from __future__ import annotations

import logging
import sys

from app.serve import launch
from app.settings import Settings

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("httpx", "mcp", "faiss"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        launch(Settings.from_environment())
    except (OSError, ValueError) as error:  # a taken port, a PORT that is none
        sys.exit(f"app.py: {error}")
