"""A chart: lines over steps, with a cursor that reads exact values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from tuilab.ui.canvas.canvas import Canvas
from tuilab.ui.canvas.cell_buffer import BLANK, CellBuffer
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.draw_chart import ChartDrawing, draw_chart
from tuilab.ui.plot.legend import describe_point, wrap
from tuilab.ui.plot.traces import Trace, nearest_point
from tuilab.ui.terminal.glyphs import get_glyphs

T = TypeVar("T")

SMOOTHING_WEIGHTS = (0.0, 0.6, 0.9, 0.97)
"""What the smoothing key goes through."""

ZOOM_STEPS = (None, 10_000.0, 1000.0, 100.0)
"""How many of the last steps the zoom key shows."""


class Chart(Canvas, can_focus=True):
    """Lines over steps with axes, legend, marks and a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "log", "Log", id="chart.log", tooltip="Logarithmic or linear values"),
        Binding("m", "smoothing", "Smooth", id="chart.smoothing",
                tooltip="Smooth the lines more, then not at all"),
        Binding("z", "zoom", "Zoom", id="chart.zoom",
                tooltip="Show all steps or only the last ones"),
        Binding("b", "best", "Best", id="chart.best",
                tooltip="The best value of each line and where it is, or the last one"),
        Binding("left", "cursor(-1)", "Read values", id="chart.left", key_display="←→",
                tooltip="Move the cursor that reads values"),
        Binding("right", "cursor(1)", "Cursor right", id="chart.right", show=False,
                tooltip="Move the cursor right"),
        Binding("shift+left", "cursor(-10)", "Far left", id="chart.far_left", show=False,
                tooltip="Ten columns to the left"),
        Binding("shift+right", "cursor(10)", "Far right", id="chart.far_right", show=False,
                tooltip="Ten columns to the right"),
        Binding("escape", "cursor_off", "Cursor off", id="chart.cursor_off",
                tooltip="Remove the cursor"),
    ]  # fmt: skip

    def __init__(self, data: ChartData | None = None) -> None:
        super().__init__()
        self.data = data or ChartData()
        self.options = ChartOptions()
        self.cursor: float | None = None
        "The x that is read; None without a cursor."
        self._past: float | None = None
        "The x of the snapshot that is traveled to."
        self._hover: float | None = None
        self._drawing: ChartDrawing | None = None

    def show(self, data: ChartData) -> None:
        """Shows new data, as soon as the chart is visible."""
        has_best = self.data.is_higher_better is not None
        self.data = data
        if has_best != (data.is_higher_better is not None):
            self.refresh_bindings()
        self.draw_soon()

    def show_past(self, x: float | None) -> None:
        """Reads the values at the snapshot that is traveled to, or no longer."""
        if x != self._past:
            self._past = x
            self.refresh()

    def draw(self, width: int, height: int) -> CellBuffer:
        """Returns the chart in a size."""
        self._drawing = draw_chart(self.data, self.options, (width, height), self.draw_style)
        if self.read_x is not None:
            self.refresh()
        return self._drawing.cells

    def render_line(self, y: int) -> Strip:
        """Returns one line of the drawing, with the cursor over it."""
        strip, x, drawing = super().render_line(y), self.read_x, self._drawing
        if x is None or drawing is None:
            return strip
        if y < max(1, len(drawing.legend)):
            return self._render_values(drawing, x)[y]
        column = drawing.area.column(x)
        if drawing.area.region.contains(column, y):
            return _draw_cursor(strip, column, self.draw_style.cursor)
        return strip

    @property
    def read_x(self) -> float | None:
        """The x that is read now: under the mouse, at the cursor, or that of the snapshot."""
        candidates = (self._hover, self.cursor, self._past)
        return next((x for x in candidates if x is not None), None)

    def _render_values(self, drawing: ChartDrawing, x: float) -> list[Strip]:
        """Returns the values at x in the rows of the legend, in as much detail as fits."""
        style, row_count = self.draw_style, max(1, len(drawing.legend))
        cells = CellBuffer(self.size.width, row_count, style.text)
        rows: list[list[tuple[str, Trace | None]]] = []
        for is_brief in (False, True):
            pieces = describe_point(self.data, drawing.traces, x, is_brief)
            rows = wrap(pieces, [cell_len(text) for text, _ in pieces], cells.width)
            if len(rows) <= row_count:
                break
        if len(rows) > row_count:  # what does not fit is cut off at the end of the last row
            rows = [
                *rows[: row_count - 1],
                [piece for row in rows[row_count - 1 :] for piece in row],
            ]
        for y, row in enumerate(rows):
            column = 0
            for text, trace in row:
                text_style = style.line(trace.color) if trace else style.title
                column = cells.write(column, y, text, text_style) + 2
        return cells.strips()

    # --- keys and mouse ---------------------------------------------------------------------------

    def action_log(self) -> None:
        """Switches between a logarithmic and a linear axis."""
        self._change(is_log=not self.options.is_log)

    def action_smoothing(self) -> None:
        """Smooths more, or after the most not at all."""
        self._change(smoothing=_next_choice(SMOOTHING_WEIGHTS, self.options.smoothing))

    def action_zoom(self) -> None:
        """Shows fewer of the last steps, or after the fewest all."""
        self._change(last_steps=_next_choice(ZOOM_STEPS, self.options.last_steps))

    def action_best(self) -> None:
        """Writes the best values into the legend, or the last ones again."""
        self._change(shows_best=not self.options.shows_best)

    def _change(self, **changes: Any) -> None:
        self.options = replace(self.options, **changes)
        self.redraw()

    def action_cursor(self, columns: int) -> None:
        """Moves the cursor by columns, to the next point at least."""
        drawing, densest = self._drawing, self._densest_trace()
        if drawing is None or densest is None:
            return
        xs, cursor = [point[0] for point in densest.points], self.cursor
        if cursor is None:
            self._set_cursor(xs[-1])
            return
        target = drawing.area.x_at(drawing.area.column(cursor) + columns)
        beyond = [x for x in xs if (x > cursor if columns > 0 else x < cursor)]
        self._set_cursor(min(beyond, key=lambda x: abs(x - target), default=cursor))

    def _densest_trace(self) -> Trace | None:
        traces = self._drawing.traces if self._drawing else []
        lines = [trace for trace in traces if trace.points and trace.is_line]
        return max(lines, key=lambda trace: len(trace.points), default=None)

    def action_cursor_off(self) -> None:
        """Removes the cursor."""
        self._set_cursor(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leaves escape to others while there is no cursor; offers the best where there is one."""
        if action == "best":
            return self.data.is_higher_better is not None
        return self.cursor is not None if action == "cursor_off" else True

    def _set_cursor(self, x: float | None) -> None:
        self.cursor = x
        self.refresh_bindings()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Keeps the cursor where the mouse is; a second click there removes it."""
        x = self._x_under(event)
        self._set_cursor(None if x == self.cursor else x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Reads the values under the mouse."""
        x = self._x_under(event)
        if x != self._hover:
            self._hover = x
            self.refresh()

    def on_leave(self) -> None:
        """Reads the values at the cursor again."""
        self._hover = None
        self.refresh()

    def _x_under(self, event: events.MouseEvent) -> float | None:
        """Returns the x of the point nearest to the mouse; None outside of the plot."""
        offset, drawing = event.get_content_offset(self), self._drawing
        densest = self._densest_trace()
        if offset is None or drawing is None or densest is None or offset.x < drawing.area.region.x:
            return None
        point = nearest_point(densest.points, drawing.area.x_at(offset.x))
        return None if point is None else point[0]


def _next_choice(choices: Sequence[T], current: T) -> T:
    index = choices.index(current) if current in choices else -1
    return choices[(index + 1) % len(choices)]


def _draw_cursor(strip: Strip, x: int, style: Style) -> Strip:
    """Returns a line with the cursor in one column: over what is drawn there, or as a bar."""
    if not 0 <= x < strip.cell_length:
        return strip
    before, cell, after = strip.divide([x, x + 1, strip.cell_length])
    glyph = cell.text if cell.text not in BLANK else get_glyphs().vertical
    return Strip.join([before, Strip([Segment(glyph, style)]), after])
