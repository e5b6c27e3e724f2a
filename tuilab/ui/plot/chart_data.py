"""What a chart shows, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tuilab.core.format import format_compact, format_number
from tuilab.core.run.run import Mark
from tuilab.ui.plot.backdrop import Backdrop
from tuilab.ui.plot.traces import Trace


class PlacedMark(NamedTuple):
    """A change during training, at an x that need not be a step."""

    step: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartData:
    """What a chart shows."""

    traces: Sequence[Trace] = ()
    marks: Sequence[Mark | PlacedMark] = ()
    "Vertical lines with a text."
    guides: Sequence[tuple[float, str]] = ()
    "Horizontal lines with a text."
    empty_message: str = ""
    "Shown while there is nothing to draw."
    x_name: str = "step"
    is_integer_x: bool = True
    x_ticks: Sequence[tuple[float, str]] | None = None
    "Values of x with their labels; None: round numbers."
    backdrop: Backdrop = field(default_factory=Backdrop)
    "Lines of other runs, behind the traces."
    is_higher_better: bool | None = None
    "Whether the best value is the highest one; None where no value is the best."

    @property
    def all_traces(self) -> list[Trace]:
        """The traces, and those behind them."""
        return [*self.traces, *self.backdrop.traces]


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """How a chart shows it."""

    is_log: bool = False
    smoothing: float = 0.0
    last_steps: float | None = None
    "Only this many steps before the newest point."
    shows_best: bool = False
    "The legend has the best value of each line instead of the last one."

    @property
    def description(self) -> str:
        """The options that differ from their defaults, in words."""
        smoothing = f"smooth {format_number(self.smoothing)}" if self.smoothing else ""
        last = f"last {format_compact(self.last_steps)}" if self.last_steps else ""
        log, best = "log" if self.is_log else "", "best values" if self.shows_best else ""
        return ", ".join(filter(None, (best, log, smoothing, last)))
