"""The ground that a landscape stands on: fixed examples, weights that move and are put back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.device import memory
from tuilab.engine.inspect.eval_mode import restored
from tuilab.engine.metrics import losses
from tuilab.engine.model.layers.dropout import Reparameterization
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import FOOLING, GAN

MOST, LEAST = 512, 32
"""Training examples that are measured at every point."""

PATIENCE = 0.02
"""Seconds that one evaluation should take at most; on the way there are fewer examples."""

Measure = Callable[[], Tensor]
"""The mean loss with the weights that the network has now."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a network stood: its weights in one row, and the statistics of its batch norms."""

    step: int
    row: Tensor
    buffers: list[Tensor]


class LossSurface:
    """What is moved in a session's network, and the loss that is measured after each move.

    A GAN's landscape is that of its generator; the discriminator stands still.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        task = session.task
        self.part: nn.Module = task.generator if isinstance(task, GAN) else session.network
        self.parameters = list(self.part.parameters())
        ours = set(map(id, self.parameters))
        named = session.network.named_parameters()
        self.names = [name for name, parameter in named if id(parameter) in ours]
        self._order = torch.randperm(
            len(session.dataset.train), generator=torch.Generator().manual_seed(0)
        )
        self.examples = 0
        self.loss: Measure = lambda: torch.zeros(())

    def choose(self) -> None:
        """Take as many examples as can be measured in a blink; call it inside `undisturbed`."""
        most = MOST if isinstance(self.session.task, GAN) else min(MOST, len(self._order))
        self._take(min(LEAST, most))
        while self.examples < most:
            before = (self.examples, self.loss)
            if min(self._seconds(), self._seconds()) > PATIENCE / 2:
                return
            try:
                self._take(min(2 * self.examples, most))
                self._seconds()
            except (MemoryError, RuntimeError) as error:
                if not memory.is_exhausted(error):
                    raise
                self.examples, self.loss = before
                return

    def _take(self, count: int) -> None:
        session = self.session
        self.examples = count
        if isinstance(session.task, GAN):
            chance = torch.Generator().manual_seed(0)
            self.loss = _fooling(session.task, session.task.noise(count, chance))
            return
        index = self._order[:count].to(session.dataset.train.inputs.device)
        part = session.dataset.train.at(index)
        inputs = session.arranged(session.dataset.prepared(part.inputs))
        wanted = session.task.targets_for(inputs, part.targets)
        self.loss = mean_loss(session, inputs, wanted)

    def _seconds(self) -> float:
        begun = time.perf_counter()
        self.value()
        return time.perf_counter() - begun

    def value(self) -> float:
        """The mean loss over the fixed examples with the weights of now."""
        return measured(self.session, self.loss)

    def moment(self) -> Snapshot:
        """Where the network stands now."""
        buffers = [buffer.clone() for buffer in self.session.network.buffers()]
        return Snapshot(self.session.step, self.row(), buffers)

    def restore_buffers(self, moment: Snapshot) -> None:
        """Take over the statistics of a moment; call it inside `undisturbed`."""
        for buffer, then in zip(self.session.network.buffers(), moment.buffers, strict=True):
            buffer.copy_(then)

    def row(self) -> Tensor:
        """The present weights in one row."""
        return torch.cat([parameter.detach().reshape(-1) for parameter in self.parameters])

    def row_of(self, tensors: dict[str, Tensor]) -> Tensor:
        """The weights of a captured state in one row."""
        return torch.cat([tensors[name].reshape(-1) for name in self.names])

    def parts(self, row: Tensor) -> list[Tensor]:
        """A row seen as tensors of the parameters' shapes."""
        pieces = torch.split(row, [parameter.numel() for parameter in self.parameters])
        return [p.view(q.shape) for p, q in zip(pieces, self.parameters, strict=True)]

    def put(self, parts: list[Tensor]) -> None:
        """Give the network other weights; call it inside `undisturbed`."""
        torch._foreach_copy_([parameter.detach() for parameter in self.parameters], parts)


def mean_loss(session: Session, inputs: Tensor, wanted: Tensor) -> Measure:
    """How to measure what an evaluation of these examples measures, for the weights at hand.

    Args:
        inputs: prepared and arranged.
    """
    function = losses.evaluation(session.experiment.loss)
    first = session.parameters[0]
    if inputs.is_floating_point():  # the engines from scratch have weights of double precision
        inputs = inputs.to(first.dtype)
    task = session.task
    beta = task.knobs.beta if isinstance(task, Autoencoder) else 0.0
    clouds = [m for m in session.network.modules() if isinstance(m, Reparameterization)]

    def measure() -> Tensor:
        loss = function(session.network(inputs).float(), wanted)
        for cloud in clouds if isinstance(task, Autoencoder) else ():
            if (kl := cloud.kl) is not None:
                loss = loss + beta * kl / wanted[0].numel()
        return loss

    return measure


def _fooling(task: GAN, noise: Tensor) -> Measure:
    """How well the discriminator of this moment is fooled."""
    fooling = FOOLING[type(task.experiment.loss)]
    return lambda: fooling(task.discriminator(task.generator(noise)).float())


def measured(session: Session, measure: Measure) -> float:
    """A loss as a number, in evaluation mode; infinity where it is none."""
    session.network.eval()
    with torch.no_grad(), session.task.autocast():
        loss = float(measure())
    return loss if abs(loss) < float("inf") else float("inf")


@contextmanager
def undisturbed(session: Session) -> Iterator[None]:
    """Whatever is done to a session inside, bit by bit it is afterwards as it was.

    Unlike a checkpoint this knows of gradients and modes, and copies no more than it must.
    """
    network, optimizer, task = session.network, session.optimizer, session.task
    tensors = [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
    copies = [tensor.clone() for tensor in tensors]
    gradients = [(parameter, parameter.grad) for parameter in network.parameters()]
    chance = torch.get_rng_state()
    on_gpu = session.device.type == "cuda"
    chance_there = torch.cuda.get_rng_state(session.device) if on_gpu else None
    position = session.step, session.epoch, session.offset
    notes = session.lr_used, session.penalty, dict(task.__dict__)
    rates = [group["lr"] for group in optimizer.param_groups]
    try:
        with restored(network):
            yield
    finally:
        for tensor, copy in zip(tensors, copies, strict=True):
            tensor.copy_(copy)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        torch.set_rng_state(chance)
        if chance_there is not None:
            torch.cuda.set_rng_state(chance_there, session.device)
        session.step, session.epoch, session.offset = position
        session.lr_used, session.penalty, own = notes
        task.__dict__.update(own)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


@contextmanager
def remembering(session: Session) -> Iterator[None]:
    """Let the optimizer take a step inside and forget that it did."""
    optimizer, scaler = session.optimizer, session.task.scaler
    state = {parameter: _copied(memory) for parameter, memory in optimizer.state.items()}
    scale = None if scaler is None else scaler.state_dict()
    try:
        yield
    finally:
        optimizer.state.clear()
        optimizer.state.update(state)
        if scaler is not None and scale is not None:
            scaler.update()  # lets it forget what it has unscaled
            scaler.load_state_dict(scale)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
