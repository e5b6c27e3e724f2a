"""A network as it is before its first step: built, connected, initialised."""

from torch import Tensor, nn

from tuilab.core.catalogue.tasks import GAN
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.rng import rng_for
from tuilab.engine.model import build_network
from tuilab.engine.model.initialization import initialize
from tuilab.engine.model.layers.blocks import Row
from tuilab.engine.model.transfer import take

MEASURED = 256
"""Training examples that an initialisation may measure with."""


def begin(experiment: Experiment, dataset: Dataset, source: str) -> tuple[Row, str]:
    """The network of an experiment on the CPU, the same for every device; and what to say of it.

    Args:
        source: whose weights it is given, as `transfer.source` names it; empty: nobody's.
    """
    built = build_network.build(experiment.network, experiment.input)
    if dataset.adjacency is not None:
        build_network.connect(built, dataset.adjacency.cpu())
    examples = dataset.prepared(dataset.train.inputs[:MEASURED]).cpu()
    parts: list[tuple[nn.Module, Tensor]] = [(built, examples)]
    if isinstance(experiment.task, GAN):
        chance = rng_for(experiment.seed, "initialization")
        noise = examples.new_empty(len(examples), experiment.task.latent).normal_(generator=chance)
        generator, discriminator = built
        parts = [(generator, noise), (discriminator, examples)]
    missed = [
        label
        for part, inputs in parts
        for label in initialize(part, experiment.initialization, inputs)
    ]
    notes = [f"The spread of {', '.join(missed)} could not be brought to 1."] if missed else []
    if source:
        notes.append(f"{take(built, source)}.")
    if experiment.training.engine != "torch":
        built.double()  # as plain Python counts; drawn in float32 like any other network
    return built, " ".join(notes)
