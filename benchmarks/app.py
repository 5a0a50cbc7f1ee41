"""How long the app lets people wait, through Chromium: a page to be usable, a preview of 20 MB, a first word, a stop.

    .venv/bin/python benchmarks/app.py             # starts the app on a free port, measures, writes results/app.json

Each figure is the median of `--runs`; the page is measured warm, in a browser that has its files. Times are taken from
inside the page, from the navigation, the upload or the key to what is seen, so that only the browser and the server
count. Needs Chromium and playwright (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
RESULTS = Path(__file__).parent / "results" / "app.json"
SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "samples"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TARGETS = {"page usable, warm": 2.0, "preview of a 20 MB .ply": 3.0, "first word": 1.5, "stop": 1.0}
LONG = "Tell me a very long story about a castle, in many chapters."

# Each resolves to the seconds from its own start until what is waited for is on the page.
SEEN = """async ([selector, act]) => {
    const from = performance.now();
    if (act) (0, eval)(act);
    while (!document.querySelector(selector)) await new Promise(requestAnimationFrame);
    return (performance.now() - from) / 1000;
}"""
USABLE = """async () => {
    const ready = () => document.querySelector('#question textarea') && document.querySelector('#chat .example')
        && document.querySelector('#question .submit-button');
    while (!ready()) await new Promise(requestAnimationFrame);
    return performance.now() / 1000;
}"""
ENTER = """const box = document.querySelector('#question textarea');
box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true}));
box.dispatchEvent(new KeyboardEvent('keypress', {key: 'Enter', code: 'Enter', keyCode: 13, bubbles: true}));"""
ESCAPE = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));"
WORD = "#chat .bot.message .message-content p:not(:has(.status)):not(:empty)"


def write_cloud(path: Path, comment: int, megabytes: int = 20) -> None:
    """A coloured cloud of that size as binary PLY: points of a wavy torus. Another comment makes it another file."""
    row = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")])
    count = megabytes * 10**6 // row.itemsize
    random = np.random.default_rng(0)
    around, across = random.uniform(0, 2 * np.pi, (2, count)).astype(np.float32)
    radius = 1 + (0.3 + 0.05 * np.sin(9 * around)) * np.cos(across)
    points = np.empty(count, row)
    points["x"], points["z"], points["y"] = radius * np.cos(around), radius * np.sin(around), 0.3 * np.sin(across)
    points["red"], points["green"], points["blue"] = 180, (127 + 120 * np.sin(around)).astype(np.uint8), 90
    names = "".join(f"property {'float' if row[name] == np.float32 else 'uchar'} {name}\n" for name in row.names)
    with path.open("wb") as file:
        file.write(f"ply\nformat binary_little_endian 1.0\ncomment {comment}\nelement vertex {count}\n"
                   f"{names}end_header\n".encode())
        points.tofile(file)


def serve():
    """The app on a free port, its model loaded: (url, engine, page)."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from app.serve import launch
    from app.settings import Settings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page, engine = launch(Settings(port=port, host="127.0.0.1", profile="embedded"), block=False)
    engine.wait()
    if engine.failure is not None:
        sys.exit(f"benchmarks/app.py: {engine.failure}")
    return f"http://127.0.0.1:{port}", engine, page


def measure(url: str, engine, browser, runs: int, cloud: Path) -> dict[str, list[float]]:
    """Seconds of each run."""
    times: dict[str, list[float]] = {name: [] for name in TARGETS}
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    for run in range(runs + 1):
        page = context.new_page()
        page.set_default_timeout(300_000)
        page.goto(url, wait_until="commit")
        usable = page.evaluate(USABLE)
        if run == 0:  # cold: its files are only now fetched
            page.close()
            continue
        times["page usable, warm"].append(usable)
        page.click("#new-chat")
        page.wait_for_selector("#chat .example")
        write_cloud(cloud, run)
        started = time.monotonic()
        page.set_input_files("#question input[type=file]", str(cloud))
        page.wait_for_selector(".shape-view[data-state=shown]")
        times["preview of a 20 MB .ply"].append(time.monotonic() - started)
        page.click("#new-chat")
        page.wait_for_selector("#chat .example")
        page.set_input_files("#question input[type=file]", str(SAMPLES / "chair.ply"))
        page.wait_for_selector("#chips .chip.ready")
        page.wait_for_timeout(2000)  # people type meanwhile: the upload is embedded
        page.fill("#question textarea", "What is this?")
        times["first word"].append(page.evaluate(SEEN, [WORD, ENTER]))
        page.wait_for_selector("#question .submit-button")
        page.click("#new-chat")
        page.wait_for_selector("#chat .example")
        page.fill("#question textarea", LONG)
        page.evaluate(SEEN, [WORD, ENTER])
        if page.locator("#question .stop-button").count():
            started = time.monotonic()
            page.evaluate(SEEN, ["#question .submit-button", ESCAPE])
            while engine.answering:
                time.sleep(0.005)
            times["stop"].append(time.monotonic() - started)
        page.close()
    context.close()
    return times


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the table")
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # gradio says where it serves
        url, engine, served = serve()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        cloud = Path(folder) / "torus.ply"
        times = measure(url, engine, browser, arguments.runs, cloud)
        browser.close()
    with contextlib.redirect_stdout(sys.stderr):
        served.close()
    found = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "runs": arguments.runs,
             "seconds": {name: round(statistics.median(taken), 3) for name, taken in times.items() if taken},
             "all": {name: [round(one, 3) for one in taken] for name, taken in times.items()}, "targets": TARGETS}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"load average {found['load']} on {found['cores']} cores\n\n| what | seconds | wanted |\n| --- | --- | --- |")
    for name, seconds in found["seconds"].items():
        print(f"| {name} | {seconds:.2f} | < {TARGETS[name]:g} |")


if __name__ == "__main__":
    main()
