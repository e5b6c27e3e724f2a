"""The words of a chart: its legend, the values at the cursor, what could not be drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len

from tuilab.core.format import format_compact, format_number
from tuilab.ui.canvas.draw_style import BOLD
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.traces import FilteredTrace, Trace, nearest_point
from tuilab.ui.terminal.glyphs import Glyphs

Entry = tuple[str, Trace, str]
"""The key of a line, the line, and its latest value."""


def draw_legend(cells: StyledCells, x: int, data: ChartData, options: ChartOptions) -> None:
    """Writes the lines with their latest values from x on, and at the right the options.

    Without room it has fewer digits, then short labels, no values, no options.
    """
    style = cells.style
    description = style.truncate(options.description, cells.width - x)
    entries = list(_entries(data, style.glyphs, 3))
    words = description
    for words, digits, is_short in (
        (description, 3, False), (description, 2, False), (description, 2, True),
        (description, 0, False), (description, 0, True), ("", 0, True),
    ):  # fmt: skip
        end = cells.width - (cell_len(words) + 2 if words else 0)
        if x + _length(entries) <= end:
            break
        x, entries = 0, list(_entries(data, style.glyphs, 1, digits, is_short))
    cells.write(cells.width - cell_len(words), 0, words, style.muted)
    for number, (key, trace, value) in enumerate(entries):
        rest = 0 if number == len(entries) - 1 else 2
        if x + _length([(key, trace, value)]) + rest > end:
            cells.write(x, 0, style.glyphs.ellipsis, style.muted)
            break
        x = cells.write(x, 0, f"{key} {trace.label}", style.line(trace.color))
        x = cells.write(x, 0, value, style.line(trace.color) + BOLD) + 2


def _entries(
    data: ChartData, glyphs: Glyphs, width: int, digits: int = 3, is_short: bool = False
) -> Iterator[Entry]:
    """Yields for each line its key, `width` cells wide, and its latest value."""
    for trace in data.traces:
        if is_short and trace.short_label:
            trace = replace(trace, label=trace.short_label)
        value = "" if trace.latest is None or not digits else format_compact(trace.latest, digits)
        value = f" {value}" if value else ""
        marker = trace.marker or glyphs.horizontal
        key = marker.center(width, glyphs.horizontal) if trace.is_line else marker
        yield key, trace, value


def _length(entries: Sequence[Entry]) -> int:
    lengths = [len(key) + 1 + cell_len(trace.label + value) for key, trace, value in entries]
    return sum(lengths) + 2 * (len(entries) - 1)


def describe_point(
    data: ChartData, traces: Sequence[Trace], x: float, is_brief: bool
) -> list[tuple[str, Trace | None]]:
    """Returns the values at x, as pieces of text and the trace each belongs to.

    Args:
        traces: those of the data, with the points that are shown.
        is_brief: without the range that a point stands for.
    """
    pieces: list[tuple[str, Trace | None]] = [(f"{data.x_name} {format_number(x, 6)}", None)]
    for trace in traces:
        point = nearest_point(trace.points, x)
        if point is None or not trace.is_line:
            continue
        point_x, value, low, high = point
        text = f"{trace.marker} {trace.label} {format_number(value, 6)}".lstrip()
        if low < high and not is_brief:
            text += f" ({format_number(low, 6)} to {format_number(high, 6)})"
        text += f" at {format_number(point_x, 6)}" if point_x != x else ""
        pieces.append((text, trace))
    return pieces + [(mark.text, None) for mark in data.marks if mark.step == x]


def describe_omissions(traces: Sequence[FilteredTrace], glyphs: Glyphs) -> str:
    """Returns what could not be drawn, in words."""
    gaps, omitted = sum(len(t.gaps) for t in traces), sum(t.omitted for t in traces)
    words = []
    if gaps:
        words.append(f"{glyphs.gap} {gaps} not finite")
    if omitted:
        words.append(f"{omitted} not above 0: left out")
    return ", ".join(words)
