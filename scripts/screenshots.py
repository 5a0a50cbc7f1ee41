"""Takes the pictures in docs/images from the running app, so that they show what it does.

    python scripts/screenshots.py [--url http://localhost:7860] [--out docs/images] [NAME…]

Needs the app running with its model loaded, and Chromium. The answers in the pictures are whatever the model says; they
are printed, to be looked at. `--list` names the pictures. Each becomes a PNG of few colours and at most 150 kB.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "assets" / "samples"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DESKTOP, PHONE = {"width": 1400, "height": 860}, {"width": 390, "height": 844}
PATIENCE = 600_000  # milliseconds; a busy machine is slow, not broken
MOST_BYTES = 150_000
COLORS = (256, 128, 64, 32)
ANSWERED = ("count => document.querySelectorAll('#chat .bot.message').length >= count"
            " && !document.querySelector('#chat .bot .status') && !document.querySelector('#question .stop-button')")
DRAWN = ("() => [...document.querySelectorAll('.shape-view')].filter((view) => view.offsetParent)"
         ".every((view) => ['shown', 'failed'].includes(view.dataset.state))")


class Visit:
    """A fresh visitor's page, and what a visitor does on it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.asked = page, url, 0
        page.set_default_timeout(PATIENCE)
        self.open()

    def open(self, query: str = "") -> None:
        """Go to the app, or to a page of it by its link."""
        self.page.goto(self.url + query)
        self.page.wait_for_selector("#question textarea", state="attached")
        self.page.wait_for_timeout(1500)

    def add(self, *files: str | Path) -> None:
        """Drop samples, or files by their paths, into the chat."""
        paths = [SAMPLES / file if isinstance(file, str) else file for file in files]
        self.page.set_input_files("#question input[type=file]", [str(path) for path in paths])

    def added(self, *files: str) -> None:
        """Drop samples, and wait until all are read; materials belong to what they came with."""
        self.add(*files)
        for file in files:
            if not file.endswith(".mtl"):
                self.page.wait_for_selector(f"#chips .chip.ready >> text={file}")

    def ask(self, question: str, *files: str) -> None:
        """Ask in the chat, with samples; wait for the answer."""
        if files:
            self.added(*files)
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        self.asked += 1
        self.page.wait_for_function(ANSWERED, arg=self.asked)

    def example(self, page: str, number: int) -> None:
        """Open one of the other pages and click an example; wait for its result."""
        self.open(f"/?use={page}")
        self.page.click(f"#{page}-example-{number}")
        # The first result of a page may need the labels or the gallery to be embedded.
        self.page.wait_for_function(
            "page => document.querySelector(`#${page}-results`)?.innerText.trim()"
            " && !document.querySelector(`#${page}-status .busy`)", arg=page)

    def settle(self) -> None:
        """Wait for 3D views and for how the model saw it, and leave nothing hovered."""
        self.page.mouse.move(0, 0)
        self.page.wait_for_function("() => !document.querySelector('#report .working')")
        self.page.wait_for_function(DRAWN)
        self.page.wait_for_timeout(700)


@dataclass(frozen=True)
class Picture:
    """What to do, in which window, scheme and language; of: the part of the page that is shown, all of it if None."""

    do: Callable[[Visit], object]
    window: dict[str, int]
    scheme: str
    locale: str
    of: str | None


PICTURES: dict[str, Picture] = {}


def picture(name: str, window: dict[str, int] = DESKTOP, scheme: str = "light", locale: str = "en-US",
            of: str | None = None) -> Callable[[Callable[[Visit], object]], Callable[[Visit], object]]:
    """Register a function as a picture's."""

    def keep(do: Callable[[Visit], object]) -> Callable[[Visit], object]:
        PICTURES[name] = Picture(do, window, scheme, locale, of)
        return do

    return keep


@picture("start")
def start(visit: Visit) -> None:
    pass


@picture("chat")
def chat(visit: Visit) -> None:
    visit.ask("What is this?", "chair.ply")
    visit.ask("What is it used for?")
    visit.ask("What colour is it?")


@picture("image")
def image(visit: Visit) -> None:
    visit.ask("What is in this picture?", "cat.jpg")


@picture("sound")
def sound(visit: Visit) -> None:
    visit.ask("What is this sound?", "rooster.ogg")


@picture("several")
def several(visit: Visit) -> None:
    visit.added("guitar.glb", "rooster.ogg")
    visit.page.locator("#chips input[type=range]").first.fill("0.6")
    visit.page.wait_for_timeout(1000)
    visit.ask("What are these?")


