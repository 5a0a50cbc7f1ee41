"""What people do on the chat page, as steps for tests in a browser."""

from __future__ import annotations

import time

ANSWER = "#chat .bot.message"
LONG = "Tell me a very long story about a castle, in many chapters."


def add(page, *files) -> None:
    """Choose files with the text box's own button, and wait until all are read; materials belong to what names them."""
    page.set_input_files("#question input[type=file]", [str(file) for file in files])
    for file in files:
        if not str(file).endswith(".mtl"):
            page.wait_for_selector(f"#chips .chip.ready:has-text('{getattr(file, 'name', file)}')")


def ask(page, question: str) -> None:
    """Type and send."""
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")


def answered(page, count: int = 1) -> str:
    """Wait until `count` answers are complete; the last one's text."""
    page.wait_for_function(
        "count => document.querySelectorAll('#chat .bot.message').length >= count"
        " && !document.querySelector('#chat .bot .status:not(:empty)')"
        " && !document.querySelector('#question .stop-button')", arg=count)
    return page.locator(ANSWER).last.inner_text()


def writing(page, count: int = 1) -> None:
    """Wait until words of answer `count` are there, and more to come."""
    page.wait_for_function("""count => {
        const answers = document.querySelectorAll('#chat .bot.message');
        return answers.length >= count && answers[count - 1].innerText.length > 5
            && !document.querySelector('#chat .bot .status') && document.querySelector('#question .stop-button');
    }""", arg=count)


def eventually(page, condition, seconds: float = 60) -> bool:
    """Whether `condition` comes true; the bound only ends a failing test."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        page.wait_for_timeout(50)
    return False
