"""What the lines of a network show, before anything is drawn."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from textwrap import wrap

from rich.cells import cell_len

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.fit_output import fit_output
from tuilab.core.experiment.knobs import summarize
from tuilab.core.experiment.validation import find_errors
from tuilab.core.experiment.warnings import find_warnings
from tuilab.core.format import format_count, format_counted
from tuilab.core.network.layer import format_shape
from tuilab.core.network.plan import LinePath, Plan, PlanRow
from tuilab.core.network.registry import LAYERS
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.line_list import Span

ADD = "add"
"""The key of the line below the last layer."""

GUTTER = 2
"""Cells before the text: the cursor and the mark of a change."""

FROZEN = re.compile(r"\s+frozen=true\b", re.IGNORECASE)
"""How a line freezes its layer; the list shows a glyph instead."""

MIN_TEXT_WIDTH = 16
"""Cells that the text of a line keeps before other columns give way."""


@dataclass(frozen=True, slots=True)
class NetworkDisplay:
    """What the lines show."""

    plan: Plan
    blocks: frozenset[LinePath] = frozenset()
    folded: frozenset[LinePath] = frozenset()
    changed: frozenset[LinePath] = frozenset()
    "Lines that the run in progress does not have."
    editing: LinePath | None = None
    output_problem: str = ""
    "Why the last shape does not fit the data and the loss."
    warnings: tuple[str, ...] = ()
    "Choices that can be trained and will most likely disappoint, each with its key."


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """One line: a layer, the input, the end, or what is wrong with the layer above."""

    key: LinePath | str | None
    text: str
    style: str = ""
    depth: int = 0
    is_folded: bool | None = None
    "For a block."
    shape: str = ""
    count: str = ""
    count_style: str = "line-list--muted"
    differs: bool = False
    is_note: bool = False
    "The text runs over the columns."

    @property
    def start(self) -> int:
        """Where its text begins."""
        return GUTTER + 2 * self.depth + (0 if self.is_folded is None else 2)


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells for shapes and for parameters; none where there is no room."""

    shape: int = 0
    count: int = 0
    is_tight: bool = False
    "Shapes are written without brackets."


def build_lines(display: NetworkDisplay, width: int) -> Iterator[NetworkLine]:
    """Yields the lines of a network, notes wrapped to a width."""
    plan, folded = display.plan, display.folded
    warnings = [warning.partition(": ")[::2] for warning in display.warnings]
    yield NetworkLine(None, "input", "line-list--muted", shape=format_shape(plan.input))
    for row in plan.rows:
        if folded and any(row.path[:end] in folded for end in range(1, len(row.path))):
            continue
        yield _build_line(display, row)
        if row.path == display.editing:
            continue
        if row.problem:
            yield from _build_problem(row.problem, row.depth, width)
        if row.note:
            yield from _build_note(row.note, get_glyphs().dot, "line-list--muted", row.depth, width)
        for key, text in warnings:
            if key == row.key:
                yield from _build_warning(text, row.depth, width)
    if not plan.rows:
        invitation = "No layers yet. Press a and type, such as Linear 16"
        for part in ("", *wrap(invitation, max(12, width - 4)), ""):
            yield NetworkLine(None, part, "line-list--muted", is_note=True)
    elif display.output_problem:
        yield from _build_problem(display.output_problem, 0, width)
    keys = {row.key for row in plan.rows}
    for warning, (key, _) in zip(display.warnings, warnings, strict=True):
        if key not in keys:
            yield from _build_warning(warning, 0, width)
    yield _build_last_line(plan)


def _build_line(display: NetworkDisplay, row: PlanRow) -> NetworkLine:
    is_block, is_folded = row.path in display.blocks, row.path in display.folded
    text = row.text
    if is_frozen(display.plan, row):
        text = f"{get_glyphs().frozen} {FROZEN.sub('', text)}"
    if is_folded:
        inside = sum(other.path[: len(row.path)] == row.path for other in display.plan.rows) - 1
        text += f" {get_glyphs().ellipsis} {inside} inside"
    return NetworkLine(
        key=row.path,
        text="" if row.path == display.editing else text,
        style="line-list--problem" if row.problem else "line-list--heading" if is_block else "",
        depth=row.depth,
        is_folded=is_folded if is_block else None,
        shape="" if row.output is None else format_shape(row.output),
        count=format_count(row.parameters) if row.parameters else "",
        differs=row.path in display.changed,
    )


