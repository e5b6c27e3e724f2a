"""A slice through the loss as a map: levels, the path so far, the lowest point, and numbers."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, isinf

from rich.style import Style
from textual.color import Color

from tuilab.core.format import grouped
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Slice
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.half_blocks import Pixel, paint, two_pixels
from tuilab.ui.canvas.height_map import LEVELS, Terrain
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import Signs

BESIDE = 26
"""Columns that words beside the map need at least."""

TALL = 21
"""Rows from which the scale stands upright beside the map."""

STRETCH = 3
"""Columns of the map to one row at most; its two directions are not of one kind with the eye's."""

DIGITS = (9, 4)
"""A level's digit stands in every so many columns and rows."""

BRIGHT = 140
"""Pixels brighter than this carry dark signs."""


@dataclass(frozen=True, slots=True)
class Paints:
    """The colours of a map."""

    hues: Hues
    ramp: tuple[Color, ...]
    "From the lowest level to the highest."
    signs: Signs

    def level(self, level: int) -> Pixel:
        """The colour of a level; where there is no loss, that of what is behind."""
        if level < 0:
            colour = self.hues.behind.blend(self.hues.front, 0.12)
        else:
            part = level / (LEVELS - 1) * (len(self.ramp) - 1)
            place = min(len(self.ramp) - 2, int(part))
            colour = self.ramp[place].blend(self.ramp[place + 1], part - place)
        return colour.r, colour.g, colour.b

    def over(self, pixel: Pixel, strength: float = 1.0) -> Style:
        """The style of a sign on a pixel."""
        red, green, blue = pixel
        is_bright = 0.3 * red + 0.59 * green + 0.11 * blue > BRIGHT
        ink = Color(*pixel).blend(Color.parse("black" if is_bright else "white"), strength)
        return two_pixels((ink.r, ink.g, ink.b), pixel)


def draw_slice(
    seen: LandscapeResponse,
    slice_: Slice,
    is_log: bool | None,
    size: tuple[int, int],
    paints: Paints,
) -> CellBuffer:
    """Draw a slice to fill a size."""
    grid = CellBuffer(*size, paints.hues.label)
    terrain = Terrain(slice_.losses, slice_.size, is_log)
    label = paints.hues.label
    grid.write(0, 0, _fitting(headings(seen), grid.width), label)
    gutter = max(len(short(end)) for end in (slice_.span, -slice_.span)) + 1
    is_wide = grid.width >= BESIDE + 40
    below = 1 if is_wide and grid.height >= TALL else 3 if not is_wide else 2
    rows = max(1, grid.height - 1 - below)
    columns = max(1, min(STRETCH * rows, grid.width - gutter - (BESIDE + 2 if is_wide else 0)))
    chart = _Map(grid, (gutter, 1, columns, rows), slice_, terrain, paints)
    chart.draw()
    chart.axes()
    words = list(_words(seen, slice_, terrain, paints.signs))
    if not is_wide:
        chart.scale(0, rows + 2)
        grid.write(0, rows + 3, _fitting(_brief(words), grid.width), label)
        return grid
    x, y = gutter + columns + 2, 1
    if below == 1:
        y = _upright(grid, x, y, terrain, paints) + 1
    else:
        chart.scale(gutter, rows + 2)
    for text in words:
        for line in textwrap.wrap(text, grid.width - x, subsequent_indent="  "):
            if y < grid.height:
                grid.write(x, y, line, label)
            y += 1
    return grid


def headings(seen: LandscapeResponse) -> Iterator[str]:
    """What is measured and how much of it, from long to short."""
    done = f"{grouped(seen.evaluations)} of {grouped(seen.of)} evaluations"
    at = f"step {grouped(seen.step)}"
    behind = f", now at {grouped(seen.present)} (a: anew)" if seen.present != seen.step else ""
    yield f"Loss around the weights of {at}{behind}: {done}, on {seen.examples} training examples"
    yield f"Loss around {at}{behind}: {done}, on {seen.examples} examples"
    yield f"{at}{behind}: {done}, on {seen.examples} examples"
    yield f"{at}{behind}: {seen.evaluations} of {seen.of} on {seen.examples} examples"
    yield f"{done}, on {seen.examples} examples"
    yield f"{seen.evaluations} of {seen.of}, on {seen.examples} examples"
    yield done
    yield f"{seen.evaluations} of {seen.of}"


def _fitting(texts: Iterator[str] | Sequence[str], room: int) -> str:
    text = ""
    for text in texts:
        if len(text) <= room:
            return text
    return fitted(text, room - 1)


