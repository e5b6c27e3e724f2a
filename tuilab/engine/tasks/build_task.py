"""Building the task of an experiment."""

from torch import nn

from tuilab.core.discover import import_modules
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine import tasks
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.tasks.plain_python import PlainPythonTask
from tuilab.engine.tasks.task import TASKS, Task

import_modules(tasks)  # every class that is marked `@task`


def build(experiment: Experiment, network: nn.Module, dataset: Dataset) -> Task:
    """Returns the task that trains a network on a data set."""
    if experiment.training.engine != "torch":
        return PlainPythonTask(experiment, network, dataset)
    return TASKS[type(experiment.task)](experiment, network, dataset)
