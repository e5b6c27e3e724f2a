"""Autoencoders: plain, denoising and variational."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor

from tuilab.core.catalogue import tasks
from tuilab.engine.data.dataset import Part
from tuilab.engine.metrics import evaluate, losses
from tuilab.engine.metrics.scores import ReconstructionScores, Scores
from tuilab.engine.model.layers.dropout import Reparameterization
from tuilab.engine.tasks.task import Task


class Autoencoder(Task):
    """The network gives its input back; what is wanted is the input itself."""

    @property
    def knobs(self) -> tasks.Autoencoder:
        """The task as the experiment has it."""
        assert isinstance(self.experiment.task, tasks.Autoencoder)
        return self.experiment.task

    def targets_for(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The clean input."""
        return inputs

    def forward(self, inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of the reconstruction, with the KL term of a variational one, and the output."""
        noise = self.knobs.noise
        seen = inputs + noise * torch.randn_like(inputs) if noise else inputs
        output = self.run(seen)
        loss = self.loss(output, wanted)
        self._parts = {"reconstruction": loss.detach()}
        if (kl := self._kl()) is not None:
            self._parts["kl"] = kl.detach()
            loss = loss + self._weighted(kl, wanted)
        return loss, output

    def _weighted(self, kl: Tensor, wanted: Tensor) -> Tensor:
        """What the KL term adds to a loss that is a mean over the values of an example."""
        return self.knobs.beta * kl / wanted[0].numel()

    def _kl(self) -> Tensor | None:
        """KL of the latent distribution from N(0, 1), mean over the batch; None if plain."""
        found = [m.kl for m in self.network.modules() if isinstance(m, Reparameterization)]
        return torch.stack(found).sum() if found else None

    def extras(self) -> dict[str, float]:
        """Reconstruction and KL apart, where both are in the loss."""
        if "kl" not in self._parts:
            return {}
        return {name: float(value) for name, value in self._parts.items()}

    def measure(self, output: Tensor, wanted: Tensor) -> dict[str, float]:
        """The mean squared error of the reconstructions."""
        return {"reconstruction_error": float((output - wanted).square().mean())}

    def evaluate(
        self, predict: Callable[[Tensor], Tensor], part: Part, size: int
    ) -> Generator[None, None, dict[str, float]]:
        """The loss as in training, of clean inputs and of the middle of each latent cloud."""
        reconstruction = losses.evaluation(self.experiment.loss)

        def loss(output: Tensor, wanted: Tensor) -> Tensor:
            kl = self._kl()  # that of the chunk that was predicted just now
            mean = reconstruction(output, wanted)
            return mean if kl is None else mean + self._weighted(kl, wanted)

        return evaluate.evaluate(predict, loss, part, size, self.scores(), self.measured)

    def scores(self) -> Scores:
        """Error and explained spread of reconstructions."""
        return ReconstructionScores()

    def measured(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The clean input."""
        return self.dataset.prepared(inputs)