def _words(seen: LandscapeResponse, slice_: Slice, terrain: Terrain, signs: Signs) -> Iterator[str]:
    """The points that are marked and what the plane is."""
    middle = slice_.losses[len(slice_.losses) // 2]
    is_here = seen.present == seen.step
    yield f"{signs.lines[3] if is_here else '+'} {'now' if is_here else 'middle'} {short(middle)}"
    finite = [(loss, place) for place, loss in enumerate(slice_.losses) if isfinite(loss)]
    if finite:
        loss, place = min(finite)
        x, y = _place(place, slice_)
        yield f"{signs.lines[5]} lowest {short(loss)} at {short(x)}, {short(y)}"
    if isinf(middle):
        yield "The loss here is not finite any more: the view Diagnosis says why."
    elif len(slice_.path) > 1:
        first, last = slice_.path[0][0], slice_.path[-1][0]
        marks = f"{signs.lines[1]}{signs.bullet}{signs.lines[3]}"
        held = f"{slice_.held:.0%} of its spread lies in this plane{HINTS[slice_.plane]}"
        yield f"{marks} path from step {grouped(first)} to {grouped(last)}; {held}"
    yield PLANES[slice_.plane].format(seed=slice_.seed)
    if seen.note:
        yield seen.note


PLANES = {
    "random": "Two random directions (pair {seed}, d: another), each filter as long as its weights",
    "path": "The two directions in which the path is widest (p: random ones)",
}
"""What a plane is laid along."""

HINTS = {"random": " (p: the path's own plane)", "path": ""}
"""Where to see more of the path."""


def _brief(words: list[str]) -> list[str]:
    """The marked points in one line, with the path if there is room for it."""
    marks = [words[0], words[1].partition(" at ")[0]] if len(words) > 2 else words[:1]
    path = [word.rpartition("; ")[2].replace(" of its spread", " of the path") for word in words
            if "its spread" in word]  # fmt: skip
    return ["  ".join([*marks, *path]), "  ".join(marks), words[0]]


def _place(place: int, slice_: Slice) -> tuple[float, float]:
    row, column = divmod(place, slice_.size)
    half = (slice_.size - 1) // 2
    return slice_.span * (column - half) / half, slice_.span * (half - row) / half


def _upright(grid: CellBuffer, x: int, y: int, terrain: Terrain, paints: Paints) -> int:
    """The scale from the highest level down, with the loss at which each begins; the next row."""
    label = paints.hues.label
    grid.write(x, y, f"loss{', log scale' if terrain.is_log else ''}", label)
    for row, level in enumerate(reversed(range(LEVELS)), 1):
        _swatch(grid, x, y + row, level, paints)
        grid.write(x + 5, y + row, f"from {short(terrain.bound(level))}", label)
    y += LEVELS + 1
    grid.write(x, y, f"     up to {short(terrain.high)}", label)
    if terrain.has_holes:
        _swatch(grid, x, y + 1, -1, paints)
        grid.write(x + 5, y + 1, "not finite", label)
        y += 1
    return y + 1


def _swatch(grid: CellBuffer, x: int, y: int, level: int, paints: Paints) -> None:
    sign = str(level) if level >= 0 else paints.signs.gap
    for column, text in enumerate(f" {sign}  "):
        style = paints.over(paints.level(level)) if paints.hues.is_blended else paints.hues.label
        grid.put(x + column, y, text, style)


class _Map:
    """The map itself in a box of its drawing: left, top, columns, rows."""

    def __init__(
        self, grid: CellBuffer, box: tuple[int, int, int, int], slice_: Slice, terrain: Terrain,
        paints: Paints,
    ) -> None:  # fmt: skip
        self.grid, self.slice, self.terrain, self.paints = grid, slice_, terrain, paints
        self.left, self.top, self.columns, self.rows = box

    def draw(self) -> None:
        """Levels, then what stands on them."""
        if self.paints.hues.is_blended:
            self._coloured()
        else:
            self._contours()
        self._path()
        losses = self.slice.losses
        finite = [(loss, place) for place, loss in enumerate(losses) if isfinite(loss)]
        signs = self.paints.signs
        if self.slice.path[-1][1:] != (0.0, 0.0):
            self._mark((0.0, 0.0), "+")
        if finite:
            self._mark(_place(min(finite)[1], self.slice), signs.lines[5])
        self._mark(self.slice.path[-1][1:], signs.lines[3])

    def _level(self, x: float, y: float) -> int:
        return self.terrain.level(x / self.columns, y / self.rows)

    def _coloured(self) -> None:
        pixels = [
            [self.paints.level(self._level(x + 0.5, y / 2 + 0.25)) for x in range(self.columns)]
            for y in range(2 * self.rows)
        ]
        paint(self.grid, self.left, self.top, pixels)
        for y in range(DIGITS[1] // 2, self.rows, DIGITS[1]):
            for x in range(DIGITS[0] // 2, self.columns, DIGITS[0]):
                level = self._level(x + 0.5, y + 0.5)
                sign = str(level) if level >= 0 else self.paints.signs.gap
                style = self.paints.over(self.paints.level(level), 0.55)
                self.grid.put(self.left + x, self.top + y, sign, style)

    def _contours(self) -> None:
        """Without colours: the digit of a level where it meets another one, and here and there."""
        for y in range(self.rows):
            for x in range(self.columns):
                level = self._level(x + 0.5, y + 0.5)
                around = (self._level(x - 0.5, y + 0.5), self._level(x + 0.5, y - 0.5))
                is_edge = any(other != level for other in around)
                is_told = x % DIGITS[0] == DIGITS[0] // 2 and y % DIGITS[1] == DIGITS[1] // 2
                if is_edge or is_told:
                    sign = str(level) if level >= 0 else self.paints.signs.gap
                    self.grid.put(self.left + x, self.top + y, sign, self.paints.hues.label)

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        """Column and row of a place, counted from the map's corner; it may lie outside."""
        across, down = (x / self.slice.span + 1) / 2, (1 - y / self.slice.span) / 2
        far = 4 * (self.columns + self.rows)
        column, row = floor(across * self.columns), floor(down * self.rows)
        column, row = column - (across == 1), row - (down == 1)
        return min(far, max(-far, column)), min(far, max(-far, row))

    def _mark(self, place: tuple[float, float], sign: str, is_bold: bool = True) -> None:
        if isfinite(sum(place)):
            self._put(*self._cell(*place), sign, is_bold)

    def _put(self, column: int, row: int, sign: str, is_bold: bool) -> None:
        if not (0 <= column < self.columns and 0 <= row < self.rows):
            return
        style = self.paints.hues.label
        if self.paints.hues.is_blended:
            style = self.paints.over(self.paints.level(self._level(column + 0.5, row + 0.5)))
        style += Style(bold=is_bold)
        self.grid.put(self.left + column, self.top + row, sign, style)

    def _path(self) -> None:
        """Lines from moment to moment, the moments on them, and where it begins."""
        cells = [self._cell(x, y) for _, x, y in self.slice.path if isfinite(x + y)]
        for (x0, y0), (x1, y1) in pairwise(cells):
            length = max(abs(x1 - x0), abs(y1 - y0))
            for n in range(1, length):
                place = round(x0 + (x1 - x0) * n / length), round(y0 + (y1 - y0) * n / length)
                self._put(*place, self.paints.signs.dot, is_bold=True)
        for cell in cells:
            self._put(*cell, self.paints.signs.bullet, is_bold=True)
        if len(cells) > 1:
            self._put(*cells[0], self.paints.signs.lines[1], is_bold=True)

    def axes(self) -> None:
        """How far it reaches, in lengths of the two directions."""
        span, label = self.slice.span, self.paints.hues.label
        for row, value in ((0, span), (self.rows // 2, 0.0), (self.rows - 1, -span)):
            text = short(value)
            self.grid.write(self.left - 1 - len(text), self.top + row, text, label)
        under, end = self.top + self.rows, self.left + self.columns
        self.grid.write(self.left, under, short(-span), label)
        self.grid.write(self.left + self.columns // 2, under, "0", label)
        self.grid.write(end - len(short(span)), under, short(span), label)

    def scale(self, x: int, y: int) -> None:
        """The levels beside each other between the lowest and the highest loss."""
        label = self.paints.hues.label
        x = self.grid.write(x, y, f"{short(self.terrain.low)} ", label)
        for level in range(LEVELS):
            is_blended = self.paints.hues.is_blended
            style = self.paints.over(self.paints.level(level)) if is_blended else label
            x = self.grid.write(x, y, str(level), style)
        words = " log scale" if self.terrain.is_log else ""
        x = self.grid.write(x, y, f" {short(self.terrain.high)}{words}", label)
        if self.terrain.has_holes:
            self.grid.write(x, y, f"  {self.paints.signs.gap} not finite", label)
