"""The look of the app: a quiet grey page with one accent, light and dark. System fonts, so nothing is fetched."""

from __future__ import annotations

import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "PingFang SC",
        "Microsoft YaHei", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Consolas", "Liberation Mono", "monospace")

ACCENT = gr.themes.Color(
    name="accent", c50="#effaf8", c100="#d5f1ec", c200="#ace3da", c300="#79cdc2", c400="#48b0a5", c500="#2c948a",
    c600="#1f776f", c700="#1c5f5a", c800="#1a4d49", c900="#19403d", c950="#092523",
)
GREY = gr.themes.Color(
    name="grey", c50="#f8f8f7", c100="#f0f0ee", c200="#e3e3e0", c300="#cdcdc8", c400="#a0a09a", c500="#696963",
    c600="#575752", c700="#42423e", c800="#292927", c900="#1c1c1a", c950="#131312",
)


def theme() -> gr.themes.Base:
    """Base's structure with our colours, rounder corners and no shadows."""
    built = gr.themes.Base(primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue=GREY, font=SANS, font_mono=MONO,
                           radius_size=gr.themes.sizes.radius_md, text_size=gr.themes.sizes.text_md)
    return built.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_500",
        block_label_text_color_dark="*neutral_400",
        block_shadow="none",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*neutral_800",
        border_color_accent_subdued="*primary_200",
        border_color_accent_subdued_dark="*neutral_700",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_border_width="1px",
        button_border_width_dark="1px",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_primary_border_color_hover="transparent",
        button_primary_border_color_hover_dark="transparent",
        button_large_text_size="*text_md",
        button_large_text_weight="550",
        button_large_padding="9px 18px",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_900",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*neutral_200",
        button_secondary_border_color_dark="*neutral_700",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        checkbox_label_background_fill="*neutral_50",
        checkbox_label_background_fill_dark="*neutral_800",
    )
