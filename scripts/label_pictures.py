"""Makes a data folder of labelled pictures from six sets of emoji and ten of icons, all free to use.

    pip install resvg-py
    python scripts/label_pictures.py --data ../shared/data --out runs/pictures
    pointllm data build ../shared/data runs/pictures --out runs/all --no-prepare

An emoji says what it shows, and an icon's name does, so drawings of a thing by many hands are many more looks at it,
for `pointllm train image`. `emoji_labels.json` says which code points show which label, `icon_labels.json` which icons
do: those named as a label or a synonym, less those that turned out to show something else. The sets come from the npm
registry by `npm pack`; SVG is drawn by resvg. A label of --data that nobody drew simply isn't in the folder.
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
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from PIL import Image

SIDE = 256  # pixels
INK = "#555555"  # of icons that have no colours of their own; training recolours pictures
CODES, ICONS = (Path(__file__).with_name(name) for name in ("emoji_labels.json", "icon_labels.json"))


@dataclass(frozen=True)
class Set:
    """A set of emoji or icons: its npm package and who made it."""

    package: str
    license: str
    creator: str
    is_svg: bool = True


EMOJI = {
    "noto": Set("@iconify-json/noto@1.2.9", "Apache-2.0", "Google"),
    "noto-v1": Set("@iconify-json/noto-v1@1.2.5", "Apache-2.0", "Google"),
    "emojitwo": Set("@iconify-json/emojione@1.2.3", "CC-BY-4.0", "EmojiOne and the EmojiTwo contributors"),
    "twemoji": Set("@iconify-json/twemoji@1.2.5", "CC-BY-4.0", "Twitter and contributors"),
    "fluent-flat": Set("@iconify-json/fluent-emoji-flat@1.2.6", "MIT", "Microsoft"),
    "fluent-3d": Set("@lobehub/fluent-emoji-3d@1.1.0", "MIT", "Microsoft", is_svg=False),
}
NAMED = {  # sets whose icons are known by name: the keys of ICONS
    "fxemoji": Set("@iconify-json/fxemoji@1.2.2", "Apache-2.0", "Mozilla"),
    "streamline-emojis": Set("@iconify-json/streamline-emojis@1.2.4", "CC-BY-4.0", "Streamline"),
    "streamline-kameleon-color": Set("@iconify-json/streamline-kameleon-color@1.2.2", "CC-BY-4.0", "Streamline"),
    "streamline-plump-color": Set("@iconify-json/streamline-plump-color@1.2.2", "CC-BY-4.0", "Streamline"),
    "streamline-ultimate-color": Set("@iconify-json/streamline-ultimate-color@1.2.2", "CC-BY-4.0", "Streamline"),
    "marketeq": Set("@iconify-json/marketeq@1.2.2", "MIT", "Marketeq"),
    "flat-ui": Set("@iconify-json/flat-ui@1.2.3", "MIT", "Designmodo"),
    "flat-color-icons": Set("@iconify-json/flat-color-icons@1.2.3", "MIT", "Icons8"),
    "icon-park": Set("@iconify-json/icon-park@1.2.4", "Apache-2.0", "ByteDance"),
    "game-icons": Set("@iconify-json/game-icons@1.2.4", "CC-BY-3.0", "the contributors to game-icons.net"),
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


def drawings(folder: Path, names: dict[str, str]) -> dict[str, Image.Image]:
    """Keys of `names` → picture of the icon named there, of a package in Iconify's layout: icons.json holds the bodies
    of SVG by name. Icons that aren't in it are left out."""
    try:
        import resvg_py
    except ImportError:
        sys.exit("resvg-py is missing, which draws SVG: pip install resvg-py")
    icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    found = {}
    for key, given in names.items():
        name = icons.get("aliases", {}).get(given, {}).get("parent", given)
        if name not in icons["icons"]:
            continue
        icon = icons["icons"][name]
        width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
        body = icon["body"].replace("currentColor", INK)
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
               f'viewBox="0 0 {width} {height}" width="{SIDE}" height="{SIDE}">{body}</svg>')
        found[key] = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")
    return found


def emoji(labels: set[str]) -> Iterator[tuple[str, Set, dict[str, Image.Image], dict[str, str]]]:
    """Each set's name, the set, its pictures by code point, and the label of each code point."""
    label_of = _turned(CODES, labels)
    names: dict[str, str] = {}
    for name, made in EMOJI.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = fetched(made.package, Path(scratch))
            if made.is_svg:
                names = names_of(folder) or names  # sets that don't say use the names of the one before
                wanted = {code: names.get(code) or names.get(f"{code}-fe0f", "") for code in label_of}
                yield name, made, drawings(folder, wanted), label_of
            else:
                yield name, made, bitmaps(folder, set(label_of)), label_of


def icons(labels: set[str]) -> Iterator[tuple[str, Set, dict[str, Image.Image], dict[str, str]]]:
    """The same of sets of icons, by the icons' names."""
    for name, made in NAMED.items():
        label_of = _turned(ICONS, labels, name)
        with tempfile.TemporaryDirectory() as scratch:
            folder = fetched(made.package, Path(scratch))
            yield name, made, drawings(folder, {icon: icon for icon in label_of}), label_of


def _turned(file: Path, labels: set[str], part: str | None = None) -> dict[str, str]:
    """What shows a label → that label, for those of `labels` that the file (or a part of it) lists."""
    listed = json.loads(file.read_text(encoding="utf-8"))
    return {shown: label for label, every in (listed[part] if part else listed).items() if label in labels
            for shown in every}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data folder whose labels.json names the labels")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--emoji-only", action="store_true", help="leave out the icons")
    options = parser.parse_args()
    try:
        labels = set(json.loads((options.data / "labels.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.data}: has no labels.json that can be read ({type(error).__name__}); give a data folder")
    (options.out / "pictures").mkdir(parents=True, exist_ok=True)
    rows = []
    for name, made, pictures, label_of in chain(emoji(labels), () if options.emoji_only else icons(labels)):
        kind = "emoji" if name in EMOJI else "icon"
        for key, picture in sorted(pictures.items()):
            picture.thumbnail((SIDE, SIDE))
            picture.save(options.out / "pictures" / f"{name}-{key}.png")
            rows.append({"id": f"{kind}-{name}-{key}", "label": label_of[key], "split": "train",
                         "images": [f"pictures/{name}-{key}.png"], "source": f"{kind}-{name}",
                         "license": made.license, "creator": made.creator})
        print(f"{made.package}: {len(pictures)} pictures, {made.license}, by {made.creator}")
    (options.out / "objects.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copyfile(options.data / "labels.json", options.out / "labels.json")
    print(f"{len(rows)} pictures of {len({row['label'] for row in rows})} labels in {options.out}")


if __name__ == "__main__":
    main()
