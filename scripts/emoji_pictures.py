"""Makes a data folder of labelled pictures from six sets of emoji that are free to use.

    pip install resvg-py
    python scripts/emoji_pictures.py --data ../shared/data --out runs/pictures
    pointllm data build ../shared/data runs/pictures --out runs/all --no-prepare

An emoji says what it shows, so drawings of a thing by six hands are six more looks at it, for `pointllm train image`.
`emoji_labels.json` says which code points show which label. The sets come from the npm registry by `npm pack`; SVG is
drawn by resvg. What a label of --data has no emoji for simply isn't in the folder.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

SIDE = 256  # pixels
CODES = Path(__file__).with_name("emoji_labels.json")


@dataclass(frozen=True)
class Set:
    """A set of emoji: its npm package and who made it."""

    package: str
    license: str
    creator: str
    is_svg: bool = True


SETS = {
    "noto": Set("@iconify-json/noto@1.2.9", "Apache-2.0", "Google"),
    "noto-v1": Set("@iconify-json/noto-v1@1.2.5", "Apache-2.0", "Google"),
    "emojitwo": Set("@iconify-json/emojione@1.2.3", "CC-BY-4.0", "EmojiOne and the EmojiTwo contributors"),
    "twemoji": Set("@iconify-json/twemoji@1.2.5", "CC-BY-4.0", "Twitter and contributors"),
    "fluent-flat": Set("@iconify-json/fluent-emoji-flat@1.2.6", "MIT", "Microsoft"),
    "fluent-3d": Set("@lobehub/fluent-emoji-3d@1.1.0", "MIT", "Microsoft", is_svg=False),
}


def fetched(package: str, scratch: Path) -> Path:
    """The folder of an npm package. SystemExit where npm is missing or can't bring it."""
    if shutil.which("npm") is None:
        sys.exit("npm is missing; install Node.js, which brings it")
    done = subprocess.run(["npm", "pack", package, "--silent"], cwd=scratch, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        sys.exit(f"{package}: npm can't fetch it ({done.stderr.strip()[:150]}); is the network up?")
    archive = scratch / done.stdout.split()[-1]
    target = scratch / archive.stem
    with tarfile.open(archive) as file:
        file.extractall(target, filter="data")
    return target / "package"


def bitmaps(folder: Path, codes: set[str]) -> dict[str, Image.Image]:
    """Code points → picture, of a package with a file for each."""
    found = {}
    for code in codes:
        for name in (f"{code}.webp", f"{code}-fe0f.webp"):
            if (folder / "assets" / name).is_file():
                with Image.open(folder / "assets" / name) as picture:
                    found[code] = picture.convert("RGBA")
                break
    return found


def names_of(folder: Path) -> dict[str, str]:
    """Code points → an icon's name, of a package in Iconify's layout; empty for sets that don't say."""
    return json.loads((folder / "chars.json").read_text(encoding="utf-8"))


def drawings(folder: Path, codes: set[str], names: dict[str, str]) -> dict[str, Image.Image]:
    """The same of a package in Iconify's layout: icons.json holds the bodies of SVG by name."""
    try:
        import resvg_py
    except ImportError:
        sys.exit("resvg-py is missing, which draws SVG: pip install resvg-py")
    icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    found = {}
    for code in codes:
        name = names.get(code) or names.get(f"{code}-fe0f")
        name = icons.get("aliases", {}).get(name, {}).get("parent", name)
        if name not in icons["icons"]:
            continue
        icon = icons["icons"][name]
        width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
               f'viewBox="0 0 {width} {height}" width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>')
        found[code] = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data folder whose labels.json names the labels")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        labels = json.loads((options.data / "labels.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.data}: has no labels.json that can be read ({type(error).__name__}); give a data folder")
    label_of = {code: label for label, codes in json.loads(CODES.read_text(encoding="utf-8")).items()
                for code in codes if label in labels}
    (options.out / "pictures").mkdir(parents=True, exist_ok=True)
    rows, names = [], {}
    for name, made in SETS.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = fetched(made.package, Path(scratch))
            if made.is_svg:
                names = names_of(folder) or names  # sets that don't say use the names of the one before
                pictures = drawings(folder, set(label_of), names)
            else:
                pictures = bitmaps(folder, set(label_of))
        for code, picture in sorted(pictures.items()):
            picture.thumbnail((SIDE, SIDE))
            picture.save(options.out / "pictures" / f"{name}-{code}.png")
            rows.append({"id": f"emoji-{name}-{code}", "label": label_of[code], "split": "train",
                         "images": [f"pictures/{name}-{code}.png"], "source": f"emoji-{name}",
                         "license": made.license, "creator": made.creator})
        print(f"{made.package}: {len(pictures)} pictures, {made.license}, by {made.creator}")
    (options.out / "objects.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copyfile(options.data / "labels.json", options.out / "labels.json")
    print(f"{len(rows)} pictures of {len(set(label_of.values()))} labels in {options.out}")


if __name__ == "__main__":
    main()
