"""A plane on which points are drawn by hand, by keys or by mouse."""

from math import hypot
from typing import ClassVar

from msgspec.structs import replace
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tuilab.core.catalogue.data.points import Point
from tuilab.core.protocol.inspect.result_messages import Surface
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import box_of_plane, draw_plane
from tuilab.ui.canvas.palette_canvas import PaletteCanvas
from tuilab.ui.terminal.glyphs import signs

EDGE = 6.0
"""The plane goes so far from its middle, each way."""

MOST = 9
"""Classes that have a key."""

IDLE = "enter draws points; so does a click"
DRAWING = "arrows move · 1-9 set a point of a class · x removes · esc ends"
BRIEF = "1-9 set · x removes · esc"

_ARROWS = (("left", -1, 0), ("right", 1, 0), ("up", 0, 1), ("down", 0, -1))


class PointEditor(PaletteCanvas, can_focus=True):
    """The examples, a cursor, and what the network says of the plane, once it says something."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "Draw points", tooltip="Draw points; then set one of the class "
                "that was used last", id="board.begin"),
        *(
            Binding(key, f"move({dx}, {dy})", f"cursor {key}", show=False, id=f"board.{key}",
                    tooltip=f"Move the cursor {key}")
            for key, dx, dy in _ARROWS
        ),
        *(
            Binding(f"shift+{key}", f"move({5 * dx}, {5 * dy})", f"far {key}", show=False,
                    id=f"board.far_{key}", tooltip=f"Move the cursor far {key}")
            for key, dx, dy in _ARROWS
        ),
        *(
            Binding(str(number), f"put({number - 1})", f"class {number}", show=number == 1,
                    key_display="1-9" if number == 1 else None, id=f"board.class_{number}",
                    tooltip=f"Set a point of class {number} at the cursor")
            for number in range(1, MOST + 1)
        ),
        Binding("x,delete,backspace", "remove", "remove", id="board.remove",
                tooltip="Take away the point that is nearest to the cursor"),
        Binding("escape", "end", "end", tooltip="End drawing; the number keys show panes again",
                id="board.end"),
    ]  # fmt: skip

    class Drew(Message):
        """The points are other ones."""

        def __init__(self, points: tuple[Point, ...]) -> None:
            super().__init__()
            self.points = points

    def __init__(self) -> None:
        super().__init__()
        self.points: tuple[Point, ...] = ()
        self.names: tuple[str, ...] = ()
        self.surface: Surface | None = None
        self.is_drawing = False
        self._at = (0.0, 0.0)
        self._class = 0
        "The class of the point that was set last."

    def show(
        self, points: tuple[Point, ...], names: tuple[str, ...], surface: Surface | None
    ) -> None:
        """Show points over what a network says of the plane; None where it says nothing yet."""
        before = (self.points, self.names, self.surface)
        if before[0] == points and before[1] == names and before[2] is surface:
            return
        self.points, self.names, self.surface = points, names, surface
        self.catch_up()

    def drawn(self, width: int, height: int) -> CellBuffer:
        """The plane with its points, the cursor and a line of help."""
        hues = self.hues()
        grid = CellBuffer(width, height, hues.label)
        grid.place(0, 0, draw_plane(self._plane(), self.names, (width, height - 1), hues, signs()))
        words = DRAWING if width >= len(DRAWING) else BRIEF
        text = fitted(words if self.is_drawing else IDLE, width, signs().ellipsis)
        grid.write(max(0, (width - len(text)) // 2), height - 1, text, hues.label)
        if self.is_drawing:
            x, y = self._cell()
            if 0 <= x < grid.width and 0 <= y < grid.height:
                sign, style = grid.cells[y][x]
                sign = sign if sign not in (" ", "▀") else "+"
                grid.put(x, y, sign, style + Style(reverse=True, bold=True))
        return grid

    def _plane(self) -> Surface:
        bounds = (-EDGE, EDGE, -EDGE, EDGE)
        empty = Surface("", 0, bounds, 1, 1, [], [])
        points = [(x, y, float(of)) for x, y, of in self.points]
        surface = self.surface if self.surface and self.surface.bounds == bounds else empty
        return replace(surface, points=points, validation=[])

    # --- places

    def _box(self) -> tuple[int, int, int]:
        return box_of_plane(self.size.width, self.size.height - 1)

    def _cell(self) -> tuple[int, int]:
        """Where on the widget the cursor is."""
        left, columns, rows = self._box()
        x, y = self._at
        column = min(columns - 1, int((x + EDGE) / (2 * EDGE) * columns))
        return left + column, min(rows - 1, int((EDGE - y) / (2 * EDGE) * rows))

    def _place(self, x: int, y: int) -> tuple[float, float] | None:
        """The middle of a cell in the units of the plane; None outside of it."""
        left, columns, rows = self._box()
        if not (left <= x < left + columns and 0 <= y < rows):
            return None
        across, up = (x - left + 0.5) / columns, (y + 0.5) / rows
        return round((2 * across - 1) * EDGE, 2), round((1 - 2 * up) * EDGE, 2)

    # --- keys and mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Points are set only while somebody draws, so that other keys keep their meaning."""
        return action == "begin" or self.is_drawing

    def action_begin(self) -> None:
        """Begin to draw; while drawing, set another point of the last class."""
        if self.is_drawing:
            self.action_put(self._class)
        else:
            self.draw(True)

    def draw(self, is_drawing: bool) -> None:
        """Begin or end drawing."""
        self.is_drawing = is_drawing
        self.refresh_bindings()
        self.redraw()

    def action_end(self) -> None:
        """End drawing."""
        self.draw(False)

    def on_hide(self) -> None:
        """Nobody draws what cannot be seen."""
        self.is_drawing = False

    def action_move(self, columns: int, rows: int) -> None:
        """Move the cursor by cells."""
        x, y = self._cell()
        left, width, height = self._box()
        x = max(left, min(left + width - 1, x + columns))
        y = max(0, min(height - 1, y - rows))
        self._at = self._place(x, y) or self._at
        self.redraw()

    def action_put(self, number: int) -> None:
        """Set a point at the cursor."""
        self._class = number
        place = self._place(*self._cell())
        if place is not None:
            self._at = place
            kept = tuple(point for point in self.points if point[:2] != place)
            self._become((*kept, (*place, number)))

    def action_remove(self) -> None:
        """Take away the nearest point."""
        if self.points:
            x, y = self._at
            nearest = min(self.points, key=lambda point: hypot(point[0] - x, point[1] - y))
            self._take(nearest)

    def _take(self, gone: Point) -> None:
        if len(self.points) == 1:
            self.notify("The last point stays: without any there is nothing to learn.")
            return
        self._become(tuple(point for point in self.points if point is not gone))

    def _become(self, points: tuple[Point, ...]) -> None:
        self.post_message(self.Drew(points))

    def on_click(self, event: events.Click) -> None:
        """Set a point of the last class, or take away the one that is there."""
        offset = event.get_content_offset(self)
        place = None if offset is None else self._place(offset.x, offset.y)
        if place is None:
            return
        self.is_drawing = True
        self._at = place
        cell = self._cell()
        for point in self.points:
            self._at = point[:2]
            if self._cell() == cell:
                self._at = place
                self._take(point)
                return
        self._at = place
        self.action_put(self._class)
        self.refresh_bindings()
