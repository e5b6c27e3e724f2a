"""A task at work: what one batch teaches the network, and what is measured on examples."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from tuilab.core.catalogue.optimizers import Optimizer
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.engine.data.augmentation import mixed
from tuilab.engine.data.dataset import IGNORED, Dataset, Part
from tuilab.engine.metrics import evaluate, losses
from tuilab.engine.metrics.scores import ClassScores, NumberScores, Scores
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.parameter_groups import weights
from tuilab.engine.optim.weight_average import Average

Backward = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
"""Inputs, what is wanted of them and their share of the batch: adds to the gradients; gives the
mean loss and the output, both detached."""

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class OptimizerPhase:
    """One part of a step: how gradients come about, and the optimizer that follows them."""

    backward: Backward
    optimizer: torch.optim.Optimizer
    parameters: list[nn.Parameter]
    weights: list[nn.Parameter]
    "Those of them that penalties and limits act on."

    @classmethod
    def of(
        cls, part: nn.Module, backward: Backward, optimizer: torch.optim.Optimizer
    ) -> "OptimizerPhase":
        """A turn in which one part of the network learns."""
        return cls(backward, optimizer, list(part.parameters()), weights(part))


class Task:
    """Classification and regression; the other tasks say where they differ."""

    def __init__(self, experiment: Experiment, network: nn.Module, dataset: Dataset) -> None:
        self.network, self.dataset = network, dataset
        self.average = Average(network)
        self._gathered: Scores | None = None
        self.device = next(network.parameters()).device
        is_half = experiment.training.precision == "fp16"
        self.scaler = torch.amp.GradScaler(self.device.type) if is_half else None
        self.adjust(experiment)

    def adjust(self, experiment: Experiment) -> None:
        """Take over knobs that have changed."""
        self.experiment = experiment
        targets = self.dataset.train.targets
        classes = len(self.dataset.classes or self.dataset.vocabulary)
        self.class_weights = losses.class_weights(experiment.loss, targets, classes)
        self.loss = losses.function(experiment.loss, self.class_weights)

    # --- learning ---------------------------------------------------------------------------

    def optimizer(self, knobs: Optimizer) -> torch.optim.Optimizer:
        """The optimizer of all that learns."""
        return build_optimizer.build(knobs, self.network)

    def turns(self, optimizer: Any) -> tuple[OptimizerPhase, ...]:
        """What a step consists of."""
        return (OptimizerPhase.of(self.network, self.backward, optimizer),)

    def targets_for(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """What the network's output is compared with."""
        return targets

    def weight(self, wanted: Tensor) -> float:
        """What the mean loss of these examples is a mean over: so much they count in a batch."""
        if wanted.is_floating_point() or (wanted.dim() == 1 and self.class_weights is None):
            return len(wanted)
        asked = wanted[wanted != IGNORED]
        return len(asked) if self.class_weights is None else float(self.class_weights[asked].sum())

    def forward(self, inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """The loss to follow down, and the output."""
        if alpha := self.experiment.augmentation.mixup:
            inputs, others, share = mixed(inputs, alpha)
            output = self.run(inputs)
            loss = share * self.loss(output, wanted)
            return loss + (1 - share) * self.loss(output, wanted[others]), output
        output = self.run(inputs)
        return self.loss(output, wanted), output

    def run(self, inputs: Tensor, part: nn.Module | None = None) -> Tensor:
        """The output of the network or a part of it in training, in the chosen precision, with
        activations kept or not."""
        network = part or self.network
        with self.autocast():
            if self.experiment.training.checkpointing:
                output = checkpointed(network, inputs)
            else:
                output = network(inputs)
        return output.float()

    def autocast(self) -> AbstractContextManager[Any]:
        """Forward passes in the chosen precision."""
        precision = self.experiment.training.precision
        if precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, HALVES[precision])

    def backward(self, inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Add the gradients of a batch, or of its share of one."""
        loss, output = self.forward(inputs, wanted)
        self.push(loss, share)
        return loss.detach(), output.detach()

    def push(self, loss: Tensor, share: float) -> None:
        """Backward from a loss that counts for its share of the batch."""
        if not share:
            return
        loss = loss if share == 1 else loss * share
        if self.scaler is not None:  # fp16 would lose gradients as small as they are
            loss = self.scaler.scale(loss)
        loss.backward()  # type: ignore[no-untyped-call]

    # --- measuring --------------------------------------------------------------------------

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Evaluation mode, no gradients, averaged weights where there are any."""
        self.network.eval()
        try:
            with torch.no_grad(), self.average.used(self.experiment.averaging), self.autocast():
                yield
        finally:
            self.network.train()

    def predict(self, inputs: Tensor) -> Tensor:
        """Outputs for prepared inputs."""
        with self.measuring():
            output: Tensor = self.network(inputs)
        return output.float()

    def measure(self, output: Tensor, wanted: Tensor) -> dict[str, float]:
        """The task's metric on a batch; the first is the one that charts show."""
        return evaluate.measure(output, wanted)

    def extras(self) -> dict[str, float]:
        """What else the last batch has told."""
        return {}

    def evaluate(
        self, predict: Callable[[Tensor], Tensor], part: Part, size: int
    ) -> Generator[None, None, dict[str, float]]:
        """Loss and metrics over a part, chunk by chunk.

        Args:
            predict: raw inputs to outputs, in evaluation mode and without gradients.
        """
        loss = losses.evaluation(self.experiment.loss)
        self._gathered = self.scores()
        return evaluate.evaluate(
            predict, loss, part, size, self._gathered, self.measured, self.dataset.groups
        )

    def matrix(self) -> list[list[int]]:
        """The confusion matrix of the last evaluation; empty where there is none."""
        return self._gathered.matrix() if self._gathered is not None else []

    def scores(self) -> Scores:
        """What is gathered over the examples of an evaluation."""
        if name_of(self.experiment.task) == "regression":
            return NumberScores()
        return ClassScores(self.experiment.loss)

    def measured(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """What outputs are compared with in an evaluation; `inputs` are not yet prepared."""
        return targets


def checkpointed(network: nn.Module, inputs: Tensor) -> Tensor:
    """The same output, keeping only what goes into each layer or block for the way back."""
    for module in network.children():
        contexts = partial(_first_and_again, module)
        inputs = checkpoint(module, inputs, use_reentrant=False, context_fn=contexts)
    return inputs


def _first_and_again(module: nn.Module) -> tuple[Any, Any]:
    return nullcontext(), _uncounted(module)


@contextmanager
def _uncounted(network: nn.Module) -> Iterator[None]:
    """Let no batch norm take a batch into its statistics: it has seen it already."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    kept = [(norm, *buffer) for norm in norms for buffer in norm.named_buffers()]
    for norm, name, statistics in kept:
        setattr(norm, name, statistics.clone())
    try:
        yield
    finally:
        for norm, name, statistics in kept:
            setattr(norm, name, statistics)
