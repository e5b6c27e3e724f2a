"""A slice through the loss as a map: levels, the path so far, the lowest point, and numbers."""

import textwrap
from collections.abc import Iterator
from itertools import pairwise
from math import floor, isfinite, isinf

from rich.style import Style
from textual.color import Color
from textual.geometry import Region

from tuilab.core.format import format_compact, format_count, format_counted, format_percent
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Slice
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import BOLD, HEIGHT_COLORS, DrawStyle, Pixel
from tuilab.ui.canvas.half_blocks import draw_pixels, make_pixel_style
from tuilab.ui.canvas.height_map import LEVELS, HeightMap
from tuilab.ui.canvas.styled_cells import StyledCells

MIN_SIDE_WIDTH = 26
"""Columns that text beside the map needs at least."""

UPRIGHT_FROM = 21
"""From this many rows on, the scale stands upright beside the map."""

MAX_STRETCH = 3
"""Columns of the map to one row at most; its directions have no common unit."""

DIGIT_EVERY = (9, 4)
"""Columns and rows from one level's digit to the next."""

BRIGHT = 140
"""Pixels brighter than this carry dark text."""

PLANES = {
    "random": "Two random directions (pair {seed}, d: another), each filter as long as its weights",
    "path": "The two directions in which the path is widest (p: random ones)",
}
"""What a plane is laid along."""

PLANE_HINTS = {"random": " (p: the path's own plane)", "path": ""}
"""How to see more of the path."""


def draw_slice(
    response: LandscapeResponse, slice_: Slice, is_log: bool | None, size: tuple[int, int],
    style: DrawStyle,
) -> CellBuffer:  # fmt: skip
    """Draws a slice to fill a size."""
    cells = StyledCells(size, style)
    heights = HeightMap(slice_.losses, slice_.size, is_log)
    cells.write(0, 0, style.fit(write_headings(response), cells.width))
    gutter = len(format_compact(-slice_.span)) + 1
    is_wide = cells.width >= MIN_SIDE_WIDTH + 40
    below = 1 if is_wide and cells.height >= UPRIGHT_FROM else 3 if not is_wide else 2
    rows = max(1, cells.height - 1 - below)
    room = cells.width - gutter - (MIN_SIDE_WIDTH + 2 if is_wide else 0)
    columns = max(1, min(MAX_STRETCH * rows, room))
    drawing = _MapDrawing(cells, Region(gutter, 1, columns, rows), slice_, heights)
    drawing.draw_map()
    drawing.draw_axes()
    if not is_wide:
        drawing.draw_scale(0, rows + 2)
        cells.write(0, rows + 3, style.fit(_summaries(response, slice_, style), cells.width))
        return cells
    x, y = gutter + columns + 2, 1
    if below == 1:
        y = drawing.draw_upright_scale(x, y) + 1
    else:
        drawing.draw_scale(gutter, rows + 2)
    for text in _descriptions(response, slice_, style):
        lines = textwrap.wrap(text, cells.width - x, subsequent_indent="  ")
        y = cells.write_lines(x, y, lines)
    return cells


# --- text -----------------------------------------------------------------------------------------


def write_headings(response: LandscapeResponse) -> Iterator[str]:
    """Yields what is measured and how much of it, from long to short."""
    total = format_count(response.total_evaluations)
    evaluations = f"{format_count(response.evaluations)} of {total}"
    step = f"step {format_count(response.step)}"
    if response.current_step != response.step:
        step += f", now at {format_count(response.current_step)} (a: refresh)"
    examples = f"on {name_examples(response, 'example')}"
    training_examples = f"on {name_examples(response)}"
    yield f"Loss around the weights of {step}: {evaluations} evaluations, {training_examples}"
    yield f"Loss around {step}: {evaluations} evaluations, {examples}"
    yield f"{step}: {evaluations} evaluations, {examples}"
    yield f"{step}: {evaluations} {examples}"
    yield f"{evaluations} evaluations, {examples}"
    yield f"{evaluations}, {examples}"
    yield f"{evaluations} evaluations"
    yield evaluations


def name_examples(response: LandscapeResponse, noun: str = "training example") -> str:
    """Returns what the loss was measured on; one example alone is a whole graph."""
    if response.examples == 1:
        return "the graph"
    return format_counted(response.examples, noun)


def _descriptions(response: LandscapeResponse, slice_: Slice, style: DrawStyle) -> Iterator[str]:
    """Yields what is marked on the map, and what its plane is."""
    yield _describe_middle(response, slice_, style)
    if (lowest := _lowest(slice_)) is not None:
        x, y = map(format_compact, _position(lowest, slice_))
        yield f"{_describe_lowest(lowest, slice_, style)} at {x}, {y}"
    if isinf(_middle_loss(slice_)):
        yield "The loss here is no longer finite: the Diagnosis view explains why."
    elif len(slice_.path) > 1:
        first, last = slice_.path[0][0], slice_.path[-1][0]
        glyphs = style.glyphs
        markers = f"{glyphs.line_markers[1]}{glyphs.bullet}{glyphs.line_markers[3]}"
        fraction = format_percent(slice_.explained_fraction)
        yield (
            f"{markers} path from step {format_count(first)} to {format_count(last)}; "
            f"{fraction} of its variance lies in this plane{PLANE_HINTS[slice_.plane]}"
        )
    yield PLANES[slice_.plane].format(seed=slice_.seed)
    if response.note:
        yield response.note


