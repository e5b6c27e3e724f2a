"""Small experiments, data sets and sessions for tests of the engine."""

from typing import Any, TypeVar

import torch
from torch import nn

from tests.support.datasets import CPU, ignore_progress
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

M = TypeVar("M", bound=nn.Module)


def make_experiment(
    *network: Any, epochs: int = 2, batch_size: int = 10, **tables: Any
) -> Experiment:
    """Builds an experiment on points of the plane, in three classes unless `data` differs."""
    data = tables.pop("data", {"name": "blobs", "centers": 3})
    data = {"batch_size": batch_size, **data}
    training = {"epochs": epochs, "device": "cpu", **tables.pop("training", {})}
    lines = list(network) or ["Linear 8", "Tanh", "Linear 3"]
    return experiment_from_dict({"network": lines, "data": data, "training": training, **tables})


def make_dataset(examples: int = 57, features: int = 2, classes: int = 3) -> Dataset:
    """Builds a set of random points whose class depends on their first coordinate."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(examples + 40, features, generator=generator)
    boundaries = torch.linspace(-0.5, 0.5, classes - 1)
    targets = torch.bucketize(inputs[:, 0].contiguous(), boundaries)
    train, validation, test = (
        Examples(inputs[a:b], targets[a:b], inputs[a:b, :2])
        for a, b in ((0, examples), (examples, examples + 20), (examples + 20, examples + 40))
    )
    return Dataset(
        train,
        validation,
        test,
        classes=tuple("abcdefghij"[:classes]),
        inputs_at=lambda coordinates: coordinates,
        bounds=(-3.0, 3.0, -2.0, 2.0),
    )


def make_session(*network: Any, examples: int = 57, run: str = "run", **tables: Any) -> Session:
    """Builds a session on the CPU that trains on `make_dataset`."""
    return Session(run, make_experiment(*network, **tables), make_dataset(examples), CPU)


def load_session(tables: dict[str, Any], epochs: int = 1) -> Session:
    """Builds a session on the CPU that trains on the data set of its experiment."""
    training = {"epochs": epochs, "device": "cpu", **tables.get("training", {})}
    experiment = experiment_from_dict({**tables, "training": training})
    return Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)


def layer_at(session: Session, index: int, kind: type[M]) -> M:
    """Returns a layer of the network, which must be of this kind."""
    layer = session.network[index]
    assert isinstance(layer, kind)
    return layer


def train_steps(session: Session, count: int) -> None:
    """Trains for this many batches and leaves the loop."""
    loop, last_step = train(session), session.step + count
    for _ in loop:
        if session.step == last_step:
            break
    loop.close()


def flatten_parameters(session: Session) -> torch.Tensor:
    """Returns a copy of all parameters in one row."""
    return torch.cat([parameter.detach().flatten() for parameter in session.parameters]).clone()
