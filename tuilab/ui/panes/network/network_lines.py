"""What stands on each line of a network, before anything is drawn."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from textwrap import wrap

from rich.cells import cell_len

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.knobs import summary
from tuilab.core.experiment.validation import problems
from tuilab.core.experiment.warnings import doubts
from tuilab.core.format import grouped
from tuilab.core.network.layer import show
from tuilab.core.network.plan import Path, Plan, Row
from tuilab.core.network.registry import LAYERS
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.widgets.line_list import Span

ADD = "add"
"""The key of the line below the last layer."""

GUTTER = 2
"""Cells before the text: the cursor and the mark of a change."""

FROZEN = re.compile(r"\s+frozen=true\b", re.IGNORECASE)
"""What stands on a line whose layer keeps its weights; the lines show a sign instead."""

LEAST_TEXT = 16
"""Cells that the text of a line keeps before other columns give way."""


@dataclass(frozen=True, slots=True)
class View:
    """All that the lines show."""

    plan: Plan
    blocks: frozenset[Path] = frozenset()
    folded: frozenset[Path] = frozenset()
    differing: frozenset[Path] = frozenset()
    "Lines that the run in progress does not have."
    editing: Path | None = None
    ending: str = ""
    "Why the last shape does not fit the data and the loss."
    doubts: tuple[str, ...] = ()
    "What can be trained and will most likely disappoint, each with its key."


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """One line: a layer, the input, the end, or what is wrong with the layer above."""

    key: Path | str | None
    text: str
    style: str = ""
    depth: int = 0
    fold: bool | None = None
    "Whether a block is folded; None where there is none."
    shape: str = ""
    count: str = ""
    count_style: str = "rows--muted"
    differs: bool = False
    is_note: bool = False
    "It runs over the columns."

    @property
    def start(self) -> int:
        """Where its text begins."""
        return GUTTER + 2 * self.depth + (0 if self.fold is None else 2)


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells for shapes and for parameters; nothing where there is no room."""

    shape: int = 0
    count: int = 0
    is_tight: bool = False
    "Shapes are written without brackets."


def lines(view: View, width: int) -> Iterator[NetworkLine]:
    """The lines of a network, folded to a width."""
    plan = view.plan
    yield NetworkLine(None, "input", "rows--muted", shape=show(plan.input))
    for row in plan.rows:
        if view.folded and any(row.path[:end] in view.folded for end in range(1, len(row.path))):
            continue
        yield _layer(view, row)
        if row.problem and row.path != view.editing:
            yield from _problem(row.problem, row.depth, width)
        for doubt in view.doubts:
            key, _, text = doubt.partition(": ")
            if key == row.key and row.path != view.editing:
                yield from _doubt(text, row.depth, width)
    if not plan.rows:
        for part in (
            "",
            *wrap("No layers yet. Press a and type, such as Linear 16", max(12, width - 4)),
            "",
        ):
            yield NetworkLine(None, part, "rows--muted", is_note=True)
    elif view.ending:
        yield from _problem(view.ending, 0, width)
    keys = {row.key for row in plan.rows}
    for doubt in view.doubts:
        if doubt.partition(": ")[0] not in keys:
            yield from _doubt(doubt, 0, width)
    yield _last(plan)


def _layer(view: View, row: Row) -> NetworkLine:
    is_block, is_folded = row.path in view.blocks, row.path in view.folded
    text = row.text
    if is_frozen(view.plan, row):
        text = f"{signs().frozen} {FROZEN.sub('', text)}"
    if is_folded:
        inside = sum(other.path[: len(row.path)] == row.path for other in view.plan.rows) - 1
        text += f" {signs().ellipsis} {inside} inside"
    return NetworkLine(
        key=row.path,
        text="" if row.path == view.editing else text,
        style="rows--problem" if row.problem else "rows--heading" if is_block else "",
        depth=row.depth,
        fold=is_folded if is_block else None,
        shape="" if row.output is None else show(row.output),
        count=grouped(row.parameters) if row.parameters else "",
        differs=row.path in view.differing,
    )


