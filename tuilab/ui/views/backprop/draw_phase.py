"""One phase of a training step as a drawing: where we are, what happens, its numbers."""

import textwrap
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.protocol.inspect.backprop_messages import PARTS, BackpropResponse, Phase, Table
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.plot.legend import say
from tuilab.ui.views.backprop.draw_graph import draw_graph
from tuilab.ui.views.backprop.draw_table import NUMBER, Box, Pen, fitting, width_of
from tuilab.ui.views.backprop.phase_text import sentence, spoken

GAP = 3
"""Cells between two tables."""

SMALL = 14
"""Rows from which on there is room for every line of words."""

TITLES = {"weights": "new weights"}


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the reader is: which phase, table, row and node."""

    phase: int = 0
    table: int = 0
    row: int = 0
    node: int = 0
    is_graph: bool = False

    def within(self, seen: BackpropResponse) -> "Stand":
        """The same place, or the nearest that an answer has."""
        place = max(0, min(self.phase, len(seen.phases) - 1))
        tables = seen.phases[place].tables if seen.phases else []
        number = self.table % len(tables) if tables else 0
        rows = len(tables[number].names) if tables else 1
        if self.is_graph:
            rows = max([1, *(len(node.upstream) for node in seen.nodes)])
        node = max(0, min(self.node, len(seen.nodes) - 1))
        return Stand(place, number, max(0, min(self.row, rows - 1)), node, self.is_graph)


def draw_step(
    seen: BackpropResponse, stand: Stand, brush: Brush, size: tuple[int, int]
) -> CellBuffer:
    """The phase at which the reader stands."""
    grid = CellBuffer(*size, brush.hues.label)
    pen = Pen(grid, brush)
    if not seen.phases:
        say(grid, spoken(seen.note), pen.label)
        return grid
    phase = seen.phases[stand.phase]
    _track(pen, seen, phase)
    y = 1
    if not stand.is_graph:
        y = _way(pen, seen, stand, y)
    if size[1] >= SMALL or not stand.is_graph:
        y = _words(pen, seen, phase, stand, y)
    body = Box(0, y, grid.width, max(0, grid.height - y))
    if stand.is_graph:
        draw_graph(pen, seen, stand.node, stand.row, body)
    elif not phase.is_told:
        say(grid, "Its numbers are on their way.", pen.label)
    elif phase.tables:
        _tables(pen, phase, stand, body)
    return grid


def _track(pen: Pen, seen: BackpropResponse, phase: Phase) -> None:
    """The parts of a step, the present one marked, and which example it is."""
    grid, arrow = pen.grid, spoken("→")
    right = f"example {seen.example + 1}/{seen.examples}"
    if len(seen.turns) > 1:
        right = f"t: {seen.turns[seen.turn]}  {right}"
    names = [TITLES.get(part, part) for part in PARTS]
    room = grid.width - cell_len(right) - sum(cell_len(name) + 2 for name in names)
    if room < cell_len(arrow) * (len(names) - 1):
        arrow = ""
    if room < 0:
        names = [name[:4] for name in names]
    x = 0
    for part, name in zip(PARTS, names, strict=True):
        is_here = part == phase.part
        style = pen.strong + Style(reverse=True) if is_here else pen.label
        x = grid.write(x, 0, f"[{name}]" if is_here else f" {name} "[::1], style)
        if arrow and part != PARTS[-1]:
            x = grid.write(x, 0, arrow, pen.label)
    if grid.width - cell_len(right) > x:
        grid.write(grid.width - cell_len(right), 0, right, pen.label)


def _way(pen: Pen, seen: BackpropResponse, stand: Stand, y: int) -> int:
    """The phases around this one by name, and the shapes that come in and go out."""
    phase = seen.phases[stand.phase]
    if phase.part not in ("forward", "backward", "optimizer"):
        return y
    together = [at for at, other in enumerate(seen.phases) if other.part == phase.part]
    here = together.index(stand.phase)
    arrow = spoken(" ← " if phase.part == "backward" else " → ")
    x = pen.grid.write(0, y, f"{here + 1}/{len(together)}  ", pen.label)
    first = _first(seen, together, here, pen.grid.width - x)
    for at in together[first:]:
        name = _name(seen.phases[at])
        is_here = at == stand.phase
        if x + cell_len(name) + 6 > pen.grid.width and not is_here:
            pen.grid.write(x, y, pen.brush.signs.ellipsis, pen.label)
            break
        x = pen.grid.write(x, y, f"[{name}]" if is_here else name,
                           pen.strong if is_here else pen.label)  # fmt: skip
        x = pen.grid.write(x, y, arrow, pen.label) if at != together[-1] else x
    return y + 1


def _first(seen: BackpropResponse, together: list[int], here: int, room: int) -> int:
    """From which phase on names are written, so that the present one is among them."""
    first = here
    used = cell_len(_name(seen.phases[together[here]])) + 2
    while first > 0:
        used += cell_len(_name(seen.phases[together[first - 1]])) + 3
        if used > room // 2:
            break
        first -= 1
    return first


def _name(phase: Phase) -> str:
    name = phase.label or phase.kind
    return f"{name} to {phase.towards}" if phase.towards == "weights" else name


def _words(pen: Pen, seen: BackpropResponse, phase: Phase, stand: Stand, y: int) -> int:
    """What happens, the shapes at the arrow, facts and what cannot be shown."""
    grid = pen.grid
    arrow = " → ".join(phase.shapes)
    words = [] if stand.is_graph else [sentence(phase)]
    if stand.is_graph:
        words = ["Autograd's graph from the loss back: product = upstream · local gradient; "
                 "← → walk from node to node, up and down choose the element."]  # fmt: skip
    elif len(phase.shapes) > 1:
        words.append(f"{arrow}    {_tail(phase)}".rstrip())
    elif phase.part == "batch":
        words.append(f"{arrow} → the network    {_tail(phase)}".rstrip())
    words += [] if stand.is_graph else phase.facts
    words += [seen.note] if seen.note else []
    most = max(1, (grid.height - y) // 3)
    lines = [line for text in words for line in textwrap.wrap(spoken(text), max(8, grid.width))]
    for line in lines[:most]:
        grid.write(0, y, line, pen.label)
        y += 1
    return y + (1 if grid.height >= SMALL else 0)


def _tail(phase: Phase) -> str:
    others = [table.title for table in phase.tables]
    return f"w chooses: {' | '.join(others)}" if len(others) > 1 else ""


def _tables(pen: Pen, phase: Phase, stand: Stand, box: Box) -> None:
    """The chosen table, beside or below it how its row came about, then the others."""
    table = phase.tables[stand.table]
    origin = table.origins[stand.row] if stand.row < len(table.origins) else None
    if origin is None:
        used = pen.table(table, stand.row, box, is_chosen=True)
        _others(pen, phase, stand, Box(used + GAP, box.y, box.width - used - GAP, box.height))
        return
    needs = width_of(origin)
    if needs + GAP + _least(table) <= box.width:
        room = Box(box.x, box.y, box.width - needs - GAP, box.height)
        used = max(pen.table(table, stand.row, room, is_chosen=True), 24)
        x = min(used + GAP, box.width - needs)
        pen.origin(origin, Box(x, box.y, box.width - x, box.height))
        x += needs + GAP
        _others(pen, phase, stand, Box(x, box.y, box.width - x, box.height))
        return
    upper = max(3, min(len(table.names) + 2, box.height // 2))
    pen.table(table, stand.row, Box(box.x, box.y, box.width, upper), is_chosen=True)
    below = box.height - upper
    if below >= 3:
        pen.origin(origin, Box(box.x, box.y + upper, box.width, below))


def _least(table: Table) -> int:
    """Cells that a table needs beside another."""
    return max(24, 4 + max(map(cell_len, table.names), default=2) + NUMBER)


def _others(pen: Pen, phase: Phase, stand: Stand, box: Box) -> None:
    for number, table in enumerate(phase.tables):
        names = max(map(cell_len, table.names), default=2) + 4
        width = max(names + NUMBER * len(fitting(table, box.width)), cell_len(table.title) + 8)
        if number != stand.table and width <= box.width:
            pen.table(table, 0, Box(box.x, box.y, width, box.height), is_chosen=False)
            box = Box(box.x + width + GAP, box.y, box.width - width - GAP, box.height)