@picture("settings")
def settings(visit: Visit) -> None:
    visit.ask("What is this?", "guitar.glb")
    visit.page.click("#settings button")
    visit.page.locator("#settings").scroll_into_view_if_needed()


@picture("how-it-saw-it")
def how_it_saw_it(visit: Visit) -> None:
    visit.ask("What is this?", "airplane.stl")
    visit.page.wait_for_selector("#report .bars")
    visit.page.locator("#report").scroll_into_view_if_needed()


@picture("chats")
def chats(visit: Visit) -> None:
    visit.ask("What is this?", "cup.xyz")
    visit.page.click("#new-chat")
    visit.asked = 0
    visit.ask("What is this?", "sofa.off")
    visit.page.click("[data-drawer=toggle][aria-controls]")
    visit.page.wait_for_selector("#drawer .open")


@picture("dark", scheme="dark")
def dark(visit: Visit) -> None:
    visit.ask("What is this?", "tree.pcd")
    visit.ask("And this?", "car.obj", "car.mtl")


@picture("chinese", locale="zh-CN")
def chinese(visit: Visit) -> None:
    visit.ask("这是什么？", "chair.ply")
    visit.ask("这是椅子吗？")
    visit.ask("它有什么用？")


@picture("phone", window=PHONE)
def phone(visit: Visit) -> None:
    visit.ask("What is this?", "airplane.stl")


@picture("recognise")
def recognise(visit: Visit) -> None:
    visit.example("recognise", 0)


@picture("recognise-chinese", locale="zh-CN")
def recognise_chinese(visit: Visit) -> None:
    visit.example("recognise", 1)


@picture("find")
def find(visit: Visit) -> None:
    visit.example("find", 0)


@picture("combine")
def combine(visit: Visit) -> None:
    visit.example("combine", 0)


@picture("generate")
def generate(visit: Visit) -> None:
    visit.example("generate", 0)


@picture("error")
def error(visit: Visit) -> None:
    """A file that can't be read, and a question that is answered nevertheless."""
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "broken.ply"
        broken.write_text("this is no mesh")
        visit.add(broken)
        visit.page.wait_for_selector("#chat .bot.message >> text=broken.ply")
    visit.asked = visit.page.locator("#chat .bot.message").count()
    visit.ask("What is this?", "cup.xyz")


def take(browser: Browser, url: str, out: Path, name: str) -> None:
    """One picture: a fresh visitor, in a window of its own."""
    wanted = PICTURES[name]
    context = browser.new_context(viewport=wanted.window, color_scheme=wanted.scheme, locale=wanted.locale)
    if name != "start":  # what greets first visitors stands in one picture only
        context.add_init_script("localStorage.setItem('pointllm-hint-read', '1')")
    try:
        visit = Visit(context.new_page(), url)
        wanted.do(visit)
        visit.settle()
        if wanted.of:
            raw = visit.page.locator(wanted.of).screenshot()
        else:
            raw = visit.page.screenshot(full_page=wanted.window is PHONE)
        content = shrunk(raw)
        (out / f"{name}.png").write_bytes(content)
        print(f"{name}.png: {len(content) / 1000:.0f} kB")
        for answer in visit.page.locator("#chat .bot.message").all_inner_texts():
            print(f"{name}: {' '.join(answer.split())}")
    finally:
        context.close()


def shrunk(png: bytes, most: int = MOST_BYTES) -> bytes:
    """A PNG with a palette, of as many colours as fit into `most` bytes; made smaller where even few don't."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    while True:
        for colors in COLORS:
            target = io.BytesIO()
            # Without dithering: its noise is what PNG packs worst, and flat surfaces need none.
            picture.quantize(colors, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
                target, "PNG", optimize=True)
            if len(target.getvalue()) <= most:
                return target.getvalue()
        picture = picture.resize((picture.width * 4 // 5, picture.height * 4 // 5), Image.Resampling.LANCZOS)


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation from the running app.")
    parser.add_argument("--url", default="http://localhost:7860")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--list", action="store_true", help="only name the pictures")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which pictures; all of them by default")
    options = parser.parse_args()
    if options.list:
        print("\n".join(PICTURES))
        return 0
    if unknown := [name for name in options.names if name not in PICTURES]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import Error, sync_playwright

    failed = 0
    with sync_playwright() as running:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = running.chromium.launch(executable_path=program, args=FLAGS)
        for name in options.names or PICTURES:
            try:
                take(browser, options.url.rstrip("/"), options.out, name)
            except Error as problem:  # the others are taken nevertheless
                failed += 1
                print(f"{name}: not taken: {str(problem).splitlines()[0]}", file=sys.stderr)
        browser.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
