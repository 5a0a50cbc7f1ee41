"""The settings of an answer: their components, their defaults, and how they become `Options`.

Defaults are the profile's own, read from its config. A browser keeps what differs from them, so that a profile's better
defaults reach everybody who did not choose otherwise.
"""

from __future__ import annotations

import logging
import math

import gradio as gr

from ..engine import Options
from ..labels import Labels
from ..profile_menu import ProfileMenu

logger = logging.getLogger("pointllm.app")

FALLBACK = {"cache_k": 3, "cache_weight": 0.5, "cache_temperature": 100.0, "temperature": 0.0, "top_p": 0.9}


def defaults(profile: str) -> dict[str, object]:
    """Name of a setting → what it is where nobody chose otherwise."""
    return {"cache": Options.cache, **FALLBACK, **_of_profile(profile), "length": Options.max_tokens,
            "seed": Options.seed}


def _of_profile(profile: str) -> dict[str, object]:
    """What the profile's config says of cache and sampling; nothing where it isn't here."""
    from pointllm.errors import PointLLMError
    from pointllm.profiles import read_config, resolve

    try:
        config = read_config(resolve(profile) / "llm")
    except PointLLMError as error:
        logger.info("settings: %s", error)
        return {}
    own = {}
    if kinds := config.get("cache"):
        own = {f"cache_{name}": kinds[0][name] for name in ("k", "weight", "temperature")}
    return {**own, **{name: value for name, value in config.get("generation", {}).items()
                      if name in ("temperature", "top_p")}}


class SettingsForm:
    """Builds its components where it is called; `components` by the names of their settings."""

    def __init__(self, labels: Labels, menu: ProfileMenu, profile_menu: bool) -> None:
        self.engine = menu.engine
        start = defaults(self.engine.profile)

        def slider(name: str, low: float, high: float, step: float) -> gr.Slider:
            made = gr.Slider(low, max(high, start[name]), start[name], step=step, elem_id=name.replace("_", "-"))
            return labels.of(made, label=f"{name}_label", info=f"{name}_info")

        self.profile = labels.of(gr.Dropdown(menu.choices(), value=self.engine.profile, filterable=False,
                                             visible=profile_menu, elem_id="profile"),
                                 label="profile_label", info="profile_info")
        cache = labels.of(gr.Checkbox(start["cache"], elem_id="cache"), label="cache_label", info="cache_info")
        with labels.of(gr.Accordion(open=False, elem_id="cache-more"), label="cache_more"):
            self.components = {"cache": cache, "cache_k": slider("cache_k", 1, 32, 1),
                               "cache_weight": slider("cache_weight", 0, 1, 0.05),
                               "cache_temperature": slider("cache_temperature", 1, 500, 1)}
        self.components |= {
            "temperature": slider("temperature", 0, 1.5, 0.05), "top_p": slider("top_p", 0.05, 1, 0.05),
            "length": slider("length", 16, 512, 16),
            "seed": labels.of(gr.Number(start["seed"], precision=0, minimum=0, maximum=2**31 - 1, elem_id="seed"),
                              label="seed_label", info="seed_info"),
        }
        self.reset = labels.of(gr.Button(size="sm", elem_id="reset-settings"), value="settings_reset")

    @property
    def inputs(self) -> list[gr.components.Component]:
        """In the order that `options` takes their values in."""
        return list(self.components.values())

    def kept(self, *values: object) -> dict[str, object]:
        """What the browser keeps: the settings that differ from the defaults."""
        own = defaults(self.engine.profile)
        return {name: value for name, value in zip(self.components, values, strict=True)
                if value is not None and value != own[name]}

    def values(self, kept: object) -> list:
        """Updates of the components: what a browser kept, as far as it makes sense, else the defaults."""
        own = defaults(self.engine.profile)
        chosen = kept if isinstance(kept, dict) else {}
        return [gr.update(value=self._sensible(name, chosen.get(name), own[name])) for name in self.components]

    def _sensible(self, name: str, value: object, otherwise: object) -> object:
        component = self.components[name]
        if isinstance(component, gr.Checkbox):
            return value if isinstance(value, bool) else otherwise
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) \
            and component.minimum <= value <= component.maximum
        return value if fits else otherwise

    def options(self, *values: object) -> Options:
        """What an answer is asked with; None, the profile's own, for what nobody changed."""
        changed = self.kept(*values)
        cache: object = bool(changed.get("cache", Options.cache))
        overrides = {name.removeprefix("cache_"): changed[name] for name in
                     ("cache_k", "cache_weight", "cache_temperature") if name in changed}
        if cache and overrides:
            from pointllm.llm.visual_cache import CacheOptions

            cache = CacheOptions(**overrides)
        return Options(cache=cache, seed=int(changed.get("seed", Options.seed)),
                       max_tokens=int(changed.get("length", Options.max_tokens)),
                       temperature=changed.get("temperature"), top_p=changed.get("top_p"))
