"""Data sets as tests look at them."""

from typing import Any

import msgspec
import torch

from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.data.load import load

CPU = torch.device("cpu")


def loaded(data: Any, seed: int = 0) -> Dataset:
    """A data set on the CPU."""
    return load(Experiment(data=data, seed=seed), CPU, lambda what, fraction: None)


def parts(dataset: Dataset) -> tuple[Part, Part, Part]:
    """Its three parts."""
    return dataset.train, dataset.validation, dataset.test


def told(dataset: Dataset) -> str:
    """All that there is to know of it, in one line."""
    return " ".join(dataset.remarks)


def whole(data: Any, seed: int = 0, **knobs: Any) -> Part:
    """All examples of a set, training, validation and test together."""
    dataset = loaded(msgspec.structs.replace(data, **knobs), seed)
    coordinates = [part.coordinates for part in parts(dataset)]
    return Part(
        torch.cat([part.inputs for part in parts(dataset)]),
        torch.cat([part.targets for part in parts(dataset)]),
        None if any(there is None for there in coordinates) else torch.cat(coordinates),
    )


def tensors(dataset: Dataset) -> list[torch.Tensor]:
    """Everything in it that chance could change."""
    found = [t for p in parts(dataset) for t in (p.inputs, p.targets, p.coordinates)]
    return [tensor for tensor in (*found, dataset.adjacency) if tensor is not None]
