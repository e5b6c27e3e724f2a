"""The lab's own two themes, and the one that is remembered."""

import os
import tomllib
from pathlib import Path

from textual.theme import Theme

from tuilab.core import paths
from tuilab.core.experiment.toml_file import write_atomically

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
        "border": "#56b6ff",
        "border-blurred": "#33404f",
        "footer-key-foreground": "#ffa043",
        "footer-description-foreground": "#a9b6c4",
        "block-cursor-foreground": "#0d1117",
        "block-cursor-background": "#56b6ff",
        "block-cursor-text-style": "bold",
        "input-selection-background": "#56b6ff 35%",
        "scrollbar": "#33404f",
        "scrollbar-hover": "#56b6ff",
        "scrollbar-active": "#56b6ff",
        "scrollbar-background": "#121821",
        "scrollbar-corner-color": "#121821",
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
        "border": "#0b5cad",
        "border-blurred": "#b9b3a4",
        "footer-key-foreground": "#b34700",
        "footer-description-foreground": "#4b5563",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-background": "#0b5cad",
        "block-cursor-text-style": "bold",
        "input-selection-background": "#0b5cad 25%",
        "scrollbar": "#b9b3a4",
        "scrollbar-hover": "#0b5cad",
        "scrollbar-active": "#0b5cad",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-corner-color": "#fbfaf7",
    },
)

PLAIN = "ansi-dark"
"""The terminal's own sixteen colours; with NO_COLOR, none at all."""


def has_no_colour() -> bool:
    """Whether the person wants no colour at all (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def needs_plain() -> bool:
    """Whether colours are not wanted, or fewer than our themes are made of."""
    if has_no_colour():
        return True
    term, colours = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    many = colours in ("truecolor", "24bit") or "256color" in term or "direct" in term
    return not many and term in ("linux", "xterm", "vt100", "vt220", "ansi", "screen", "tmux")


def remembered() -> str:
    """The theme chosen last, or our dark one."""
    try:
        theme = tomllib.loads(_settings().read_text(encoding="utf-8")).get("theme")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return DARK.name
    return theme if isinstance(theme, str) else DARK.name


def remember(name: str) -> None:
    """Choose a theme for the next time too."""
    if name != remembered():
        write_atomically(_settings(), f'theme = "{name}"\n'.encode())


def _settings() -> Path:
    return paths.data() / "settings.toml"
