"""Rewrites the rows of `checkpoints/manifest.json` that list the weights in the repository: sizes and sha256.

Run it after training has written new weights: `.venv/bin/python scripts/update_manifest.py`. A row is a folder of
`checkpoints/embedded/`; what it is and its licence are read from the table of `checkpoints/embedded/README.md`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pointllm.weights.manifest import sha256_of  # noqa: E402

CHECKPOINTS = ROOT / "checkpoints"


def described(folder: Path) -> tuple[str, str]:
    """What the folder holds, and its licence, as the table of the profile's card says; stops where it says nothing."""
    card = folder.parent / "README.md"
    pattern = rf"^\| \[`{re.escape(folder.name)}`\]\([^)]*\) \| (.+?) \|.*\| ([\w.+-]+) \|$"
    found = re.search(pattern, card.read_text(encoding="utf-8"), re.M) if card.is_file() else None
    if not found:
        sys.exit(f"{card}: needs a row | [`{folder.name}`]({folder.name}/README.md) | what it is | … | licence |")
    return found[1], found[2]


def row_of(folder: Path) -> dict[str, object]:
    """The manifest's row of one folder of weights: every tensor and array file in it."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".npz", ".faiss"))
    entries = [
        {"name": str(path.relative_to(CHECKPOINTS)), "size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in files
    ]
    title, licence = described(folder)
    return {
        "name": f"{folder.parent.name}-{folder.name}",
        "title": title,
        "licence": licence,
        "card": f"{folder.relative_to(ROOT)}/README.md",
        "sources": [{"kind": "checkout", "files": entries}],
    }


def main() -> None:
    path = CHECKPOINTS / "manifest.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    fetched = [row for row in table["weights"] if row["sources"][0]["kind"] != "checkout"]
    folders = sorted({file.parent for file in CHECKPOINTS.rglob("*.safetensors")})
    table["weights"] = fetched + [row_of(folder) for folder in folders]
    text = json.dumps(table, indent=2, ensure_ascii=False)
    # A file is a line, and so is a list of names: easier to read, and a change shows as one line.
    text = re.sub(r'\{(\s+"name": "[^"]+"(?:,\s+"(?:size|about|sha256)": [^\s,]+)*)\s+\}',
                  lambda found: "{" + " ".join(found[1].split()) + "}", text)
    text = re.sub(r'"profiles": \[([^\]]*)\]', lambda found: f'"profiles": [{" ".join(found[1].split())}]', text)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(folders)} folders of weights")


if __name__ == "__main__":
    main()
