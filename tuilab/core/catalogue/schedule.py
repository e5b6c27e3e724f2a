"""What every learning-rate schedule is, and the warm-up that can go before it."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every schedule has."""

    watches_validation: ClassVar[bool] = False
    "Whether it needs the validation loss of every epoch."

    def rate(self, lr: float, epoch: float, epochs: int, validation: Sequence[float] = ()) -> float:
        """The learning rate after `epoch` of `epochs` epochs.

        Args:
            lr: the optimizer's own.
            validation: validation losses of the epochs that have ended, if `watches_validation`.
        """
        raise NotImplementedError(type(self).__name__)


class Warming(Schedule, frozen=True, kw_only=True):
    """What every schedule has that a warm-up can go before."""

    warmup: Annotated[
        float,
        knob("Epochs in which the learning rate first rises; parts of one count", ge=0, le=1e6,
             unit="epochs", live=True, log=True),
    ] = 0.0  # fmt: skip
    warmup_start: Annotated[
        float, knob("Where the warm-up begins, as a part of the rate it leads to", ge=0, le=1,
                    live=True),
    ] = 0.0  # fmt: skip

    def rate(self, lr: float, epoch: float, epochs: int, validation: Sequence[float] = ()) -> float:
        """A straight rise in the warm-up, then the schedule on the epochs that are left."""
        left = max(epochs - self.warmup, 1e-9)
        if epoch < self.warmup:
            part = self.warmup_start + (1 - self.warmup_start) * epoch / self.warmup
            return part * self.after(lr, 0.0, left, ())
        return self.after(lr, epoch - self.warmup, left, validation[int(self.warmup) :])

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        """The learning rate so many epochs after the warm-up."""
        raise NotImplementedError(type(self).__name__)
