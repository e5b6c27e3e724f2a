"""Where the units of a network stand on a sheet, and which there is room for."""

from dataclasses import dataclass, field

from tuilab.core.protocol.inspect.units_messages import Column

HEIGHTS = (7, 6, 5, 4, 3, 2, 1)
"""Rows that a node may take; a plane is twice as many columns wide."""

LEAST = 4
"""Columns of the narrowest node, and of the narrowest gap between two columns of nodes."""

WIDEST_GAP = 26

WIDER, ROOMY = 4, 12
"""Columns that flat nodes have more, where a gap between columns of nodes keeps so many."""

FRAME = 2
"""Columns beside a node, for the marks of the one that is chosen."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What is chosen: a unit, or the edge into it from a unit of the column before."""

    column: int = 1
    unit: int = 0
    source: int | None = None

    def within(self, columns: list[Column]) -> "Spot":
        """The same, or the nearest there is."""
        if not columns:
            return Spot()
        column = max(0, min(self.column, len(columns) - 1))
        unit = max(0, min(self.unit, columns[column].shown - 1))
        if self.source is None or not column:
            return Spot(column, unit)
        return Spot(column, unit, max(0, min(self.source, columns[column - 1].shown - 1)))

    def focus(self, column: int) -> int | None:
        """Which unit of a column has to be seen."""
        if column == self.column:
            return self.unit
        return self.source if column == self.column - 1 else None


@dataclass(slots=True)
class Plan:
    """The places of all nodes that are drawn."""

    width: int
    height: int
    "Of a node."
    columns: range
    gap: int
    lefts: dict[int, int] = field(default_factory=dict)
    "Of each column, where its frame begins."
    nodes: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    "Column and unit: the first cell of its node."
    above: dict[int, int] = field(default_factory=dict)
    below: dict[int, int] = field(default_factory=dict)
    "How many units of a column there is no room for."
    named: tuple[int, int] = (0, 0)
    "Columns for names to the left and to the right."

    def at(self, x: int, y: int) -> tuple[int, int] | None:
        """Which column's which unit is drawn at a cell."""
        for place, (left, top) in self.nodes.items():
            if left - 1 <= x <= left + self.width and top <= y < top + self.height:
                return place
        return None


def plan(columns: list[Column], box: tuple[int, int, int, int], spot: Spot) -> Plan:
    """Place the nodes in a box: first column and row, columns and rows; as large as they can be."""
    x, y, width, height = box
    most = max(column.shown + (column.units > column.shown) for column in columns)
    made = _sized(columns, width, height, most)
    if len(made.columns) < len(columns):
        count = len(made.columns)
        first = max(0, min(len(columns) - count, spot.column - count // 2))
        made.columns = range(first, first + count)
    each = made.width + FRAME
    taken = len(made.columns) * each + (len(made.columns) - 1) * made.gap + sum(made.named)
    left = x + made.named[0] + max(0, (width - taken) // 2)
    for number in made.columns:
        made.lefts[number] = left
        _stack(made, columns[number], number, (y, height), spot.focus(number))
        left += each + made.gap
    return made


def _sized(columns: list[Column], width: int, height: int, most: int) -> Plan:
    """The largest nodes that all fit, with names beside them if there is room."""
    count = len(columns)
    for named in (_named(columns), (0, 0)):
        for rows in HEIGHTS:
            node = max(LEAST, 2 * rows)
            free = width - sum(named) - count * (node + FRAME)
            fits = rows == 1 or most * (rows + 1) - 1 <= height
            if fits and free >= (count - 1) * LEAST:
                if rows == 1 and free >= count * WIDER + (count - 1) * ROOMY:
                    node, free = node + WIDER, free - count * WIDER
                gap = min(WIDEST_GAP, free // max(1, count - 1))
                return Plan(node, rows, range(count), gap, named=named)
    count = max(1, (width + LEAST) // (LEAST + FRAME + LEAST))
    return Plan(LEAST, 1, range(min(count, len(columns))), LEAST)


def _named(columns: list[Column]) -> tuple[int, int]:
    widths = [max((len(name) for name in columns[end].names), default=0) for end in (0, -1)]
    left, right = (min(9, width) for width in widths)
    return left + bool(left), right + bool(right)


def _stack(
    made: Plan, column: Column, number: int, rows: tuple[int, int], focus: int | None
) -> None:
    """Place the units of one column, around the one that has to be seen."""
    (top, height), each = rows, made.height
    room, first, shown = height, 0, column.shown
    if shown * each > room - (column.units > shown):
        shown = max(1, (room - 2) // each)
        first = max(0, min(column.shown - shown, (focus or 0) - shown // 2))
    made.above[number], made.below[number] = first, column.units - first - shown
    gap = 0
    if shown > 1:
        free = height - shown * each - bool(first) - bool(made.below[number])
        gap = max(0, min(each, free // (shown - 1)))
    start = top + max(bool(first), (height - shown * each - (shown - 1) * gap) // 2)
    for place in range(shown):
        made.nodes[number, first + place] = made.lefts[number] + 1, start + place * (each + gap)
