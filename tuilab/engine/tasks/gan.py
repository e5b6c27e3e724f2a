"""Generative adversarial networks: two networks, two optimizers, turn by turn."""

from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from tuilab.core.catalogue import tasks
from tuilab.core.catalogue.losses import BCE, MSE, Hinge, Loss
from tuilab.core.catalogue.optimizers import Optimizer
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.data.rng import rng_for
from tuilab.engine.metrics.scores import diversity, modes_covered
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.tasks.task import OptimizerPhase, Task

JUDGING: dict[type[Loss], Callable[[Tensor, Tensor], Tensor]] = {
    BCE: lambda real, fake: (softplus(-real).mean() + softplus(fake).mean()) / 2,
    MSE: lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
    Hinge: lambda real, fake: ((1 - real).relu().mean() + (1 + fake).relu().mean()) / 2,
}
"""What the discriminator follows down, from its answers to real and to drawn examples: log loss,
least squares (Mao and others 2017), hinge (Lim, Ye 2017)."""

FOOLING: dict[type[Loss], Callable[[Tensor], Tensor]] = {
    BCE: lambda fake: softplus(-fake).mean(),
    MSE: lambda fake: (fake - 1).square().mean(),
    Hinge: lambda fake: -fake.mean(),
}
"""What the generator follows down: for the log loss the form that does not saturate."""

EVALUATED = 2000
"""Examples drawn to measure how many modes are covered."""


class GAN(Task):
    """A generator against a discriminator (Goodfellow and others 2014)."""

    def __init__(self, experiment: Experiment, network: nn.Module, dataset: Dataset) -> None:
        super().__init__(experiment, network, dataset)
        self.generator, self.discriminator = network.children()
        nothing = torch.zeros(())
        self._latest = (nothing, nothing)
        "The discriminator's loss, and the share of real and drawn examples that it told apart."

    @property
    def knobs(self) -> tasks.GAN:
        """The task as the experiment has it."""
        assert isinstance(self.experiment.task, tasks.GAN)
        return self.experiment.task

    # --- learning ---------------------------------------------------------------------------

    def optimizer(self, knobs: Optimizer) -> torch.optim.Optimizer:
        """One optimizer a side; the discriminator's learning rate is a multiple."""
        self._sides = [
            build_optimizer.build(knobs, side) for side in (self.discriminator, self.generator)
        ]
        self._scale()
        return CombinedOptimizer(self._sides)

    def adjust(self, experiment: Experiment) -> None:
        """Take over knobs that have changed."""
        super().adjust(experiment)
        if hasattr(self, "_sides"):
            self._scale()

    def _scale(self) -> None:
        build_optimizer.scale(self._sides[0], self.knobs.discriminator_lr)

    def turns(self, optimizer: Any) -> tuple[OptimizerPhase, ...]:
        """So many steps of the discriminator, then so many of the generator."""
        task, (judge, maker) = self.knobs, self._sides
        return (
            *[OptimizerPhase.of(self.discriminator, self._judge, judge)] * task.discriminator_steps,
            *[OptimizerPhase.of(self.generator, self._fool, maker)] * task.generator_steps,
        )

    def noise(self, count: int, chance: torch.Generator | None = None) -> Tensor:
        """What the generator draws from: [count, latent], standard normal."""
        shape = count, self.knobs.latent
        if chance is None:
            return torch.randn(shape, device=self.device)
        return torch.randn(shape, generator=chance).to(self.device)

    def _judge(self, inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """The discriminator learns to tell real from drawn."""
        with torch.no_grad(), self.autocast():
            drawn = self.generator(self.noise(len(inputs)))
        real, fake = (self.run(examples, self.discriminator) for examples in (inputs, drawn))
        loss = JUDGING[type(self.experiment.loss)](real, fake)
        self.push(loss, share)
        self._latest = loss.detach(), ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
        return loss.detach(), fake.detach()

    def _fool(self, inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """The generator learns to draw what the discriminator takes for real."""
        learning = [p for p in self.discriminator.parameters() if p.requires_grad]
        for parameter in learning:  # it judges, and does not learn from what it is fooled by
            parameter.requires_grad_(False)
        answers = self.run(self.run(self.noise(len(inputs)), self.generator), self.discriminator)
        loss = FOOLING[type(self.experiment.loss)](answers)
        self.push(loss, share)
        for parameter in learning:
            parameter.requires_grad_(True)
        return loss.detach(), answers.detach()

    # --- measuring --------------------------------------------------------------------------

    def measure(self, output: Tensor, wanted: Tensor) -> dict[str, float]:
        """How well the discriminator tells real from drawn, and its loss."""
        loss, told_apart = self._latest
        return {"told_apart": float(told_apart), "discriminator_loss": float(loss)}

    def draw(self, count: int) -> Tensor:
        """Examples that the generator draws now, always from the same noise."""
        noise = self.noise(count, rng_for(self.experiment.seed, "drawn"))
        with self.measuring():
            drawn: Tensor = self.generator(noise)
        return drawn.float()

    def evaluate(
        self, predict: Callable[[Tensor], Tensor], part: Part, size: int
    ) -> Generator[None, None, dict[str, float]]:
        """The generator's loss on fresh draws, and how many modes of the data they cover."""
        if not len(part):
            return {}
        drawn = self.draw(EVALUATED)
        with self.measuring():
            examples = self.dataset.prepared(part.inputs[:EVALUATED])
            fake = self.discriminator(drawn).float()
            real = self.discriminator(examples).float()
        yield
        told_apart = ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
        return {
            "loss": float(FOOLING[type(self.experiment.loss)](fake)),
            **(self.coverage(drawn) or {}),
            "diversity": diversity(drawn, examples),
            "told_apart": float(told_apart),
            "discriminator_loss": float(JUDGING[type(self.experiment.loss)](real, fake)),
        }

    def coverage(self, drawn: Tensor) -> dict[str, float] | None:
        """How many of the data's modes the draws cover; None where the data has no such."""
        if self.dataset.modes is None:
            return None
        return modes_covered(drawn, self.dataset.modes, self.dataset.spread)
