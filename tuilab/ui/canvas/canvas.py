"""A widget that is drawn as a whole, then repainted only in the cells that differ."""

from functools import cached_property
from time import perf_counter

from rich.style import Style
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle, read_draw_style

CHEAP_SECONDS = 0.025
"""A drawing that takes less time is drawn at every change."""

PAUSE_FACTOR = 8
"""Other drawings rest this many times longer than they take."""


class Canvas(Widget):
    """Draws on cells when its data, its size or its colors change and it is on the screen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.draw_count = 0
        "How often it was drawn."
        self._cells = CellBuffer(0, 0, Style.null())
        self._strips: list[Strip] = []
        self._is_stale = True
        self._cost = self._drawn_at = 0.0
        self._timer: Timer | None = None

    @cached_property
    def draw_style(self) -> DrawStyle:
        """The styles, colors and glyphs of the drawing."""
        return read_draw_style(self)

    @property
    def is_stale(self) -> bool:
        """Whether its data changed since it was drawn."""
        return self._is_stale

    def draw(self, width: int, height: int) -> CellBuffer:
        """Returns the drawing in a size."""
        raise NotImplementedError(type(self).__name__)

    def draw_soon(self) -> None:
        """Draws because the data changed: now, or a little later if drawing takes long."""
        self._is_stale = True
        rest = self._drawn_at + PAUSE_FACTOR * self._cost - perf_counter()
        if self._cost < CHEAP_SECONDS or rest <= 0:
            self.redraw()
        elif self._timer is None:
            self._timer = self.set_timer(rest, self.redraw)

    def redraw(self) -> None:
        """Draws now; while hidden, as soon as it is shown."""
        self._is_stale, self._timer = True, None
        width, height = self.size
        if not (width and height and self.is_on_screen):
            return
        start = perf_counter()
        cells = self.draw(width, height)
        self._is_stale = False
        self.draw_count += 1
        self._drawn_at = perf_counter()
        self._cost = self._drawn_at - start
        self._repaint(cells)

    def _repaint(self, cells: CellBuffer) -> None:
        before, self._cells, self._strips = self._cells, cells, cells.strips()
        if before.size != cells.size:
            self.refresh()
        elif changes := list(cells.changes(before)):
            self.refresh(*changes)

    def render_line(self, y: int) -> Strip:
        """Returns one line of the drawing."""
        width = self.size.width
        if y >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        return self._strips[y].adjust_cell_length(width, self.rich_style)

    def on_resize(self) -> None:
        """Draws for the new size."""
        self.redraw()

    def on_show(self) -> None:
        """Draws what changed while it was hidden."""
        if self._is_stale:
            self.redraw()

    def notify_style_update(self) -> None:
        """Draws in the colors of a new theme."""
        super().notify_style_update()
        vars(self).pop("draw_style", None)
        self.call_later(self.redraw)
