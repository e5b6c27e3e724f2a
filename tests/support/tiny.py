"""Small experiments and data for tests of the engine."""

from typing import Any

import torch

from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.session import Session
from tuilab.engine.train import train

CPU = torch.device("cpu")


def experiment(*network: Any, epochs: int = 2, batch_size: int = 10, **tables: Any) -> Experiment:
    """An experiment on points of the plane, in three classes unless `data` says otherwise."""
    data = tables.pop("data", {"name": "blobs", "centers": 3})
    data = {"batch_size": batch_size, **data}
    training = {"epochs": epochs, "device": "cpu", **tables.pop("training", {})}
    lines = list(network) or ["Linear 8", "Tanh", "Linear 3"]
    return experiment_from_dict({"network": lines, "data": data, "training": training, **tables})


def dataset(examples: int = 57, features: int = 2, classes: int = 3) -> Dataset:
    """Random points whose class is where their first coordinate lies."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(examples + 40, features, generator=generator)
    cuts = torch.linspace(-0.5, 0.5, classes - 1)
    targets = torch.bucketize(inputs[:, 0].contiguous(), cuts)
    parts = [
        Examples(inputs[a:b], targets[a:b], inputs[a:b, :2])
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


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """The places where two structures do not hold the same bits."""
    if type(one) is not type(other):
        return [path]
    if isinstance(one, torch.Tensor):
        is_same = one.dtype == other.dtype and one.shape == other.shape
        # Bits and not numbers: NaN is itself, and 0 is not -0.
        return [] if is_same and to_bytes(one) == to_bytes(other) else [path]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [f"{path} {sorted(map(str, one.keys() ^ other.keys()))}"]
        return [d for key in one for d in differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [path]
        pairs = enumerate(zip(one, other, strict=True))
        return [d for at, pair in pairs for d in differences(*pair, f"{path}[{at}]")]
    return [] if one == other else [path]


def to_bytes(tensor: torch.Tensor) -> bytes:
    """The memory of a tensor, row by row."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
