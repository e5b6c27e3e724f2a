"""A curve that is drawn with the arrow keys: a pen that bends it, knot by knot."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tuilab.core.format import format_percent, format_value
from tuilab.core.lessons.curve import KNOTS, interpolate_curve
from tuilab.ui.panes.lesson.curve_plot import axis_width, draw_curves

LEVELS = 40
"""Steps of the pen from the lowest value to the highest."""

MIN_SIZE = (20, 5)
"""Columns and rows from which on the curve is drawn."""

COLORS = {"link": "$primary", "muted": "$text-muted", "bold": "$accent bold"}


class CurveEditor(Widget, can_focus=True):
    """The curve through the bends that were set; it begins level, halfway up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{shift}{key}", f"{action}({sign * far})", key, show=False)
            for shift, far in (("", 1), ("shift+", 4))
            for key, action, sign in (
                ("left", "move", -1), ("right", "move", 1), ("up", "bend", 1), ("down", "bend", -1),
            )
        ),
        Binding("home", f"move(-{KNOTS})", "to the start", show=False),
        Binding("end", f"move({KNOTS})", "to the end", show=False),
        Binding("x,delete,backspace", "straighten", "remove the bend", show=False),
        Binding("enter", "accept", "accept", show=False),
    ]  # fmt: skip

    @dataclass
    class CurveAccepted(Message):
        """The curve is complete."""

        heights: list[float]

    def __init__(self, name: str, limits: tuple[float, float]) -> None:
        super().__init__()
        self._series, self._limits = name, limits
        self._bends: dict[int, int] = {0: LEVELS // 2}
        "Levels by knot."
        self._pen = 0

    @property
    def heights(self) -> list[float]:
        """The curve at each knot."""
        low, high = self._limits
        return [low + (high - low) * level / LEVELS for level in interpolate_curve(self._bends)]

    def render(self) -> Content:
        """Returns the curve, the pen, and the value there."""
        heights, (width, height) = self.heights, self.size
        value = format_value(float(f"{heights[self._pen]:.3g}"))
        share = format_percent(self._pen / (KNOTS - 1))
        heading = f"{self._series} {value} after {share} of the run"
        if width < MIN_SIZE[0] or height < MIN_SIZE[1]:
            return Content(heading)
        rows = [Content.styled(heading, "$text-muted")]
        for line in draw_curves(heights, (), self._limits, (width, height - 1), self._pen):
            fragments = (Content.styled(part.text, COLORS.get(part.style, "")) for part in line)
            rows.append(Content.assemble(*fragments))
        return Content("\n").join(rows)

    def action_move(self, by: int) -> None:
        """Moves the pen along the run."""
        self._pen = max(0, min(KNOTS - 1, self._pen + by))
        self.refresh()

    def action_bend(self, by: int) -> None:
        """Draws the curve higher or lower where the pen is."""
        level = round(interpolate_curve(self._bends)[self._pen]) + by
        self._bends[self._pen] = max(0, min(LEVELS, level))
        self.refresh()

    def action_straighten(self) -> None:
        """Removes the bend at the pen, unless it is the last one."""
        if len(self._bends) > 1:
            self._bends.pop(self._pen, None)
        self.refresh()

    def action_accept(self) -> None:
        """Reports the curve."""
        self.post_message(self.CurveAccepted(self.heights))

    def on_click(self, event: events.Click) -> None:
        """Bends the curve to where the mouse is."""
        left, rows = axis_width(self._limits), self.size.height - 3
        x = (event.x - left) / max(1, self.size.width - left - 1)
        y = 1 - (event.y - 1) / max(1, rows - 1)
        self._pen = round(max(0.0, min(1.0, x)) * (KNOTS - 1))
        self._bends[self._pen] = round(max(0.0, min(1.0, y)) * LEVELS)
        self.refresh()