def is_frozen(plan: Plan, row: PlanRow) -> bool:
    """Returns whether a layer, or a block around it, is frozen."""
    around = {row.path[:end] for end in range(1, row.depth + 2)}
    return any(o.layer is not None and o.layer.frozen for o in plan.rows if o.path in around)


def _build_problem(text: str, depth: int, width: int) -> Iterator[NetworkLine]:
    yield from _build_note(text, get_glyphs().cross, "line-list--problem", depth, width)


def _build_warning(text: str, depth: int, width: int) -> Iterator[NetworkLine]:
    yield from _build_note(text, "!", "line-list--changed", depth, width)


def _build_note(text: str, mark: str, style: str, depth: int, width: int) -> Iterator[NetworkLine]:
    """Yields a note on the line above, on as many lines as it takes."""
    room = max(12, width - GUTTER - 2 * depth - 3)
    for number, part in enumerate(wrap(text, room)):
        start = "  " if number else f"{mark} "
        yield NetworkLine(None, start + part, style, depth, is_note=True)


def _build_last_line(plan: Plan) -> NetworkLine:
    """Returns the line that adds a layer, with the total or the number of problems."""
    problems = sum(bool(row.problem) for row in plan.rows)
    count = f"{get_glyphs().cross} {problems}" if problems else format_count(plan.parameters)
    return NetworkLine(
        ADD,
        "+ add a layer",
        "line-list--muted",
        shape="" if problems else "total",
        count=count,
        count_style="line-list--problem" if problems else "line-list--heading",
    )


def fit_columns(lines: Sequence[NetworkLine], width: int) -> Columns:
    """Returns the columns that leave enough room for the text."""
    shape = max((cell_len(line.shape) for line in lines), default=0) + 2
    tight = max((cell_len(shorten_shape(line.shape)) for line in lines), default=0) + 2
    count = max((cell_len(line.count) for line in lines), default=0) + 2
    indent = min(4, max((2 * line.depth for line in lines), default=0))
    room = width - GUTTER - indent - MIN_TEXT_WIDTH
    if shape + count <= room:
        return Columns(shape, count)
    if tight + count <= room:
        return Columns(tight, count, is_tight=True)
    return Columns(tight, 0, is_tight=True) if tight <= room else Columns()


def shorten_shape(shape: str) -> str:
    """Returns a shape in as few cells as possible: `16×28×28`."""
    return shape.strip("[]").replace(", ", "×")


def find_changed_paths(rows: Sequence[PlanRow], others: Sequence[PlanRow]) -> frozenset[LinePath]:
    """Returns the paths in `rows` of lines that `others` does not have there."""
    before, after = ([(row.depth, row.text) for row in some] for some in (others, rows))
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    same = {block.b + offset for block in blocks for offset in range(block.size)}
    return frozenset(row.path for index, row in enumerate(rows) if index not in same)


def find_output_problem(experiment: Experiment) -> str:
    """Returns why the last shape does not fit the data and the loss; empty if it does."""
    errors = find_errors(experiment)
    prefix = "network: "
    problem = next((e.removeprefix(prefix) for e in errors if e.startswith(prefix)), "")
    is_fixable = "its output is" in problem and fit_output(experiment) is not None
    return f"{problem} (F does it)" if is_fixable else problem


def find_layer_warnings(experiment: Experiment) -> tuple[str, ...]:
    """Returns the warnings about an experiment that can be started."""
    return () if find_errors(experiment) else tuple(find_warnings(experiment))


def describe_shapes(row: PlanRow, frozen: bool = False) -> Span:
    """Returns the shapes that come in and go out."""
    if row.input is None:
        return "no shape reaches this line: a line above has an error", "line-list--muted"
    if row.problem:
        return f"{format_shape(row.input)} comes in", ""
    shapes = f"{format_shape(row.input)} {get_glyphs().arrow} {format_shape(row.output)}"
    parameters = f" · {format_counted(row.parameters, 'parameter')}" if row.parameters else ""
    return shapes + parameters + (f" · frozen {get_glyphs().frozen}" if frozen else ""), ""


def summarize_layer(row: PlanRow) -> str:
    """Returns what the layer of a line does."""
    layer_class = LAYERS.get(row.text.split(" ", 1)[0])
    return summarize(layer_class) if layer_class else ""


def describe_total(plan: Plan) -> str:
    """Returns the size of the network."""
    layers = sum(row.layer is not None for row in plan.rows)
    return f"{format_counted(layers, 'line')} · {format_counted(plan.parameters, 'parameter')}"
