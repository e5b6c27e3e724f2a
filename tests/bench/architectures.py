"""Speed of a convnet, an LSTM and a transformer, with probes on, against plain loops."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.bench.measure import Row, at_least, interleaved, ratio, summarize
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
    """A classifier by the last state of an LSTM, in plain PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 64, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [n, length, features] to [n, hidden]."""
        states: Tensor = self.lstm(x)[0]
        return states[:, -1]


class Mean(nn.Module):
    """The mean over positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps [n, length, features] to [n, features]."""
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
    """Returns inputs and targets for `STEPS` batches."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH * STEPS, *shape, generator=generator)
    return inputs, inputs.flatten(1)[:, :CLASSES].argmax(1)


def experiment(lines: list[Any], shape: tuple[int, ...]) -> Experiment:
    """Builds an experiment of one epoch; only the shape of its data set is used."""
    tables: dict[tuple[int, ...], dict[str, Any]] = {
        (1, 28, 28): {"name": "glyphs"},
        (28, 1): {"name": "waves", "length": 28},
    }
    return experiment_from_dict(
        {
            "network": lines,
            "data": {**tables[shape], "batch_size": BATCH},
            "training": {"epochs": 1},
        }
    )


def tuilab(name: str) -> float:
    """Returns the steps per second of the lab's loop, with probes and reports."""
    lines, shape, _ = NETWORKS[name]
    inputs, targets = data(shape)
    empty = Examples(inputs[:0], targets[:0])
    dataset = Dataset(Examples(inputs, targets), empty, empty, tuple("abcdefghij"))
    session = Session("bench", experiment(lines, shape), dataset, torch.device("cpu"))
    start = time.perf_counter()
    for _ in train(session):
        pass
    return session.step / (time.perf_counter() - start)


def bare(name: str) -> float:
    """Returns the steps per second of a bare loop over the same tensors, fused optimizer."""
    _, shape, build = NETWORKS[name]
    inputs, targets = data(shape)
    batches = ((inputs[i], targets[i]) for i in torch.randperm(len(inputs)).split(BATCH))
    return loop(build(), batches, fused=True)


def plain(name: str) -> float:
    """Returns the steps per second of a loop over a DataLoader, as in PyTorch's tutorials."""
    _, shape, build = NETWORKS[name]
    loader = DataLoader(TensorDataset(*data(shape)), batch_size=BATCH, shuffle=True)
    return loop(build(), loader, fused=None)


def rows() -> Iterator[Row]:
    """Yields the rows on architectures."""
    for name in NETWORKS:
        loops = partial(tuilab, name), partial(plain, name), partial(bare, name)
        ours, theirs, barest = interleaved(REPEATS, *loops)
        yield at_least(
            f"training: {name} / plain PyTorch loop over a DataLoader", ratio(ours, theirs), 1.0,
            f"{summarize(ours)} / {summarize(theirs)} steps/s", "×",
        )  # fmt: skip
        yield at_least(
            f"training: {name} / bare loop over resident tensors", ratio(ours, barest), 0.95,
            f"{summarize(ours)} / {summarize(barest)} steps/s", "×",
        )  # fmt: skip
    last, contiguous = interleaved(REPEATS, partial(tuilab, "convnet"), partial(bare, "convnet"))
    yield at_least(
        "training: convnet in channels_last / contiguous", ratio(last, contiguous), 1.2,
        f"{summarize(last)} / {summarize(contiguous)} steps/s", "×",
    )  # fmt: skip
