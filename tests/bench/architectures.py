"""Steps of a convnet, an LSTM and a transformer, with probes on, against plain loops."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.bench.measure import Row, at_least, interleaved, ratio, spread
from tests.bench.training import loop
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.session import Session
from tuilab.engine.train import train

BATCH = 64
STEPS = 120
REPEATS = 5
CLASSES = 10


class LastState(nn.Module):
    """What plain PyTorch writes to classify by the last state of an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 64, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to [n, hidden]."""
        states: Tensor = self.lstm(x)[0]
        return states[:, -1]


class Mean(nn.Module):
    """The mean over positions."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to [n, features]."""
        return x.mean(1)


def _encoder() -> nn.Module:
    return nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)


NETWORKS: dict[str, tuple[list[Any], tuple[int, ...], Callable[[], nn.Module]]] = {
    "convnet": (
        ["Conv2d 16 padding=1", "MaxPool2d 2", "ReLU", "Conv2d 32 padding=1", "MaxPool2d 2",
         "ReLU", "Flatten", "Linear 10"],
        (1, 28, 28),
        lambda: nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),
            nn.Flatten(), nn.Linear(1568, 10),
        ),
    ),
    "LSTM": (
        ["LSTM 64", "Linear 10"], (28, 1),
        lambda: nn.Sequential(LastState(), nn.Linear(64, 10)),
    ),
    "transformer": (
        ["Linear 64", ["Repeat 2", "TransformerEncoderLayer 4 dim_feedforward=128 dropout=0"],
         "MeanOverPositions", "Linear 10"],
        (28, 1),
        lambda: nn.Sequential(nn.Linear(1, 64), _encoder(), _encoder(), Mean(), nn.Linear(64, 10)),
    ),
}  # fmt: skip
"""By name: the lines of the lab, the shape of an input, and the same in plain PyTorch."""


def data(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Examples for `STEPS` batches."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH * STEPS, *shape, generator=generator)
    return inputs, inputs.flatten(1)[:, :CLASSES].argmax(1)


def experiment(lines: list[Any], shape: tuple[int, ...]) -> Experiment:
    """One epoch over the examples; the data set only lends its shape."""
    lent = {
        (1, 28, 28): {"name": "glyphs"},
        (28, 1): {"name": "waves", "length": 28},
    }[shape]
    return experiment_from_dict(
        {"network": lines, "data": {**lent, "batch_size": BATCH}, "training": {"epochs": 1}}
    )


def tuilab(name: str) -> float:
    """Steps a second of this lab's loop, probes and reports on."""
    lines, shape, _ = NETWORKS[name]
    inputs, targets = data(shape)
    nothing = Examples(inputs[:0], targets[:0])
    dataset = Dataset(Examples(inputs, targets), nothing, nothing, tuple("abcdefghij"))
    session = Session("bench", experiment(lines, shape), dataset, torch.device("cpu"))
    start = time.perf_counter()
    for _ in train(session):
        pass
    return session.step / (time.perf_counter() - start)


def bare(name: str) -> float:
    """Steps a second of the barest loop over the same tensors, with a fused optimizer."""
    _, shape, build = NETWORKS[name]
    inputs, targets = data(shape)
    batches = ((inputs[i], targets[i]) for i in torch.randperm(len(inputs)).split(BATCH))
    return loop(build(), batches, fused=True)


def plain(name: str) -> float:
    """Steps a second of a plain loop over a DataLoader, as in PyTorch's tutorials."""
    _, shape, build = NETWORKS[name]
    loader = DataLoader(TensorDataset(*data(shape)), batch_size=BATCH, shuffle=True)
    return loop(build(), loader, fused=None)


def rows() -> Iterator[Row]:
    """The part of the table on architectures."""
    for name in NETWORKS:
        subjects = partial(tuilab, name), partial(plain, name), partial(bare, name)
        ours, theirs, barest = interleaved(REPEATS, *subjects)
        yield at_least(
            f"training: {name} / plain PyTorch loop over a DataLoader", ratio(ours, theirs), 1.0,
            f"{spread(ours)} / {spread(theirs)} steps/s", "×",
        )  # fmt: skip
        yield at_least(
            f"training: {name} / bare loop over resident tensors", ratio(ours, barest), 0.95,
            f"{spread(ours)} / {spread(barest)} steps/s", "×",
        )  # fmt: skip
    last, contiguous = interleaved(REPEATS, partial(tuilab, "convnet"), partial(bare, "convnet"))
    yield at_least(
        "training: convnet in channels_last / contiguous", ratio(last, contiguous), 1.2,
        f"{spread(last)} / {spread(contiguous)} steps/s", "×",
    )  # fmt: skip
