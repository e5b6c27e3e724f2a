"""Which class works on which task."""

from torch import nn

from tuilab.core.catalogue import tasks
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel
from tuilab.engine.tasks.perceptron import Perceptron
from tuilab.engine.tasks.plain_python import Scratch
from tuilab.engine.tasks.task import Task

TASKS: dict[type[tasks.Task], type[Task]] = {
    tasks.LanguageModel: LanguageModel,
    tasks.Autoencoder: Autoencoder,
    tasks.GAN: GAN,
    tasks.Perceptron: Perceptron,
}
"""The tasks that differ from classification and regression."""


def build(experiment: Experiment, network: nn.Module, dataset: Dataset) -> Task:
    """The task of an experiment at work on its network."""
    if experiment.training.engine != "torch":
        return Scratch(experiment, network, dataset)
    return TASKS.get(type(experiment.task), Task)(experiment, network, dataset)
