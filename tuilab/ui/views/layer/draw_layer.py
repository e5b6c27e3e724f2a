"""A layer drawn: which it is, its statistics, and the picture of its numbers."""

import msgspec
from rich.cells import cell_len
from rich.style import Style

from tuilab.core.protocol.inspect.layer_messages import (
    WHATS,
    HeatMap,
    Histogram,
    History,
    LayerResponse,
    Plane,
    Tiles,
)
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.plot.legend import say
from tuilab.ui.views.layer.draw_heat_grid import Box, draw_map, draw_scale, turned
from tuilab.ui.views.layer.draw_histograms import draw_histogram, draw_history
from tuilab.ui.views.layer.draw_projection import draw_points, legend
from tuilab.ui.views.layer.draw_tiles import draw_tiles
from tuilab.ui.views.layer.layer_text import NAMES, meaning, plain, statistics, subject

LISTED = (92, 14)
"""From this size on, all layers stand in a list at the left."""

LIST = 26
"""Columns of the list."""

ONCE = "One look so far: each step adds another (space trains, s takes one step)."


class LayerPicture:
    """Draws one answer; `layers` are its rows in the list, to click on."""

    def __init__(self, seen: LayerResponse, brush: Brush) -> None:
        self.seen, self.brush = seen, brush
        self.layers: dict[int, str] = {}
        self._label = brush.hues.label
        self._strong = brush.hues.label + Style(bold=True)
        if brush.hues.is_blended:
            self._strong += Style(color=brush.hues.front.rich_color)

    def draw(self, width: int, height: int) -> CellBuffer:
        """The picture in a size."""
        grid = CellBuffer(width, height, self._label)
        if width < LISTED[0] or height < LISTED[1]:
            return self._draw(grid, is_listed=False)
        self._list(grid)
        grid.place(LIST + 1, 0, self._draw(CellBuffer(width - LIST - 1, height, self._label), True))
        return grid

    def _draw(self, grid: CellBuffer, is_listed: bool) -> CellBuffer:
        """All but the list."""
        seen, top = self.seen, 0
        if not is_listed:
            layers = seen.layers
            number = layers.index(seen.layer) + 1 if seen.layer in layers else 0
            place = f"  {number} of {len(layers)}"
            label = fitted(seen.layer, grid.width - len(place), self.brush.signs.ellipsis)
            x = grid.write(0, 0, label, self._strong)
            grid.write(x, 0, place, self._label)
            top = 1
        self._choices(grid, top, list(WHATS), seen.what, "" if is_listed else subject(seen))
        top += 1
        if seen.kinds:
            names = [NAMES[kind] for kind in seen.kinds]
            self._choices(grid, top, names, NAMES[seen.kind], subject(seen) if is_listed else "")
            top += 1
        top = self._statistics(grid, top)
        if seen.picture is None:
            body = CellBuffer(grid.width, grid.height - top, self._label)
            say(body, plain(seen.note, self.brush.signs), self._label)
            grid.place(0, top, body)
            return grid
        self._body(grid, top)
        return grid

    # --- what there is to choose from

    def _list(self, grid: CellBuffer) -> None:
        layers = self.seen.layers
        chosen = layers.index(self.seen.layer) if self.seen.layer in layers else 0
        rows = grid.height
        first = max(0, min(chosen - rows // 2, len(layers) - rows))
        for row, label in enumerate(layers[first : first + rows]):
            is_chosen = first + row == chosen
            mark = f"{self.brush.signs.arrow} " if is_chosen else "  "
            text = fitted(mark + _short(label), LIST - 1, self.brush.signs.ellipsis)
            grid.write(0, row, text, self._strong if is_chosen else self._label)
            self.layers[row] = label
        for row in range(rows):
            grid.put(LIST - 1, row, self.brush.signs.vertical, self._label)

    def _choices(self, grid: CellBuffer, y: int, names: list[str], chosen: str, tail: str) -> None:
        """All choices with the present one in brackets; alone where there is no room."""
        tail = plain(tail, self.brush.signs)
        length = sum(cell_len(name) + 2 for name in names)
        is_alone = length > grid.width
        x = 0
        for name in names:
            if name == chosen:
                of = f" {names.index(name) + 1}/{len(names)}" if is_alone else ""
                x = grid.write(x, y, f"[{name}]{of}", self._strong)
            elif not is_alone:
                x = grid.write(x, y, f" {name} ", self._label)
        if x + 1 + cell_len(tail) <= grid.width:
            grid.write(grid.width - cell_len(tail), y, tail, self._label)

    def _statistics(self, grid: CellBuffer, y: int) -> int:
        """Lines of statistics; the row after them."""
        most = 1 if grid.height < 14 else 2 if grid.height < 22 else 4
        x, last = 0, y + most
        for piece in statistics(self.seen):
            text = plain(piece, self.brush.signs)
            if x and x + cell_len(text) > grid.width:
                x, y = 0, y + 1
            if y >= last:
                return last
            x = grid.write(x, y, fitted(text, grid.width, ""), self._label) + 3
        return y + bool(x)

    # --- the numbers

    def _body(self, grid: CellBuffer, top: int) -> None:
        bottom = grid.height - 1
        seen = self.seen
        note = plain(ONCE if _is_single(seen) else seen.note, self.brush.signs)
        if note and grid.height >= 12:
            bottom -= 1
            grid.write(0, bottom, fitted(note, grid.width, self.brush.signs.ellipsis), self._label)
        gap = bottom - top > 12
        box = (0, top + gap, grid.width, max(1, bottom - top - gap))
        if isinstance(seen.picture, HeatMap) and seen.what != "activations":
            is_blended = self.brush.hues.is_blended
            map_ = turned(seen.picture, (grid.width, box[3]), is_blended=is_blended)
            self.seen = msgspec.structs.replace(seen, picture=map_)
        shown = self._paint(grid, box)
        self._foot(grid, grid.height - 1, shown)

    def _paint(self, grid: CellBuffer, box: Box) -> int:
        """Draw the numbers; how many tiles those are."""
        brush = self.brush
        match self.seen.picture:
            case HeatMap() as drawn:
                draw_map(grid, box, drawn, brush)
            case Tiles() as tiles:
                return draw_tiles(grid, box, tiles, brush)
            case Histogram() as histogram:
                draw_histogram(grid, box, histogram, brush)
            case History() as history:
                draw_history(grid, box, history, brush)
            case Plane() as points:
                draw_points(grid, box, points, brush)
        return 0

    def _foot(self, grid: CellBuffer, y: int, shown: int) -> None:
        """The line that says what the colours and letters mean."""
        picture = self.seen.picture
        words = plain(meaning(self.seen, shown), self.brush.signs)
        if isinstance(picture, HeatMap):
            draw_scale(grid, y, picture, self.brush, words)
        elif isinstance(picture, Tiles) and picture.tiles:
            draw_scale(grid, y, picture.tiles[-1], self.brush, words)
        elif isinstance(picture, Plane):
            legend(grid, y, picture, self.brush)
        elif isinstance(picture, Histogram):
            text = "height: the share of the numbers; across: their size"
            grid.write(0, y, fitted(text, grid.width, ""), self._label)
        elif isinstance(picture, History):
            text = "stronger: more of the numbers; up: their size, but for the outermost 0.5%"
            grid.write(0, y, fitted(text, grid.width, ""), self._label)


def _short(label: str) -> str:
    """A label for the list, where the layer above says what it comes after."""
    name, after, _ = label.partition(" after ")
    if not after:
        return label
    number = label.rpartition(" #")[2] if " #" in label else ""
    return f"  {name}{f' #{number}' if number else ''}"


def _is_single(seen: LayerResponse) -> bool:
    return isinstance(seen.picture, History) and len(seen.picture.rows) < 2
