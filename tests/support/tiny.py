"""Small experiments and data for tests of the engine."""

from typing import Any

import torch

from tuilab.core.experiment.experiment import Experiment, from_plain
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.session import Session
from tuilab.engine.train import train

CPU = torch.device("cpu")


def experiment(*network: Any, epochs: int = 2, batch_size: int = 10, **tables: Any) -> Experiment:
    """An experiment on points of the plane, in three classes unless `data` says otherwise."""
    data = tables.pop("data", {"name": "blobs", "centers": 3})
    data = {"batch_size": batch_size, **data}
    training = {"epochs": epochs, "device": "cpu", **tables.pop("training", {})}
    lines = list(network) or ["Linear 8", "Tanh", "Linear 3"]
    return from_plain({"network": lines, "data": data, "training": training, **tables})


def dataset(examples: int = 57, features: int = 2, classes: int = 3) -> Dataset:
    """Random points whose class is where their first coordinate lies."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(examples + 40, features, generator=generator)
    cuts = torch.linspace(-0.5, 0.5, classes - 1)
    targets = torch.bucketize(inputs[:, 0].contiguous(), cuts)
    parts = [
        Part(inputs[a:b], targets[a:b], inputs[a:b, :2])
        for a, b in ((0, examples), (examples, examples + 20), (examples + 20, examples + 40))
    ]
    return Dataset(
        *parts,
        classes=tuple("abcdefghij"[:classes]),
        inputs_at=lambda coordinates: coordinates,
        bounds=(-3.0, 3.0, -2.0, 2.0),
    )


def session(*network: Any, examples: int = 57, run: str = "run", **knobs: Any) -> Session:
    """A session on the CPU over `dataset`."""
    return Session(run, experiment(*network, **knobs), dataset(examples), CPU)


def steps(subject: Session, count: int) -> None:
    """Train for so many batches, then leave the loop."""
    loop, until = train(subject), subject.step + count
    for _ in loop:
        if subject.step == until:
            break
    loop.close()


def weights(subject: Session) -> torch.Tensor:
    """All parameters in one row."""
    return torch.cat([parameter.detach().flatten() for parameter in subject.parameters]).clone()