def _summaries(response: LandscapeResponse, slice_: Slice, style: DrawStyle) -> Iterator[str]:
    """Yields the marked points in one line, from long to short."""
    middle = _describe_middle(response, slice_, style)
    marks = middle
    if (lowest := _lowest(slice_)) is not None:
        marks = f"{middle}  {_describe_lowest(lowest, slice_, style)}"
    if len(slice_.path) > 1 and not isinf(_middle_loss(slice_)):
        path = f"{format_percent(slice_.explained_fraction)} of the path lies in this plane"
        yield f"{marks}  {path}{PLANE_HINTS[slice_.plane]}"
        yield f"{marks}  {path}"
    yield marks
    yield middle


def _describe_middle(response: LandscapeResponse, slice_: Slice, style: DrawStyle) -> str:
    is_current = response.current_step == response.step
    marker = f"{style.glyphs.line_markers[3]} now" if is_current else "+ middle"
    return f"{marker} {format_compact(_middle_loss(slice_))}"


def _describe_lowest(index: int, slice_: Slice, style: DrawStyle) -> str:
    return f"{style.glyphs.line_markers[5]} lowest {format_compact(slice_.losses[index])}"


def _middle_loss(slice_: Slice) -> float:
    return slice_.losses[len(slice_.losses) // 2]


def _lowest(slice_: Slice) -> int | None:
    """Returns where the lowest loss is; None without any that is finite."""
    finite = [index for index, loss in enumerate(slice_.losses) if isfinite(loss)]
    return min(finite, key=lambda index: slice_.losses[index], default=None)


def _position(index: int, slice_: Slice) -> tuple[float, float]:
    """Returns where on the plane a loss is, in lengths of its directions."""
    row, column = divmod(index, slice_.size)
    half = (slice_.size - 1) // 2
    return slice_.span * (column - half) / half, slice_.span * (half - row) / half


# --- map ------------------------------------------------------------------------------------------


class _MapDrawing:
    """A map in a region of its drawing."""

    def __init__(
        self, cells: StyledCells, region: Region, slice_: Slice, heights: HeightMap
    ) -> None:
        self.cells, self.region, self.slice = cells, region, slice_
        self.heights, self.style = heights, cells.style
        levels = range(-1, LEVELS) if self.style.has_color else ()
        self._pixels = {level: _level_pixel(level, self.style) for level in levels}

    def _level(self, x: float, y: float) -> int:
        return self.heights.level(x / self.region.width, y / self.region.height)

    def _digit(self, level: int) -> str:
        return str(level) if level >= 0 else self.style.glyphs.gap

    def _level_style(self, level: int, strength: float = 1.0) -> Style:
        """Returns the style of text on a level."""
        if not self.style.has_color:
            return self.style.muted
        pixel = self._pixels[level]
        red, green, blue = pixel
        # Black or white, whichever reads better.
        is_bright = 0.3 * red + 0.59 * green + 0.11 * blue > BRIGHT
        text = Color(*pixel).blend(Color.parse("black" if is_bright else "white"), strength)
        return make_pixel_style(text.rgb, pixel)

    def draw_map(self) -> None:
        """Draws the levels, then what is marked on them."""
        if self.style.has_color:
            self._draw_levels()
        else:
            self._draw_contours()
        self._draw_path()
        markers = self.style.glyphs.line_markers
        end = self.slice.path[-1][1:]
        if end != (0.0, 0.0):
            self._draw_marker((0.0, 0.0), "+")
        if (lowest := _lowest(self.slice)) is not None:
            self._draw_marker(_position(lowest, self.slice), markers[5])
        self._draw_marker(end, markers[3])

    def _draw_levels(self) -> None:
        left, top, columns, rows = self.region
        pixels = [
            [self._pixels[self._level(x + 0.5, y / 2 + 0.25)] for x in range(columns)]
            for y in range(2 * rows)
        ]
        draw_pixels(self.cells, left, top, pixels)
        for y in range(DIGIT_EVERY[1] // 2, rows, DIGIT_EVERY[1]):
            for x in range(DIGIT_EVERY[0] // 2, columns, DIGIT_EVERY[0]):
                level = self._level(x + 0.5, y + 0.5)
                digit_style = self._level_style(level, 0.55)
                self.cells.put(left + x, top + y, self._digit(level), digit_style)

    def _draw_contours(self) -> None:
        """Draws without colors: a level's digit where it meets another one, and here and there."""
        left, top, columns, rows = self.region
        for y in range(rows):
            for x in range(columns):
                level = self._level(x + 0.5, y + 0.5)
                neighbors = (self._level(x - 0.5, y + 0.5), self._level(x + 0.5, y - 0.5))
                is_edge = any(neighbor != level for neighbor in neighbors)
                is_labeled = (
                    x % DIGIT_EVERY[0] == DIGIT_EVERY[0] // 2
                    and y % DIGIT_EVERY[1] == DIGIT_EVERY[1] // 2
                )
                if is_edge or is_labeled:
                    self.cells.put(left + x, top + y, self._digit(level), self.style.muted)

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        """Returns column and row of a position, from the map's corner; it may lie outside."""
        _, _, columns, rows = self.region
        across, down = (x / self.slice.span + 1) / 2, (1 - y / self.slice.span) / 2
        limit = 4 * (columns + rows)
        column, row = floor(across * columns) - (across == 1), floor(down * rows) - (down == 1)
        return min(limit, max(-limit, column)), min(limit, max(-limit, row))

    def _draw_marker(self, position: tuple[float, float], marker: str) -> None:
        if isfinite(sum(position)):
            self._put(*self._cell(*position), marker)

    def _put(self, column: int, row: int, marker: str) -> None:
        left, top, columns, rows = self.region
        if 0 <= column < columns and 0 <= row < rows:
            marker_style = self._level_style(self._level(column + 0.5, row + 0.5)) + BOLD
            self.cells.put(left + column, top + row, marker, marker_style)

    def _draw_path(self) -> None:
        """Draws lines from snapshot to snapshot, the snapshots on them, and where it begins."""
        glyphs = self.style.glyphs
        path = [self._cell(x, y) for _, x, y in self.slice.path if isfinite(x + y)]
        for (x0, y0), (x1, y1) in pairwise(path):
            length = max(abs(x1 - x0), abs(y1 - y0))
            for n in range(1, length):
                column, row = x0 + (x1 - x0) * n / length, y0 + (y1 - y0) * n / length
                self._put(round(column), round(row), glyphs.dot)
        for cell in path:
            self._put(*cell, glyphs.bullet)
        if len(path) > 1:
            self._put(*path[0], glyphs.line_markers[1])

    # --- axes and scale

    def draw_axes(self) -> None:
        """Labels how far the map reaches, in lengths of its two directions."""
        left, top, columns, rows = self.region
        low, high = format_compact(-self.slice.span), format_compact(self.slice.span)
        for row, text in ((0, high), (rows // 2, "0"), (rows - 1, low)):
            self.cells.write_left_of(left - 1, top + row, text)
        self.cells.write(left, top + rows, low)
        self.cells.write(left + columns // 2, top + rows, "0")
        self.cells.write_left_of(left + columns, top + rows, high)

    def draw_scale(self, x: int, y: int) -> None:
        """Draws the levels beside each other between the lowest and the highest loss."""
        cells = self.cells
        levels = _legend_levels(self.heights)
        low, high = format_compact(self.heights.low), format_compact(self.heights.high)
        if len(levels) > 1:
            x = cells.write(x, y, f"{low} ")
        for level in levels:
            x = cells.write(x, y, str(level), self._level_style(level))
        text = " log scale" if self.heights.is_log else ""
        if levels:
            x = cells.write(x, y, f" {high}{text}")
        if self.heights.has_holes:
            cells.write(x, y, f"  {self.style.glyphs.gap} not finite")

    def draw_upright_scale(self, x: int, y: int) -> int:
        """Draws the scale from the highest level down, with the loss at which each begins.

        Returns: the next row.
        """
        cells = self.cells
        cells.write(x, y, f"loss{', log scale' if self.heights.is_log else ''}")
        levels = _legend_levels(self.heights)
        start = "from " if len(levels) > 1 else ""
        for level in reversed(levels):
            y += 1
            cells.write(x, y, f" {self._digit(level)}  ", self._level_style(level))
            cells.write(x + 5, y, f"{start}{format_compact(self.heights.level_start(level))}")
        if len(levels) > 1:
            y += 1
            cells.write(x, y, f"     up to {format_compact(self.heights.high)}")
        if self.heights.has_holes:
            y += 1
            cells.write(x, y, f" {self._digit(-1)}  ", self._level_style(-1))
            cells.write(x + 5, y, "not finite")
        return y + 1


def _legend_levels(heights: HeightMap) -> list[int]:
    """Returns the levels whose losses are written differently; none if no loss is finite."""
    starts: dict[str, int] = {}
    for level in () if heights.is_empty else range(LEVELS):
        starts.setdefault(format_compact(heights.level_start(level)), level)
    return list(starts.values())


def _level_pixel(level: int, style: DrawStyle) -> Pixel:
    """Returns the color of a level; without a loss, near that of the background."""
    if level < 0:
        return style.background.blend(style.foreground, 0.12).rgb
    position = level / (LEVELS - 1) * (len(HEIGHT_COLORS) - 1)
    lower = min(len(HEIGHT_COLORS) - 2, int(position))
    return HEIGHT_COLORS[lower].blend(HEIGHT_COLORS[lower + 1], position - lower).rgb
