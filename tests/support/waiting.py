"""For tests of things that happen elsewhere: waiting for them, and a question whose answer takes a while."""

import time

LONG = "Tell me a very long story about a castle, in many chapters."


def eventually(condition, seconds=60) -> bool:
    """Whether `condition` comes true; the bound is only there to end a failing test."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
