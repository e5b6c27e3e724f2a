"""A chart: lines over steps, drawn by plotext, with a cursor that reads exact values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.strip import Strip

from tuilab.ui.canvas.canvas import Canvas
from tuilab.ui.canvas.cell_buffer import BLANK, CellBuffer
from tuilab.ui.plot.chart_layout import Frame, Stroke, draw
from tuilab.ui.plot.legend import reading
from tuilab.ui.plot.scene import FAINT, Look, Scene, Settings
from tuilab.ui.plot.traces import Trace, nearest
from tuilab.ui.terminal.glyphs import glyphs, signs

SMOOTHING = (0.0, 0.6, 0.9, 0.97)
"""What the smoothing key goes through."""

WINDOWS = (None, 10_000.0, 1000.0, 100.0)
"""How many of the last steps the zoom key goes through."""

COLOURS = 6
"""Lines that are told apart by colour."""


KEYS: tuple[tuple[str, str, str, str | None, str, str], ...] = (
    ("l", "log", "Log", "", "log", "Logarithmic or linear values"),
    ("m", "smoothing", "Smooth", "", "smoothing", "Smooth the lines more, then not at all"),
    ("z", "zoom", "Zoom", "", "zoom", "Show all steps or only the last ones"),
    ("left", "cursor(-1)", "Read values", "←→", "left", "Move the cursor that reads values left"),
    ("right", "cursor(1)", "Cursor right", None, "right", "Move the cursor right"),
    ("shift+left", "cursor(-10)", "Far left", None, "far_left", "Ten columns to the left"),
    ("shift+right", "cursor(10)", "Far right", None, "far_right", "Ten columns to the right"),
    ("escape", "cursor_off", "Cursor off", "", "cursor_off", "Take the cursor away"),
)
"""Key, action, label, how the footer shows the key (None: not at all), name, tooltip."""


def plotted(strokes: Sequence[Stroke], width: int, height: int, is_line: bool) -> str:
    """Have plotext draw strokes; all coordinates are between 0 and 1."""
    import plotext  # Its import takes a tenth of a second: not before the first frame.

    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(width, height)
    plotext.theme("clear")
    plotext.frame(False)
    plotext.xfrequency(0)
    plotext.yfrequency(0)
    plotext.xlim(0, 1)
    plotext.ylim(0, 1)
    paint = plotext.plot if is_line else plotext.scatter
    for points, marker, colour in strokes:
        paint([x for x, _ in points], [y for _, y in points], marker=marker, color=colour)
    return "\n".join(str(plotext.build()).splitlines()[:height])


class Chart(Canvas, can_focus=True):
    """Lines over steps with axes, legend, marks and a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--axis", "chart--label", "chart--title", "chart--mark", "chart--gap", "chart--cursor",
        *(f"chart--line-{number}" for number in range(1, COLOURS + 1)),
    }  # fmt: skip

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            key,
            action,
            label,
            display is not None,
            display or None,
            False,
            tooltip,
            f"chart.{name}",
        )
        for key, action, label, display, name, tooltip in KEYS
    ]

    def __init__(self, scene: Scene | None = None) -> None:
        super().__init__()
        self.scene = scene or Scene()
        self.settings = Settings()
        self.cursor: float | None = None
        "The x that is read; None without a cursor."
        self._hover: float | None = None
        self._frame: Frame | None = None

    def show(self, scene: Scene) -> None:
        """Show new data, now if anyone sees it."""
        self.scene = scene
        self.catch_up()

    def drawn(self, width: int, height: int) -> CellBuffer:
        """The chart in a size."""
        self._frame = draw(self.scene, self.settings, (width, height), self._look(), plotted)
        if self.read is not None:
            self.refresh()
        return self._frame.grid

    def _look(self) -> Look:
        style = self.get_component_rich_style
        lines: dict[int, Style] = {}
        for number in range(1, COLOURS + 1):
            lines[number] = style(f"chart--line-{number}")
            lines[number + FAINT] = _faint(lines[number])
        return Look(
            self.rich_style,
            axis=style("chart--axis"),
            label=style("chart--label"),
            title=style("chart--title"),
            mark=style("chart--mark"),
            gap=style("chart--gap"),
            lines=lines,
            signs=signs(),
            glyphs=glyphs(),
        )

    def render_line(self, y: int) -> Strip:
        """One line, as it was drawn, with the cursor over it."""
        strip, x, frame = super().render_line(y), self.read, self._frame
        if x is None or frame is None:
            return strip
        if y == 0:
            return self._reading(frame, x)
        if frame.top <= y < frame.top + frame.height:
            return _crossed(strip, frame.column(x), self.get_component_rich_style("chart--cursor"))
        return strip

    @property
    def read(self) -> float | None:
        """The x that is read now: under the mouse, else where the cursor stands."""
        return self.cursor if self._hover is None else self._hover

    def _reading(self, frame: Frame, x: float) -> Strip:
        """The values at x, in as much detail as fits."""
        look, row = frame.look, CellBuffer(self.size.width, 1, frame.look.base)
        for is_brief in (False, True):
            pieces = reading(self.scene, frame.traces, x, is_brief)
            if sum(len(text) + 2 for text, _ in pieces) <= row.width:
                break
        at = 0
        for text, trace in pieces:
            at = row.write(at, 0, text, look.line(trace) if trace else look.title) + 2
        return row.strips()[0]

    # What the user does

    def action_log(self) -> None:
        """Change between a logarithmic and a linear axis."""
        self._set(replace(self.settings, is_log=not self.settings.is_log))

    def action_smoothing(self) -> None:
        """Smooth more, or after the most not at all."""
        self._set(replace(self.settings, smoothing=_after(SMOOTHING, self.settings.smoothing)))

    def action_zoom(self) -> None:
        """Show fewer of the last steps, or after the fewest all."""
        self._set(replace(self.settings, last=_after(WINDOWS, self.settings.last)))

    def _set(self, settings: Settings) -> None:
        self.settings = settings
        self.redraw()

    def action_cursor(self, columns: int) -> None:
        """Move the cursor by columns, to the next point at least."""
        frame, densest = self._frame, self._densest()
        if frame is None or densest is None:
            return
        if self.cursor is None:
            self._read(densest.points[-1][0])
            return
        aim = frame.x_at(frame.column(self.cursor) + columns)
        point = nearest(densest.points, aim)
        assert point is not None, "the densest trace has points"
        forward = columns > 0
        if point[0] == self.cursor or (point[0] > self.cursor) != forward:
            xs = [p[0] for p in densest.points]
            beyond = [x for x in xs if (x > self.cursor if forward else x < self.cursor)]
            self._read((min(beyond) if forward else max(beyond)) if beyond else self.cursor)
        else:
            self._read(point[0])

    def _densest(self) -> Trace | None:
        shown = self._frame.traces if self._frame else []
        traces = [trace for trace in shown if trace.points and trace.is_line]
        return max(traces, key=lambda trace: len(trace.points), default=None)

    def action_cursor_off(self) -> None:
        """Take the cursor away."""
        self._read(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is the chart's only while there is a cursor."""
        return self.cursor is not None if action == "cursor_off" else True

    def _read(self, x: float | None) -> None:
        self.cursor = x
        self.refresh_bindings()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Fix the cursor where the mouse is; there once more, take it away."""
        x = self._under(event)
        self._read(None if x == self.cursor else x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Read the values under the mouse."""
        x = self._under(event)
        if x != self._hover:
            self._hover = x
            self.refresh()

    def on_leave(self) -> None:
        """The mouse is gone: back to the cursor."""
        self._hover = None
        self.refresh()

    def _under(self, event: events.MouseEvent) -> float | None:
        """The x of the point nearest to the mouse; None outside of the plot."""
        offset, frame, densest = event.get_content_offset(self), self._frame, self._densest()
        if offset is None or frame is None or densest is None or offset.x < frame.left:
            return None
        point = nearest(densest.points, frame.x_at(offset.x))
        return None if point is None else point[0]


def _after(choices: Sequence[float | None], present: float | None) -> float:
    place = choices.index(present) if present in choices else -1
    return choices[(place + 1) % len(choices)]  # type: ignore[return-value]


def _faint(style: Style) -> Style:
    """A line's style, most of the way to the background."""
    if style.color is None or style.bgcolor is None or style.color.is_system_defined:
        return style + Style(dim=True)
    colour, behind = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    return style + Style(color=behind.blend(colour, 0.35).rich_color)


def _crossed(strip: Strip, x: int, style: Style) -> Strip:
    """A line with the cursor in one column: over what is drawn there, or as a bar."""
    if not 0 <= x < strip.cell_length:
        return strip
    before, cell, after = strip.divide([x, x + 1, strip.cell_length])
    sign = cell.text if cell.text not in BLANK else signs().vertical
    return Strip.join([before, Strip([Segment(sign, style)]), after])
