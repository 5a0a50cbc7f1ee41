"""Where the parity fixtures are: POINTLLM_PARITY_DIR. Unset, these tests are skipped; set, a missing file fails."""

import json
import os
from pathlib import Path

import pytest
from safetensors.torch import load_file


class ParityFolder:
    """Files of the set by name; a missing one fails the test that needs it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            pytest.fail(f"parity fixture {path} is missing (POINTLLM_PARITY_DIR={self.folder})")
        return path

    def tensors(self, name: str) -> dict:
        return load_file(self.path(name))

    def json(self, name: str) -> dict:
        return json.loads(self.path(name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def parity() -> ParityFolder:
    folder = os.environ.get("POINTLLM_PARITY_DIR")
    if not folder:
        pytest.skip("POINTLLM_PARITY_DIR is not set: no outputs of the original implementations to compare with")
    return ParityFolder(Path(folder))
