"""The questions that a first visitor can ask at one click, about the files in `assets/samples`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "samples"


@dataclass(frozen=True)
class Example:
    """file: the sample; icon: a small picture of it, or None; questions: what is asked about it, by language."""

    file: Path
    icon: Path | None
    questions: dict[str, str]

    def question(self, language: str) -> str:
        """What is asked, in a language if it has the question, else in English."""
        return self.questions.get(language, self.questions["en"])

    @property
    def files(self) -> list[Path]:
        """The sample, and what belongs to it: the materials of an .obj."""
        return [self.file, *(other for other in sorted(FOLDER.glob(self.file.stem + ".*")) if other != self.file)]

    def for_chatbot(self, language: str) -> dict:
        """As gradio's Chatbot takes it. The file stays out: it is found again by the example's number."""
        shown = {"display_text": self.question(language), "text": self.file.name}
        return {**shown, "icon": str(self.icon)} if self.icon else shown


def examples() -> list[Example]:
    """The examples that `samples.json` lists, in its order."""
    listed = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
    icons = [FOLDER / "icons" / (Path(row["file"]).stem + ".png") for row in listed]
    return [Example(FOLDER / row["file"], icon if icon.is_file() else None,
                    {"en": row["question"], **({"zh": row["question_zh"]} if "question_zh" in row else {})})
            for row, icon in zip(listed, icons, strict=True)]
