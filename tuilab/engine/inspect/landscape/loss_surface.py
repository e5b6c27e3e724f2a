"""The loss as a function of the weights: fixed examples, weights that are set and put back."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tuilab.engine.device import memory
from tuilab.engine.metrics import losses
from tuilab.engine.model.layers.dropout import Reparameterization
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN, GENERATOR_LOSSES

MAX_EXAMPLES, MIN_EXAMPLES = 512, 32
"""Training examples that the loss is measured on at every point."""

MAX_SECONDS = 0.02
"""How long one evaluation may take; fewer examples are used where it would take longer."""

ComputeLoss = Callable[[], Tensor]
"""Returns the mean loss [] with the weights that the network has now."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The weights of a network at a step, in one row [parameters], and its buffers."""

    step: int
    weights: Tensor
    buffers: list[Tensor]


class LossSurface:
    """The loss of a session on fixed examples, for any weights.

    Of a GAN it is the generator's loss, and only the generator's weights are set. All methods but
    the constructor are called inside `preserving`.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        task = session.task
        self.network: nn.Module = task.generator if isinstance(task, GAN) else session.network
        self.parameters = list(self.network.parameters())
        ids = set(map(id, self.parameters))
        named_parameters = session.network.named_parameters()
        self.names = [name for name, parameter in named_parameters if id(parameter) in ids]
        self._order = torch.randperm(
            len(session.dataset.train), generator=torch.Generator().manual_seed(0)
        )
        self.examples = 0
        self.compute_loss: ComputeLoss = lambda: torch.zeros(())

    def choose_examples(self) -> None:
        """Takes as many examples as can be evaluated in `MAX_SECONDS`."""
        is_gan = isinstance(self.session.task, GAN)
        max_examples = MAX_EXAMPLES if is_gan else min(MAX_EXAMPLES, len(self._order))
        self._use_examples(min(MIN_EXAMPLES, max_examples))
        while self.examples < max_examples:
            previous = (self.examples, self.compute_loss)
            if min(self._time_evaluation(), self._time_evaluation()) > MAX_SECONDS / 2:
                return
            try:
                self._use_examples(min(2 * self.examples, max_examples))
                self._time_evaluation()
            except (MemoryError, RuntimeError) as error:
                if not memory.is_out_of_memory(error):
                    raise
                self.examples, self.compute_loss = previous
                return

    def _use_examples(self, count: int) -> None:
        session = self.session
        self.examples = count
        if isinstance(session.task, GAN):
            generator = torch.Generator().manual_seed(0)
            self.compute_loss = _generator_loss(
                session.task, session.task.draw_noise(count, generator)
            )
            return
        index = self._order[:count].to(session.dataset.train.inputs.device)
        part = session.dataset.train.select(index)
        inputs = session.to_memory_format(session.dataset.prepare(part.inputs))
        targets = session.task.targets_for(inputs, part.targets)
        self.compute_loss = evaluation_loss(session, inputs, targets)

    def _time_evaluation(self) -> float:
        start = time.perf_counter()
        self.evaluate()
        return time.perf_counter() - start

    def evaluate(self) -> float:
        """Returns the mean loss over the fixed examples with the weights of now."""
        return to_number(self.session, self.compute_loss)

    def snapshot(self) -> Snapshot:
        """Returns a copy of the weights and buffers of now."""
        buffers = [buffer.clone() for buffer in self.session.network.buffers()]
        return Snapshot(self.session.step, self.flat_weights(), buffers)

    def restore_buffers(self, snapshot: Snapshot) -> None:
        """Gives the network the buffers of a snapshot, such as the statistics of batch norm."""
        for buffer, then in zip(self.session.network.buffers(), snapshot.buffers, strict=True):
            buffer.copy_(then)

    def flat_weights(self) -> Tensor:
        """Returns a copy of the weights of now: [parameters]."""
        return torch.cat([parameter.detach().reshape(-1) for parameter in self.parameters])

    def flatten(self, tensors: dict[str, Tensor]) -> Tensor:
        """Returns the weights of a captured state in one row: [parameters]."""
        return torch.cat([tensors[name].reshape(-1) for name in self.names])

    def unflatten(self, weights: Tensor) -> list[Tensor]:
        """Returns views of a row [parameters] in the shapes of the parameters."""
        pieces = torch.split(weights, [parameter.numel() for parameter in self.parameters])
        return [p.view(q.shape) for p, q in zip(pieces, self.parameters, strict=True)]

    def set_weights(self, tensors: list[Tensor]) -> None:
        """Gives the network other weights: each tensor in the shape of its parameter."""
        torch._foreach_copy_([parameter.detach() for parameter in self.parameters], tensors)


def evaluation_loss(session: Session, inputs: Tensor, targets: Tensor) -> ComputeLoss:
    """Returns the function that measures what an evaluation of these examples does.

    Args:
        inputs: prepared for the network, [batch, ...].
        targets: [batch, ...].
    """
    loss_function = losses.build_evaluation_loss(session.experiment.loss)
    if inputs.is_floating_point():  # the engines from scratch have weights of double precision
        inputs = inputs.to(session.parameters[0].dtype)
    task = session.task
    beta = task.config.beta if isinstance(task, Autoencoder) else 0.0
    layers = [m for m in session.network.modules() if isinstance(m, Reparameterization)]

    def compute_loss() -> Tensor:
        loss = loss_function(session.network(inputs).float(), targets)
        for layer in layers if isinstance(task, Autoencoder) else ():
            if (kl := layer.kl) is not None:
                loss = loss + beta * kl / targets[0].numel()
        return loss

    return compute_loss


def _generator_loss(task: GAN, noise: Tensor) -> ComputeLoss:
    """Returns the function that measures how well the discriminator of now is fooled."""
    fooling = GENERATOR_LOSSES[type(task.experiment.loss)]
    return lambda: fooling(task.discriminator(task.generator(noise)).float())


def to_number(session: Session, compute_loss: ComputeLoss) -> float:
    """Returns a loss in evaluation mode as a number; infinity if it is not finite."""
    session.network.eval()
    with torch.no_grad(), session.task.autocast():
        loss = float(compute_loss())
    return loss if abs(loss) < float("inf") else float("inf")
