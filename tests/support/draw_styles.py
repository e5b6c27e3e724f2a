"""Draw styles: in color, without color, and in ASCII."""

from dataclasses import replace

from textual.color import Color

from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.terminal.glyphs import ASCII

COLORED = DrawStyle(
    Color(0, 0, 0),
    Color(255, 255, 255),
    has_color=True,
)
COLORLESS = replace(COLORED, has_color=False)
ASCII_ONLY = replace(COLORLESS, glyphs=ASCII, glyph_mode="ascii")
ASCII_COLORED = replace(COLORED, glyphs=ASCII, glyph_mode="ascii")
