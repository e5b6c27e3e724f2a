"""The words of a chart: its legend, the values at the cursor, what could not be drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from rich.cells import cell_len

from tuilab.core.format import format_compact, format_number
from tuilab.ui.canvas.draw_style import BOLD
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.traces import FilteredTrace, Trace, nearest_point
from tuilab.ui.terminal.glyphs import Glyphs

Entry = tuple[str, Trace, str]
"""The key of a line, the line, and its value."""

T = TypeVar("T")

MAX_LABEL = 20
"""Cells of a label in a legend of several rows."""


def draw_legend(
    cells: StyledCells, x: int, data: ChartData, traces: Sequence[FilteredTrace],
    options: ChartOptions,
) -> None:  # fmt: skip
    """Writes the lines with their values from x on, and at the right the options.

    Without room it has fewer digits, then short labels, no values, no options.
    """
    style = cells.style
    description = style.truncate(options.description, cells.width - x)

    def write_entries(width: int, digits: int = 3, is_short: bool = False) -> list[Entry]:
        return list(_entries(data, traces, options, style.glyphs, width, digits, is_short))

    entries, words = write_entries(3), description
    for words, digits, is_short in (
        (description, 3, False), (description, 2, False), (description, 2, True),
        (description, 0, False), (description, 0, True), ("", 0, True),
    ):  # fmt: skip
        end = cells.width - (cell_len(words) + 2 if words else 0)
        if x + _length(entries) <= end:
            break
        x, entries = 0, write_entries(1, digits, is_short)
    cells.write(cells.width - cell_len(words), 0, words, style.muted)
    for number, entry in enumerate(entries):
        rest = 0 if number == len(entries) - 1 else 2
        if x + _length([entry]) + rest > end:
            cells.write(x, 0, style.glyphs.ellipsis, style.muted)
            break
        x = _write_entry(cells, x, 0, entry)


def _write_entry(cells: StyledCells, x: int, y: int, entry: Entry) -> int:
    """Writes an entry and returns where the next one begins."""
    key, trace, value = entry
    style = cells.style.line(trace.color)
    x = cells.write(x, y, f"{key} {trace.label}", style)
    return cells.write(x, y, value, style + BOLD) + 2


def wrap_legend(
    cells: StyledCells, data: ChartData, traces: Sequence[FilteredTrace], options: ChartOptions
) -> list[list[Entry]]:
    """Returns the rows of a legend with lines of other runs; none where there are no such lines.

    Without room it has short labels; lines for which there is no room are left out.
    """
    if not data.backdrop.traces:
        return []
    style, max_rows = cells.style, max(1, min(4, cells.height // 6))
    words = cell_len(options.description)
    rows: list[list[Entry]] = []
    for digits, room in ((3, MAX_LABEL), (2, 10), (2, 6)):
        entries = [
            (key, replace(trace, label=_shorten(trace.label, room, style.glyphs)), value)
            for key, trace, value in _entries(data, traces, options, style.glyphs, 1, digits)
        ]
        rows = wrap(entries, [_length([entry]) for entry in entries], cells.width, words)
        if len(rows) <= max_rows:
            return rows
    return rows[:max_rows]


def _shorten(label: str, room: int, glyphs: Glyphs) -> str:
    """Returns a label without its middle: ids that begin alike end differently."""
    if cell_len(label) <= room:
        return label
    tail = 2 * (room - 1) // 3
    return f"{label[: room - 1 - tail]}{glyphs.ellipsis}{label[-tail:]}"


def wrap(items: Sequence[T], widths: Sequence[int], room: int, reserved: int = 0) -> list[list[T]]:
    """Returns items in rows with two cells between them; one at least in each row.

    Args:
        reserved: cells at the right of the first row that are not free.

    >>> wrap("abc", [4, 4, 4], 10)
    [['a', 'b'], ['c']]
    """
    rows: list[list[T]] = [[]]
    x, end = 0, room - (reserved + 2 if reserved else 0)
    for item, width in zip(items, widths, strict=True):
        if rows[-1] and x + width > end:
            rows.append([])
            x, end = 0, room
        rows[-1].append(item)
        x += width + 2
    return rows


def draw_legend_rows(
    cells: StyledCells, rows: Sequence[Sequence[Entry]], total: int, options: ChartOptions
) -> None:
    """Writes the rows of a legend, and the options at the right of the first one.

    Args:
        total: how many lines there are; what is left out is counted in the last row.
    """
    style = cells.style
    for y, row in enumerate(rows):
        x = 0
        for entry in row:
            x = _write_entry(cells, x, y, entry)
    description = style.truncate(options.description, cells.width)
    cells.write(cells.width - cell_len(description), 0, description, style.muted)
    if omitted := total - sum(map(len, rows)):
        text = f" {style.glyphs.ellipsis} {omitted} more"
        cells.write(cells.width - cell_len(text), len(rows) - 1, text, style.muted)


def _entries(
    data: ChartData, traces: Sequence[FilteredTrace], options: ChartOptions, glyphs: Glyphs,
    width: int, digits: int = 3, is_short: bool = False,
) -> Iterator[Entry]:  # fmt: skip
    """Yields for each line its key, `width` cells wide, and its value."""
    for filtered in traces:
        trace = filtered.source
        if is_short and trace.short_label:
            trace = replace(trace, label=trace.short_label)
        value = _write_value(data, filtered, options, digits) if digits else ""
        marker = trace.marker or glyphs.horizontal
        key = marker.center(width, glyphs.horizontal) if trace.is_line else marker
        yield key, trace, value


def _write_value(data: ChartData, trace: FilteredTrace, options: ChartOptions, digits: int) -> str:
    """Returns the last value of a line, or the best one with its x; empty if there is none."""
    if options.shows_best and data.is_higher_better is not None and trace.source.is_line:
        best = trace.find_best(data.is_higher_better)
        return f" {format_compact(best[1], digits)} at {format_compact(best[0])}" if best else ""
    latest = trace.source.latest
    return "" if latest is None else f" {format_compact(latest, digits)}"


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
