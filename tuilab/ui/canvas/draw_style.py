"""The styles, colors and glyphs of drawings, read once from the theme and the terminal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rich.cells import cell_len
from rich.style import Style
from textual.color import Color
from textual.widget import Widget

from tuilab.ui.canvas.cell_buffer import truncate
from tuilab.ui.terminal.glyphs import (
    ASCII,
    ASCII_SPELLINGS,
    UNICODE,
    GlyphMode,
    Glyphs,
    can_blend_colors,
    get_glyph_mode,
    get_glyphs,
)

Pixel = tuple[int, int, int]
"""Red, green, blue, each from 0 to 255."""

CLASS_COLORS = tuple(
    Color.parse(color)
    for color in (
        "#F59322", "#1E88D6", "#2FA866", "#D1478C", "#8E63CE", "#B5A41C", "#17A3A3", "#A0522D",
    )
)  # fmt: skip
"""The colors of the classes; more classes repeat them."""

HEIGHT_COLORS = tuple(
    Color.parse(color) for color in ("#3B1C6B", "#31598C", "#1F9489", "#74C95A", "#F6E33A")
)
"""Colors that the levels of a height map are blended from, the lowest first."""

LINE_COLORS: tuple[str, ...] = ("primary", "accent", "success", "error", "#B79CED", "foreground")
"""The colors of a chart's lines: variables of the theme, or a color."""

LIGHT_LINE_COLORS = ("primary", "accent", "success", "error", "#6B3FA0", "foreground")
"""The colors of the lines on a light background."""

ANSI_LINE_COLORS = tuple(
    f"ansi_bright_{name}" for name in ("blue", "yellow", "green", "red", "magenta", "cyan")
)
"""The colors of the lines among the sixteen of a terminal: no two are the same."""

FAINT = 100
"""Added to the number of a line: its faint variant."""

DIVERGING_STEPS = 8
"""Color steps on either side of zero."""

NEGATIVE_SHADES = " --=="
"""Negative values where there is no color; positive ones are block shades."""

BOLD = Style(bold=True)

ANSI_CLASS_STYLES = tuple(
    Style(color=name)
    for name in ("yellow", "bright_blue", "green", "bright_magenta", "cyan", "bright_red")
)
"""Colors of the classes among the sixteen of a terminal."""


