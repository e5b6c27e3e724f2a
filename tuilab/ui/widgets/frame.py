"""One drawing of a chart: the plot in the middle; legend, axes, marks and notes around it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import floor

from rich.cells import cell_len
from rich.style import Style

from tuilab.ui.widgets import ansi, axes
from tuilab.ui.widgets.glyphs import Glyphs, Signs
from tuilab.ui.widgets.grid import BLANK, Grid, fitted
from tuilab.ui.widgets.legend import legend, note, say
from tuilab.ui.widgets.scene import FAINT, Look, Scene, Settings
from tuilab.ui.widgets.traces import Passed, Trace, View, nearest, passed, view_of, window

Stroke = tuple[list[tuple[float, float]], str, int]
"""Points as parts of the plot (0 to 1), a plotext marker, the number of a colour."""

Plot = Callable[[Sequence[Stroke], int, int, bool], str]
"""Draws strokes as lines or as points on so many columns and rows."""


@dataclass(slots=True)
class Frame:
    """A finished drawing, and where in it the plot lies."""

    grid: Grid
    view: View
    left: int
    top: int
    width: int
    height: int
    fineness: tuple[int, int] = (1, 1)
    "Dots in a cell, across and up."

    def column(self, x: float) -> int:
        """The column in which x is drawn."""
        dots = self.width * self.fineness[0]
        return self.left + floor(0.5 + (dots - 1) * self.view.across(x)) // self.fineness[0]

    def row(self, y: float) -> int:
        """The row in which a value is drawn."""
        dots = self.height * self.fineness[1]
        up = floor(0.5 + (dots - 1) * self.view.up(y)) // self.fineness[1]
        return self.top + self.height - 1 - up

    def x_at(self, column: int) -> float:
        """The x in the middle of a column."""
        part = (column - self.left) / max(1, self.width - 1)
        return self.view.left + min(1.0, max(0.0, part)) * (self.view.right - self.view.left)


MARKERS: dict[Glyphs, str] = {"braille": "braille", "block": "hd", "ascii": ""}
FINENESS = {"braille": (2, 4), "hd": (2, 2)}


def draw(
    scene: Scene, settings: Settings, size: tuple[int, int],
    look: Look, plot: Plot,
) -> Frame:  # fmt: skip
    """Draw a chart to fill a size."""
    width, height = size
    grid = Grid(width, height, look.base)
    shown = window(scene.traces, settings.last)
    parts = [passed(trace, weight, settings.is_log) for trace, weight in _weighted(shown, settings)]
    frame, ticks = _laid_out(scene, settings, grid, parts)
    if not any(part.points or part.gaps for part in parts):
        say(grid, scene.empty, look.label)
        return frame
    frame.fineness = FINENESS.get(MARKERS[look.glyphs], (1, 1))
    _plot(frame, shown, parts, settings, look, plot)
    _guides(frame, scene, look)
    _marks(frame, scene, parts, look)
    _signs(frame, parts, look)
    _axes(frame, scene, ticks, parts, look)
    if frame.top:
        legend(grid, frame.left, scene, settings, look)
    return frame


def _weighted(shown: Sequence[Trace], settings: Settings) -> Iterable[tuple[Trace, float]]:
    """Each trace with the weight that smooths it over as many steps as the densest one."""
    most = max((len(trace.points) for trace in shown), default=0)
    for trace in shown:
        yield trace, settings.smoothing ** (most / len(trace.points)) if trace.points else 0.0


def _laid_out(
    scene: Scene, settings: Settings, grid: Grid, parts: Sequence[Passed]
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
    return Frame(grid, view, left, top, max(1, grid.width - left), height), ticks


def _plot(
    frame: Frame, shown: Sequence[Trace], parts: Sequence[Passed], settings: Settings,
    look: Look, plot: Plot,
) -> None:  # fmt: skip
    """Put the lines and points themselves on the sheet."""
    lines: list[Stroke] = []
    points: list[Stroke] = []
    marker = MARKERS[look.glyphs]
    if settings.smoothing and len(shown) <= 2:
        raw = [passed(trace, 0.0, settings.is_log) for trace in shown if trace.is_line]
        lines += _strokes(frame, raw, marker or look.signs.dot, FAINT)
    for part in parts:
        if part.trace.is_line:
            lines += _strokes(frame, [part], marker or part.trace.sign or "*", 0)
        else:
            points += _strokes(frame, [part], part.trace.sign or look.signs.lines[0], 0)
    for strokes, is_line in ((points, False), (lines, True)):
        text = plot(strokes, frame.width, frame.height, is_line) if strokes else ""
        for y, line in enumerate(text.splitlines()[: frame.height]):
            x = frame.left
            for run, style in ansi.runs(line, look.base, look.lines):
                if run.strip(" "):
                    frame.grid.write(x, frame.top + y, run, style)
                x += len(run)


def _strokes(frame: Frame, parts: Iterable[Passed], marker: str, shift: int) -> list[Stroke]:
    return [
        (piece, marker, part.trace.colour + shift)
        for part in parts
        for piece in part.pieces(frame.view, frame.width * (1 if part.trace.is_line else 4))
    ]


def _guides(frame: Frame, scene: Scene, look: Look) -> None:
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


def _marks(
    frame: Frame, scene: Scene, parts: Sequence[Passed], look: Look
) -> None:
    """Vertical lines where a knob was changed and where a value was not finite."""
    view, bottom = frame.view, frame.top + frame.height - 1
    for gap in {frame.column(gap) for part in parts for gap in part.gaps if _within(gap, view)}:
        _upright(frame, gap, look.signs.mark, look.gap)
        for y in (frame.top, bottom):
            frame.grid.put(gap, y, look.signs.gap, look.gap)
    # The newest first: where there is no room for every text, the old ones go without.
    for mark in reversed([mark for mark in scene.marks if _within(mark.step, view)]):
        x = frame.column(mark.step)
        _upright(frame, x, look.signs.mark, look.mark)
        text = fitted(mark.text, frame.width // 2, look.signs.ellipsis)
        places = [
            (start, y)
            for y in range(frame.top, min(bottom, frame.top + 3))
            for start in (x + 1, x - cell_len(text))
            if start >= frame.left and frame.grid.is_blank(start, y, cell_len(text))
        ]
        if places:
            frame.grid.write(*places[0], text, look.mark)


def _within(x: float, view: View) -> bool:
    return view.left <= x <= view.right


def _upright(frame: Frame, x: int, sign: str, style: Style) -> None:
    for y in range(frame.top, frame.top + frame.height):
        if frame.grid.is_blank(x, y):
            frame.grid.put(x, y, sign, style)


def _signs(frame: Frame, parts: Sequence[Passed], look: Look) -> None:
    """Put each line's sign on it here and there, each line at other columns."""
    apart = max(6, frame.width // 5)
    for number, part in enumerate(parts):
        if not (part.trace.sign and part.trace.is_line):
            continue
        style = look.line(part.trace) + Style(bold=True)
        first = frame.left + (number * 5) % apart
        for column in range(first, frame.left + frame.width, apart):
            point = nearest(part.points, frame.x_at(column))
            if point is not None:
                frame.grid.put(frame.column(point[0]), frame.row(point[1]), part.trace.sign, style)


def _axes(
    frame: Frame, scene: Scene, ticks: Sequence[tuple[float, str]], parts: Sequence[Passed],
    look: Look,
) -> None:  # fmt: skip
    grid, bottom = frame.grid, frame.top + frame.height
    if frame.left:
        for y in range(frame.top, bottom):
            grid.put(frame.left - 1, y, look.signs.vertical, look.axis)
        linear = View(0, 1, frame.view.low, frame.view.high)
        for value, label in ticks:
            y = Frame(grid, linear, 0, frame.top, 1, frame.height, frame.fineness).row(value)
            grid.put(frame.left - 1, y, look.signs.tick_left, look.axis)
            grid.write(frame.left - 2 - len(label), y, f"{label} ", look.label, frame.left)
    if bottom >= grid.height:
        return
    has_line = bottom + 1 < grid.height
    if has_line:
        grid.write(frame.left, bottom, look.signs.horizontal * frame.width, look.axis)
        grid.put(frame.left - 1, bottom, look.signs.corner, look.axis)
    _x_labels(frame, scene, bottom if has_line else -1, look)
    words = note(parts, look.signs)
    if words and has_line:
        text = fitted(f" {words} ", frame.width)
        grid.write(grid.width - cell_len(text), bottom, text, look.gap)


def _x_labels(frame: Frame, scene: Scene, line: int, look: Look) -> None:
    grid, row = frame.grid, frame.grid.height - 1
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
