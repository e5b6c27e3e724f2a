"""A scan along the next step: the loss after it, for every learning rate."""

import time
from functools import lru_cache
from math import nan

import torch
from torch import Tensor

from tuilab.core.experiment.experiment import name_of
from tuilab.core.protocol.inspect.landscape_messages import Scan, ScanDirection
from tuilab.engine.inspect.landscape.loss_surface import (
    ComputeLoss,
    LossSurface,
    Snapshot,
    evaluation_loss,
    to_number,
)
from tuilab.engine.preserve import preserving
from tuilab.engine.step import UNOBSERVED, forward_backward, regularize_and_clip
from tuilab.engine.tasks.gan import GAN

MIN_EXPONENT, DECADES, RATES_PER_DECADE = -6, 8, 8
"""The learning rates that are tried: powers of ten, from the lowest exponent on."""

PROBE_RATE = 1e3
"""The learning rate of the step that shows the optimizer's direction: so long that the rounding of
the weights does not count."""


class LineScan:
    """The loss along the next step from a snapshot, learning rate by learning rate.

    It is made when the weights are those of the snapshot. All methods are called inside
    `preserving`.
    """

    def __init__(self, surface: LossSurface, snapshot: Snapshot) -> None:
        session = surface.session
        self.surface, self.snapshot = surface, snapshot
        self.lr = session.lr
        self.optimizer = name_of(session.experiment.optimizer)
        with preserving(session, weights=False):
            session.network.train()
            inputs, targets = session.advance_to_batch()
            self.batch_size = len(targets)
            self._batch_loss: ComputeLoss | None = None
            if not isinstance(session.task, GAN):
                task_targets = session.task.targets_for(inputs, targets)
                self._batch_loss = evaluation_loss(session, inputs, task_targets)
            self.directions = step_directions(surface, inputs, targets)
        self._losses: dict[tuple[ScanDirection, float], tuple[float, float]] = {}
        "On the fixed examples and on the batch, by direction and learning rate."
        self._buffer = torch.empty_like(snapshot.weights)
        self._tensors = surface.unflatten(self._buffer)

    @property
    def _rates(self) -> list[float]:
        """Returns the rates as they are measured: no step, the current one, coarse to fine."""
        first = [0.0, self.lr] if self.lr else [0.0]
        return [*first, *(rate for rate in rates_coarse_to_fine() if rate not in first)]

    def measure(self, direction: ScanDirection, end: float) -> None:
        """Measures rates that are missing, until the clock `time.perf_counter` is past the end."""
        missing = [rate for rate in self._rates if (direction, rate) not in self._losses]
        if missing:
            self.surface.restore_buffers(self.snapshot)
        for rate in missing:
            self._losses[direction, rate] = self._losses_after(direction, rate)
            if time.perf_counter() > end:
                return

    def _losses_after(self, direction: ScanDirection, rate: float) -> tuple[float, float]:
        step = self.directions[direction]
        torch.add(self.snapshot.weights, step, alpha=rate, out=self._buffer)
        self.surface.set_weights(self._tensors)
        if self._batch_loss is None:
            return self.surface.evaluate(), nan
        return self.surface.evaluate(), to_number(self.surface.session, self._batch_loss)

    def count(self, direction: ScanDirection) -> tuple[int, int]:
        """Returns how many rates are measured, and of how many."""
        return sum(key[0] == direction for key in self._losses), len(self._rates)

    def to_scan(self, direction: ScanDirection) -> Scan:
        """Returns what has been measured so far."""
        rates, missing = sorted(rates_coarse_to_fine()), (nan, nan)
        pairs = [self._losses.get((direction, rate), missing) for rate in rates]
        loss, batch_loss = self._losses.get((direction, 0.0), missing)
        return Scan(
            direction, self.optimizer, self.lr, rates,
            [loss for loss, _ in pairs],
            [] if self._batch_loss is None else [loss for _, loss in pairs],
            loss, batch_loss, self._losses.get((direction, self.lr), missing)[0], self.batch_size,
        )  # fmt: skip


@lru_cache(1)
def rates_coarse_to_fine() -> tuple[float, ...]:
    """Returns the rates, whole powers of ten first."""
    last = DECADES * RATES_PER_DECADE
    offsets: dict[int, None] = {}
    stride = RATES_PER_DECADE
    while stride:
        offsets.update(dict.fromkeys(range(0, last + 1, stride)))
        stride //= 2
    return tuple(10 ** (MIN_EXPONENT + offset / RATES_PER_DECADE) for offset in offsets)


def step_directions(
    surface: LossSurface, inputs: Tensor, targets: Tensor
) -> dict[ScanDirection, Tensor]:
    """Takes a step and returns where those of learning rate 1 lead: [parameters] each.

    Penalties, clipping and noise act on the gradient as in training; `max_norm`, which acts after
    a step, does not. There is no direction of an optimizer that chooses the length of its steps.

    Args:
        inputs: a batch of training, [batch, ...].
        targets: [batch, ...].
    """
    session = surface.session
    phase = session.phases[-1]  # a GAN's generator comes last
    before = surface.flat_weights()
    targets = session.task.targets_for(inputs, targets)
    with torch.enable_grad():
        forward_backward(session, phase, inputs, targets, UNOBSERVED)
        regularize_and_clip(session, phase, UNOBSERVED)
    directions: dict[ScanDirection, Tensor] = {
        "gradient": -torch.cat([_flat_gradient(p) for p in surface.parameters])
    }
    if not session.experiment.optimizer.needs_closure:
        # Not `optimizer_step`: its limit on weights, `max_norm`, would bend so long a step.
        for group in phase.optimizer.param_groups:
            group["lr"] = PROBE_RATE * group.get("scale", 1.0)
        phase.optimizer.step()
        directions["optimizer"] = (surface.flat_weights() - before) / PROBE_RATE
    return directions


def _flat_gradient(parameter: Tensor) -> Tensor:
    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    return gradient.detach().reshape(-1)
