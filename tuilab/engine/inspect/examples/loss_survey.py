"""The loss and the answer of every example of a part, measured bit by bit."""

import time

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.losses import KL, MSE, CrossEntropy
from tuilab.engine.data.dataset import IGNORED, Part
from tuilab.engine.inspect.examples.evaluation import answered, fed, still
from tuilab.engine.metrics import losses
from tuilab.engine.metrics.losses import predicted, probabilities
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder

TIME = 0.025
"""Seconds of measuring in one look."""

FIRST, MOST = 32, 1024
"""Examples that are measured at once: so many first, then twice as many while there is time."""


class Survey:
    """What the network says of the examples of a part, as far as they were measured.

    In a graph, which is one example for the network, each node that is asked for counts as one.
    """

    def __init__(self, session: Session, part: Part, size: int = FIRST) -> None:
        self._session = session
        self.is_graph = session.experiment.data.graph
        self.inputs, self.targets, self.coordinates = part.inputs, part.targets, part.coordinates
        self.nodes: Tensor | None = None
        if self.is_graph:
            self.nodes = (part.targets[0] != IGNORED).nonzero()[:, 0]
            self.targets = part.targets[0][self.nodes]
        self.loss = torch.empty(0)
        self.guesses = self.chances = torch.empty(0)
        self.size = size
        "How many are measured at once."

    @property
    def of(self) -> int:
        """Examples of the part."""
        return len(self.targets) if self.nodes is not None else len(self.inputs)

    @property
    def measured(self) -> int:
        """Examples that were measured."""
        return len(self.loss)

    def go_on(self, seconds: float = TIME) -> None:
        """Measure more examples, at least some."""
        begun = time.perf_counter()
        with still(self._session):
            while self.measured < self.of:
                at = time.perf_counter()
                self._measure()
                now = time.perf_counter()
                left = seconds - (now - begun)
                if left < now - at:
                    break
                if left > 3 * (now - at):
                    self.size = min(MOST, 2 * self.size)

    def _measure(self) -> None:
        session, start = self._session, self.measured
        if self.nodes is not None:
            output = answered(session, fed(session, self.inputs))[0][self.nodes]
            targets = self.targets
        else:
            some = self.inputs[start : start + self.size]
            inputs = fed(session, some)
            output = answered(session, inputs)
            if isinstance(session.task, Autoencoder):
                self._add((output - inputs).square().flatten(1).mean(1), None, None)
                return
            targets = self.targets[start : start + self.size]
        each = each_loss(session, output, targets)
        if targets.is_floating_point():
            self._add(each, None, None)
            return
        guesses = predicted(output)
        sure = chances(session, output).gather(-1, guesses[..., None])[..., 0]
        self._add(each, guesses, sure)

    def _add(self, loss: Tensor, guesses: Tensor | None, sure: Tensor | None) -> None:
        self.loss = _joined(self.loss, loss)
        if guesses is not None and sure is not None:
            self.guesses, self.chances = _joined(self.guesses, guesses), _joined(self.chances, sure)

    # --- what was found -----------------------------------------------------------------------

    def counts(self, classes: int) -> list[list[int]]:
        """counts[target][predicted]; none where there are no classes."""
        if not classes or not len(self.guesses):
            return []
        targets, guesses = self.known_targets().flatten(), self.guesses.flatten()
        asked = targets != IGNORED
        pairs = (targets * classes + guesses)[asked]
        found = torch.bincount(pairs, minlength=classes**2)[: classes**2]
        rows: list[list[int]] = found.reshape(classes, classes).tolist()
        return rows

    def known_targets(self) -> Tensor:
        """The targets of the examples that were measured, beside the answers."""
        return self.targets[: self.measured].cpu()

    def order(self, cell: list[int], *, is_reversed: bool) -> Tensor:
        """The examples that have a pair of target and answer, by their loss."""
        loss = self.loss.nan_to_num(torch.inf)  # what is no number is as bad as can be
        places = torch.arange(len(loss))
        if cell and len(self.guesses):
            is_in = (self.known_targets() == cell[0]) & (self.guesses == cell[1])
            places = places[is_in.flatten(1).any(1) if is_in.dim() > 1 else is_in]
        by_loss = loss[places].sort(descending=not is_reversed, stable=True).indices
        return places[by_loss]


def _joined(before: Tensor, more: Tensor) -> Tensor:
    more = more.detach().cpu()
    return torch.cat([before, more]) if len(before) else more


def chances(session: Session, output: Tensor) -> Tensor:
    """How sure the network is of each class at every position: [..., classes]."""
    flat = probabilities(session.experiment.loss, output.reshape(-1, output.shape[-1]))
    return flat.reshape(*output.shape[:-1], -1)


def each_loss(session: Session, output: Tensor, targets: Tensor) -> Tensor:
    """The loss of each example, as it is measured: without smoothing and class weights."""
    loss = session.experiment.loss
    if targets.is_floating_point():
        targets = targets.reshape(output.shape)
        if isinstance(loss, MSE):
            return (output - targets).square().flatten(1).mean(1)
    elif isinstance(loss, (CrossEntropy, KL)):
        return _entropy(output, targets)
    one = losses.evaluation(loss)
    pairs = zip(torch.split(output, 1), torch.split(targets, 1), strict=True)
    return torch.stack([one(*pair) for pair in pairs])


def _entropy(output: Tensor, targets: Tensor) -> Tensor:
    if targets.dim() == 1:
        return F.cross_entropy(output, targets, reduction="none")
    shape = targets.shape
    flat = F.cross_entropy(output.flatten(0, -2), targets.flatten(), reduction="none")
    asked = (targets != IGNORED).reshape(len(targets), -1)
    return flat.reshape(shape).flatten(1).sum(1) / asked.sum(1).clamp(min=1)
