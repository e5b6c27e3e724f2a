"""A network as nodes and edges, with the selection large and described beside it."""

import textwrap
from math import isfinite

from rich.cells import cell_len
from textual.geometry import Region

from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsResponse
from tuilab.ui.canvas.cell_buffer import CellBuffer, truncate
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle
from tuilab.ui.canvas.half_blocks import make_pixel_style
from tuilab.ui.canvas.lines import DOT_ROWS, Line, draw_lines
from tuilab.ui.canvas.response_map import draw_response
from tuilab.ui.canvas.short_names import shorten_names
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.units.unit_positions import FRAME_WIDTH, Selection, UnitLayout, place_units
from tuilab.ui.views.units.unit_text import (
    NO_BREAK,
    describe_selection,
    format_signed,
    name_selection,
)

BESIDE_FROM = (96, 17)
"""From this size on, the description is beside the network, else below it."""

MAP_FROM_ROWS = 24
"""From this many rows on, there is a large map below the network."""

MAX_PANEL_WIDTH, DESCRIPTION_ROWS = 46, 12

UNIT_KEYS, EDGE_KEYS = "arrows, enter bias, i weights", "up, down, enter weight, esc unit"
"""The keys of the selection."""

MIN_EDGES = 12
"""If there are no more edges between two columns, all are drawn; else the largest: one a row."""

BACKGROUND_STRENGTH, FLAT_STRENGTH = 0.3, 0.7
"""The largest strength of lines that are not of the selection, and of lines between flat nodes."""

MIN_STRENGTH = 0.03
"""Smaller weights, as a fraction of the largest weight of the layer, are not drawn."""


