"""Which signs the terminal can show: braille, blocks, or plain ASCII."""

import codecs
import locale
import os
from dataclasses import dataclass
from typing import Literal, get_args

from textual.app import App

Glyphs = Literal["braille", "block", "ascii"]


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs that a drawing is made of."""

    vertical: str = "│"
    horizontal: str = "─"
    corner: str = "└"
    tick_left: str = "┤"
    tick_down: str = "┬"
    mark: str = "┊"
    guide: str = "┈"
    gap: str = "✕"
    right: str = "✓"
    wrong: str = "✗"
    arrow: str = "→"
    ellipsis: str = "…"
    dot: str = "·"
    bullet: str = "•"
    frozen: str = "❄"
    shades: str = " ░▒▓█"
    levels: str = "▁▂▃▄▅▆▇█"
    lines: str = "●■▲◆★▼"
    "A sign for each line of a chart, beside its colour."
    points: tuple[str, ...] = ("●○", "■□", "▲△", "◆◇", "★☆", "▼▽")
    "For each class: an example that was trained on, and one that was held back."


UNICODE = Signs()

ASCII = Signs(
    vertical="|", horizontal="-", corner="+", tick_left="+", tick_down="+", mark=":", guide=".",
    gap="!", right="+", wrong="x", arrow=">", ellipsis="~", dot=".", bullet="o", frozen="*",
    shades=" .:*#", levels="_.-~=+*#", lines="o#^%*v", points=("Oo", "Xx"),
)  # fmt: skip


def glyphs() -> Glyphs:
    """What `TUILAB_GLYPHS` says, else braille where the locale speaks UTF-8."""
    wanted = os.environ.get("TUILAB_GLYPHS", "")
    for kind in get_args(Glyphs):
        if kind == wanted:
            return kind  # type: ignore[no-any-return]
    encoding = codecs.lookup(locale.getpreferredencoding(False)).name
    return "braille" if encoding == "utf-8" else "ascii"


def signs() -> Signs:
    """The signs for this terminal."""
    return ASCII if glyphs() == "ascii" else UNICODE


def has_shades_of_colour(app: App[object]) -> bool:
    """Whether blended colours reach the screen: not with NO_COLOR, 16 colours or an ANSI theme."""
    if app.no_color or app.native_ansi_color or glyphs() == "ascii":
        return False
    return app.console.color_system in ("256", "truecolor")
