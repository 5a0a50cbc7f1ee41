"""The menu of profiles: which there are, and loading another one without a restart.

The model is one for all visitors of the process: whoever chooses, chooses for everybody.
"""

from __future__ import annotations

import gradio as gr

from .engine import Engine
from .language import text


class ProfileMenu:
    """The handlers of the menu, over one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def choices(self) -> list[str]:
        """Named profiles, and the one in use if it is a folder."""
        from pointllm.profiles import profiles

        names = [profile.name for profile in profiles()]
        return names if self.engine.profile in names else [*names, self.engine.profile]

    def show(self) -> dict:
        """The menu as it should be now: a page opened earlier may not know of a change."""
        return gr.update(choices=self.choices(), value=self.engine.profile)

    def choose(self, name: str, language: str) -> dict:
        """Load another profile, or say how to get one that isn't here. Gives the menu."""
        from pointllm.profiles import profiles

        here = {profile.name for profile in profiles() if profile.answers} | {self.engine.profile}
        if name in here:
            self.engine.switch(name)
        elif name in self.choices():
            gr.Warning(text(language, "profile_missing", name=name), duration=None)
        return self.show()
