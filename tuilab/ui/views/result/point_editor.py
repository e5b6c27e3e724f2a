"""An editor of points on a plane, by keyboard or mouse."""

from math import hypot
from typing import ClassVar

from msgspec.structs import replace
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region

from tuilab.core.catalogue.data.points import Point
from tuilab.core.protocol.inspect.result_messages import DecisionSurface
from tuilab.ui.canvas.canvas import Canvas
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import draw_surface, locate_surface
from tuilab.ui.messages import EditRequested

MAX_COORDINATE = 6.0
"""The plane reaches this far from its center, each way."""

MAX_KEYED_CLASSES = 9
"""Classes with a key."""

IDLE_HELP = ("enter draws points; so does a click",)
DRAWING_HELP = (
    "arrows move · 1-9 set a point of a class · x removes · esc ends",
    "1-9 set · x removes · esc",
)
"""The line below the plane, the longest one that fits."""

EMPTY_SURFACE = DecisionSurface(
    (-MAX_COORDINATE, MAX_COORDINATE, -MAX_COORDINATE, MAX_COORDINATE), 1, 1, [], []
)

_ARROWS = (("left", -1, 0), ("right", 1, 0), ("up", 0, 1), ("down", 0, -1))


class PointEditor(Canvas, can_focus=True):
    """Points, a cursor, and the network's output over the plane once there is one."""

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
            for number in range(1, MAX_KEYED_CLASSES + 1)
        ),
        Binding("x,delete,backspace", "remove", "remove", id="board.remove",
                tooltip="Remove the point nearest to the cursor"),
        Binding("escape", "end", "end", tooltip="End drawing; the number keys show panes again",
                id="board.end"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.points: tuple[Point, ...] = ()
        self.names: tuple[str, ...] = ()
        self.surface: DecisionSurface | None = None
        self.is_drawing = False
        self._cursor = (0.0, 0.0)
        "In units of the plane."
        self._class = 0
        "The class of the last point."

    def show(
        self, points: tuple[Point, ...], names: tuple[str, ...], surface: DecisionSurface | None
    ) -> None:
        """Shows points over the output of a network, if there is one."""
        if self.points != points or self.names != names or self.surface is not surface:
            self.points, self.names, self.surface = points, names, surface
            self.draw_soon()

    def draw(self, width: int, height: int) -> CellBuffer:
        """Draws the plane with its points, the cursor and a line of help."""
        style = self.draw_style
        cells = CellBuffer(width, height, style.muted)
        surface = self.surface
        if surface is None or surface.bounds != EMPTY_SURFACE.bounds:
            surface = EMPTY_SURFACE
        points = [(x, y, float(number)) for x, y, number in self.points]
        surface = replace(surface, points=points, validation=[])
        cells.paste(0, 0, draw_surface(surface, self.names, (width, height - 1), style))
        text = style.fit(DRAWING_HELP if self.is_drawing else IDLE_HELP, width)
        cells.write(max(0, (width - len(text)) // 2), height - 1, text, style.muted)
        if self.is_drawing:
            cells.draw_cursor(*self._cell(self._cursor))
        return cells

    # --- coordinates --------------------------------------------------------------------------

    def surface_region(self) -> Region:
        """Returns where the plane is in the widget."""
        return locate_surface(self.size.width, self.size.height - 1)

    def _cell(self, position: tuple[float, float]) -> tuple[int, int]:
        """Returns the cell of a position on the plane."""
        left, _, columns, rows = self.surface_region()
        x, y = position
        column = min(columns - 1, int((x + MAX_COORDINATE) / (2 * MAX_COORDINATE) * columns))
        row = min(rows - 1, int((MAX_COORDINATE - y) / (2 * MAX_COORDINATE) * rows))
        return left + column, row

    def _coordinates(self, x: int, y: int) -> tuple[float, float] | None:
        """Returns the center of a cell in units of the plane; None outside of it."""
        left, _, columns, rows = self.surface_region()
        if not (left <= x < left + columns and 0 <= y < rows):
            return None
        across, down = (x - left + 0.5) / columns, (y + 0.5) / rows
        return (
            round((2 * across - 1) * MAX_COORDINATE, 2),
            round((1 - 2 * down) * MAX_COORDINATE, 2),
        )

    # --- keys and mouse -----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers keys only while drawing, so that they keep their other meaning."""
        return action == "begin" or self.is_drawing

    def action_begin(self) -> None:
        """Begins to draw; while drawing, sets another point of the last class."""
        if self.is_drawing:
            self.action_put(self._class)
        else:
            self.set_drawing(True)

    def set_drawing(self, is_drawing: bool) -> None:
        """Begins or ends drawing."""
        self.is_drawing = is_drawing
        self.refresh_bindings()
        self.redraw()

    def action_end(self) -> None:
        """Ends drawing."""
        self.set_drawing(False)

    def on_hide(self) -> None:
        """Ends drawing when hidden."""
        self.is_drawing = False

    def action_move(self, columns: int, rows: int) -> None:
        """Moves the cursor by cells."""
        x, y = self._cell(self._cursor)
        left, _, width, height = self.surface_region()
        x = max(left, min(left + width - 1, x + columns))
        y = max(0, min(height - 1, y - rows))
        self._cursor = self._coordinates(x, y) or self._cursor
        self.redraw()

    def action_put(self, number: int) -> None:
        """Sets a point of a class at the cursor."""
        self._class = number
        position = self._coordinates(*self._cell(self._cursor))
        if position is not None:
            self._cursor = position
            others = tuple(point for point in self.points if point[:2] != position)
            self.post_message(EditRequested("data.points", (*others, (*position, number))))

    def action_remove(self) -> None:
        """Removes the nearest point."""
        if self.points:
            x, y = self._cursor
            self._remove(min(self.points, key=lambda p: hypot(p[0] - x, p[1] - y)))

    def _remove(self, removed: Point) -> None:
        if len(self.points) == 1:
            self.notify("The last point stays: the network needs at least one example.")
            return
        others = tuple(point for point in self.points if point is not removed)
        self.post_message(EditRequested("data.points", others))

    def on_click(self, event: events.Click) -> None:
        """Sets a point of the last class, or removes the one that is there."""
        offset = event.get_content_offset(self)
        position = None if offset is None else self._coordinates(offset.x, offset.y)
        if position is None:
            return
        self.is_drawing = True
        self._cursor = position
        for point in self.points:
            if self._cell(point[:2]) == self._cell(position):
                self._remove(point)
                return
        self.action_put(self._class)
        self.refresh_bindings()
