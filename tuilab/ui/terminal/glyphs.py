"""The glyphs that the terminal can show: braille, blocks, or plain ASCII."""

import codecs
import locale
import os
from dataclasses import dataclass
from typing import Literal, get_args

from textual.app import App

GlyphMode = Literal["braille", "block", "ascii"]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The glyphs that drawings are made of."""

    vertical: str = "│"
    horizontal: str = "─"
    corner: str = "└"
    tick_left: str = "┤"
    tick_down: str = "┬"
    mark: str = "┊"
    guide: str = "┈"
    gap: str = "✕"
    check: str = "✓"
    cross: str = "✗"
    arrow: str = "→"
    ellipsis: str = "…"
    dot: str = "·"
    bullet: str = "•"
    frozen: str = "❄"
    shades: str = " ░▒▓█"
    bars: str = "▁▂▃▄▅▆▇█"
    line_markers: str = "●■▲◆★▼"
    "For each line of a chart, beside its color."
    class_markers: tuple[str, ...] = ("●○", "■□", "▲△", "◆◇", "★☆", "▼▽")
    "For each class: an example that was trained on, and one that was held out."


UNICODE = Glyphs()

ASCII = Glyphs(
    vertical="|", horizontal="-", corner="+", tick_left="+", tick_down="+", mark=":", guide=".",
    gap="!", check="+", cross="x", arrow=">", ellipsis="~", dot=".", bullet="o", frozen="*",
    shades=" .:*#", bars="_.-~=+*#", line_markers="o#^%*v", class_markers=("Oo", "Xx"),
)  # fmt: skip

ASCII_SPELLINGS = str.maketrans({
    "→": "->", "←": "<-", "·": "*", "⊙": "*", "ᵀ": "^T", "−": "-", "–": "-", "±": "+/-", "′": "'",
    "Σ": "sum ", "√": "sqrt", "λ": "lambda", "μ": "mu", "α": "alpha", "β": "beta", "γ": "gamma",
    "ε": "eps", "²": "^2", "σ": "sigma", "×": "x", "₁": "1", "₂": "2", "▸": ">", "…": "~",
    "≥": ">=", "∕": "/", "↵": "n", "␣": "_", "⇥": "t",
})  # fmt: skip
"""How text is spelled where there is only ASCII."""


def get_glyph_mode() -> GlyphMode:
    """Returns the mode that `TUILAB_GLYPHS` requests, else braille where the locale is UTF-8."""
    requested = os.environ.get("TUILAB_GLYPHS", "")
    if requested in get_args(GlyphMode):
        return requested  # type: ignore[return-value]
    encoding = codecs.lookup(locale.getpreferredencoding(False)).name
    return "braille" if encoding == "utf-8" else "ascii"


def get_glyphs() -> Glyphs:
    """Returns the glyphs for this terminal."""
    return ASCII if get_glyph_mode() == "ascii" else UNICODE


def can_blend_colors(app: App[object]) -> bool:
    """Returns whether blended colors are shown: not with NO_COLOR, 16 colors or an ANSI theme."""
    if app.no_color or app.native_ansi_color or get_glyph_mode() == "ascii":
        return False
    return app.console.color_system in ("256", "truecolor")
