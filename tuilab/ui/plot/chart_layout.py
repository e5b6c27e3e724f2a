"""One drawing of a chart: the plot in the middle; legend, axes, marks and notes around it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import floor

from rich.cells import cell_len
from rich.style import Style

from tuilab.ui.canvas.cell_buffer import BLANK, CellBuffer, fitted
from tuilab.ui.plot import ansi, axes
from tuilab.ui.plot.legend import legend, note, say
from tuilab.ui.plot.scene import FAINT, Look, Scene, Settings
from tuilab.ui.plot.traces import Passed, Trace, View, nearest, passed, view_of, window
from tuilab.ui.terminal.glyphs import Glyphs

Stroke = tuple[list[tuple[float, float]], str, int]
"""Points as parts of the plot (0 to 1), a plotext marker, the number of a colour."""

Plot = Callable[[Sequence[Stroke], int, int, bool], str]
"""Draws strokes as lines or as points on so many columns and rows."""


@dataclass(slots=True)
class Frame:
    """A finished drawing, and where in it the plot lies."""

    grid: CellBuffer
    look: Look
    traces: Sequence[Trace]
    "As far as they are shown."
    view: View
    left: int
    top: int
    width: int
    height: int
    fineness: tuple[int, int]
    "Dots in a cell, across and up."

    def column(self, x: float) -> int:
        """The column in which x is drawn."""
        return self.left + cell(self.view.across(x), self.width, self.fineness[0])

    def row(self, y: float) -> int:
        """The row in which a value is drawn."""
        return self.top + self.height - 1 - cell(self.view.up(y), self.height, self.fineness[1])

    def x_at(self, column: int) -> float:
        """The x in the middle of a column."""
        part = (column - self.left) / max(1, self.width - 1)
        return self.view.left + min(1.0, max(0.0, part)) * (self.view.right - self.view.left)


def cell(part: float, cells: int, fineness: int) -> int:
    """The cell in which plotext draws a part (0 to 1) of a side, from 0.

    Args:
        fineness: dots in a cell along that side.
    """
    return floor(0.5 + (cells * fineness - 1) * part) // fineness


MARKERS: dict[Glyphs, str] = {"braille": "braille", "block": "hd", "ascii": ""}
FINENESS = {"braille": (2, 4), "hd": (2, 2)}


def draw(scene: Scene, settings: Settings, size: tuple[int, int], look: Look, plot: Plot) -> Frame:
    """Draw a chart to fill a size."""
    grid = CellBuffer(*size, look.base)
    shown = window(scene.traces, settings.last)
    parts = [passed(trace, weight, settings.is_log) for trace, weight in _weighted(shown, settings)]
    frame, ticks = _laid_out(scene, settings, grid, look, parts)
    if not any(part.points or part.gaps for part in parts):
        say(grid, scene.empty, look.label)
        return frame
    _plot(frame, parts, settings, plot)
    _guides(frame, scene)
    _marks(frame, scene, parts)
    _signs(frame, parts)
    _axes(frame, scene, ticks, parts)
    if frame.top:
        legend(grid, frame.left, scene, settings, look)
    return frame


def _weighted(shown: Sequence[Trace], settings: Settings) -> Iterable[tuple[Trace, float]]:
    """Each trace with the weight that smooths it over as many steps as the densest one."""
    most = max((len(trace.points) for trace in shown), default=0)
    for trace in shown:
        yield trace, settings.smoothing ** (most / len(trace.points)) if trace.points else 0.0


def _laid_out(
    scene: Scene, settings: Settings, grid: CellBuffer, look: Look, parts: Sequence[Passed]
) -> tuple[Frame, list[tuple[float, str]]]:
    """Where everything goes; small sizes give up the legend, the axis, then the labels."""
    top = 1 if grid.height >= 5 else 0
    height = max(1, grid.height - top - (2 if grid.height >= 7 else 1 if grid.height >= 4 else 0))
    counts = (max(2, grid.width // 10), max(2, height // 3))
    guides = [value for value, _ in scene.guides]
    view = view_of(parts, guides, settings.is_log, counts)
    if settings.is_log:
        ticks = axes.log_ticks(view.low, view.high, counts[1])
    else:
        ticks = axes.ticks(view.low, view.high, counts[1])
    gutter = max((len(label) for _, label in ticks), default=0) + 2
    left = gutter if grid.width >= 3 * gutter and grid.height >= 4 else 0
    width = max(1, grid.width - left)
    fineness = FINENESS.get(MARKERS[look.glyphs], (1, 1))
    shown = [part.trace for part in parts]
    return Frame(grid, look, shown, view, left, top, width, height, fineness), ticks


def _plot(frame: Frame, parts: Sequence[Passed], settings: Settings, plot: Plot) -> None:
    """Put the lines and points themselves on the sheet."""
    signs, marker = frame.look.signs, MARKERS[frame.look.glyphs]
    lines: list[Stroke] = []
    points: list[Stroke] = []
    if settings.smoothing and len(parts) <= 2:
        raw = [passed(part.trace, 0.0, settings.is_log) for part in parts if part.trace.is_line]
        lines += _strokes(frame, raw, marker or signs.dot, FAINT)
    for part in parts:
        if part.trace.is_line:
            lines += _strokes(frame, [part], marker or part.trace.sign or "*", 0)
        else:
            points += _strokes(frame, [part], part.trace.sign or signs.bullet, 0)
    for strokes, is_line in ((points, False), (lines, True)):
        if strokes:
            text = plot(strokes, frame.width, frame.height, is_line)
            put(frame.grid, (frame.left, frame.top), text, frame.look.base, frame.look.lines)


def put(
    grid: CellBuffer, corner: tuple[int, int], text: str, base: Style, lines: Mapping[int, Style]
) -> None:
    """Copy what plotext drew, blanks left out.

    Args:
        lines: the styles of its colours.
    """
    for y, line in enumerate(text.splitlines(), corner[1]):
        x = corner[0]
        for run, style in ansi.runs(line, base, lines):
            if run.strip(" "):
                grid.write(x, y, run, style)
            x += len(run)


def _strokes(frame: Frame, parts: Iterable[Passed], marker: str, shift: int) -> list[Stroke]:
    return [
        (piece, marker, part.trace.colour + shift)
        for part in parts
        for piece in part.pieces(frame.view, frame.width * (1 if part.trace.is_line else 4))
    ]


def _guides(frame: Frame, scene: Scene) -> None:
    look = frame.look
    bottom = frame.top + frame.height
    for value, text in scene.guides:
        y = frame.row(value)
        for x in range(frame.left, frame.left + frame.width):
            if frame.grid.is_blank(x, y):
                frame.grid.put(x, y, look.signs.guide, look.mark)
        right = frame.left + frame.width - cell_len(text) - 1
        for x, row in ((right, y), (frame.left + 1, y), (right, y - 1), (right, y + 1)):
            cells = frame.grid.cells[row][x : x + len(text)] if frame.top <= row < bottom else []
            if cells and all(sign in (*BLANK, look.signs.guide) for sign, _ in cells):
                frame.grid.write(x, row, text, look.mark)
                break


def _marks(frame: Frame, scene: Scene, parts: Sequence[Passed]) -> None:
    """Vertical lines where a knob was changed and where a value was not finite."""
    look, bottom = frame.look, frame.top + frame.height - 1
    gaps = {frame.column(x) for part in parts for x in part.gaps if _within(x, frame.view)}
    for column in gaps:
        _upright(frame, column, look.gap)
        for y in (frame.top, bottom):
            frame.grid.put(column, y, look.signs.gap, look.gap)
    # The newest of each column; where there is no room for every text, the old ones go without.
    texts = {frame.column(m.step): m.text for m in scene.marks if _within(m.step, frame.view)}
    for x, text in sorted(texts.items(), reverse=True):
        _upright(frame, x, look.mark)
        text = fitted(text, frame.width // 2, look.signs.ellipsis)
        for y, start in product(range(frame.top, bottom)[:3], (x + 1, x - cell_len(text))):
            if start >= frame.left and frame.grid.is_blank(start, y, cell_len(text)):
                frame.grid.write(start, y, text, look.mark)
                break


def _within(x: float, view: View) -> bool:
    return view.left <= x <= view.right


def _upright(frame: Frame, x: int, style: Style) -> None:
    for y in range(frame.top, frame.top + frame.height):
        if frame.grid.is_blank(x, y):
            frame.grid.put(x, y, frame.look.signs.mark, style)


def _signs(frame: Frame, parts: Sequence[Passed]) -> None:
    """Put each line's sign on it here and there, each line at other columns."""
    apart = max(6, frame.width // 5)
    for number, part in enumerate(parts):
        if not (part.trace.sign and part.trace.is_line):
            continue
        style = frame.look.line(part.trace) + Style(bold=True)
        first = frame.left + (number * 5) % apart
        for column in range(first, frame.left + frame.width, apart):
            point = nearest(part.points, frame.x_at(column))
            if point is not None:
                frame.grid.put(frame.column(point[0]), frame.row(point[1]), part.trace.sign, style)


def _axes(
    frame: Frame, scene: Scene, ticks: Sequence[tuple[float, str]], parts: Sequence[Passed]
) -> None:
    grid, look, bottom = frame.grid, frame.look, frame.top + frame.height
    if frame.left:
        _y_axis(frame, ticks)
    if bottom >= grid.height:
        return
    has_line = bottom + 1 < grid.height
    if has_line:
        grid.write(frame.left, bottom, look.signs.horizontal * frame.width, look.axis)
        grid.put(frame.left - 1, bottom, look.signs.corner, look.axis)
    _x_labels(frame, scene, bottom if has_line else -1)
    words = note(parts, look.signs)
    if words and has_line:
        text = fitted(f" {words} ", frame.width, look.signs.ellipsis)
        grid.write(grid.width - cell_len(text), bottom, text, look.gap)


def _y_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> None:
    look, x = frame.look, frame.left - 1
    for y in range(frame.top, frame.top + frame.height):
        frame.grid.put(x, y, look.signs.vertical, look.axis)
    # Ticks of a logarithmic axis are powers of ten already.
    linear = replace(frame, view=replace(frame.view, is_log=False))
    for value, label in ticks:
        y = linear.row(value)
        frame.grid.put(x, y, look.signs.tick_left, look.axis)
        frame.grid.write(x - 1 - len(label), y, label, look.label)


def _x_labels(frame: Frame, scene: Scene, line: int) -> None:
    grid, look, row = frame.grid, frame.look, frame.grid.height - 1
    name = f" {scene.x_name}"
    end = grid.width - len(name) if frame.width > 24 else grid.width
    free = 0
    count = max(2, frame.width // 10)
    for x, label in axes.ticks(frame.view.left, frame.view.right, count, scene.is_counted):
        column = frame.column(x)
        start = max(frame.left - 1 if frame.left else 0, column - len(label) // 2)
        if line >= 0:
            grid.put(column, line, look.signs.tick_down, look.axis)
        if start >= free and start + len(label) <= end:
            free = grid.write(start, row, label, look.label) + 2
    if end < grid.width:
        grid.write(end, row, name, look.label)
