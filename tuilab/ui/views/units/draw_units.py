"""A network as nodes and edges, with what is chosen large and in words beside it."""

import textwrap
from functools import partial
from math import isfinite

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.protocol.inspect.units_messages import Column, UnitsResponse
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.half_blocks import two_pixels
from tuilab.ui.canvas.lines import TALL, Wire, draw_wires
from tuilab.ui.canvas.response_map import Brush, draw_response, scaled
from tuilab.ui.views.units.unit_positions import FRAME, Plan, Spot, plan
from tuilab.ui.views.units.unit_text import TIED, signed, title, words

BESIDE = (96, 17)
"""From this size on, the reading stands beside the network, else below it."""

WITH_MAP = 24
"""From so many rows on, there is a large map below the network."""

UNIT_KEYS, EDGE_KEYS = "arrows, enter bias, i weights", "up, down, enter weight, esc unit"
"""What can be pressed."""

FEW = 12
"""So many edges between two columns are all drawn; of more, the largest: one for each row."""

THIN, MIDDLE = 0.3, 0.7
"""What is not looked at is drawn as thin as so small a part of the largest weight; what lies close
together, as this one."""

FAINTEST = 0.03
"""What is smaller, as a part of the largest weight of its layer, is not drawn."""


class UnitsPicture:
    """Draws one answer; where the nodes are is in `plan` afterwards."""

    def __init__(self, seen: UnitsResponse, spot: Spot, brush: Brush, *, is_braille: bool) -> None:
        self.seen, self.spot, self.brush = seen, spot, brush
        self.is_braille = is_braille
        self.plan: Plan | None = None
        self._label = brush.hues.label
        self._strong = brush.hues.label + Style(color=brush.hues.front.rich_color, bold=True)
        if not brush.hues.is_blended:
            self._strong = brush.hues.label + Style(bold=True)

    def draw(self, width: int, height: int) -> CellBuffer:
        """The picture in a size."""
        grid = CellBuffer(width, height, self._label)
        bottom = self._bottom(grid)
        if width >= BESIDE[0] and height >= BESIDE[1]:
            panel = min(46, width // 3)
            self._network(grid, width - panel - 2, bottom)
            self._panel(grid, (width - panel, 0, panel, bottom))
            return grid
        rows = 11 if bottom >= WITH_MAP else min(4, max(1, bottom // 4))
        self._network(grid, width, bottom - rows)
        self._foot(grid, bottom - rows, rows)
        return grid

    # --- words

    def _bottom(self, grid: CellBuffer) -> int:
        """Write what the signs mean and the note; the first row that they take."""
        row = grid.height
        if grid.height >= 12:
            row -= 1
            self._legend(grid, row)
        lines = textwrap.wrap(self.seen.note, max(8, grid.width))[: 1 + grid.height // 12]
        for number, line in enumerate(lines):
            grid.write(0, row - len(lines) + number, line, self._label)
        return row - len(lines)

    def _legend(self, grid: CellBuffer, row: int) -> None:
        """What lines and colours, or shades, stand for."""
        above, below = ("⠒⠒⠒", "⠒⠂⠐⠒") if self.is_braille else ("---", "...")
        entries = [(above, "weight > 0", False), (below, "< 0", True)]
        if self.seen.width:
            is_blended = self.brush.hues.is_blended
            full, empty = ("▄▄", "▄▄") if is_blended else map(self.brush.sign, (0.7, -0.7))
            entries += [(full, "answer > 0", False), (empty, "< 0", True)]
        x = 0
        for sign, text, is_negative in entries:
            x = grid.write(x, row, sign, self.brush.side(is_negative))
            x = grid.write(x, row, f" {text}  ", self._label)

    def _read(self, grid: CellBuffer, x: int, y: int, room: tuple[int, int]) -> None:
        """The words about what is chosen, as many as fit."""
        width, height = max(1, room[0]), room[1]
        dots = self.brush.signs.ellipsis
        heading = fitted(title(self.seen, self.spot), width, dots)
        end = grid.write(x, y, heading, self._strong)
        hint = EDGE_KEYS if self.spot.source is not None else UNIT_KEYS
        said = words(self.seen, self.spot, "±" if self.is_braille else "+/-")
        if len(hint) + 2 <= x + width - end:
            grid.write(x + width - len(hint), y, hint, self._label)
        else:
            said.append(hint)
        lines = [line for text in said for line in textwrap.wrap(text, width)]
        if len(lines) > height - 1:
            lines = textwrap.wrap("; ".join(said), width)
        if len(lines) > height - 1:
            lines = lines[: max(0, height - 1)]
            lines[-1:] = [f"{line[: width - 2]} {dots}" for line in lines[-1:]]
        for number, line in enumerate(lines, 1):
            grid.write(x, y + number, line.replace(TIED, " "), self._label, width)

    def _panel(self, grid: CellBuffer, box: tuple[int, int, int, int]) -> None:
        """The large map with the words under it."""
        x, y, width, height = box
        rows = self._map(grid, x, y, width, max(0, height - 12))
        self._read(grid, x, y + rows + bool(rows), (width, height - rows - bool(rows)))

    def _foot(self, grid: CellBuffer, y: int, rows: int) -> None:
        x = 0
        if rows > 4 and grid.width >= 2 * rows + 24 and self._map(grid, 0, y, 2 * rows, rows):
            x = 2 * rows + 2
        self._read(grid, x, y, (grid.width - x, rows))

    def _map(self, grid: CellBuffer, x: int, y: int, width: int, height: int) -> int:
        """The answers of the chosen unit, large; how many rows they take."""
        column = self.seen.columns[self.spot.column]
        rows = min(height, width // 2)
        if self.spot.unit >= len(column.responses) or rows < 3:
            return 0
        columns = 2 * rows if self.seen.height > 1 else width
        values = partial(scaled, column.responses[self.spot.unit], self._size)
        box = (x, y, columns, rows)
        draw_response(grid, box, values, self.brush, is_large=True)
        return rows

    @property
    def _size(self) -> tuple[int, int]:
        return self.seen.width, self.seen.height

    # --- the network

    def _network(self, grid: CellBuffer, width: int, height: int) -> None:
        top = 2 if height >= 12 and any(column.after for column in self.seen.columns) else 1
        if height <= top:
            return
        made = plan(self.seen.columns, (0, top, width, height - top), self.spot)
        self.plan = made
        for number in made.columns:
            self._heading(grid, made, number, top)
        for number in made.columns[1:]:
            draw_wires(grid, self._wires(made, number), is_braille=self.is_braille)
        for (number, unit), (x, y) in made.nodes.items():
            self._node(grid, made, number, unit, x, y)

    def _heading(self, grid: CellBuffer, made: Plan, number: int, top: int) -> None:
        """Label, what follows the layer, and how many units are left out."""
        column, left, each = self.seen.columns[number], made.lefts[number], made.width + FRAME
        room = each + made.gap - 1
        style = self._strong if number == self.spot.column else self._label
        left_out = number == made.columns[0] and number > 0
        label = f"+{number} {column.label}" if left_out else column.label
        rest = len(self.seen.columns) - 1 - made.columns[-1]
        label += f" +{rest}" if number == made.columns[-1] and rest else ""
        for row, text in enumerate((label, column.after)[:top]):
            text = fitted(text, room, self.brush.signs.ellipsis)
            x = left + (each - cell_len(text)) // 2
            grid.write(max(0, min(x, grid.width - cell_len(text))), row, text, style)
        ys = [y for (at, _), (_, y) in made.nodes.items() if at == number]
        if above := made.above[number]:
            grid.write(left, min(ys) - 1, f"+{above}", self._label)
        if below := made.below[number]:
            text = f"+{below} more"
            text = text if min(room, grid.width - left) >= len(text) else f"+{below}"
            grid.write(left, max(ys) + made.height, text, self._label)

    def _node(self, grid: CellBuffer, made: Plan, number: int, unit: int, x: int, y: int) -> None:
        column, size = self.seen.columns[number], (made.width, made.height)
        if unit < len(column.responses):
            values = partial(scaled, column.responses[unit], self._size)
            draw_response(grid, (x, y, *size), values, self.brush)
        else:
            self._mean(grid, column, unit, (x, y, *size))
        is_source = number == self.spot.column - 1 and unit == self.spot.source
        if is_source or (number, unit) == (self.spot.column, self.spot.unit):
            for row in range(y, y + made.height):
                grid.put(x - 1, row, "(" if is_source else "[", self._strong)
                grid.put(x + made.width, row, ")" if is_source else "]", self._strong)
        if unit < len(column.names) and any(made.named):
            self._name(grid, made, number, column.names[unit], (x, y + (made.height - 1) // 2))

    def _name(
        self, grid: CellBuffer, made: Plan, number: int, name: str, place: tuple[int, int]
    ) -> None:
        x, y = place
        room = made.named[bool(number)] - 1
        text = fitted(name, room, "") if room > 0 else ""
        start = x + made.width + 2 if number else x - 2 - len(text)
        grid.write(start, y, text, self._label)

    def _mean(
        self, grid: CellBuffer, column: Column, unit: int, box: tuple[int, int, int, int]
    ) -> None:
        """A unit without a plane: its mean answer as a colour and a number."""
        x, y, width, height = box
        largest = max((abs(mean) for mean in column.means if isfinite(mean)), default=0.0)
        mean = column.means[unit]
        part = mean / largest if largest and isfinite(mean) else 0.0
        style = self._label
        if self.brush.hues.is_blended:
            front = self.brush.hues.front
            style = two_pixels((front.r, front.g, front.b), self.brush.colour(part * 0.7))
        text = fitted(signed(mean), width, "")
        if len(signed(mean)) > width:
            text = f"{mean:+.0f}" if abs(mean) >= 1 else f"{mean:+.1f}".replace("0.", ".")
        for row in range(height):
            line = text if row == (height - 1) // 2 else ""
            grid.write(x, y + row, fitted(line, width, "").center(width), style)

    def _wires(self, made: Plan, number: int) -> list[Wire]:
        """The edges into a column, those that are looked at over the others."""
        weights = self.seen.columns[number].weights
        edges = [
            (weights[unit][source], source, unit)
            for at, unit in made.nodes if at == number
            for before, source in made.nodes if before == number - 1
            if source < len(weights[unit]) and isfinite(weights[unit][source])
        ]  # fmt: skip
        largest = max((abs(w) for row in weights for w in row if isfinite(w)), default=0.0)
        if not largest:
            return []
        edges.sort(key=lambda edge: abs(edge[0]))
        shown = [edge for edge in edges if abs(edge[0]) >= FAINTEST * largest]
        near = [edge for edge in shown if self._is_near(number, *edge[1:])]
        far = [edge for edge in shown if not self._is_near(number, *edge[1:])][-self._few(made) :]
        wires = [self._wire(made, number, edge, largest, is_front=False) for edge in far]
        chosen = [e for e in edges if (number, e[2], e[1]) == self._edge]
        wires += [self._wire(made, number, edge, largest, is_front=True) for edge in near]
        return wires + [self._wire(made, number, e, largest, is_front=True) for e in chosen]

    def _few(self, made: Plan) -> int:
        """How many edges a gap takes until it is a thicket."""
        ys = [y for _, y in made.nodes.values()]
        return max(FEW, max(ys) - min(ys)) if ys else FEW

    @property
    def _edge(self) -> tuple[int, int, int | None]:
        return self.spot.column, self.spot.unit, self.spot.source

    def _is_near(self, number: int, source: int, unit: int) -> bool:
        """Whether an edge goes into or out of the chosen unit, where no edge is chosen."""
        if self.spot.source is not None:
            return False
        return (number, unit) == (self.spot.column, self.spot.unit) or (
            (number - 1, source) == (self.spot.column, self.spot.unit)
        )

    def _wire(
        self,
        made: Plan,
        number: int,
        edge: tuple[float, int, int],
        largest: float,
        *,
        is_front: bool,
    ) -> Wire:
        weight, source, unit = edge
        middle = (made.height - 1) * TALL // 2 + 1
        is_chosen = (number, unit, source) == self._edge
        style = self.brush.side(weight < 0) if is_front else self.brush.faint(weight < 0)
        strength = abs(weight) / largest
        if made.height == 1:  # thick lines would run into one another
            strength = min(strength, MIDDLE)
        return Wire(
            made.lefts[number - 1] + made.width + FRAME,
            made.nodes[number - 1, source][1] * TALL + middle,
            made.lefts[number] - 1,
            made.nodes[number, unit][1] * TALL + middle,
            max(strength, 0.5) if is_chosen else strength if is_front else min(strength, THIN),
            weight < 0,
            style + Style(bold=True) if is_front else style,
            is_front=is_chosen,
        )
