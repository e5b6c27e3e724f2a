"""A widget that is drawn as a whole, then repainted only in the cells that differ."""

from time import perf_counter

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tuilab.ui.canvas.cell_buffer import CellBuffer

CHEAP = 0.025
"""Seconds; what costs less to draw is drawn whenever there is news."""

REST = 8
"""Other drawings rest so many times longer than they take."""


class Canvas(Widget):
    """Draws on a grid when its data, its size or its colours change and somebody sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = 0
        "How many times it was drawn."
        self._grid = CellBuffer(0, 0, Style.null())
        self._strips: list[Strip] = []
        self._is_stale = True
        self._cost = self._drawn_at = 0.0
        self._timer: Timer | None = None

    def drawn(self, width: int, height: int) -> CellBuffer:
        """The drawing in a size."""
        raise NotImplementedError(type(self).__name__)

    def catch_up(self) -> None:
        """Draw because there is news: now, or soon if drawing takes long."""
        self._is_stale = True
        rest = self._drawn_at + REST * self._cost - perf_counter()
        if self._cost < CHEAP or rest <= 0:
            self.redraw()
        elif self._timer is None:
            self._timer = self.set_timer(rest, self.redraw)

    def redraw(self) -> None:
        """Draw now, unless it is hidden: then as soon as it is shown."""
        self._is_stale, self._timer = True, None
        width, height = self.size
        if not (width and height and self.is_on_screen):
            return
        begun = perf_counter()
        grid = self.drawn(width, height)
        self._is_stale = False
        self.frames += 1
        self._drawn_at = perf_counter()
        self._cost = self._drawn_at - begun
        self._repaint(grid)

    def _repaint(self, grid: CellBuffer) -> None:
        before, self._grid, self._strips = self._grid, grid, grid.strips()
        if (before.width, before.height) != (grid.width, grid.height):
            self.refresh()
        elif changed := [Region(x, y, width, 1) for x, y, width in grid.changes(before)]:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """One line, as it was drawn."""
        width = self.size.width
        if y >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        return self._strips[y].adjust_cell_length(width, self.rich_style)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.redraw()

    def on_show(self) -> None:
        """Draw what came while it was hidden."""
        if self._is_stale:
            self.redraw()

    def notify_style_update(self) -> None:
        """Draw in the colours of a new theme."""
        super().notify_style_update()
        self.call_later(self.redraw)
