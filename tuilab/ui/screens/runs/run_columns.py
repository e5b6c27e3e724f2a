"""The columns of the list of runs: which fit into a width, and what each shows of a run."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from tuilab.core.format import format_compact, format_count, format_duration
from tuilab.core.run.run_summary import RunSummary, find_value
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.line_list import Span, fit_text, glyph_or_ascii

STATE_SIGNS = {
    "training": ("●", "*", "live"), "starting": ("◌", ".", "muted"),
    "paused": ("‖", "=", "changed"), "done": ("✓", "+", "value"), "stopped": ("■", "#", "muted"),
    "interrupted": ("■", "#", "muted"), "failed": ("✗", "x", "problem"),
    "cut off": ("!", "!", "changed"), "not saved": ("!", "!", "problem"),
    "unreadable": ("?", "?", "problem"),
}  # fmt: skip
"""A sign, one in ASCII and a style for each state, so that color is never the only one."""

GAP = 2
"""Cells between two columns."""

MIN_CHANGES_WIDTH = 12
"""Cells from which on there is a column of what differs."""

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the list shows it."""

    summary: RunSummary
    describe_changes: Callable[[], str]
    "Returns what differs from the pinned run or the preset."
    is_marked: bool = False
    is_pinned: bool = False
    is_open: bool = False
    "Whether the lab shows this run."
    marker: str = ""
    "That of its line in the charts; empty if it is not drawn over them."

    @property
    def key(self) -> str:
        """Identifies the row."""
        return self.summary.id


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column with a fixed width."""

    title: str
    sort_key: str
    "What the runs are sorted by, as `find_key` reads it."
    width: int
    rank: int
    "Where there is little room, columns of higher ranks are left out first."
    write: Callable[[RunRow], Span]
    is_right: bool = True


def list_columns(metric: str) -> list[RunColumn]:
    """Returns all columns but that of the name and what differs, in their order.

    Args:
        metric: the one whose values are shown, such as `accuracy`.
    """

    def last(row: RunRow) -> Span:
        value = find_value(row.summary, metric)
        return ("" if value is None else format_compact(value.last, 4), "")

    def best(row: RunRow) -> Span:
        value = find_value(row.summary, metric)
        return ("" if value is None else format_compact(value.best, 4), "line-list--value")

    return [
        RunColumn("when", "started", 8, 2, lambda row: (describe_age(row.summary.started), "")),
        RunColumn("time", "seconds", 8, 4, lambda row: _duration(row.summary)),
        RunColumn("steps", "step", 9, 3, lambda row: _steps(row.summary)),
        RunColumn("device", "device", 6, 5, lambda row: (row.summary.device, "line-list--muted"),
                  is_right=False),
        RunColumn("last", f"metric.{metric}", 7, 1, last),
        RunColumn("best", f"best.{metric}", 7, 0, best),
    ]  # fmt: skip


def _duration(summary: RunSummary) -> Span:
    return (format_duration(summary.seconds) if summary.seconds else "", "")


def _steps(summary: RunSummary) -> Span:
    return (format_count(summary.step) if summary.step else "", "")


@dataclass(frozen=True, slots=True)
class RunLayout:
    """The columns that fit into a width, with the widths of those that take the rest."""

    columns: tuple[RunColumn, ...]
    state_width: int
    name_width: int
    changes_width: int

    def find_column(self, x: int) -> str:
        """Returns what the runs are sorted by after a click at x in the headings; or nothing."""
        edge = 2 + self.state_width
        if x < edge:
            return "state"
        if x < (edge := edge + self.name_width + GAP):
            return "name"
        for column in self.columns:
            if x < (edge := edge + column.width + GAP):
                return column.sort_key
        return ""


@lru_cache(maxsize=16)
def fit_layout(metric: str, width: int) -> RunLayout:
    """Returns the columns for a list of this width."""
    columns = list_columns(metric)
    state_width = 11 if width >= 76 else 2
    min_name = 14 if width < 100 else 24

    def room() -> int:
        return width - 2 - state_width - sum(column.width + GAP for column in columns) - GAP

    while columns and room() < min_name + MIN_CHANGES_WIDTH * (width >= 60):
        columns.remove(max(columns, key=lambda column: column.rank))
    changes = room() - min_name
    if changes < MIN_CHANGES_WIDTH:
        return RunLayout(tuple(columns), state_width, room(), 0)
    name = min_name + max(0, min(16, changes // 3))
    return RunLayout(tuple(columns), state_width, name, room() - name)


def write_headings(layout: RunLayout, sort_key: str, is_reversed: bool) -> list[Span]:
    """Returns the headings; an arrow stands at the one that the runs are sorted by."""
    arrow = glyph_or_ascii("▴" if is_reversed else "▾", "^" if is_reversed else "v")

    def heading(title: str, key: str, width: int, is_right: bool = False) -> Span:
        is_sorted = key == sort_key
        text = f"{title}{arrow}" if is_sorted else title
        cell = text.rjust(width) if is_right else fit_text(text, width)
        return cell, "line-list--heading" if is_sorted else "line-list--muted"

    state = "state" if layout.state_width > 2 else ""
    spans = [("  ", ""), heading(state, "state", layout.state_width),
             heading("name", "name", layout.name_width), (" " * GAP, "")]  # fmt: skip
    for column in layout.columns:
        spans += [heading(column.title, column.sort_key, column.width, column.is_right),
                  (" " * GAP, "")]  # fmt: skip
    if layout.changes_width:
        spans.append(heading("what differs", "", layout.changes_width))
    return spans


def write_row(row: RunRow, layout: RunLayout) -> list[Span]:
    """Returns the line of a run."""
    summary = row.summary
    mark = glyph_or_ascii("▪", "o") if row.is_marked else " "
    pin = glyph_or_ascii("★", "*") if row.is_pinned else " "
    sign, ascii_sign, style = STATE_SIGNS.get(summary.state, ("?", "?", "muted"))
    state = glyph_or_ascii(sign, ascii_sign)
    if layout.state_width > 2:
        state = f"{state} {summary.state}"
    spans = [
        (f"{mark}{pin}", "line-list--glyph"),
        (fit_text(state, layout.state_width), f"line-list--{style}"),
        *_write_name(row, layout.name_width),
        (" " * GAP, ""),
    ]
    for column in layout.columns:
        text, style = column.write(row)
        fitted = fit_text(text, column.width)
        spans += [(fitted.strip().rjust(column.width) if column.is_right else fitted, style),
                  (" " * GAP, "")]  # fmt: skip
    if layout.changes_width:
        text, style = row.describe_changes(), ""
        if summary.problem:
            text, style = summary.problem, "line-list--problem"
        spans.append((fit_text(text, layout.changes_width), style))
    return spans


def _write_name(row: RunRow, width: int) -> list[Span]:
    """Returns the name with the tags after it, as far as there is room."""
    summary = row.summary
    name = summary.name or summary.id
    if row.is_open:
        name = f"{get_glyphs().arrow} {name}"
    elif summary.parent:
        name = f"{glyph_or_ascii('└', '`')} {name}"
    if row.marker:
        name = f"{row.marker} {name}"
    tags = " ".join(f"#{tag}" for tag in summary.tags)
    room = width - len(name) - 1
    if not tags or room < 4:
        return [(fit_text(name, width), "line-list--set" if row.is_open else "")]
    spans = [(f"{name} ", "line-list--set" if row.is_open else "")]
    return [*spans, (fit_text(tags, width - len(name) - 1), "line-list--muted")]


def describe_age(moment: float, now: float | None = None) -> str:
    """Returns when something was, in at most eight characters: `5 min`, `3 h`, `Nov 28`.

    >>> describe_age(1_000_000.0, 1_000_300.0), describe_age(1_000_000.0, 1_010_800.0)
    ('5 min', '3 h')
    """
    if not moment:
        return ""
    age = max(0.0, (time.time() if now is None else now) - moment)
    if age < 60:
        return "now"
    if age < 3600:
        return f"{int(age / 60)} min"
    if age < DAY:
        return f"{int(age / 3600)} h"
    when = datetime.fromtimestamp(moment)
    return f"{when:%b} {when.day}" if age < 300 * DAY else f"{when:%Y-%m}"


def find_metrics(summaries: Iterable[RunSummary]) -> list[str]:
    """Returns the metrics of held-out examples that runs have, the most frequent ones first."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        counts.update({key.partition(".")[2] for key in summary.values})
    names = sorted(counts, key=lambda name: (name == "loss", -counts[name], name))
    return names or ["loss"]
