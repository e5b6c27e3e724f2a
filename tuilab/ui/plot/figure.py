"""The door to plotext: strokes, axes and ticks become cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.ansi import AnsiDecoder
from rich.style import Style
from textual.geometry import Offset, Region

from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.plot.traces import Limits
from tuilab.ui.terminal.glyphs import GlyphMode, Glyphs

LINE_MARKERS: dict[GlyphMode, str] = {"braille": "braille", "block": "hd", "ascii": ""}
"""What plotext draws lines with; in ASCII each line has a glyph of its own."""

DOTS_PER_CELL = {"braille": (2, 4), "hd": (2, 2)}
"""Columns and rows of dots in a cell, by marker; any other marker fills its cell."""

AXIS_GLYPHS = "│┤└─┬"
"""What plotext draws axes with."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """Dots of one marker and style, joined by lines or not."""

    dots: Sequence[tuple[int, int]]
    "Column and row of each, counted in dots of the marker from the lower left corner."
    marker: str
    "A plotext marker with several dots a cell, or any glyph."
    style: Style
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class Axes:
    """Lines and labeled ticks around a plot; ticks are counted in cells from its lower left."""

    line_style: Style
    label_style: Style
    x_ticks: Sequence[tuple[int, str]] = ()
    y_ticks: Sequence[tuple[int, str]] = ()
    has_x_line: bool = True
    has_y_line: bool = True

    @property
    def left(self) -> int:
        """Cells that labels and line take at the left of the plot."""
        return max((len(label) for _, label in self.y_ticks), default=0) + self.has_y_line

    @property
    def bottom(self) -> int:
        """Cells that labels and line take below the plot."""
        return bool(self.x_ticks) + self.has_x_line


@dataclass(frozen=True, slots=True)
class PlotArea:
    """The cells within the axes, and where the data lie in them: the one map from data to cells."""

    region: Region
    limits: Limits
    glyph_mode: GlyphMode

    @property
    def line_marker(self) -> str:
        """The marker of lines; empty in ASCII."""
        return LINE_MARKERS[self.glyph_mode]

    def dot(self, x: float, y: float) -> tuple[int, int]:
        """Returns the dot of a line at a point, counted from the lower left corner."""
        across, up = DOTS_PER_CELL.get(self.line_marker, (1, 1))
        column = self.limits.x_fraction(x) * (self.region.width * across - 1)
        row = self.limits.y_fraction(y) * (self.region.height * up - 1)
        return round(column), round(row)

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Returns the cell that the dot of a point lies in, counted from the lower left corner."""
        across, up = DOTS_PER_CELL.get(self.line_marker, (1, 1))
        column, row = self.dot(x, y)
        return column // across, row // up

    def column(self, x: float) -> int:
        """Returns the column of the drawing in which x lies."""
        return self.region.x + self.cell(x, self.limits.low)[0]

    def row(self, y: float) -> int:
        """Returns the row of the drawing in which a value lies."""
        return self.region.bottom - 1 - self.cell(self.limits.left, y)[1]

    def x_at(self, column: int) -> float:
        """Returns the x in the middle of a column of the drawing."""
        fraction = (column - self.region.x) / max(1, self.region.width - 1)
        width = self.limits.right - self.limits.left
        return self.limits.left + min(1.0, max(0.0, fraction)) * width


def draw_figure(
    cells: CellBuffer, region: Region, strokes: Sequence[Stroke], axes: Axes, glyphs: Glyphs
) -> None:
    """Draws strokes with plotext, each over those before it, and axes around them.

    Positions are whole dots and cells: the n-th of `count` lies at n / (count - 1) of plotext's
    axis from 0 to 1, exactly on its raster, so that nothing depends on how plotext rounds.

    Args:
        region: the cells within the axes.
    """
    import plotext  # Its import takes a tenth of a second: not before the first frame.

    styles = list(dict.fromkeys([axes.line_style, *(stroke.style for stroke in strokes)]))
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(region.width + axes.left, region.height + axes.bottom)
    plotext.theme("clear")
    plotext.xlim(0, 1)
    plotext.ylim(0, 1)
    plotext.xaxes(axes.has_x_line, False)
    plotext.yaxes(axes.has_y_line, False)
    for set_ticks, ticks, count in (
        (plotext.xticks, axes.x_ticks, region.width),
        (plotext.yticks, axes.y_ticks, region.height),
    ):
        set_ticks(
            [position / max(1, count - 1) for position, _ in ticks], [label for _, label in ticks]
        )
    plotext.ticks_color(styles.index(axes.line_style))
    plotext.ticks_style("bold")  # Labels and lines have the same color: this distinguishes them.
    for stroke in strokes:
        across, up = DOTS_PER_CELL.get(stroke.marker, (1, 1))
        width, height = max(1, region.width * across - 1), max(1, region.height * up - 1)
        xs, ys = [x / width for x, _ in stroke.dots], [y / height for _, y in stroke.dots]
        draw = plotext.plot if stroke.is_line else plotext.scatter
        draw(xs, ys, marker=stroke.marker, color=styles.index(stroke.style))
    left, bottom = glyphs.vertical + glyphs.tick_left, glyphs.horizontal + glyphs.tick_down
    own_glyphs = str.maketrans(AXIS_GLYPHS, left + glyphs.corner + bottom)
    corner = Offset(region.x - axes.left, region.y)
    _copy(cells, corner, plotext.build().translate(own_glyphs), axes, styles)


def _copy(
    cells: CellBuffer, corner: Offset, text: str, axes: Axes, styles: Sequence[Style]
) -> None:
    """Copies what plotext drew; its color numbers are places in `styles`."""
    for y, line in enumerate(AnsiDecoder().decode(text), corner.y):
        for span in line.spans:
            assert isinstance(span.style, Style), "the decoder makes styles"
            if span.style.color is not None and span.style.color.number is not None:
                style = axes.label_style if span.style.bold else styles[span.style.color.number]
                cells.write(corner.x + span.start, y, line.plain[span.start : span.end], style)
