"""Learning-rate schedules: pure functions of the number of epochs so far.

Time is counted in epochs, with fractions, so that a schedule keeps its shape when the batch size or
the number of epochs changes during training. In the formulas t is that time and T the length of the
run, both counted from the end of the warm-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, inf, pi, sqrt
from typing import TYPE_CHECKING, Annotated, ClassVar, Union

from msgspec import Meta, Struct

from tuilab.core.catalogue.tags import tagged_classes
from tuilab.core.experiment.knobs import knob

Gamma = Annotated[float, knob("Factor of each drop", gt=0, le=1, live=True)]
MinimumRate = Annotated[float, knob("Lowest learning rate", ge=0, le=1000, live=True, log=True)]
Length = Annotated[
    float,
    knob("Epochs until the end value is reached; 0: the whole run", ge=0, le=1e7, unit="epochs",
         live=True, log=True),
]  # fmt: skip


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """The base class of all schedules."""

    watches_validation: ClassVar[bool] = False
    "Whether it needs the validation loss of every epoch."

    def rate(self, lr: float, epoch: float, epochs: int, validation: Sequence[float] = ()) -> float:
        """Returns the learning rate after `epoch` of `epochs` epochs.

        Args:
            lr: the optimizer's learning rate.
            validation: validation losses of past epochs, if `watches_validation`.
        """
        raise NotImplementedError(type(self).__name__)


class WarmupSchedule(Schedule, frozen=True, kw_only=True):
    """The base class of schedules that can begin with a warm-up."""

    warmup: Annotated[
        float,
        knob("Epochs of linear warm-up; fractions are allowed", ge=0, le=1e6,
             unit="epochs", live=True, log=True),
    ] = 0.0  # fmt: skip
    warmup_start: Annotated[
        float, knob("First rate of the warm-up, as a fraction of its last", ge=0, le=1,
                    live=True),
    ] = 0.0  # fmt: skip

    def rate(self, lr: float, epoch: float, epochs: int, validation: Sequence[float] = ()) -> float:
        """Returns a linearly rising rate in the warm-up, and `decay` after it."""
        remaining = max(epochs - self.warmup, 1e-9)
        if epoch < self.warmup:
            fraction = self.warmup_start + (1 - self.warmup_start) * epoch / self.warmup
            return fraction * self.decay(lr, 0.0, remaining, ())
        return self.decay(lr, epoch - self.warmup, remaining, validation)

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        """Returns the learning rate `epoch` epochs after the warm-up, of `epochs` that remain.

        Args:
            validation: validation losses of all past epochs, those of the warm-up first.
        """
        raise NotImplementedError(type(self).__name__)


class Constant(WarmupSchedule, frozen=True, kw_only=True, tag="constant"):
    """The same learning rate from start to end.

    Formula: lr
    Use: first experiments, and to see the effect of a learning rate.
    Pitfall: at the end the loss still fluctuates around its minimum; decaying the rate almost
      always lowers it further.
    Source: torch.optim.lr_scheduler.ConstantLR with factor 1
    """

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return lr


class Step(WarmupSchedule, frozen=True, kw_only=True, tag="step"):
    """A drop by the factor gamma every few epochs (`torch.optim.lr_scheduler.StepLR`).

    Formula: lr · gamma^⌊t ∕ step_size⌋
    Use: runs of any length whose rate falls at regular intervals.
    Pitfall: with a step_size above the number of epochs the rate never drops.
    Source: torch.optim.lr_scheduler.StepLR
    """

    step_size: Annotated[
        int, knob("Epochs between two drops", ge=1, le=1_000_000, unit="epochs", live=True)
    ] = 10
    gamma: Gamma = 0.1

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * self.gamma ** (epoch // self.step_size))


class MultiStep(WarmupSchedule, frozen=True, kw_only=True, tag="multi_step"):
    """A drop by the factor gamma at given epochs (`torch.optim.lr_scheduler.MultiStepLR`).

    Formula: lr · gamma^(number of milestones ≤ t)
    Use: to reproduce papers, such as ResNet's drops at one half and three quarters of the run.
    Pitfall: milestones are epochs, not fractions of the run: they do not move when you change
      the number of epochs.
    Source: torch.optim.lr_scheduler.MultiStepLR
    """

    milestones: Annotated[
        tuple[Annotated[float, Meta(ge=0, le=1e7)], ...],
        knob("Epochs at which the rate drops", unit="epochs", live=True),
    ] = (5.0, 8.0)
    gamma: Gamma = 0.1

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * self.gamma ** sum(epoch >= milestone for milestone in self.milestones))


class Exponential(WarmupSchedule, frozen=True, kw_only=True, tag="exponential"):
    """A decay by the same factor in every epoch (`torch.optim.lr_scheduler.ExponentialLR`).

    Formula: lr · gamma^t
    Use: long runs without a planned end.
    Pitfall: it falls quickly: 0.95 leaves 60% after 10 epochs and 0.6% after 100.
    Source: torch.optim.lr_scheduler.ExponentialLR, but also decaying within each epoch
    """

    gamma: Annotated[float, knob("Factor of each epoch", gt=0, le=1, live=True)] = 0.95

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * self.gamma**epoch)


class Linear(WarmupSchedule, frozen=True, kw_only=True, tag="linear"):
    """A linear change from one fraction of the learning rate to another (`LinearLR` of PyTorch).

    Formula: lr · (start + (end − start) · min(1, t ∕ total_iters))
    Use: fine-tuning and transformers: from 1 down to 0, after a short warm-up.
    Pitfall: with end_factor 0 the last epochs hardly change the weights.
    Source: torch.optim.lr_scheduler.LinearLR, whose own defaults rise from 1 ∕ 3 to 1
    """

    start_factor: Annotated[
        float, knob("First value, as a fraction of the learning rate", ge=0, le=1, live=True)
    ] = 1.0
    end_factor: Annotated[
        float, knob("Last value, as a fraction of the learning rate", ge=0, le=1, live=True)
    ] = 0.0
    total_iters: Length = 0.0

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        done = min(1.0, epoch / (self.total_iters or epochs))
        return lr * (self.start_factor * (1 - done) + self.end_factor * done)


class Polynomial(WarmupSchedule, frozen=True, kw_only=True, tag="polynomial"):
    """A polynomial decay to zero (`torch.optim.lr_scheduler.PolynomialLR`).

    Formula: lr · (1 − min(1, t ∕ total_iters))^power
    Use: segmentation networks; power 1 is a straight line, 0.9 and 2 are common.
    Pitfall: after total_iters the rate is 0 and training stops.
    Source: torch.optim.lr_scheduler.PolynomialLR
    """

    power: Annotated[
        float,
        knob("Exponent: above 1 most of the decay is early, below 1 late", gt=0, le=100, live=True),
    ] = 2.0
    total_iters: Length = 0.0

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * (1 - min(1.0, epoch / (self.total_iters or epochs))) ** self.power)


class Cosine(WarmupSchedule, frozen=True, kw_only=True, tag="cosine"):
    """A decay along half a cosine (`torch.optim.lr_scheduler.CosineAnnealingLR`).

    Formula: eta_min + (lr − eta_min) · (1 + cos(π t ∕ T)) ∕ 2
    Use: the usual choice when the length of the run is known.
    Pitfall: a run that is stopped early never reaches the low rates at the end: compare only
      runs that finished.
    Source: torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov, Hutter 2016
    """

    eta_min: MinimumRate = 0.0

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return _half_cosine(lr, self.eta_min, min(1.0, epoch / epochs))


class CosineRestarts(WarmupSchedule, frozen=True, kw_only=True, tag="cosine_restarts"):
    """Repeated decays along half a cosine (`CosineAnnealingWarmRestarts`).

    Formula: eta_min + (lr − eta_min) · (1 + cos(π t' ∕ Tᵢ)) ∕ 2,  Tᵢ = T_0 · T_mult^i
    Use: to take snapshots at the end of each cycle, and when a run may be extended.
    Pitfall: after each restart the loss rises for a while. This is intended; compare the ends.
    Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; SGDR, 2016
    """

    T_0: Annotated[
        int, knob("Epochs of the first cycle", ge=1, le=1_000_000, unit="epochs", live=True,
                  log=True),
    ] = 5  # fmt: skip
    T_mult: Annotated[
        int, knob("Length of each cycle relative to the one before", ge=1, le=100, live=True)
    ] = 1
    eta_min: MinimumRate = 0.0

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        length: float = self.T_0
        if self.T_mult == 1:
            epoch %= length
        while epoch >= length:
            epoch, length = epoch - length, length * self.T_mult
        return _half_cosine(lr, self.eta_min, epoch / length)


class InverseSqrt(WarmupSchedule, frozen=True, kw_only=True, tag="inverse_sqrt"):
    """A decay with the inverse square root of time, without an end (Vaswani et al. 2017).

    Formula: lr ∕ √(1 + t ∕ timescale)
    Use: transformers trained without a planned end, after a warm-up of about the timescale.
    Pitfall: it never reaches small rates: cool down at the end with another schedule.
    Source: arXiv 1706.03762, equation 3 (there timescale = warmup)
    """

    timescale: Annotated[
        float, knob("Epochs until the rate has fallen to 71%", gt=0, le=1e6, unit="epochs",
                    live=True, log=True),
    ] = 1.0  # fmt: skip

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return lr / sqrt(1 + epoch / self.timescale)


class Plateau(WarmupSchedule, frozen=True, kw_only=True, tag="plateau"):
    """A drop when the validation loss no longer improves (`ReduceLROnPlateau` of PyTorch).

    Formula: lr · factor^(number of times that more than `patience` epochs brought no improvement)
    Use: when the necessary length of the run is unknown.
    Pitfall: it needs validation examples; with few of them the loss is noisy and the drops are
      random.
    Source: torch.optim.lr_scheduler.ReduceLROnPlateau, threshold_mode rel
    """

    factor: Annotated[float, knob("Factor of each drop", gt=0, lt=1, live=True)] = 0.1
    patience: Annotated[
        int, knob("Epochs without improvement before a drop", ge=0, le=1_000_000, unit="epochs",
                  live=True, log=True),
    ] = 5  # fmt: skip
    threshold: Annotated[
        float, knob("Relative decrease of the loss that counts as improvement", ge=0, lt=1,
                    live=True, log=True),
    ] = 1e-4  # fmt: skip
    cooldown: Annotated[
        int, knob("Epochs after a drop before counting starts again", ge=0, le=1_000_000,
                  unit="epochs", live=True, log=True),
    ] = 0  # fmt: skip
    min_lr: MinimumRate = 0.0

    watches_validation: ClassVar[bool] = True

    def decay(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        dropped = lr * self.factor ** count_drops(self, tuple(validation))
        return float(max(dropped, min(lr, self.min_lr)))


@dataclass(frozen=True, slots=True)
class _DropCount:
    """The drops after the validation losses so far, and what decides about the next one."""

    losses: tuple[float, ...] = ()
    best: float = inf
    bad_epochs: int = 0
    cooldown: int = 0
    drops: int = 0

    def after(self, plateau: Plateau, losses: tuple[float, ...]) -> "_DropCount":
        """Returns the count after these losses, which begin with those that are counted."""
        best, bad_epochs, cooldown, drops = self.best, self.bad_epochs, self.cooldown, self.drops
        for loss in losses[max(len(self.losses), int(plateau.warmup)) :]:
            is_better = loss < best * (1 - plateau.threshold)
            best, bad_epochs = (loss, 0) if is_better else (best, bad_epochs + 1)
            if cooldown:
                cooldown, bad_epochs = cooldown - 1, 0
            if bad_epochs > plateau.patience:
                drops, bad_epochs, cooldown = drops + 1, 0, plateau.cooldown
        return _DropCount(losses, best, bad_epochs, cooldown, drops)


_drop_counts: dict[Plateau, _DropCount] = {}
"""The newest count of each schedule: a step asks for it, and only an epoch changes it."""

MAX_DROP_COUNTS = 64
"""Schedules whose counts are kept."""


def count_drops(plateau: Plateau, losses: tuple[float, ...]) -> int:
    """Returns how often the rate has dropped after these losses, one per epoch.

    Those of the warm-up do not count.
    """
    count = _drop_counts.pop(plateau, _DropCount())
    if count.losses is not losses:  # the same tuple at every step of an epoch
        is_longer = losses[: len(count.losses)] == count.losses
        count = (count if is_longer else _DropCount()).after(plateau, losses)
    _drop_counts[plateau] = count
    while len(_drop_counts) > MAX_DROP_COUNTS:
        del _drop_counts[next(iter(_drop_counts))]
    return count.drops


class OneCycle(Schedule, frozen=True, kw_only=True, tag="one_cycle"):
    """A warm-up to the learning rate, then a decay far below it (`OneCycleLR` of PyTorch).

    Formula: half a cosine from lr ∕ div_factor up to lr, then another down to
      lr ∕ (div_factor · final_div_factor)
    Use: short runs at high learning rates; it has its own warm-up.
    Pitfall: lr is the highest rate here: a value for a constant schedule is often too low.
    Source: torch.optim.lr_scheduler.OneCycleLR; Smith, Topin 2017
    """

    pct_start: Annotated[
        float, knob("Fraction of the run that warms up", gt=0, lt=1, live=True)
    ] = 0.3
    div_factor: Annotated[
        float,
        knob(
            "The first rate is the learning rate divided by this", ge=1, le=1e6, live=True, log=True
        ),
    ] = 25.0
    final_div_factor: Annotated[
        float,
        knob("The last rate is the first rate divided by this", ge=1, le=1e9, live=True, log=True),
    ] = 1e4

    def rate(self, lr: float, epoch: float, epochs: int, validation: Sequence[float] = ()) -> float:
        start, done = lr / self.div_factor, min(1.0, epoch / epochs)
        if done < self.pct_start:
            return _half_cosine(start, lr, done / self.pct_start)
        end = start / self.final_div_factor
        return _half_cosine(lr, end, (done - self.pct_start) / (1 - self.pct_start))


def _half_cosine(first: float, last: float, done: float) -> float:
    """Returns the value of half a cosine from `first` to `last` at the fraction `done`."""
    return last + (first - last) * (1 + cos(pi * done)) / 2


SCHEDULES = tagged_classes(globals(), Schedule)
"""Every schedule that a file can name."""

if TYPE_CHECKING:
    AnySchedule = Schedule
else:
    AnySchedule = Union[SCHEDULES]  # noqa: UP007 (msgspec reads the members at run time)
