"""One phase of a training step as a drawing: its place in the step, a sentence, its numbers."""

import textwrap
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.core.protocol.inspect.backprop_messages import (
    STEP_PARTS,
    BackpropResponse,
    NumberTable,
    Phase,
)
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells, draw_note
from tuilab.ui.views.backprop.draw_graph import draw_graph
from tuilab.ui.views.backprop.draw_table import (
    NUMBER_WIDTH,
    draw_derivation,
    draw_table,
    fit_columns,
    measure_derivation,
)
from tuilab.ui.views.backprop.phase_text import describe_phase, spell_formula

GAP = 3
"""Cells between two tables."""

MIN_TABLE_WIDTH = 24

MIN_TEXT_HEIGHT = 14
"""From this many rows on, there is room for all lines of text."""

PART_TITLES = {"weights": "new weights"}

SHORT_TITLES = {
    "forward": "fwd", "backward": "bwd", "optimizer": "optim", "weights": "weights",
}  # fmt: skip
"""The same where there is little room."""

GRAPH_HELP = (
    "Autograd's graph from the loss back: product = upstream · local gradient; "
    "← → walk from node to node, up and down select the element."
)


@dataclass(frozen=True, slots=True)
class Position:
    """What is selected: the phase, and in it the table, row and node."""

    phase: int = 0
    table: int = 0
    row: int = 0
    node: int = 0
    is_graph: bool = False

    def clamp(self, response: BackpropResponse) -> "Position":
        """Returns the same position, or the nearest that a response has."""
        phase = max(0, min(self.phase, len(response.phases) - 1))
        tables = response.phases[phase].tables if response.phases else []
        table = self.table % len(tables) if tables else 0
        rows = len(tables[table].row_names) if tables else 1
        if self.is_graph:
            rows = max([1, *(len(node.upstream) for node in response.nodes)])
        row = max(0, min(self.row, rows - 1))
        node = max(0, min(self.node, len(response.nodes) - 1))
        return Position(phase, table, row, node, self.is_graph)


def draw_step(
    response: BackpropResponse, position: Position, size: tuple[int, int], style: DrawStyle
) -> CellBuffer:
    """Draws the phase at a position."""
    if not response.phases:
        return draw_note(spell_formula(response.note, style), size, style)
    cells = StyledCells(size, style)
    phase, y = response.phases[position.phase], 1
    _draw_parts(cells, response, phase)
    if not position.is_graph:
        y = _draw_neighbors(cells, y, response, position)
    if size[1] >= MIN_TEXT_HEIGHT or not position.is_graph:
        y = _draw_description(cells, y, response, position)
    region = Region(0, y, cells.width, max(0, cells.height - y))
    if position.is_graph:
        draw_graph(cells, region, response, position.node, position.row)
    elif not phase.has_numbers:
        cells.write_centered("Its numbers are on their way.")
    elif phase.tables:
        _draw_tables(cells, region, phase, position)
    return cells


# --- place in the step ----------------------------------------------------------------------------


def _draw_parts(cells: StyledCells, response: BackpropResponse, phase: Phase) -> None:
    """Draws the parts of a step, the current one marked, and which example is shown."""
    arrow = cells.style.spell("→")
    example = f"example {response.example + 1}/{response.examples}"
    if len(response.optimizer_phases) > 1:
        example = f"t: {response.optimizer_phases[response.optimizer_phase]}  {example}"
    names = [PART_TITLES.get(part, part) for part in STEP_PARTS]
    room = cells.width - cell_len(example) - sum(cell_len(name) + 2 for name in names)
    if room < cell_len(arrow) * (len(names) - 1):
        arrow = ""
    if room < 0:
        names = [SHORT_TITLES.get(part, part) for part in STEP_PARTS]
    x = 0
    for part, name in zip(STEP_PARTS, names, strict=True):
        if part == phase.part:
            x = cells.write(x, 0, f"[{name}]", cells.style.strong + Style(reverse=True))
        else:
            x = cells.write(x, 0, f" {name} ")
        if arrow and part != STEP_PARTS[-1]:
            x = cells.write(x, 0, arrow)
    if cells.width - cell_len(example) > x:
        cells.write_left_of(cells.width, 0, example)


