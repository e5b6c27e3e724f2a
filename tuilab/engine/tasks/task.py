"""The tasks of the engine: how one batch trains the network, and how examples are evaluated.

A new task is a struct in `core/catalogue/tasks.py` and a class marked `@task(…)` in this folder.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from tuilab.core.catalogue import tasks as catalogue
from tuilab.core.catalogue.optimizers import Optimizer
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.augmentation import mixup
from tuilab.engine.data.dataset import IGNORE_INDEX, Dataset, Examples
from tuilab.engine.metrics import evaluate, losses
from tuilab.engine.metrics.scores import ClassScores, RegressionScores, Scores
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.gradient_transforms import find_transposed
from tuilab.engine.optim.parameter_groups import decayed_parameters
from tuilab.engine.optim.weight_average import WeightAverage
from tuilab.engine.registry import Registry

ComputeLoss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Inputs and targets [batch, …] to the mean loss [] with its graph, and the output."""

HALF_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}

TASKS: Registry[type[catalogue.Task], type["Task"]] = Registry("task")
task = TASKS.register


@dataclass(frozen=True, slots=True)
class OptimizerPhase:
    """One part of a step: a loss, and the optimizer that uses its gradients."""

    compute_loss: ComputeLoss
    optimizer: torch.optim.Optimizer
    parameters: list[nn.Parameter]
    weights: list[nn.Parameter]
    "Those that penalties and norm limits act on."
    transposed: dict[nn.Parameter, int]
    "The kernels of transposed convolutions among them, with their number of groups."
    context: Callable[[], AbstractContextManager[Any]] = nullcontext
    "The context of each forward and backward pass."

    @classmethod
    def for_part(
        cls, part: nn.Module, compute_loss: ComputeLoss, optimizer: torch.optim.Optimizer,
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> "OptimizerPhase":  # fmt: skip
        """Returns the phase that trains one part of the network."""
        parameters = list(part.parameters())
        weights, transposed = decayed_parameters(part), find_transposed(part)
        return cls(compute_loss, optimizer, parameters, weights, transposed, context)


@task(catalogue.Classification, catalogue.Regression)
class Task:
    """Classification and regression, and the base of all other tasks."""

    def __init__(self, experiment: Experiment, network: nn.Module, dataset: Dataset) -> None:
        self.network, self.dataset = network, dataset
        self.average = WeightAverage(network)
        self._scores: Scores | None = None
        self.device = next(network.parameters()).device
        is_half = experiment.training.precision == "fp16"
        self.scaler = torch.amp.GradScaler(self.device.type) if is_half else None
        self.set_experiment(experiment)

    def set_experiment(self, experiment: Experiment) -> None:
        """Applies an experiment whose live knobs have changed."""
        self.experiment = experiment
        targets = self.dataset.train.targets
        classes = len(self.dataset.classes or self.dataset.vocabulary)
        self.class_weights = losses.compute_class_weights(experiment.loss, targets, classes)
        self.loss = losses.build_loss(experiment.loss, self.class_weights)

    # --- training ---------------------------------------------------------------------------

    def optimizer(self, config: Optimizer) -> torch.optim.Optimizer:
        """Builds the optimizer of all parameters."""
        return build_optimizer.build(config, self.network)

    def phases(self, optimizer: Any) -> tuple[OptimizerPhase, ...]:
        """Returns the phases of one training step."""
        return (OptimizerPhase.for_part(self.network, self.compute_loss, optimizer),)

    def targets_for(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns what the output is compared with in training.

        inputs: prepared [batch, *shape], targets: [batch, …] as in the data set.
        """
        return targets

    def loss_weight(self, targets: Tensor) -> float:
        """Returns the weight of these examples in the mean loss of a batch.

        It is the number of examples or of positions, or the sum of their class weights.

        targets: [batch, …] as for the loss.
        """
        if targets.is_floating_point() or (targets.dim() == 1 and self.class_weights is None):
            return len(targets)
        valid_targets = targets[targets != IGNORE_INDEX]
        return (
            len(valid_targets)
            if self.class_weights is None
            else float(self.class_weights[valid_targets].sum())
        )

    def compute_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the loss [] with its graph, and the output [batch, …], with mixup if it is on.

        inputs: prepared [batch, *shape], targets: from `targets_for`.
        """
        if alpha := self.experiment.augmentation.mixup:
            inputs, others, share = mixup(inputs, alpha)
            output = self.forward(inputs)
            loss = share * self.loss(output, targets)
            return loss + (1 - share) * self.loss(output, targets[others]), output
        output = self.forward(inputs)
        return self.loss(output, targets), output

    def forward(self, inputs: Tensor, part: nn.Module | None = None) -> Tensor:
        """Returns the float32 output [batch, …] of the network, or a part of it, in training.

        Precision and activation checkpointing follow the experiment.

        inputs: [batch, *shape].
        """
        network = part or self.network
        with self.autocast():
            if self.experiment.training.checkpointing:
                output = forward_checkpointed(network, inputs)
            else:
                output = network(inputs)
        return output.float()

    def autocast(self) -> AbstractContextManager[Any]:
        """Returns a context for forward passes in the precision of the experiment."""
        precision = self.experiment.training.precision
        if precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, HALF_DTYPES[precision])

    # --- evaluation -------------------------------------------------------------------------

    @contextmanager
    def eval_mode(self) -> Iterator[None]:
        """Runs the block in evaluation mode: without gradients, with averaged weights if any."""
        self.network.eval()
        try:
            with (
                torch.no_grad(),
                self.average.swapped_in(self.experiment.averaging),
                self.autocast(),
            ):
                yield
        finally:
            self.network.train()

    def predict(self, inputs: Tensor) -> Tensor:
        """Returns float32 outputs [batch, …] for prepared inputs [batch, *shape]."""
        with self.eval_mode():
            output: Tensor = self.network(inputs)
        return output.float()

    def measure(self, output: Tensor, targets: Tensor) -> dict[str, float]:
        """Returns the metrics of a batch; charts show the first.

        output: [batch, …], targets: from `targets_for`.
        """
        return evaluate.measure_batch(output, targets)

    def extra_metrics(self) -> dict[str, float]:
        """Returns other metrics of the last batch."""
        return {}

    def evaluate(
        self, predict: Callable[[Tensor], Tensor], part: Examples, size: int
    ) -> Generator[None, None, dict[str, float]]:
        """Evaluates examples chunk by chunk; returns loss and metrics.

        Args:
            predict: raw inputs [n, *shape] to outputs, in evaluation mode and without gradients.
            size: examples in a chunk.
        """
        loss = losses.build_evaluation_loss(self.experiment.loss)
        self._scores = self.build_scores()
        return evaluate.evaluate(
            predict, loss, part, size, self._scores, self.eval_targets, self.dataset.groups
        )

    def matrix(self) -> list[list[int]]:
        """Returns the confusion matrix of the last evaluation; empty where there is none."""
        return self._scores.matrix() if self._scores is not None else []

    def build_scores(self) -> Scores:
        """Returns new scores for an evaluation."""
        if isinstance(self.experiment.task, catalogue.Regression):
            return RegressionScores()
        return ClassScores(self.experiment.loss, getattr(self.experiment.task, "top_k", 0))

    def eval_targets(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns what outputs are compared with in an evaluation.

        inputs: raw [n, *shape], targets: [n, …] as in the data set.
        """
        return targets


def with_gradients(loss: Tensor, gradients: dict[Tensor, Tensor]) -> Tensor:
    """Returns a loss [] whose backward pass yields gradients that autograd did not compute.

    Args:
        loss: [].
        gradients: that of each parameter, in its shape.
    """
    apply: Callable[..., Tensor] = _GivenGradients.apply
    return apply(loss, list(gradients.values()), *gradients)


class _GivenGradients(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
        return None, None, *(upstream * gradient for gradient in ctx.gradients)


def forward_checkpointed(network: nn.Module, inputs: Tensor) -> Tensor:
    """Returns the network's output, storing only the input of each layer or block for backward.

    inputs: [batch, *shape]. See torch.utils.checkpoint.
    """
    for module in network.children():
        contexts = partial(_checkpoint_contexts, module)
        inputs = checkpoint(module, inputs, use_reentrant=False, context_fn=contexts)
    return inputs


def _checkpoint_contexts(module: nn.Module) -> tuple[Any, Any]:
    return nullcontext(), _frozen_statistics(module)


@contextmanager
def _frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Keeps batch norms from counting a batch a second time when it is recomputed."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    saved = [(norm, *buffer) for norm in norms for buffer in norm.named_buffers()]
    for norm, name, statistics in saved:
        setattr(norm, name, statistics.clone())
    try:
        yield
    finally:
        for norm, name, statistics in saved:
            setattr(norm, name, statistics)
