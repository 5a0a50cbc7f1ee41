"""Where the parity fixtures are: POINTLLM_PARITY_DIR. Unset, these tests are skipped; set, a missing file fails.

Nothing is taken for granted but the layout: sizes, numbers of things, texts and weights come from the set's own tensors
and JSON files.
"""

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

    def llama(self) -> Path:
        """The folder in Meta's layout: the one with params.json, of whatever name."""
        found = sorted(self.path("point_llm/llama").glob("*/params.json"))
        if not found:
            pytest.fail(f"parity fixture {self.folder}/point_llm/llama/*/params.json is missing")
        if not list(found[0].parent.glob("consolidated.*.pth")):
            pytest.fail(f"parity fixture {found[0].parent}/consolidated.*.pth is missing")
        return found[0].parent

    def adapters(self) -> dict[str, Path]:
        """The adapter files by the name that their outputs carry, such as "layernorm"."""
        files = sorted(self.path("point_llm").glob("adapter_*.pth"))
        return {path.stem.removeprefix("adapter_"): path for path in files}


@pytest.fixture(scope="session")
def parity() -> ParityFolder:
    folder = os.environ.get("POINTLLM_PARITY_DIR")
    if not folder:
        pytest.skip("POINTLLM_PARITY_DIR is not set: no outputs of the original implementations to compare with")
    return ParityFolder(Path(folder))


def pytest_generate_tests(metafunc):
    """`kind`: every adapter file of the set, and both kinds that a set has, so that a missing one fails."""
    if "kind" in metafunc.fixturenames:
        found = ParityFolder(Path(os.environ.get("POINTLLM_PARITY_DIR", "/nonexistent")))
        kinds = {"layernorm", "rmsnorm"} | {path.stem.removeprefix("adapter_")
                                            for path in (found.folder / "point_llm").glob("adapter_*.pth")}
        metafunc.parametrize("kind", sorted(kinds), scope="module")
