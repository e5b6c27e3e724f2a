"""Learning-rate schedules: pure functions of how many epochs have passed.

Time is counted in epochs, as a fraction, so that a schedule keeps its form when the batch
size or the number of epochs changes while training goes on. In the formulas t is that time,
T the length of the run, both counted from the end of the warm-up.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, inf, pi, sqrt
from typing import Annotated, ClassVar

from msgspec import Meta

from tuilab.core.catalogue.schedule import Schedule, Warming
from tuilab.core.experiment.knobs import knob

Gamma = Annotated[float, knob("What each drop multiplies by", gt=0, le=1, live=True)]
Least = Annotated[float, knob("The lowest learning rate", ge=0, le=1000, live=True, log=True)]
Length = Annotated[
    float,
    knob("Epochs until the end is reached; 0 is the whole run", ge=0, le=1e7, unit="epochs",
         live=True, log=True),
]  # fmt: skip


class Constant(Warming, frozen=True, kw_only=True, tag="constant"):
    """The same learning rate from start to end.

    Formula: lr
    Use: first trials, and to see what a learning rate does.
    Pitfall: at the end the loss still dances about its lowest value; letting the rate fall almost
      always gains the last bit.
    Source: torch.optim.lr_scheduler.ConstantLR with factor 1
    """

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return lr


class Step(Warming, frozen=True, kw_only=True, tag="step"):
    """Multiply by gamma every few epochs (`torch.optim.lr_scheduler.StepLR`).

    Formula: lr · gamma^⌊t ∕ step_size⌋
    Use: when runs have any length and the rate is to fall every so often.
    Pitfall: a step_size above the number of epochs never drops at all.
    Source: torch.optim.lr_scheduler.StepLR
    """

    step_size: Annotated[
        int, knob("Epochs between two drops", ge=1, le=1_000_000, unit="epochs", live=True)
    ] = 10
    gamma: Gamma = 0.1

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * self.gamma ** (epoch // self.step_size))


class MultiStep(Warming, frozen=True, kw_only=True, tag="multi_step"):
    """Multiply by gamma at each of some epochs (`torch.optim.lr_scheduler.MultiStepLR`).

    Formula: lr · gamma^(number of milestones ≤ t)
    Use: to repeat papers, such as ResNet's drops at one half and three quarters of the run.
    Pitfall: milestones are epochs, not parts of the run: they stay where they are when you change
      the number of epochs.
    Source: torch.optim.lr_scheduler.MultiStepLR
    """

    milestones: Annotated[
        tuple[Annotated[float, Meta(ge=0, le=1e7)], ...],
        knob("Epochs at which the rate drops", unit="epochs", live=True),
    ] = (5.0, 8.0)
    gamma: Gamma = 0.1

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * self.gamma ** sum(epoch >= milestone for milestone in self.milestones))


class Exponential(Warming, frozen=True, kw_only=True, tag="exponential"):
    """Fall by the same part in every epoch (`torch.optim.lr_scheduler.ExponentialLR`).

    Formula: lr · gamma^t
    Use: long runs whose end is open.
    Pitfall: it falls faster than one thinks: 0.95 leaves 60 % after 10 epochs, 0.6 % after 100.
    Source: torch.optim.lr_scheduler.ExponentialLR, but falling within each epoch too
    """

    gamma: Annotated[float, knob("What an epoch multiplies by", gt=0, le=1, live=True)] = 0.95

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * self.gamma**epoch)


class Linear(Warming, frozen=True, kw_only=True, tag="linear"):
    """Go straight from one part of the learning rate to another (`LinearLR` of PyTorch).

    Formula: lr · (start + (end − start) · min(1, t ∕ total_iters))
    Use: fine-tuning and transformers: from 1 down to 0, after a short warm-up.
    Pitfall: at end_factor 0 the last epochs hardly learn; what is not learned by then stays so.
    Source: torch.optim.lr_scheduler.LinearLR, whose own defaults rise from 1 ∕ 3 to 1
    """

    start_factor: Annotated[
        float, knob("Where it starts, as a part of the learning rate", ge=0, le=1, live=True)
    ] = 1.0
    end_factor: Annotated[
        float, knob("Where it ends, as a part of the learning rate", ge=0, le=1, live=True)
    ] = 0.0
    total_iters: Length = 0.0

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        done = min(1.0, epoch / (self.total_iters or epochs))
        return lr * (self.start_factor * (1 - done) + self.end_factor * done)


class Polynomial(Warming, frozen=True, kw_only=True, tag="polynomial"):
    """Fall to zero along a power (`torch.optim.lr_scheduler.PolynomialLR`).

    Formula: lr · (1 − min(1, t ∕ total_iters))^power
    Use: segmentation networks; power 1 is a straight line, 0.9 and 2 are common.
    Pitfall: from total_iters on the rate is 0 and nothing is learned any more.
    Source: torch.optim.lr_scheduler.PolynomialLR
    """

    power: Annotated[
        float, knob("How the fall bends: above 1 early, below 1 late", gt=0, le=100, live=True)
    ] = 2.0
    total_iters: Length = 0.0

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return float(lr * (1 - min(1.0, epoch / (self.total_iters or epochs))) ** self.power)


class Cosine(Warming, frozen=True, kw_only=True, tag="cosine"):
    """Fall along half a cosine to the end (`torch.optim.lr_scheduler.CosineAnnealingLR`).

    Formula: eta_min + (lr − eta_min) · (1 + cos(π t ∕ T)) ∕ 2
    Use: the usual choice when the length of the run is known.
    Pitfall: stopped early, the run never saw the low rates that its end was planned for: compare
      only runs that went to the end.
    Source: torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov, Hutter 2016
    """

    eta_min: Least = 0.0

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return _fall(lr, self.eta_min, min(1.0, epoch / epochs))


class CosineRestarts(Warming, frozen=True, kw_only=True, tag="cosine_restarts"):
    """Fall along half a cosine, leap back up, and again (`CosineAnnealingWarmRestarts`).

    Formula: eta_min + (lr − eta_min) · (1 + cos(π t' ∕ Tᵢ)) ∕ 2,  Tᵢ = T_0 · T_mult^i
    Use: to take snapshots at the ends of the falls, and when a run may go on for longer.
    Pitfall: after each restart the loss rises for a while. That is meant; only the ends count.
    Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; SGDR, 2016
    """

    T_0: Annotated[
        int, knob("Epochs of the first fall", ge=1, le=1_000_000, unit="epochs", live=True,
                  log=True),
    ] = 5  # fmt: skip
    T_mult: Annotated[
        int, knob("How many times as long each fall is as the one before", ge=1, le=100, live=True)
    ] = 1
    eta_min: Least = 0.0

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        length: float = self.T_0
        if self.T_mult == 1:
            epoch %= length
        while epoch >= length:
            epoch, length = epoch - length, length * self.T_mult
        return _fall(lr, self.eta_min, epoch / length)


class InverseSqrt(Warming, frozen=True, kw_only=True, tag="inverse_sqrt"):
    """Fall with the square root of time, without an end (Vaswani et al. 2017).

    Formula: lr ∕ √(1 + t ∕ timescale)
    Use: transformers whose run has no planned end, after a warm-up of about the timescale.
    Pitfall: it never reaches small rates: cool down at the end by another schedule.
    Source: arXiv 1706.03762, equation 3 (there timescale = warmup)
    """

    timescale: Annotated[
        float, knob("Epochs in which it falls to 71 %", gt=0, le=1e6, unit="epochs", live=True,
                    log=True),
    ] = 1.0  # fmt: skip

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        return lr / sqrt(1 + epoch / self.timescale)


class Plateau(Warming, frozen=True, kw_only=True, tag="plateau"):
    """Drop when the validation loss no longer falls (`ReduceLROnPlateau` of PyTorch).

    Formula: lr · factor^(number of times that more than `patience` epochs brought nothing)
    Use: when nobody knows how long the run will have to be.
    Pitfall: a small validation part makes a noisy loss, and chance decides when it drops; it
      needs validation examples at all.
    Source: torch.optim.lr_scheduler.ReduceLROnPlateau, threshold_mode rel
    """

    factor: Annotated[float, knob("What each drop multiplies by", gt=0, lt=1, live=True)] = 0.1
    patience: Annotated[
        int, knob("Epochs without progress that are let pass", ge=0, le=1_000_000, unit="epochs",
                  live=True, log=True),
    ] = 5  # fmt: skip
    threshold: Annotated[
        float, knob("Progress is a loss lower by more than this part of it", ge=0, lt=1, live=True,
                    log=True),
    ] = 1e-4  # fmt: skip
    cooldown: Annotated[
        int, knob("Epochs after a drop that do not count", ge=0, le=1_000_000, unit="epochs",
                  live=True, log=True),
    ] = 0  # fmt: skip
    min_lr: Least = 0.0

    watches_validation: ClassVar[bool] = True

    def after(self, lr: float, epoch: float, epochs: float, validation: Sequence[float]) -> float:
        dropped = lr * self.factor ** drops(self, tuple(validation))
        return float(max(dropped, min(lr, self.min_lr)))


@lru_cache(maxsize=64)
def drops(plateau: Plateau, losses: tuple[float, ...]) -> int:
    """How often the rate has dropped after these losses, one an epoch."""
    best, bad, resting, count = inf, 0, 0, 0
    for loss in losses:
        is_better = loss < best * (1 - plateau.threshold)
        best, bad = (loss, 0) if is_better else (best, bad + 1)
        if resting:
            resting, bad = resting - 1, 0
        if bad > plateau.patience:
            count, bad, resting = count + 1, 0, plateau.cooldown
    return count


class OneCycle(Schedule, frozen=True, kw_only=True, tag="one_cycle"):
    """Warm up to the learning rate, then fall far below it (`OneCycleLR` of PyTorch).

    Formula: half a cosine from lr ∕ div_factor up to lr, then one down to
      lr ∕ (div_factor · final_div_factor)
    Use: short runs at high learning rates; it has its own warm-up.
    Pitfall: here lr is the highest rate: one that suits a constant schedule is often too low.
    Source: torch.optim.lr_scheduler.OneCycleLR; Smith, Topin 2017
    """

    pct_start: Annotated[float, knob("Part of the run that warms up", gt=0, lt=1, live=True)] = 0.3
    div_factor: Annotated[
        float,
        knob("The start is the learning rate divided by this", ge=1, le=1e6, live=True, log=True),
    ] = 25.0
    final_div_factor: Annotated[
        float, knob("The end is the start divided by this", ge=1, le=1e9, live=True, log=True)
    ] = 1e4

    def rate(self, lr: float, epoch: float, epochs: int, validation: Sequence[float] = ()) -> float:
        start, done = lr / self.div_factor, min(1.0, epoch / epochs)
        if done < self.pct_start:
            return _fall(start, lr, done / self.pct_start)
        end = start / self.final_div_factor
        return _fall(lr, end, (done - self.pct_start) / (1 - self.pct_start))


def _fall(first: float, last: float, done: float) -> float:
    """Half a cosine from `first` to `last`."""
    return last + (first - last) * (1 + cos(pi * done)) / 2


AnySchedule = (
    Constant | Step | MultiStep | Exponential | Linear | Polynomial | Cosine | CosineRestarts
    | OneCycle | InverseSqrt | Plateau
)  # fmt: skip
"""Every schedule by its name in a file."""
