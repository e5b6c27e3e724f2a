"""Generative adversarial networks: two networks with one optimizer each, trained in turn."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from tuilab.core.catalogue import tasks as catalogue
from tuilab.core.catalogue.losses import BCE, MSE, Hinge, Loss
from tuilab.core.catalogue.optimizers import Optimizer
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.rng import rng_for
from tuilab.engine.metrics.scores import diversity, mode_coverage
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.tasks.task import OptimizerPhase, Task, task

DISCRIMINATOR_LOSSES: dict[type[Loss], Callable[[Tensor, Tensor], Tensor]] = {
    BCE: lambda real, fake: (softplus(-real).mean() + softplus(fake).mean()) / 2,
    MSE: lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
    Hinge: lambda real, fake: ((1 - real).relu().mean() + (1 + fake).relu().mean()) / 2,
}
"""The discriminator's loss, from its outputs for real and for generated examples: log loss,
least squares (Mao et al. 2017), hinge (Lim, Ye 2017)."""

GENERATOR_LOSSES: dict[type[Loss], Callable[[Tensor], Tensor]] = {
    BCE: lambda fake: softplus(-fake).mean(),
    MSE: lambda fake: (fake - 1).square().mean(),
    Hinge: lambda fake: -fake.mean(),
}
"""The generator's loss; the log loss is the non-saturating one (Goodfellow et al. 2014)."""

EVALUATION_SAMPLES = 2000
"""Generated examples in an evaluation."""


@task(catalogue.GAN)
class GAN(Task):
    """Trains a generator against a discriminator (Goodfellow et al. 2014)."""

    def __init__(self, experiment: Experiment, network: nn.Module, dataset: Dataset) -> None:
        super().__init__(experiment, network, dataset)
        self.generator, self.discriminator = network.children()
        self._latest = (torch.zeros(()), torch.zeros(()))
        "The discriminator's loss and accuracy on the last batch."

    @property
    def config(self) -> catalogue.GAN:
        """The task of the experiment."""
        assert isinstance(self.experiment.task, catalogue.GAN)
        return self.experiment.task

    # --- training ---------------------------------------------------------------------------

    def optimizer(self, config: Optimizer) -> torch.optim.Optimizer:
        """Builds one optimizer for each network, with separate learning rates."""
        self._sides = [
            build_optimizer.build(config, side) for side in (self.discriminator, self.generator)
        ]
        self._scale_lr()
        return CombinedOptimizer(self._sides)

    def set_experiment(self, experiment: Experiment) -> None:
        """Applies an experiment whose live knobs have changed."""
        super().set_experiment(experiment)
        if hasattr(self, "_sides"):
            self._scale_lr()

    def _scale_lr(self) -> None:
        build_optimizer.scale_lr(self._sides[0], self.config.discriminator_lr)

    def phases(self, optimizer: Any) -> tuple[OptimizerPhase, ...]:
        """Returns the discriminator's steps, then the generator's."""
        of, config, optimizers = OptimizerPhase.for_part, self.config, self._sides
        discriminator = of(self.discriminator, self._discriminator_loss, optimizers[0])
        generator = of(
            self.generator, self._generator_loss, optimizers[1], self._frozen_discriminator
        )
        return (
            *[discriminator] * config.discriminator_steps, *[generator] * config.generator_steps
        )  # fmt: skip

    def draw_noise(self, count: int, rng: torch.Generator | None = None) -> Tensor:
        """Draws latent vectors [count, latent] from N(0, 1), on the task's device."""
        shape = count, self.config.latent
        if rng is None:
            return torch.randn(shape, device=self.device)
        return torch.randn(shape, generator=rng).to(self.device)

    def _discriminator_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the discriminator's loss [] and its outputs [batch, 1] for generated examples."""
        with torch.no_grad(), self.autocast():
            samples = self.generator(self.draw_noise(len(inputs)))
        real, fake = (self.forward(examples, self.discriminator) for examples in (inputs, samples))
        loss = DISCRIMINATOR_LOSSES[type(self.experiment.loss)](real, fake)
        self._latest = loss.detach(), _discriminator_accuracy(real, fake)
        return loss, fake

    def _generator_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the generator's loss [] and the discriminator's outputs [batch, 1]."""
        samples = self.forward(self.draw_noise(len(inputs)), self.generator)
        fake = self.forward(samples, self.discriminator)
        return GENERATOR_LOSSES[type(self.experiment.loss)](fake), fake

    @contextmanager
    def _frozen_discriminator(self) -> Iterator[None]:
        """Keeps the discriminator from being trained by the generator's loss."""
        trained = [p for p in self.discriminator.parameters() if p.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in trained:
                parameter.requires_grad_(True)

    # --- evaluation -------------------------------------------------------------------------

    def measure(self, output: Tensor, targets: Tensor) -> dict[str, float]:
        """Returns the discriminator's accuracy and loss on the last batch; arguments are unused.

        output [batch, 1], targets [batch, …].
        """
        loss, accuracy = self._latest
        return {"discriminator_accuracy": float(accuracy), "discriminator_loss": float(loss)}

    def generate(self, count: int) -> Tensor:
        """Generates examples [count, *shape], from the same noise each time."""
        noise = self.draw_noise(count, rng_for(self.experiment.seed, "drawn"))
        with self.eval_mode():
            samples: Tensor = self.generator(noise)
        return samples.float()

    def evaluate(
        self, predict: Callable[[Tensor], Tensor], part: Examples, size: int
    ) -> Generator[None, None, dict[str, float]]:
        """Evaluates generated examples: the losses, their diversity and the modes that they cover.

        predict: is not used; raw inputs are [n, *shape].
        """
        if not len(part):
            return {}
        samples = self.generate(EVALUATION_SAMPLES)
        with self.eval_mode():
            examples = self.dataset.prepare(part.inputs[:EVALUATION_SAMPLES])
            fake = self.discriminator(samples).float()
            real = self.discriminator(examples).float()
        yield
        return {
            "loss": float(GENERATOR_LOSSES[type(self.experiment.loss)](fake)),
            **(self.mode_coverage(samples) or {}),
            "diversity": diversity(samples, examples),
            "discriminator_accuracy": float(_discriminator_accuracy(real, fake)),
            "discriminator_loss": float(
                DISCRIMINATOR_LOSSES[type(self.experiment.loss)](real, fake)
            ),
        }

    def mode_coverage(self, samples: Tensor) -> dict[str, float] | None:
        """Returns how many of the data's modes are covered by samples [n, dimensions].

        None where the data set has no known modes.
        """
        if self.dataset.modes is None:
            return None
        return mode_coverage(samples, self.dataset.modes, self.dataset.mode_std)


def _discriminator_accuracy(real: Tensor, fake: Tensor) -> Tensor:
    return ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
