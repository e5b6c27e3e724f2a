"""Data sets loaded on the CPU, and all that they hold."""

from typing import Any

import msgspec
import torch

from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.experiment.experiment import Experiment, create_default
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.load import load

CPU = torch.device("cpu")


def ignore_progress(activity: str, fraction: float | None) -> None:
    """A progress callback that does nothing."""


def load_dataset(data: DataSet, seed: int = 0) -> Dataset:
    """Loads a data set on the CPU for the first of its tasks."""
    experiment = Experiment(data=data, seed=seed, task=create_default("task", data.tasks[0]))
    return load(experiment, CPU, ignore_progress)


def splits(dataset: Dataset) -> tuple[Examples, Examples, Examples]:
    """Returns the training, validation and test set."""
    return dataset.train, dataset.validation, dataset.test


def join_splits(dataset: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the inputs and targets of all three sets together."""
    parts = splits(dataset)
    return torch.cat([p.inputs for p in parts]), torch.cat([p.targets for p in parts])


def joined_remarks(dataset: Dataset) -> str:
    """Returns all remarks in one line."""
    return " ".join(dataset.remarks)


def all_examples(data: DataSet, seed: int = 0, **fields: Any) -> Examples:
    """Returns training, validation and test examples together; some fields of the set replaced."""
    dataset = load_dataset(msgspec.structs.replace(data, **fields), seed)
    coordinates = [part.coordinates for part in splits(dataset) if part.coordinates is not None]
    return Examples(*join_splits(dataset), torch.cat(coordinates) if coordinates else None)


def all_tensors(dataset: Dataset) -> list[torch.Tensor]:
    """Returns every tensor that the seed could change."""
    parts = [t for p in splits(dataset) for t in (p.inputs, p.targets, p.coordinates)]
    return [tensor for tensor in (*parts, dataset.adjacency) if tensor is not None]
