"""Data sets as tests look at them."""

from typing import Any

import msgspec
import torch

from tuilab.core.experiment.experiment import Experiment, create_default
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.load import load

CPU = torch.device("cpu")


def load_set(data: Any, seed: int = 0) -> Any:
    """A data set on the CPU, for its first task; `Any`, as tests know which fields are not None."""
    experiment = Experiment(data=data, seed=seed, task=create_default("task", data.tasks[0]))
    return load(experiment, CPU, lambda activity, fraction: None)


def splits(dataset: Any) -> tuple[Any, Any, Any]:
    """Its training, validation and test set."""
    return dataset.train, dataset.validation, dataset.test


def remarks_of(dataset: Any) -> str:
    """All remarks on it, in one line."""
    return " ".join(dataset.remarks)


def all_examples(data: Any, seed: int = 0, **knobs: Any) -> Any:
    """All examples of a set, training, validation and test together."""
    dataset = load_set(msgspec.structs.replace(data, **knobs), seed)
    coordinates = [part.coordinates for part in splits(dataset)]
    return Examples(
        torch.cat([part.inputs for part in splits(dataset)]),
        torch.cat([part.targets for part in splits(dataset)]),
        None if any(each is None for each in coordinates) else torch.cat(coordinates),
    )


def tensors(dataset: Any) -> list[torch.Tensor]:
    """Every tensor that the seed could change."""
    parts = [t for p in splits(dataset) for t in (p.inputs, p.targets, p.coordinates)]
    return [tensor for tensor in (*parts, dataset.adjacency) if tensor is not None]
