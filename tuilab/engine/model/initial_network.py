"""A network before its first step: built, connected to its graph, initialized."""

from torch import Tensor, nn

from tuilab.core.catalogue.tasks import GAN
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.rng import rng_for
from tuilab.engine.model import build_network
from tuilab.engine.model.initialization import initialize
from tuilab.engine.model.layers.blocks import LayerStack
from tuilab.engine.model.transfer import transfer_weights

INITIALIZATION_EXAMPLES = 256
"""Training examples that an initialization may measure with."""


def build_initialized(
    experiment: Experiment, dataset: Dataset, source: str
) -> tuple[LayerStack, str]:
    """Returns the network of an experiment, on the CPU, and a note for the log.

    It is the same for every device.

    Args:
        source: the weights that it starts with, as in `transfer.source`; empty: none.
    """
    network = build_network.build(experiment.sized_network, experiment.input_shape)
    if dataset.adjacency is not None:
        build_network.set_adjacency(network, dataset.adjacency.cpu())
    examples = dataset.prepare(dataset.train.inputs[:INITIALIZATION_EXAMPLES]).cpu()
    parts: list[tuple[nn.Module, Tensor]] = [(network, examples)]
    if isinstance(experiment.task, GAN):
        rng = rng_for(experiment.seed, "initialization")
        noise = examples.new_empty(len(examples), experiment.task.latent).normal_(generator=rng)
        generator, discriminator = network
        parts = [(generator, noise), (discriminator, examples)]
    failed = [
        label
        for part, inputs in parts
        for label in initialize(part, experiment.initialization, inputs)
    ]
    notes = []
    if failed:
        notes.append(f"The output of {', '.join(failed)} could not be scaled to variance 1.")
    if source:
        notes.append(f"{transfer_weights(network, source)}.")
    if experiment.training.engine != "torch":
        network.double()  # as plain Python computes; drawn in float32 like any other network
    return network, " ".join(notes)
