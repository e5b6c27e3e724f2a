"""The lab's own two themes, and the one that the user has chosen."""

import os
import tomllib
from pathlib import Path

from textual.theme import Theme

from tuilab.core import paths
from tuilab.core.files.atomic_write import write_atomically

DARK = Theme(
    name="tuilab-dark",
    dark=True,
    primary="#56b6ff",
    secondary="#5fd7c4",
    accent="#ffa043",
    foreground="#dfe6ee",
    background="#0d1117",
    surface="#121821",
    panel="#1b2430",
    success="#5fd38d",
    warning="#ffc857",
    error="#ff6b6b",
    variables={
        "border-blurred": "#33404f",
        "footer-description-foreground": "#a9b6c4",
        "block-cursor-foreground": "#0d1117",
        "input-selection-background": "#56b6ff 35%",
        "scrollbar": "#33404f",
        "scrollbar-hover": "#56b6ff",
        "scrollbar-background": "#121821",
    },
)

LIGHT = Theme(
    name="tuilab-light",
    dark=False,
    primary="#0b5cad",
    secondary="#00756a",
    accent="#b34700",
    foreground="#1b2430",
    background="#f4f2ec",
    surface="#fbfaf7",
    panel="#e6e2d8",
    success="#1a7f37",
    warning="#8a5a00",
    error="#b3202c",
    variables={
        "border-blurred": "#b9b3a4",
        "footer-description-foreground": "#4b5563",
        "block-cursor-foreground": "#ffffff",
        "input-selection-background": "#0b5cad 25%",
        "scrollbar": "#b9b3a4",
        "scrollbar-hover": "#0b5cad",
        "scrollbar-background": "#fbfaf7",
    },
)

ANSI_THEME = "ansi-dark"
"""The terminal's own sixteen colors; with NO_COLOR, none at all."""


def has_no_color() -> bool:
    """Returns whether the user wants no color at all (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def needs_ansi_theme() -> bool:
    """Returns whether the terminal has fewer colors than our themes need, or should show none."""
    if has_no_color():
        return True
    term, color_term = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    has_many = color_term in ("truecolor", "24bit") or "256color" in term or "direct" in term
    return not has_many and term in ("linux", "xterm", "vt100", "vt220", "ansi", "screen", "tmux")


def load_theme_name() -> str:
    """Returns the theme that was chosen last, or our dark one."""
    try:
        theme = tomllib.loads(_settings().read_text(encoding="utf-8")).get("theme")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return DARK.name
    return theme if isinstance(theme, str) else DARK.name


def save_theme_name(name: str) -> None:
    """Saves the theme that was chosen."""
    if name != load_theme_name():
        write_atomically(_settings(), f'theme = "{name}"\n'.encode())


def _settings() -> Path:
    return paths.data_dir() / "settings.toml"
