"""Takes the pictures in docs/images from the running app, so that they show what it does.

    python scripts/screenshots.py [--url http://localhost:7860] [--out docs/images]

Needs the app running, its model loaded, and Chromium. The answers in the pictures are whatever the model says.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "samples"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DESKTOP, PHONE = {"width": 1400, "height": 860}, {"width": 390, "height": 844}
ANSWERED = ("count => document.querySelectorAll('#chat .bot.message').length >= count"
            " && !document.querySelector('#chat .bot .status') && !document.querySelector('#question .stop-button')")
# name: (window, colour scheme, language, turns of files and question)
PICTURES = {
    "chat": (DESKTOP, "light", "en-US", [(["chair.ply"], "What is this?"), ([], "What is it used for?"),
                                         ([], "What colour is it?")]),
    "start": (DESKTOP, "light", "en-US", []),
    "dark": (DESKTOP, "dark", "en-US", [(["tree.pcd"], "What is this?"), (["car.obj", "car.mtl"], "And this?")]),
    "chinese": (DESKTOP, "light", "zh-CN", [(["cat.jpg"], "What is in this picture?")]),
    "phone": (PHONE, "light", "en-US", [(["airplane.stl"], "What is this?")]),
}


def take(browser, url: str, out: Path, name: str) -> None:
    """One picture: a fresh visitor who asks the turns one after another."""
    window, scheme, locale, turns = PICTURES[name]
    context = browser.new_context(viewport=window, color_scheme=scheme, locale=locale)
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto(url)
    page.wait_for_selector("#question textarea")
    page.wait_for_timeout(1000)
    for count, (files, question) in enumerate(turns, 1):
        if files:
            page.set_input_files("#question input[type=file]", [str(SAMPLES / file) for file in files])
            page.wait_for_selector(f"#facts >> text={files[0]}")
        page.fill("#question textarea", question)
        page.press("#question textarea", "Enter")
        page.wait_for_function(ANSWERED, arg=count)
    if page.locator(".shape-view").count():
        page.wait_for_selector(".shape-view[data-state=shown]")
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    page.screenshot(path=out / f"{name}.png", full_page=window is PHONE)
    for answer in page.locator("#chat .bot.message").all_inner_texts():
        print(f"{name}: {answer.strip()}")
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation from the running app.")
    parser.add_argument("--url", default="http://localhost:7860")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("names", nargs="*", default=list(PICTURES), help="which pictures; all of them by default")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = running.chromium.launch(executable_path=program, args=FLAGS)
        for name in options.names:
            take(browser, options.url, options.out, name)
        browser.close()


if __name__ == "__main__":
    main()
