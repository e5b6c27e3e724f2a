"""Keys and borders can be seen in every theme."""

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tuilab.ui import themes

ALL = [theme for name, theme in BUILTIN_THEMES.items() if "ansi" not in name]


def luminance(color: Color) -> float:
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: Color, other: Color) -> float:
    """Returns the contrast of two colors, from 1 to 21, as WCAG defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [*ALL, themes.DARK, themes.LIGHT], ids=lambda theme: theme.name)
def test_keys_and_borders_stand_out(theme: Theme) -> None:
    colors = {
        name: Color.parse(value)
        for name, value in theme.to_color_system().generate().items()
        if name in ("panel", "background", "foreground", "text-accent")
    }
    panel, background, foreground = (
        colors[name] for name in ("panel", "background", "foreground")
    )  # as the style sheet and the key bar use them

    assert contrast(panel.blend(foreground, 0.85), panel) > 2.7, "what a key does"
    assert contrast(colors["text-accent"], panel) > 2.7, "a key"
    assert contrast(background.blend(foreground, 0.28), background) > 1.35, "a border"
