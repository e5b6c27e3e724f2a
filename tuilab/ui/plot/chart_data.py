"""What a chart shows, and how."""

from collections.abc import Sequence
from dataclasses import dataclass

from tuilab.core.format import format_compact, format_number
from tuilab.core.run.run import Mark
from tuilab.ui.plot.traces import Trace


@dataclass(frozen=True, slots=True)
class ChartData:
    """What a chart shows."""

    traces: Sequence[Trace] = ()
    marks: Sequence[Mark] = ()
    "Vertical lines with a text."
    guides: Sequence[tuple[float, str]] = ()
    "Horizontal lines with a text."
    empty_message: str = ""
    "Shown while there is nothing to draw."
    x_name: str = "step"
    is_integer_x: bool = True
    x_ticks: Sequence[tuple[float, str]] | None = None
    "Values of x with their labels; None: round numbers."


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """How a chart shows it."""

    is_log: bool = False
    smoothing: float = 0.0
    last_steps: float | None = None
    "Only this many steps before the newest point."

    @property
    def description(self) -> str:
        """The options that differ from their defaults, in words."""
        smoothing = f"smooth {format_number(self.smoothing)}" if self.smoothing else ""
        last = f"last {format_compact(self.last_steps)}" if self.last_steps else ""
        return ", ".join(filter(None, ("log" if self.is_log else "", smoothing, last)))
