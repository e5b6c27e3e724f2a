"""The loss and the prediction of every example of a split, computed chunk by chunk."""

import time

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.losses import KL, MSE, CrossEntropy
from tuilab.engine.data.dataset import IGNORE_INDEX, Examples
from tuilab.engine.inspect.evaluation import forward, predicting, prepare_inputs
from tuilab.engine.metrics import losses
from tuilab.engine.metrics.losses import predict_classes, probabilities
from tuilab.engine.metrics.scores import count_confusions
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder

TIME_BUDGET = 0.025
"""Seconds of evaluation per request."""

FIRST_CHUNK, MAX_CHUNK = 32, 1024
"""Examples evaluated at once: the first chunk, doubled while there is time."""


class LossSurvey:
    """Losses and predictions on a split, as far as it has been evaluated.

    A graph is one example for the network; here, each of its labeled nodes counts as one.
    """

    def __init__(self, session: Session, split: Examples, chunk_size: int = FIRST_CHUNK) -> None:
        self._session = session
        self.inputs, self.targets, self.coordinates = split.inputs, split.targets, split.coordinates
        self.nodes: Tensor | None = None
        if session.experiment.data.is_graph:
            self.nodes = (split.targets[0] != IGNORE_INDEX).nonzero()[:, 0]
            self.targets = split.targets[0][self.nodes]
        self.loss = torch.empty(0)
        self.predictions = self.probabilities = torch.empty(0)
        self.chunk_size = chunk_size

    @property
    def total(self) -> int:
        """Returns the number of examples of the split."""
        return len(self.targets) if self.nodes is not None else len(self.inputs)

    @property
    def evaluated(self) -> int:
        """Returns the number of examples evaluated so far."""
        return len(self.loss)

    def evaluate_more(self, seconds: float = TIME_BUDGET) -> None:
        """Evaluates at least one more chunk, more if there is time."""
        start_time = time.perf_counter()
        with predicting(self._session):
            while self.evaluated < self.total:
                chunk_start = time.perf_counter()
                self._evaluate_chunk()
                now = time.perf_counter()
                duration, left = now - chunk_start, seconds - (now - start_time)
                if left < duration:
                    break
                if left > 3 * duration:
                    self.chunk_size = min(MAX_CHUNK, 2 * self.chunk_size)

    def _evaluate_chunk(self) -> None:
        session, start = self._session, self.evaluated
        if self.nodes is not None:
            output = forward(session, prepare_inputs(session, self.inputs))[0][self.nodes]
            targets = self.targets
        else:
            chunk = slice(start, start + self.chunk_size)
            inputs = prepare_inputs(session, self.inputs[chunk])
            output = forward(session, inputs)
            if isinstance(session.task, Autoencoder):
                self.loss = _append(self.loss, (output - inputs).square().flatten(1).mean(1))
                return
            targets = self.targets[chunk]
        self.loss = _append(self.loss, per_example_loss(session, output, targets))
        if targets.is_floating_point():
            return
        predictions = predict_classes(output)
        certainty = class_probabilities(session, output).gather(-1, predictions[..., None])[..., 0]
        self.predictions = _append(self.predictions, predictions)
        self.probabilities = _append(self.probabilities, certainty)

    # --- results ------------------------------------------------------------------------------

    def count_confusions(self, classes: int) -> list[list[int]]:
        """Returns counts[target][predicted]; empty if there are no classes."""
        if not classes or not len(self.predictions):
            return []
        targets, predictions = self.evaluated_targets().flatten(), self.predictions.flatten()
        has_target = targets != IGNORE_INDEX
        counts = count_confusions(targets[has_target], predictions[has_target], classes)
        rows: list[list[int]] = counts.tolist()
        return rows

    def evaluated_targets(self) -> Tensor:
        """Returns the targets of the evaluated examples, on the CPU: [evaluated, ...]."""
        return self.targets[: self.evaluated].cpu()

    def sort_by_loss(self, cell: list[int], *, is_reversed: bool) -> Tensor:
        """Returns the indices of the evaluated examples of a cell, largest losses first: [m].

        Args:
            cell: target and predicted class; empty: all examples.
        """
        loss = self.loss.nan_to_num(torch.inf)  # NaN is as bad as infinity
        indices = torch.arange(len(loss))
        if cell and len(self.predictions):
            is_in = (self.evaluated_targets() == cell[0]) & (self.predictions == cell[1])
            indices = indices[is_in.flatten(1).any(1) if is_in.dim() > 1 else is_in]
        order = loss[indices].sort(descending=not is_reversed, stable=True).indices
        return indices[order]


def _append(old: Tensor, new: Tensor) -> Tensor:
    new = new.detach().cpu()
    return torch.cat([old, new]) if len(old) else new


def class_probabilities(session: Session, output: Tensor) -> Tensor:
    """Returns the probability of each class at every position: [..., classes].

    Args:
        output: [..., outputs].
    """
    flat = probabilities(session.experiment.loss, output.reshape(-1, output.shape[-1]))
    return flat.reshape(*output.shape[:-1], -1)


def per_example_loss(session: Session, output: Tensor, targets: Tensor) -> Tensor:
    """Returns the evaluation loss of each example, without smoothing and class weights: [n].

    Args:
        output: [n, ..., outputs].
        targets: [n, ...], classes or numbers.
    """
    loss = session.experiment.loss
    if targets.is_floating_point():
        targets = targets.reshape(output.shape)
        if isinstance(loss, MSE):
            return (output - targets).square().flatten(1).mean(1)
    elif isinstance(loss, (CrossEntropy, KL)):
        return _cross_entropy(output, targets)
    evaluation_loss = losses.build_evaluation_loss(loss)
    pairs = zip(torch.split(output, 1), torch.split(targets, 1), strict=True)
    return torch.stack([evaluation_loss(*pair) for pair in pairs])


def _cross_entropy(output: Tensor, targets: Tensor) -> Tensor:
    if targets.dim() == 1:
        return F.cross_entropy(output, targets, reduction="none")
    each = F.cross_entropy(output.flatten(0, -2), targets.flatten(), reduction="none")
    has_target = (targets != IGNORE_INDEX).reshape(len(targets), -1)
    sums = each.reshape(targets.shape).flatten(1).sum(1)
    return sums / has_target.sum(1).clamp(min=1)