def is_frozen(plan: Plan, row: Row) -> bool:
    """Whether a layer, or a block around it, is frozen."""
    around = {row.path[:end] for end in range(1, row.depth + 2)}
    return any(o.layer is not None and o.layer.frozen for o in plan.rows if o.path in around)


def _problem(text: str, depth: int, width: int) -> Iterator[NetworkLine]:
    """What is wrong."""
    yield from _note(text, signs().wrong, "rows--problem", depth, width)


def _doubt(text: str, depth: int, width: int) -> Iterator[NetworkLine]:
    """What is doubtful."""
    yield from _note(text, "!", "rows--changed", depth, width)


def _note(text: str, mark: str, style: str, depth: int, width: int) -> Iterator[NetworkLine]:
    """A note on the line above, on as many lines as it takes."""
    room = max(12, width - GUTTER - 2 * depth - 3)
    for number, part in enumerate(wrap(text, room)):
        sign = "  " if number else f"{mark} "
        yield NetworkLine(None, sign + part, style, depth, is_note=True)


def _last(plan: Plan) -> NetworkLine:
    """Where a layer can be added, with the total or the number of problems."""
    trouble = sum(bool(row.problem) for row in plan.rows)
    if trouble:
        count = f"{signs().wrong} {trouble}"
        return NetworkLine(
            ADD, "+ add a layer", "rows--muted", count=count, count_style="rows--problem"
        )
    total, style = grouped(plan.parameters), "rows--heading"
    return NetworkLine(
        ADD, "+ add a layer", "rows--muted", shape="total", count=total, count_style=style
    )


def columns(drawn: Sequence[NetworkLine], width: int) -> Columns:
    """The columns that leave room enough for the text."""
    shape = max((cell_len(line.shape) for line in drawn), default=0) + 2
    tight = max((cell_len(narrow(line.shape)) for line in drawn), default=0) + 2
    count = max((cell_len(line.count) for line in drawn), default=0) + 2
    room = width - GUTTER - min(4, max((2 * line.depth for line in drawn), default=0)) - LEAST_TEXT
    if shape + count <= room:
        return Columns(shape, count)
    if tight + count <= room:
        return Columns(tight, count, is_tight=True)
    return Columns(tight, 0, is_tight=True) if tight <= room else Columns()


def narrow(shape: str) -> str:
    """A shape in as few cells as can be: `16×28×28`."""
    return shape.strip("[]").replace(", ", "×")


def differing(rows: Sequence[Row], others: Sequence[Row]) -> frozenset[Path]:
    """The places in `rows` of lines that `others` does not have there."""
    before, after = ([(row.depth, row.text) for row in some] for some in (others, rows))
    same = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = {block.b + offset for block in same for offset in range(block.size)}
    return frozenset(row.path for place, row in enumerate(rows) if place not in kept)


def ending(experiment: Experiment) -> str:
    """Why the last shape does not fit the data and the loss."""
    own = (
        text.removeprefix("network: ")
        for text in problems(experiment)
        if text.startswith("network: ")
    )
    return next(own, "")


def doubts_of(experiment: Experiment) -> tuple[str, ...]:
    """What is doubtful in an experiment that can be started."""
    return () if problems(experiment) else tuple(doubts(experiment))


def passage(row: Row, frozen: bool = False) -> Span:
    """What comes in and what goes out."""
    if row.input is None:
        return "no shape reaches this line: a line above is not right yet", "rows--muted"
    if row.problem:
        return f"{show(row.input)} comes in", ""
    parameters = f" · {grouped(row.parameters)} parameters" if row.parameters else ""
    kept = f" · frozen {signs().frozen}" if frozen else ""
    return f"{show(row.input)} {signs().arrow} {show(row.output)}{parameters}{kept}", ""


def help_of(row: Row) -> str:
    """What the layer of a line does."""
    kind = LAYERS.get(row.text.split(" ", 1)[0])
    return summary(kind) if kind else ""


def total(plan: Plan) -> str:
    """How large the network is."""
    layers = sum(row.layer is not None for row in plan.rows)
    return f"{layers} line{'s' * (layers != 1)} · {grouped(plan.parameters)} parameters"
