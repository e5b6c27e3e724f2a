"""Autoencoders: plain, denoising and variational."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor

from tuilab.core.catalogue import tasks as catalogue
from tuilab.engine.data.dataset import Examples
from tuilab.engine.metrics import evaluate, losses
from tuilab.engine.metrics.scores import ReconstructionScores, Scores
from tuilab.engine.model.layers.dropout import Reparameterization
from tuilab.engine.tasks.task import Task, task


@task(catalogue.Autoencoder)
class Autoencoder(Task):
    """Trains a network to reconstruct its input."""

    @property
    def config(self) -> catalogue.Autoencoder:
        """The task of the experiment."""
        assert isinstance(self.experiment.task, catalogue.Autoencoder)
        return self.experiment.task

    def targets_for(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the inputs, prepared and without noise, [batch, *shape]."""
        return inputs

    def compute_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the loss [], with the KL term of a variational autoencoder, and the output.

        inputs, targets and output: [batch, *shape].
        """
        noise = self.config.noise
        noisy = inputs + noise * torch.randn_like(inputs) if noise else inputs
        output = self.forward(noisy)
        loss = self.loss(output, targets)
        self._terms = {"reconstruction": loss.detach()}
        if (kl := self._kl()) is not None:
            self._terms["kl"] = kl.detach()
            loss = loss + self._weight_kl(kl, targets)
        return loss, output

    def _weight_kl(self, kl: Tensor, targets: Tensor) -> Tensor:
        """Returns the KL term of a loss that is a mean over the values of an example."""
        return self.config.beta * kl / targets[0].numel()

    def _kl(self) -> Tensor | None:
        """Returns the KL divergence from N(0, 1), mean over the batch; None if not variational."""
        terms = [m.kl for m in self.network.modules() if isinstance(m, Reparameterization)]
        return torch.stack(terms).sum() if terms else None

    def extra_metrics(self) -> dict[str, float]:
        """Returns the reconstruction and KL terms separately, where the loss has both."""
        if "kl" not in self._terms:
            return {}
        return {name: float(value) for name, value in self._terms.items()}

    def measure(self, output: Tensor, targets: Tensor) -> dict[str, float]:
        """Returns the mean squared error of reconstructions; both are [batch, *shape]."""
        return {"reconstruction_error": float((output - targets).square().mean())}

    def evaluate(
        self, predict: Callable[[Tensor], Tensor], part: Examples, size: int
    ) -> Generator[None, None, dict[str, float]]:
        """Evaluates the training loss without noise, with the means of the latent distributions.

        predict: raw inputs [n, *shape] to outputs.
        """
        reconstruction = losses.build_evaluation_loss(self.experiment.loss)

        def loss(output: Tensor, targets: Tensor) -> Tensor:
            kl = self._kl()  # of the chunk that was just predicted
            mean = reconstruction(output, targets)
            return mean if kl is None else mean + self._weight_kl(kl, targets)

        return evaluate.evaluate(
            predict, loss, part, size, self.build_scores(), self.eval_targets, self.dataset.groups
        )

    def build_scores(self) -> Scores:
        """Returns new scores for an evaluation."""
        return ReconstructionScores()

    def eval_targets(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the inputs, prepared, [n, *shape]."""
        return self.dataset.prepare(inputs)