class UnitsDrawing:
    """Draws one response; `layout` has the positions of the nodes afterwards."""

    def __init__(self, response: UnitsResponse, selection: Selection, style: DrawStyle) -> None:
        self.response, self.selection, self.style = response, selection, style
        self.is_braille = style.glyph_mode == "braille"
        self.layout: UnitLayout | None = None
        self._size = response.width, response.height

    def draw(self, width: int, height: int) -> CellBuffer:
        """Returns the drawing in a size."""
        cells = StyledCells((width, height), self.style)
        bottom = self._draw_bottom(cells)
        if width >= BESIDE_FROM[0] and height >= BESIDE_FROM[1]:
            panel = min(MAX_PANEL_WIDTH, width // 3)
            self._draw_network(cells, Region(0, 0, width - panel - 2, bottom))
            self._draw_panel(cells, Region(width - panel, 0, panel, bottom))
            return cells
        rows = 11 if bottom >= MAP_FROM_ROWS else min(4, max(1, bottom // 4))
        self._draw_network(cells, Region(0, 0, width, bottom - rows))
        self._draw_foot(cells, Region(0, bottom - rows, width, rows))
        return cells

    # --- text

    def _draw_bottom(self, cells: StyledCells) -> int:
        """Draws the legend and the note, and returns the first row that they take."""
        row = cells.height
        if cells.height >= 12:
            row -= 1
            self._draw_legend(cells, row)
        lines = textwrap.wrap(self.response.note, max(8, cells.width))[: 1 + cells.height // 12]
        cells.write_lines(0, row - len(lines), lines)
        return row - len(lines)

    def _draw_legend(self, cells: StyledCells, row: int) -> None:
        """Draws what lines and colors, or shades, stand for."""
        style = self.style
        above, below = ("⠒⠒⠒", "⠒⠂⠐⠒") if self.is_braille else ("---", "...")
        entries = [(above, "weight > 0", False), (below, "< 0", True)]
        if self.response.width:
            above, below = map(style.diverging_glyph, (0.7, -0.7))
            if style.has_color:
                above = below = "▄▄"
            entries += [(above, "output > 0", False), (below, "< 0", True)]
        x = 0
        for glyphs, text, is_negative in entries:
            x = cells.write(x, row, glyphs, style.diverging_style(is_negative))
            x = cells.write(x, row, f" {text}  ")

    def _draw_description(self, cells: StyledCells, region: Region) -> None:
        """Draws as much about the selection as fits."""
        x, y, width, height = region
        width, style = max(1, width), self.style
        title = style.truncate(name_selection(self.response, self.selection), width)
        end = cells.write(x, y, title, style.title)
        hint = EDGE_KEYS if self.selection.source is not None else UNIT_KEYS
        sentences = describe_selection(self.response, self.selection)
        if len(hint) + 2 <= x + width - end:
            cells.write_left_of(x + width, y, hint)
        else:
            sentences.append(hint)
        sentences = [style.spell(sentence) for sentence in sentences]
        lines = [line for sentence in sentences for line in textwrap.wrap(sentence, width)]
        if len(lines) > height - 1:
            lines = textwrap.wrap("; ".join(sentences).replace(".; ", ". "), width)
        if len(lines) > height - 1:
            lines = lines[: max(0, height - 1)]
            lines[-1:] = [f"{line[: width - 2]} {style.glyphs.ellipsis}" for line in lines[-1:]]
        for number, line in enumerate(lines, 1):
            cells.write(x, y + number, line.replace(NO_BREAK, " "), room=width)

    def _draw_panel(self, cells: StyledCells, region: Region) -> None:
        """Draws the large map with the description below it."""
        x, y, width, height = region
        rows = self._draw_map(cells, Region(x, y, width, max(0, height - DESCRIPTION_ROWS)))
        rows += bool(rows)
        self._draw_description(cells, Region(x, y + rows, width, height - rows))

    def _draw_foot(self, cells: StyledCells, region: Region) -> None:
        """Draws the description below the network, and the large map beside it if there is room."""
        _, y, width, rows = region
        x = 0
        if rows > 4 and width >= 2 * rows + 24:
            columns = 2 * rows
            x = columns + 2 if self._draw_map(cells, Region(0, y, columns, rows)) else 0
        self._draw_description(cells, Region(x, y, width - x, rows))

    def _draw_map(self, cells: StyledCells, region: Region) -> int:
        """Draws the response of the selected unit, and returns the rows that it takes."""
        column = self.response.columns[self.selection.column]
        rows = min(region.height, region.width // 2)
        if self.selection.unit >= len(column.responses) or rows < 3:
            return 0
        columns = 2 * rows if self.response.height > 1 else region.width
        response_region = Region(region.x, region.y, columns, rows)
        response = column.responses[self.selection.unit]
        draw_response(cells, response_region, response, self._size, has_signs=True)
        return rows

    # --- network

    def _draw_network(self, cells: StyledCells, region: Region) -> None:
        columns = self.response.columns
        has_activations = any(column.activations for column in columns)
        top = 2 if region.height >= 12 and has_activations else 1
        if region.height <= top:
            return
        nodes = Region(0, top, region.width, region.height - top)
        self.layout = layout = place_units(columns, nodes, self.selection)
        for number in layout.columns:
            self._draw_heading(cells, layout, number, top)
        for number in layout.columns[1:]:
            draw_lines(cells, self._edges(layout, number), is_braille=self.is_braille)
        for number, unit in layout.nodes:
            self._draw_node(cells, layout, number, unit)

    def _draw_heading(self, cells: StyledCells, layout: UnitLayout, number: int, top: int) -> None:
        """Draws the label, the activations after it, and how many units are left out."""
        column, left = self.response.columns[number], layout.lefts[number]
        width = layout.width + FRAME_WIDTH
        room = width + layout.gap - 1
        style = self.style.title if number == self.selection.column else self.style.muted
        is_first = number == layout.columns[0] and number > 0
        label = f"+{number} {column.label}" if is_first else column.label
        rest = len(self.response.columns) - 1 - layout.columns[-1]
        label += f" +{rest}" if number == layout.columns[-1] and rest else ""
        for row, text in enumerate((label, column.activations)[:top]):
            text = self.style.truncate(text, room)
            x = left + (width - cell_len(text)) // 2
            cells.write(max(0, min(x, cells.width - cell_len(text))), row, text, style)
        nodes = [node for (at, _), node in layout.nodes.items() if at == number]
        if above := layout.above[number]:
            cells.write(left, nodes[0].y - 1, f"+{above}")
        if below := layout.below[number]:
            text = f"+{below} more"
            text = text if min(room, cells.width - left) >= len(text) else f"+{below}"
            cells.write(left, nodes[-1].bottom, text)

    def _draw_node(self, cells: StyledCells, layout: UnitLayout, number: int, unit: int) -> None:
        column, node = self.response.columns[number], layout.nodes[number, unit]
        if unit < len(column.responses):
            draw_response(cells, node, column.responses[unit], self._size)
        else:
            self._draw_mean(cells, node, column, unit)
        selection = self.selection
        is_source = (number, unit) == (selection.column - 1, selection.source)
        if is_source or (number, unit) == (selection.column, selection.unit):
            left, right = "()" if is_source else "[]"
            cells.write_lines(node.x - 1, node.y, left * node.height, self.style.title)
            cells.write_lines(node.right, node.y, right * node.height, self.style.title)
        if unit < len(column.names) and any(layout.name_widths):
            room = layout.name_widths[bool(number)] - 1
            names = shorten_names(column.names, room, self.style.glyphs.ellipsis)
            name = names[unit] if room > 0 else ""
            x = node.right + 2 if number else node.x - 2 - cell_len(name)
            cells.write(x, node.y + (node.height - 1) // 2, name)

    def _draw_mean(self, cells: StyledCells, node: Region, column: UnitColumn, unit: int) -> None:
        """Draws the mean output of a unit without a response, as a color and a number."""
        x, y, width, height = node
        largest = max((abs(mean) for mean in column.means if isfinite(mean)), default=0.0)
        mean = column.means[unit]
        part = mean / largest if largest and isfinite(mean) else 0.0
        style = self.style.muted
        if self.style.has_color:
            pixel = self.style.diverging_pixel(part * 0.7)
            style = make_pixel_style(self.style.foreground.rgb, pixel)
        text = format_signed(mean)
        if len(text) > width:
            text = f"{mean:+.0f}" if abs(mean) >= 1 else f"{mean:+.1f}".replace("0.", ".")
            text = text if text.strip("+-.0") else "0"
        lines = ["".center(width)] * height
        lines[(height - 1) // 2] = truncate(text, width, "").center(width)
        cells.write_lines(x, y, lines, style)

    # --- edges

    def _edges(self, layout: UnitLayout, number: int) -> list[Line]:
        """Returns the edges into a column, those of the selection over the others."""
        weights = self.response.columns[number].weights
        edges = [
            (weights[unit][source], source, unit)
            for at, unit in layout.nodes if at == number
            for before, source in layout.nodes if before == number - 1
            if source < len(weights[unit]) and isfinite(weights[unit][source])
        ]  # fmt: skip
        largest = max((abs(w) for row in weights for w in row if isfinite(w)), default=0.0)
        if not largest:
            return []
        edges.sort(key=lambda edge: abs(edge[0]))
        visible = [edge for edge in edges if abs(edge[0]) >= MIN_STRENGTH * largest]
        near = [edge for edge in visible if self._is_of_selected_unit(number, *edge[1:])]
        far = [edge for edge in visible if not self._is_of_selected_unit(number, *edge[1:])]
        selected = [edge for edge in edges if self._is_selected(number, *edge[1:])]
        ys = [node.y for node in layout.nodes.values()]
        far = far[-max(MIN_EDGES, max(ys) - min(ys)) :]
        lines = [self._line(layout, number, edge, largest, is_front=False) for edge in far]
        front = near + selected
        return lines + [self._line(layout, number, edge, largest, is_front=True) for edge in front]

    def _is_selected(self, number: int, source: int, unit: int) -> bool:
        """Returns whether an edge is selected."""
        return Selection(number, unit, source) == self.selection

    def _is_of_selected_unit(self, number: int, source: int, unit: int) -> bool:
        """Returns whether an edge is of the selected unit; not if an edge is selected."""
        if self.selection.source is not None:
            return False
        selected = self.selection.column, self.selection.unit
        return selected in ((number, unit), (number - 1, source))

    def _line(
        self, layout: UnitLayout, number: int, edge: tuple[float, int, int], largest: float, *,
        is_front: bool,
    ) -> Line:  # fmt: skip
        weight, source, unit = edge
        middle = (layout.height - 1) * DOT_ROWS // 2 + 1
        is_selected = self._is_selected(number, source, unit)
        style = self.style.diverging_style(weight < 0, is_faint=not is_front)
        strength = abs(weight) / largest
        if layout.height == 1:  # thick lines would run into one another
            strength = min(strength, FLAT_STRENGTH)
        if is_selected:
            strength = max(strength, 0.5)
        elif not is_front:
            strength = min(strength, BACKGROUND_STRENGTH)
        start, end = layout.nodes[number - 1, source], layout.nodes[number, unit]
        return Line(
            start.right + 1,
            start.y * DOT_ROWS + middle,
            end.x - 2,
            end.y * DOT_ROWS + middle,
            strength,
            weight < 0,
            style + BOLD if is_front else style,
            is_opaque=is_selected,
        )
