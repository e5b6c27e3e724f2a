"""Where the units of a network are in a drawing, and which of them there is room for."""

from dataclasses import dataclass, field

from rich.cells import cell_len
from textual.geometry import Region

from tuilab.core.protocol.inspect.units_messages import UnitColumn
from tuilab.ui.canvas.cell_buffer import find_first_visible

NODE_HEIGHTS = (7, 6, 5, 4, 3, 2, 1)
"""Rows that a node may take; its response is twice as many columns wide."""

MIN_WIDTH = 4
"""Columns of the narrowest node, and of the narrowest gap between two columns of nodes."""

MAX_GAP = 26

EXTRA_WIDTH, EXTRA_FROM_GAP = 4, 12
"""Columns by which nodes of one row are wider, if the gaps keep this many columns."""

FRAME_WIDTH = 2
"""Columns beside a node, for the brackets of the selected one."""

NAME_WIDTHS = (20, 9, 0)
"""Columns for names that are tried; wide ones may not make the nodes smaller."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected unit, or the selected edge into it from a unit of the column before."""

    column: int = 1
    unit: int = 0
    source: int | None = None

    def clamp(self, columns: list[UnitColumn]) -> "Selection":
        """Returns the same selection, or the nearest that these columns have."""
        if not columns:
            return Selection()
        column = max(0, min(self.column, len(columns) - 1))
        unit = max(0, min(self.unit, columns[column].shown_units - 1))
        if self.source is None or not column:
            return Selection(column, unit)
        source = max(0, min(self.source, columns[column - 1].shown_units - 1))
        return Selection(column, unit, source)

    def unit_in(self, column: int) -> int | None:
        """Returns which unit of a column has to be visible."""
        if column == self.column:
            return self.unit
        return self.source if column == self.column - 1 else None


@dataclass(slots=True)
class UnitLayout:
    """The positions of all nodes that are drawn."""

    width: int
    height: int
    "Of a node."
    columns: range
    gap: int
    lefts: dict[int, int] = field(default_factory=dict)
    "Of each column, where the frames of its nodes begin."
    nodes: dict[tuple[int, int], Region] = field(default_factory=dict)
    "By column and unit."
    above: dict[int, int] = field(default_factory=dict)
    below: dict[int, int] = field(default_factory=dict)
    "The number of units of a column that there is no room for."
    name_widths: tuple[int, int] = (0, 0)
    "Columns for names to the left and to the right."

    def unit_at(self, x: int, y: int) -> tuple[int, int] | None:
        """Returns the column and the unit that are drawn at a cell."""
        for unit, node in self.nodes.items():
            if node.grow((0, 1, 0, 1)).contains(x, y):
                return unit
        return None


def place_units(columns: list[UnitColumn], region: Region, selection: Selection) -> UnitLayout:
    """Places the nodes in a region, as large as they can be."""
    layout = _size_nodes(columns, region)
    count = len(layout.columns)
    if count < len(columns):
        first = find_first_visible(selection.column, count, len(columns))
        layout.columns = range(first, first + count)
    step = layout.width + FRAME_WIDTH + layout.gap
    width = count * step - layout.gap + sum(layout.name_widths)
    left = region.x + layout.name_widths[0] + max(0, (region.width - width) // 2)
    for number in layout.columns:
        layout.lefts[number] = left
        _stack_nodes(layout, columns[number], number, region, selection.unit_in(number))
        left += step
    return layout


def _size_nodes(columns: list[UnitColumn], region: Region) -> UnitLayout:
    """Returns the largest nodes that all fit, with names beside them if there is room."""
    count, width = len(columns), region.width
    tallest = max(c.shown_units + (c.total_units > c.shown_units) for c in columns)
    for longest in NAME_WIDTHS:
        names = _name_widths(columns, longest)
        for rows in NODE_HEIGHTS:
            node = max(MIN_WIDTH, 2 * rows)
            free = width - sum(names) - count * (node + FRAME_WIDTH)
            fits = rows == 1 or tallest * (rows + 1) - 1 <= region.height
            min_gap = EXTRA_FROM_GAP if longest == NAME_WIDTHS[0] else MIN_WIDTH
            if fits and free >= (count - 1) * min_gap:
                extra = count * EXTRA_WIDTH
                if rows == 1 and free >= extra + (count - 1) * EXTRA_FROM_GAP:
                    node, free = node + EXTRA_WIDTH, free - extra
                gap = min(MAX_GAP, free // max(1, count - 1))
                return UnitLayout(node, rows, range(count), gap, name_widths=names)
    fitting = max(1, (width + MIN_WIDTH) // (MIN_WIDTH + FRAME_WIDTH + MIN_WIDTH))
    return UnitLayout(MIN_WIDTH, 1, range(min(fitting, count)), MIN_WIDTH)


def _name_widths(columns: list[UnitColumn], longest: int) -> tuple[int, int]:
    widths = [max((cell_len(name) for name in columns[end].names), default=0) for end in (0, -1)]
    left, right = (min(longest, width) for width in widths)
    return left + bool(left), right + bool(right)


def _stack_nodes(
    layout: UnitLayout, column: UnitColumn, number: int, region: Region, focus: int | None
) -> None:
    """Places the units of one column, around the one that has to be visible."""
    _, top, _, room = region
    height, first, visible_units = layout.height, 0, column.shown_units
    if visible_units * height > room - (column.total_units > visible_units):
        visible_units = max(1, (room - 2) // height)
        first = find_first_visible(focus or 0, visible_units, column.shown_units)
    below = column.total_units - first - visible_units
    layout.above[number], layout.below[number] = first, below
    gap = 0
    if visible_units > 1:
        free = room - visible_units * height - bool(first) - bool(below)
        gap = max(0, min(height, free // (visible_units - 1)))
    y = top + max(bool(first), (room - visible_units * height - (visible_units - 1) * gap) // 2)
    for row in range(visible_units):
        node = Region(layout.lefts[number] + 1, y + row * (height + gap), layout.width, height)
        layout.nodes[number, first + row] = node
