"""A comparison of runs as a table of text that fits a width, or as Markdown."""

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tuilab.core.format import format_counted, format_number
from tuilab.core.printable import escape_line
from tuilab.core.run.compare_runs import Result, RunComparison
from tuilab.core.run.run_settings import format_setting

Tone = Literal["", "heading", "muted", "better", "worse", "changed"]
"""What a piece of text is, for a screen with colors."""

GAP = 2
"""Cells between two columns."""

MAX_COLUMN = 30
"""Cells of a column from which on its text is wrapped."""

MIN_COLUMN = 8

VALUE_WIDTH = 7
"""Cells of a value before its difference."""

SAME = "same settings"

NOTE_BEST, NOTE_NOISE = "* the best of a row", "~ within the noise of the seeds"


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell, and what it is."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: a label, and a cell for each run; a heading has no cells."""

    label: str
    cells: Sequence[Cell] = ()
    is_heading: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in pieces of one tone each."""

    pieces: list[tuple[str, Tone]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole line."""
        return "".join(text for text, _ in self.pieces).rstrip()


def build_rows(comparison: RunComparison) -> list[Row]:
    """Returns the rows of the table, below that with the names of the runs."""
    rows = [Row("state", [Cell(run.state, "muted") for run in comparison.runs])]
    settings = list(_iter_settings(comparison))
    rows.append(Row("settings", is_heading=True))
    rows += settings or [Row(SAME, [Cell("") for _ in comparison.runs])]
    if comparison.network:
        rows += [Row("network", is_heading=True), *_iter_network(comparison)]
    rows.append(Row("results", is_heading=True))
    for result in comparison.results:
        rows += _iter_result(result)
    if not comparison.results:
        rows.append(Row("none yet", [Cell("") for _ in comparison.runs]))
    return rows


def _iter_settings(comparison: RunComparison) -> Iterator[Row]:
    for key, values in comparison.settings.items():
        cells = []
        for index, value in enumerate(values):
            text = format_setting(key, value) if comparison.is_known(index) else "?"
            cells.append(Cell(text, "changed" if index and value != values[0] else ""))
        yield Row(key, cells)


def _iter_network(comparison: RunComparison) -> Iterator[Row]:
    for line in comparison.network:
        if line.same:
            yield Row(format_counted(line.same, "same line"), [Cell("") for _ in comparison.runs])
            continue
        cells = []
        for index, text in enumerate(line.lines):
            if not comparison.is_known(index):
                cells.append(Cell("?"))
            elif index and text != line.lines[0]:
                sign = "-" if not text else "+" if not line.lines[0] else ">"
                cells.append(Cell(f"{sign} {text}".rstrip(), "changed"))
            else:
                cells.append(Cell(f"  {text}" if index else text))
        yield Row("", cells)


def _iter_result(result: Result) -> Iterator[Row]:
    """Yields the last values, and the best ones where they are others."""
    yield Row(result.key, _write_values(result, "last"))
    if any(value is not None and value.best != value.last for value in result.values):
        yield Row("  best", _write_values(result, "best"))


def _write_values(result: Result, which: str) -> list[Cell]:
    best = result.find_best(which)
    noise = {verdict.run for verdict in result.verdicts if verdict.is_within_noise}
    cells = []
    for index, value in enumerate(result.values):
        if value is None:
            cells.append(Cell("-", "muted"))
            continue
        text = format_number(getattr(value, which)) + "*" * (index in best)
        delta, tone = result.delta(index, which), Cell("").tone
        if delta is not None:
            text = f"{text:{VALUE_WIDTH}} {'+' if delta >= 0 else ''}{format_number(delta, 3)}"
            if delta:
                tone = "better" if (delta > 0) == result.is_higher_better else "worse"
        if which == "last" and index in noise:
            text, tone = f"{text} ~", "muted"
        cells.append(Cell(text, tone))
    return cells


def write_notes(comparison: RunComparison) -> list[str]:
    """Returns what the signs mean, what the tests of repeated runs say, and what is wrong."""
    labels = comparison.labels
    notes = []
    if any(result.find_best(which) for result in comparison.results for which in ("last", "best")):
        notes.append(NOTE_BEST)
    verdicts = [(result, verdict) for result in comparison.results for verdict in result.verdicts]
    if any(verdict.is_within_noise for _, verdict in verdicts):
        notes.append(NOTE_NOISE)
    notes += [
        f"{labels[verdict.run]} against {labels[0]}, {result.key}: {verdict.text}"
        for result, verdict in verdicts
        if not result.key.startswith("train.")
    ]
    return notes + [f"{run.id}: {run.problem}" for run in comparison.runs if run.problem]


# --- as text that fits a width ------------------------------------------------------------------


