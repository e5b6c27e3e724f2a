"""A sheet on which a curve is drawn with the arrow keys: a pen that bends it, knot by knot."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tuilab.core.format import compact
from tuilab.core.lessons.curve import KNOTS, through
from tuilab.ui.panes.lesson.curve_plot import gutter, picture

LEVELS = 40
"""Steps of the pen from the lowest value to the highest."""

COLOURS = {"link": "$primary", "muted": "$text-muted", "bold": "$accent bold"}


class Sketch(Widget, can_focus=True):
    """The curve through the bends that were set; it begins level, half way up."""

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
        Binding("x,delete,backspace", "straighten", "take the bend out", show=False),
        Binding("enter", "accept", "accept", show=False),
    ]  # fmt: skip

    class Drawn(Message):
        """The curve is as it should be."""

        def __init__(self, heights: list[float]) -> None:
            super().__init__()
            self.heights = heights

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
        return [low + (high - low) * level / LEVELS for level in through(self._bends)]

    def render(self) -> Content:
        """The curve, the pen, and the value there."""
        heights, (width, height) = self.heights, self.size
        value = compact(float(f"{heights[self._pen]:.3g}"))
        at = f"{self._series} {value} after {self._pen / (KNOTS - 1):.0%} of the run"
        if width < 20 or height < 5:
            return Content(at)
        rows = [Content.styled(at, "$text-muted")]
        for line in picture(heights, (), self._limits, (width, height - 1), self._pen):
            parts = (Content.styled(piece.text, COLOURS.get(piece.style, "")) for piece in line)
            rows.append(Content.assemble(*parts))
        return Content("\n").join(rows)

    def action_move(self, by: int) -> None:
        """Go along the run with the pen."""
        self._pen = max(0, min(KNOTS - 1, self._pen + by))
        self.refresh()

    def action_bend(self, by: int) -> None:
        """Draw the curve higher or lower where the pen is."""
        level = round(through(self._bends)[self._pen]) + by
        self._bends[self._pen] = max(0, min(LEVELS, level))
        self.refresh()

    def action_straighten(self) -> None:
        """Take out the bend at the pen; the last one stays."""
        if len(self._bends) > 1:
            self._bends.pop(self._pen, None)
        self.refresh()

    def action_accept(self) -> None:
        """This is the curve."""
        self.post_message(self.Drawn(self.heights))

    def on_click(self, event: events.Click) -> None:
        """Bend the curve to where the mouse is."""
        left, rows = gutter(self._limits), self.size.height - 3
        across = (event.x - left) / max(1, self.size.width - left - 1)
        up = 1 - (event.y - 1) / max(1, rows - 1)
        self._pen = round(max(0.0, min(1.0, across)) * (KNOTS - 1))
        self._bends[self._pen] = round(max(0.0, min(1.0, up)) * LEVELS)
        self.refresh()
