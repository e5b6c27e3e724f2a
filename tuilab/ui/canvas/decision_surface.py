"""The outputs of a network over the input plane, with the examples drawn over them."""

from collections.abc import Sequence
from math import ceil, isfinite, log10

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region, Size

from tuilab.core.format import format_compact
from tuilab.core.protocol.inspect.result_messages import DecisionSurface, ResultRequest
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle, Pixel
from tuilab.ui.canvas.half_blocks import draw_field, draw_scale, make_pixel_style
from tuilab.ui.canvas.styled_cells import StyledCells

CERTAINTY_STEPS = 6
"""Steps of certainty with a color of their own."""

GUTTER = 6
"""Columns left of a surface, for labels such as `-2.11`."""

SAMPLES = 24
"""Sample predictions that are requested beside a surface or a matrix."""


def locate_surface(width: int, height: int) -> Region:
    """Returns where a square surface lies in its drawing, with room for its labels."""
    rows = max(1, min(height - 2, (width - GUTTER) // 2))
    columns = max(1, min(width - GUTTER, rows * 2))
    return Region(max(GUTTER, (width - columns) // 2), 0, columns, rows)


def request_surface(size: Size, style: DrawStyle) -> ResultRequest:
    """Returns the request for the result that fills a size."""
    if not size:
        return ResultRequest()
    region = locate_surface(*size)
    height = region.height * 2 if style.has_color else region.height
    return ResultRequest(region.width, height, samples=SAMPLES)


def draw_surface(
    surface: DecisionSurface, classes: Sequence[str], size: tuple[int, int], style: DrawStyle
) -> CellBuffer:
    """Draws a surface; without classes it is a regression's, without values the examples alone."""
    cells = StyledCells(size, style)
    region = locate_surface(*size)
    drawing = _SurfaceDrawing(cells, region, surface, classes)
    if surface.values:
        drawing.draw_values()
    drawing.draw_examples()
    _draw_bounds(cells, region, surface)
    if region.height + 1 < cells.height:
        drawing.draw_legend(region.height + 1)
    return cells


def _draw_bounds(cells: StyledCells, region: Region, surface: DecisionSurface) -> None:
    """Labels the ends and the middle of both axes."""
    left, _, columns, rows = region
    x0, x1, y0, y1 = surface.bounds
    for row, text in zip((0, rows // 2, rows - 1), reversed(_axis_labels(y0, y1)), strict=True):
        cells.write(max(0, left - len(text) - 1), row, text)
    low, middle, high = _axis_labels(x0, x1)
    cells.write(left, rows, low)
    cells.write(left + (columns - len(middle)) // 2, rows, middle)
    cells.write_left_of(left + columns, rows, high)


def _axis_labels(low: float, high: float) -> list[str]:
    """Returns both ends of an axis and its middle, no finer than a thousandth of its length."""
    digits = 3 - ceil(log10(high - low)) if isfinite(high - low) and high > low else 9
    return [format_compact(round(value, digits) + 0.0) for value in (low, (low + high) / 2, high)]


class _SurfaceDrawing:
    """One surface, where it is drawn, and how its values become colors or glyphs."""

    def __init__(
        self, cells: StyledCells, region: Region, surface: DecisionSurface, classes: Sequence[str]
    ) -> None:
        self.cells, self.region, self.style = cells, region, cells.style
        self.surface, self.classes = surface, classes
        finite = [abs(value) for value in surface.values if isfinite(value)]
        self.reach = max(finite, default=1.0) or 1.0
        "Largest absolute value of a regression; its scale is the same in both directions."
        self._pixels: dict[tuple[int, int], Pixel] = {}

    def _value(self, across: float, down: float) -> float:
        """Returns the value at a fraction of the way from the left and from the top."""
        width, height = self.surface.width, self.surface.height
        column, row = min(width - 1, int(across * width)), min(height - 1, int(down * height))
        index = row * width + column
        return self.surface.values[index] if index < len(self.surface.values) else 0.0

    def _resample(self, columns: int, rows: int) -> list[list[float]]:
        """Returns the values in the middle of each cell of a grid."""
        return [
            [self._value((x + 0.5) / columns, (y + 0.5) / rows) for x in range(columns)]
            for y in range(rows)
        ]

    def _split(self, value: float) -> tuple[int, float]:
        """Returns the number of a value's color, and how strong it is, from 0 to 1."""
        if not isfinite(value):
            return 0, 0.0
        if not self.classes:
            return (0 if value < 0 else 1), min(1.0, abs(value) / self.reach)
        number = max(0, min(len(self.classes) - 1, int(value)))
        baseline = 1 / max(2, len(self.classes))
        return number, min(1.0, max(0.0, (value - number - baseline) / (1 - baseline)))

    def _pixel(self, value: float) -> Pixel:
        """Returns the color of a value: the class's, paler where it is less certain."""
        number, strength = self._split(value)
        step = round(strength * CERTAINTY_STEPS)
        if (number, step) not in self._pixels:
            weakest = 0.13 if self.classes else 0.0
            blend = weakest + (0.85 - weakest) * step / CERTAINTY_STEPS
            color = self.style.background.blend(self.style.class_color(number), blend)
            self._pixels[number, step] = color.rgb
        return self._pixels[number, step]

    def _glyph(self, value: float) -> str:
        """Returns a shade for two classes or a regression, else the letter of a class."""
        number, strength = self._split(value)
        if len(self.classes) > 2:
            return chr(ord("a") + number % 26) if strength >= 0.5 else self.style.glyphs.dot
        if self.style.ansi_styles:
            return self.style.shade(strength)
        return self.style.shade((1 + strength) / 2 if number else (1 - strength) / 2)

    def _style_of(self, value: float) -> Style:
        """Returns the style of a glyph: in the color of its class, if the terminal has any."""
        return self.style.muted + self.style.ansi_style(self._split(value)[0])

    def draw_values(self) -> None:
        """Draws the surface itself."""
        draw_field(
            self.cells, self.region, self._resample, self._pixel, self._glyph, self._style_of
        )

    def draw_examples(self) -> None:
        """Draws examples over the surface: few enough that the surface remains visible."""
        left, top, columns, rows = self.region
        x0, x1, y0, y1 = self.surface.bounds
        limit = max(24, columns * rows // 6)
        training, held_out = self.surface.points, self.surface.validation
        share = limit * len(training) // max(1, len(training) + len(held_out))
        for points, is_held_out in ((training[:share], False), (held_out[: limit - share], True)):
            for x, y, target in points:
                across, down = (x - x0) / ((x1 - x0) or 1), (y1 - y) / ((y1 - y0) or 1)
                if 0 <= across <= 1 and 0 <= down <= 1 and isfinite(target):
                    column = left + min(columns - 1, int(across * columns))
                    row = top + min(rows - 1, int(down * rows))
                    marker = self._marker(target, is_held_out)
                    self.cells.put(column, row, marker, self._marker_style(target, across, down))

    def _marker_style(self, target: float, across: float, down: float) -> Style:
        """Returns an example's style: its own color, brought out from what is under it."""
        if not self.style.has_color:
            return self.style.strong
        number, _ = self._split(target if not self.classes else target + 0.999)
        if not self.surface.values:
            return self.style.class_style(number) + BOLD
        color = self.style.class_color(number).blend(self.style.foreground, 0.72)
        return make_pixel_style(color.rgb, self._pixel(self._value(across, down))) + BOLD

    def _marker(self, target: float, is_held_out: bool) -> str:
        markers = self.style.glyphs.class_markers
        number = int(target) if self.classes else 0
        if len(self.classes) > len(markers):
            letter = chr(ord("A") + number % 26)
            return letter.lower() if is_held_out else letter
        return markers[number % len(markers)][is_held_out]

    def draw_legend(self, row: int) -> None:
        """Draws which marker is which class, or which color is which value."""
        cells, style, classes = self.cells, self.style, self.classes
        markers = dict.fromkeys(self._marker(n, True) for n in range(min(2, len(classes) or 1)))
        tail = f"{''.join(markers)} validation" if self.surface.validation else ""
        if not classes:
            self._draw_scale(row, tail)
            return
        is_lettered = not style.has_color and len(classes) > 2
        length = sum(cell_len(name) + (6 if is_lettered else 4) for name in classes)
        x = max(0, (cells.width - length - cell_len(tail)) // 2)
        for number, name in enumerate(classes):
            text = f"{chr(ord('a') + number % 26)} {name}" if is_lettered else name
            if x + 2 + cell_len(text) > cells.width:
                return
            marker_style = style.class_style(number) + BOLD
            x = cells.write(x, row, f"{self._marker(number, False)} ", marker_style)
            x = 2 + cells.write_truncated(x, row, text, cells.width)
        if x + cell_len(tail) <= cells.width:
            cells.write(x, row, tail)

    def _draw_scale(self, row: int, tail: str) -> None:
        """Draws a bar from the lowest to the highest value, with its numbers."""
        cells = self.cells
        low, high = format_compact(-self.reach), format_compact(self.reach)
        bar = max(5, min(20, cells.width - len(low) - len(high) - cell_len(tail) - 5))
        x = max(0, (cells.width - bar - len(low) - len(high) - 2 - cell_len(tail) - 2) // 2)
        x = 2 + draw_scale(
            cells, x, row, bar, (low, high), lambda part: (2 * part - 1) * self.reach,
            self._pixel, self._glyph,
        )  # fmt: skip
        if x + cell_len(tail) <= cells.width:
            cells.write(x, row, tail)