def write_table(comparison: RunComparison, width: int) -> list[Line]:
    """Returns the lines of the table; runs that do not fit stand in further tables below.

    The base is the first column of each of these.
    """
    rows = build_rows(comparison)
    lines: list[Line] = []
    for indices, widths in _split_columns(comparison, rows, width):
        if lines:
            lines.append(Line())
        lines += _write_part(comparison, rows, indices, widths)
    for number, note in enumerate(write_notes(comparison)):
        lines += [Line()] if not number else []
        lines += [Line([(text, "muted")]) for text in _wrap(note, max(MIN_COLUMN, width))]
    return lines


def _split_columns(
    comparison: RunComparison, rows: Sequence[Row], width: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Yields the runs of each part with the widths of the label and their columns."""
    longest = max(cell_width(row.label) for row in rows)
    label = min(longest, max(MIN_COLUMN, width // 3))
    natural = [
        min(MAX_COLUMN, max(cell_width(text) for text in _column(comparison, rows, index)))
        for index in range(len(comparison.runs))
    ]
    limit = max(MIN_COLUMN, (width - label - 2 * GAP) // 2)
    natural = [min(limit, one) for one in natural]
    indices, room = [0], width - label - GAP - natural[0]
    for index in range(1, len(natural)):
        if len(indices) > 1 and room < natural[index] + GAP:
            yield indices, [label, *(natural[one] for one in indices)]
            indices, room = [0], width - label - GAP - natural[0]
        indices.append(index)
        room -= natural[index] + GAP
    yield indices, [label, *(natural[one] for one in indices)]


def _column(comparison: RunComparison, rows: Sequence[Row], index: int) -> list[str]:
    texts = [row.cells[index].text for row in rows if row.cells]
    return [escape_line(text) for text in (comparison.labels[index], *texts)]


def _write_part(
    comparison: RunComparison, rows: Sequence[Row], indices: list[int], widths: list[int]
) -> Iterator[Line]:
    """Yields the lines of some of the runs."""
    labels = comparison.labels
    yield from _write_row("", [Cell(labels[index], "heading") for index in indices], widths)
    for row in rows:
        if row.is_heading:
            yield Line([(row.label, "heading")])
        elif row.label or any(row.cells[index].text.strip() for index in indices):
            yield from _write_row(row.label, [row.cells[index] for index in indices], widths)


def _write_row(label: str, cells: Sequence[Cell], widths: Sequence[int]) -> Iterator[Line]:
    """Yields the lines of a row, whose cells are wrapped where they are longer than a column."""
    columns: list[tuple[list[str], Tone]] = [
        (_wrap(cell.text, width), cell.tone)
        for cell, width in zip((Cell(label, "muted"), *cells), widths, strict=True)
    ]
    for number in range(max(len(texts) for texts, _ in columns)):
        pieces: list[tuple[str, Tone]] = []
        for (texts, tone), width in zip(columns, widths, strict=True):
            text = texts[number] if number < len(texts) else ""
            pieces.append((text + " " * (width - cell_width(text) + GAP), tone))
        yield Line(pieces)


def _wrap(text: str, width: int) -> list[str]:
    """Returns escaped text in lines of at most `width` cells; its indent stays."""
    text = escape_line(text)
    if cell_width(text) <= width:
        return [text]
    if len(text) < cell_width(text):  # wide characters
        return [text[start : start + width // 2] for start in range(0, len(text), width // 2)]
    lines = textwrap.wrap(text, width, drop_whitespace=False, break_on_hyphens=False)
    return [line if not number else line.lstrip() for number, line in enumerate(lines)]


def cell_width(text: str) -> int:
    """Returns how many cells text takes.

    >>> cell_width("lr"), cell_width("学習")
    (2, 4)
    """
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


# --- as Markdown --------------------------------------------------------------------------------


def write_markdown(comparison: RunComparison) -> str:
    """Returns the table and its notes as Markdown."""
    head = ["", *comparison.labels]
    lines = [_markdown_row(head), "|".join(["", *(" --- " for _ in head), ""])]
    for row in build_rows(comparison):
        cells = [cell.text for cell in row.cells] or [""] * len(comparison.runs)
        lines.append(_markdown_row([row.label, *cells], bold=row.is_heading))
    notes = [f"- {_escape_markdown(note)}" for note in write_notes(comparison)]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _markdown_row(texts: Sequence[str], *, bold: bool = False) -> str:
    cells = [_escape_markdown(text.strip()) for text in texts]
    if bold:
        cells[0] = f"**{cells[0]}**"
    return f"| {' | '.join(cells)} |"


def _escape_markdown(text: str) -> str:
    r"""Returns text without a meaning in Markdown.

    >>> _escape_markdown("a|b <c>")
    'a\\|b \\<c\\>'
    """
    return re.sub(r"([\\|`*<>\[\]])", r"\\\1", escape_line(text))
