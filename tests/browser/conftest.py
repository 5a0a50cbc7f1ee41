"""A real browser for the tests in this folder; without one they are skipped."""

import shutil

import pytest

# Drawn in software: machines that run tests seldom have a graphics card. The rest keeps the browser off the network.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a camera and a microphone
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120_000  # milliseconds; only ends tests that fail


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    """Chromium, headless."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        try:
            started = running.chromium.launch(executable_path=program, args=FLAGS)
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def visit(browser, answering_app):
    """Opens the app as one more person; `visit(locale=…, viewport=…)` gives a page ready to be used.

    At the end no page may have asked another host for anything, nor thrown an error.
    """
    contexts, foreign, errors = [], [], []

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: None if request.url.startswith((answering_app.url, "data:", "blob:"))
                else foreign.append(request.url))
        page.on("console", lambda message: foreign.append(message.text)
                if "Content Security Policy" in message.text else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(answering_app.url)
        page.wait_for_selector("#question textarea")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert foreign == []
    assert errors == []
