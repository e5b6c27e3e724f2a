"""What a chart shows and how: its data, its settings, its styles."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.style import Style

from tuilab.core.run.run import Mark
from tuilab.ui.plot.axes import short
from tuilab.ui.plot.traces import Trace
from tuilab.ui.terminal.glyphs import UNICODE, Glyphs, Signs

FAINT = 100
"""Added to the number of a colour: its faint variant."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a chart shows."""

    traces: Sequence[Trace] = ()
    marks: Sequence[Mark] = ()
    guides: Sequence[tuple[float, str]] = ()
    empty: str = ""
    "What to say while there is nothing to draw."
    x_name: str = "step"
    is_counted: bool = True
    "x are whole numbers."


@dataclass(frozen=True, slots=True)
class Settings:
    """How a chart shows it."""

    is_log: bool = False
    smoothing: float = 0.0
    last: float | None = None
    "Only so many steps before the newest point."

    @property
    def words(self) -> str:
        """What is not the usual, in words."""
        smooth = f"smooth {self.smoothing:g}" if self.smoothing else ""
        last = f"last {short(self.last)}" if self.last else ""
        return ", ".join(filter(None, ("log" if self.is_log else "", smooth, last)))


@dataclass(frozen=True, slots=True)
class Look:
    """The styles and signs of a chart's parts."""

    base: Style
    axis: Style
    label: Style
    title: Style
    mark: Style
    gap: Style
    lines: dict[int, Style] = field(default_factory=dict)
    signs: Signs = UNICODE
    glyphs: Glyphs = "braille"

    def line(self, trace: Trace) -> Style:
        """The style of a trace."""
        return self.lines.get(trace.colour, self.base)
