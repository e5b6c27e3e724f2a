"""Learning-rate schedules: pure functions of how many epochs have passed.

Time is counted in epochs, as a fraction, so that a schedule keeps its form when the batch
size or the number of epochs changes while training goes on.
"""

from math import cos, pi
from typing import Annotated

from msgspec import Struct

from tuilab.lab.knobs import knob


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every schedule has."""

    def rate(self, lr: float, epoch: float, epochs: int) -> float:
        """The learning rate after `epoch` of `epochs` epochs; `lr` is the optimizer's own."""
        raise NotImplementedError(type(self).__name__)


class Constant(Schedule, frozen=True, kw_only=True, tag="constant"):
    """The same learning rate from start to end."""

    def rate(self, lr: float, epoch: float, epochs: int) -> float:
        return lr


class Step(Schedule, frozen=True, kw_only=True, tag="step"):
    """Multiply by gamma every few epochs (`torch.optim.lr_scheduler.StepLR`)."""

    step_size: Annotated[
        int, knob("Epochs between two drops", ge=1, le=1_000_000, unit="epochs", live=True)
    ] = 10
    gamma: Annotated[float, knob("What each drop multiplies by", gt=0, le=1, live=True)] = 0.1

    def rate(self, lr: float, epoch: float, epochs: int) -> float:
        return float(lr * self.gamma ** (epoch // self.step_size))


class Cosine(Schedule, frozen=True, kw_only=True, tag="cosine"):
    """Fall along half a cosine to the end (`torch.optim.lr_scheduler.CosineAnnealingLR`)."""

    eta_min: Annotated[
        float, knob("The learning rate at the end", ge=0, le=1000, live=True, log=True)
    ] = 0.0

    def rate(self, lr: float, epoch: float, epochs: int) -> float:
        return _fall(lr, self.eta_min, min(1.0, epoch / epochs))


class OneCycle(Schedule, frozen=True, kw_only=True, tag="one_cycle"):
    """Warm up to the learning rate, then fall far below it (`OneCycleLR` of PyTorch)."""

    pct_start: Annotated[float, knob("Part of the run that warms up", gt=0, lt=1, live=True)] = 0.3
    div_factor: Annotated[
        float,
        knob("The start is the learning rate divided by this", ge=1, le=1e6, live=True, log=True),
    ] = 25.0
    final_div_factor: Annotated[
        float, knob("The end is the start divided by this", ge=1, le=1e9, live=True, log=True)
    ] = 1e4

    def rate(self, lr: float, epoch: float, epochs: int) -> float:
        start, done = lr / self.div_factor, min(1.0, epoch / epochs)
        if done < self.pct_start:
            return _fall(start, lr, done / self.pct_start)
        end = start / self.final_div_factor
        return _fall(lr, end, (done - self.pct_start) / (1 - self.pct_start))


def _fall(first: float, last: float, done: float) -> float:
    """Half a cosine from `first` to `last`."""
    return last + (first - last) * (1 + cos(pi * done)) / 2


AnySchedule = Constant | Step | Cosine | OneCycle
"""Every schedule by its name in a file."""
