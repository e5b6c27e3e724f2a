"""A scan along the next step: the loss after it, for every learning rate."""

import time
from functools import lru_cache
from math import nan

import torch
from torch import Tensor

from tuilab.core.experiment.experiment import name_of
from tuilab.core.protocol.inspect.landscape_messages import Along, Scan
from tuilab.engine.inspect.landscape.loss_surface import (
    LossSurface,
    Measure,
    Snapshot,
    mean_loss,
    measured,
    remembering,
)
from tuilab.engine.optim import build_optimizer
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.train import backward, regularize_and_clip

LOWEST, DECADES, EACH = -6, 8, 8
"""The rates that are tried: powers of ten from the lowest on, so many to each decade."""

UNIT = 1e3
"""The rate of the step that is taken to see where the optimizer goes: so long that rounding in the
weights does not count."""


class Line:
    """The loss along the next step from a moment, rate by rate; made at that moment."""

    def __init__(self, ground: LossSurface, moment: Snapshot) -> None:
        session = ground.session
        self.ground, self.moment = ground, moment
        self.lr = session.lr
        self.optimizer = name_of(session.experiment.optimizer)
        inputs, targets = following(session)
        self.batch = len(targets)
        self._batch_loss: Measure | None = None
        if not isinstance(session.task, GAN):
            wanted = session.task.targets_for(inputs, targets)
            self._batch_loss = mean_loss(session, inputs, wanted)
        self.directions = directions(session, ground, inputs, targets)
        "None along the optimizer if its steps have no single direction."
        self._known: dict[tuple[Along, float], tuple[float, float]] = {}
        self._work = torch.empty_like(moment.row)
        self._parts = ground.parts(self._work)

    @property
    def _rates(self) -> list[float]:
        """The rates in the order in which they are measured: no step, the present one, coarse."""
        ends = [0.0, self.lr] if self.lr else [0.0]
        return [*ends, *(rate for rate in coarse_first() if rate not in ends)]

    def explore(self, along: Along, end: float) -> None:
        """Measure rates that are not known yet, until the time comes; call it `undisturbed`."""
        missing = [rate for rate in self._rates if (along, rate) not in self._known]
        if missing:
            self.ground.restore_buffers(self.moment)
        for rate in missing:
            self._known[along, rate] = self._after(along, rate)
            if time.perf_counter() > end:
                return

    def _after(self, along: Along, rate: float) -> tuple[float, float]:
        torch.add(self.moment.row, self.directions[along], alpha=rate, out=self._work)
        self.ground.put(self._parts)
        if self._batch_loss is None:
            return self.ground.value(), nan
        return self.ground.value(), measured(self.ground.session, self._batch_loss)

    def evaluations(self, along: Along) -> tuple[int, int]:
        """How many rates are measured, and of how many."""
        return sum(key[0] == along for key in self._known), len(self._rates)

    def found(self, along: Along) -> Scan:
        """What is known."""
        rates, unknown = sorted(coarse_first()), (nan, nan)
        pairs = [self._known.get((along, rate), unknown) for rate in rates]
        now, batch_now = self._known.get((along, 0.0), unknown)
        return Scan(
            along, self.optimizer, self.lr, rates,
            [loss for loss, _ in pairs],
            [] if self._batch_loss is None else [loss for _, loss in pairs],
            now, batch_now, self._known.get((along, self.lr), unknown)[0], self.batch,
        )  # fmt: skip


@lru_cache(1)
def coarse_first() -> tuple[float, ...]:
    """The rates, those of whole decades first."""
    last = DECADES * EACH
    places: dict[int, None] = {}
    stride = EACH
    while stride:
        places.update(dict.fromkeys(range(0, last + 1, stride)))
        stride //= 2
    return tuple(10 ** (LOWEST + place / EACH) for place in places)


def following(session: Session) -> tuple[Tensor, Tensor]:
    """The batch that training takes next; call it `undisturbed`."""
    session.network.train()
    while (batch := session.next_batch()) is None:
        session.epoch, session.offset = session.epoch + 1, 0
    return batch


def directions(
    session: Session, ground: LossSurface, inputs: Tensor, targets: Tensor
) -> dict[Along, Tensor]:
    """Where steps of rate 1 lead from the weights at hand, in one row; call it `undisturbed`.

    Penalties, clipping and noise act on the gradient as in training; a limit on the length of
    weights, which acts after a step, does not.
    """
    turn = session.phases[-1]  # a GAN's generator comes last
    session.network.train()
    wanted = session.task.targets_for(inputs, targets)
    before = ground.row()
    with remembering(session), torch.enable_grad():
        turn.optimizer.zero_grad(set_to_none=True)
        backward(session, turn, inputs, wanted)
        regularize_and_clip(session, turn, None)
        found: dict[Along, Tensor] = {
            "gradient": -torch.cat([_slope(p) for p in ground.parameters])
        }
        if not build_optimizer.needs_closure(session.experiment.optimizer):
            for group in turn.optimizer.param_groups:
                group["lr"] = UNIT * group.get("scale", 1.0)
            turn.optimizer.step()
            found["optimizer"] = (ground.row() - before) / UNIT
    return found


def _slope(parameter: Tensor) -> Tensor:
    slope = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    return slope.detach().reshape(-1)