def _draw_neighbors(
    cells: StyledCells, y: int, response: BackpropResponse, position: Position
) -> int:
    """Draws the names of the phases around this one, and returns the next row."""
    style = cells.style
    phases, part = response.phases, response.phases[position.phase].part
    if part not in ("forward", "backward", "optimizer"):
        return y
    same_part = [at for at, phase in enumerate(phases) if phase.part == part]
    names = [_phase_name(phases[at]) for at in same_part]
    current = same_part.index(position.phase)
    arrow = style.spell(" ← " if part == "backward" else " → ")
    x = cells.write(0, y, f"{current + 1}/{len(names)}  ")
    first = _first_name(names, current, cells.width - x)
    for number, name in enumerate(names[first:], first):
        if number == current:
            x = cells.write(x, y, f"[{name}]", style.strong)
        elif x + cell_len(name) + 6 > cells.width:
            cells.write(x, y, style.glyphs.ellipsis)
            break
        else:
            x = cells.write(x, y, name)
        x = cells.write(x, y, arrow) if number < len(names) - 1 else x
    return y + 1


def _first_name(names: list[str], current: int, room: int) -> int:
    """Returns the first name that is written, so that the current one is among them."""
    first, used_width = current, cell_len(names[current]) + 2
    while first > 0:
        used_width += cell_len(names[first - 1]) + 3
        if used_width > room // 2:
            break
        first -= 1
    return first


def _phase_name(phase: Phase) -> str:
    name = phase.label or phase.kind
    return f"{name} to {phase.gradient_of}" if phase.gradient_of == "weights" else name


# --- text and tables ------------------------------------------------------------------------------


def _draw_description(
    cells: StyledCells, y: int, response: BackpropResponse, position: Position
) -> int:
    """Draws what happens, the shapes, facts and what cannot be shown; returns the next row."""
    phase = response.phases[position.phase]
    sentences = [GRAPH_HELP] if position.is_graph else [*_describe_shapes(phase), *phase.facts]
    sentences += [response.note] if response.note else []
    lines = [
        line
        for sentence in sentences
        for line in textwrap.wrap(spell_formula(sentence, cells.style), max(8, cells.width))
    ]
    y = cells.write_lines(0, y, lines[: max(1, (cells.height - y) // 3)])
    return y + (cells.height >= MIN_TEXT_HEIGHT)


def _describe_shapes(phase: Phase) -> list[str]:
    shapes = " → ".join(phase.shapes)
    if len(phase.shapes) < 2:
        if phase.part != "batch":
            return [describe_phase(phase)]
        shapes += " → the network"
    titles = " | ".join(table.title for table in phase.tables)
    choices = f"w selects: {titles}" if len(phase.tables) > 1 else ""
    return [describe_phase(phase), f"{shapes}    {choices}".rstrip()]


def _draw_tables(cells: StyledCells, region: Region, phase: Phase, position: Position) -> None:
    """Draws the chosen table, beside or below it how its row was computed, then the others."""
    table, row = phase.tables[position.table], position.row
    x, y, width, height = region
    if row >= len(table.derivations):
        table_width = draw_table(cells, region, table, row) + GAP
        rest = Region(x + table_width, y, width - table_width, height)
        _draw_other_tables(cells, rest, phase, position)
        return
    derivation = table.derivations[row]
    needed = measure_derivation(derivation)
    if needed + GAP + _min_width(table) <= width:
        left = Region(x, y, width - needed - GAP, height)
        table_width = max(draw_table(cells, left, table, row), MIN_TABLE_WIDTH)
        x = min(table_width + GAP, width - needed)
        draw_derivation(cells, Region(x, y, width - x, height), derivation)
        x += needed + GAP
        rest = Region(x, y, width - x, height)
        _draw_other_tables(cells, rest, phase, position)
        return
    rows = max(3, min(len(table.row_names) + 2, height // 2))
    draw_table(cells, Region(x, y, width, rows), table, row)
    if height - rows >= 3:
        below = Region(x, y + rows, width, height - rows)
        draw_derivation(cells, below, derivation)


def _min_width(table: NumberTable) -> int:
    """Returns the cells that a table needs beside another."""
    names = max(map(cell_len, table.row_names), default=2)
    return max(MIN_TABLE_WIDTH, 4 + names + NUMBER_WIDTH)


def _draw_other_tables(
    cells: StyledCells, region: Region, phase: Phase, position: Position
) -> None:
    x, y, room, height = region
    for number, table in enumerate(phase.tables):
        names = max(map(cell_len, table.row_names), default=2) + 4
        numbers = NUMBER_WIDTH * len(fit_columns(table, room))
        width = max(names + numbers, cell_len(table.title) + 8)
        if number != position.table and width <= room:
            draw_table(cells, Region(x, y, width, height), table, None)
            x, room = x + width + GAP, room - width - GAP