@dataclass(frozen=True)
class DrawStyle:
    """The styles, colors and glyphs of a drawing."""

    background: Color
    foreground: Color
    has_color: bool
    "Blended colors reach the screen; otherwise shades, letters and bold text replace them."
    text: Style = field(default_factory=Style.null)
    muted: Style = field(default_factory=Style.null)
    "Labels and explanations."
    error: Style = BOLD
    title: Style = BOLD
    axis: Style = field(default_factory=Style.null)
    mark: Style = field(default_factory=Style.null)
    gap: Style = BOLD
    cursor: Style = field(default_factory=Style.null)
    lines: Mapping[int, Style] = field(default_factory=dict)
    "By the number of a chart's line, from 1; with `FAINT` added, its faint variant."
    ansi_styles: tuple[Style, ...] = ()
    "Of the classes where colors cannot be blended; none without any color."
    glyphs: Glyphs = UNICODE
    glyph_mode: GlyphMode = "braille"

    @property
    def is_ascii(self) -> bool:
        """Whether the terminal shows only ASCII."""
        return self.glyphs is ASCII

    @property
    def strong(self) -> Style:
        """Labels in bold."""
        return self.muted + BOLD

    def truncate(self, text: str, room: int) -> str:
        """Returns text cut to a number of cells, with this terminal's ellipsis."""
        return truncate(text, room, self.glyphs.ellipsis)

    def fit(self, texts: Iterable[str], room: int) -> str:
        """Returns the first text that fits into a number of cells, else the last one, truncated."""
        text = ""
        for text in texts:
            if cell_len(text) <= room:
                break
        return self.truncate(text, room)

    def spell(self, text: str) -> str:
        """Returns text in the characters that the terminal shows."""
        return text.translate(ASCII_SPELLINGS) if self.is_ascii else text

    def line(self, number: int) -> Style:
        """Returns the style of a chart's line."""
        return self.lines.get(number, self.text)

    def tint(self, number: int, strength: float) -> Style:
        """Returns a background in the color of a chart's line, as strong as a number up to 1."""
        color = self.line(number).color
        if color is None or color.is_default:
            return Style.null()
        return Style(
            bgcolor=self.background.blend(Color.from_rich_color(color), strength).rich_color
        )

    def class_color(self, number: int) -> Color:
        """Returns the color of a class."""
        return CLASS_COLORS[number % len(CLASS_COLORS)]

    def class_style(self, number: int) -> Style:
        """Returns the style of text in the color of a class; bold without colors."""
        if not self.has_color:
            return self.strong + self.ansi_style(number)
        return self.muted + Style(color=self.class_color(number).rich_color)

    def ansi_style(self, number: int) -> Style:
        """Returns the color of a class among the sixteen of the terminal, if it has any."""
        return (
            self.ansi_styles[number % len(self.ansi_styles)] if self.ansi_styles else Style.null()
        )

    # --- diverging scale: class 1's color above zero, class 0's below ---------------------------

    def diverging_pixel(self, value: float) -> Pixel:
        """Returns the color of a value from -1 to 1: near the background at zero, stronger
        farther from it."""
        return self._diverging_pixels[round(max(-1.0, min(1.0, value)) * DIVERGING_STEPS)]

    @cached_property
    def _diverging_pixels(self) -> dict[int, Pixel]:
        base = self.background.blend(self.foreground, 0.10)
        return {
            step: base.blend(self.class_color(step >= 0), 0.9 * abs(step) / DIVERGING_STEPS).rgb
            for step in range(-DIVERGING_STEPS, DIVERGING_STEPS + 1)
        }

    def shade(self, brightness: float) -> str:
        """Returns the shade of a brightness from 0 to 1."""
        shades = self.glyphs.shades
        return shades[min(len(shades) - 1, max(0, int(brightness * len(shades))))]

    def diverging_glyph(self, value: float) -> str:
        """Returns the glyph of a value from -1 to 1 where there is no color."""
        if value > 0:
            return self.shade(value)
        last = len(NEGATIVE_SHADES) - 1
        return NEGATIVE_SHADES[min(last, int(-value * len(NEGATIVE_SHADES)))]

    def diverging_style(self, is_negative: bool, *, is_faint: bool = False) -> Style:
        """Returns the style of text and lines about what is above or below zero."""
        if not self.has_color:
            return self.muted
        color = self.class_color(0 if is_negative else 1)
        color = self.background.blend(color, 0.55) if is_faint else color
        return self.muted + Style(color=color.rich_color)


def read_draw_style(widget: Widget) -> DrawStyle:
    """Returns the style of drawings on a widget, in the colors of its theme and its terminal."""
    _, _, background, foreground = widget.colors
    text = widget.rich_style
    variables = widget.app.theme_variables

    def style(name: str, alpha: float = 1.0, *, bold: bool | None = None) -> Style:
        color = Color.parse(variables.get(name, name)).multiply_alpha(alpha)
        return text + Style(color=(background + color).rich_color, bold=bold)

    names = LINE_COLORS if widget.app.current_theme.dark else LIGHT_LINE_COLORS
    if widget.app.native_ansi_color:
        names = ANSI_LINE_COLORS
    lines = {number: style(name) for number, name in enumerate(names, 1)}
    lines |= {number + FAINT: _faint(line) for number, line in lines.items()}
    cursor = background + Color.parse(variables["foreground"]).multiply_alpha(0.2)
    return DrawStyle(
        background=background,
        foreground=foreground,
        has_color=can_blend_colors(widget.app),
        text=text,
        muted=style("foreground", 0.65),
        error=style("text-error", bold=True),
        title=style("foreground", bold=True),
        axis=style("foreground", 0.35),
        mark=style("foreground", 0.5),
        gap=style("text-error", bold=True),
        cursor=style("foreground", bold=True) + Style(bgcolor=cursor.rich_color),
        lines=lines,
        ansi_styles=() if widget.app.no_color else ANSI_CLASS_STYLES,
        glyphs=get_glyphs(),
        glyph_mode=get_glyph_mode(),
    )


def _faint(style: Style) -> Style:
    """Returns a line's style, most of the way to the background."""
    if style.color is None or style.bgcolor is None or style.color.is_system_defined:
        return style + Style(dim=True)
    color, background = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    return style + Style(color=background.blend(color, 0.35).rich_color)
