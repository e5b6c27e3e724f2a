"""Sets that are drawn from the seed: points of the plane in figures, and the sine curve."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from tuilab.engine.data import figures
from tuilab.engine.data.chance import stream
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.lab.catalogue import data as sets

TEST_EXAMPLES = 1000
"""Fresh examples that no run trains or chooses on."""

Figure = Callable[[int, float, Generator], figures.Points]

FIGURES: dict[type[sets.Data], Figure] = {
    sets.Circle: figures.circle,
    sets.Xor: figures.xor,
    sets.Gauss: figures.gauss,
    sets.Spiral: figures.spiral,
    sets.PlaneSurface: figures.plane,
    sets.MultiGauss: figures.multi_gauss,
    sets.Moons: figures.moons,
}
"""The figure of each set of the plane that needs nothing but chance."""

FEATURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "x1": lambda x1, _: x1,
    "x2": lambda _, x2: x2,
    "x1^2": lambda x1, _: x1 * x1,
    "x2^2": lambda _, x2: x2 * x2,
    "x1*x2": lambda x1, x2: x1 * x2,
    "sin(x1)": lambda x1, _: x1.sin(),
    "sin(x2)": lambda _, x2: x2.sin(),
}
"""What a network may see of a point."""


def plane(data: sets.Plane, seed: int, report: Report) -> Source:
    """Points of one of the figures, seen through the chosen features."""
    return _seen(data, seed, FIGURES[type(data)])


def blobs(data: sets.Blobs, seed: int, report: Report) -> Source:
    """Round clouds; training and test share the places that the seed chose."""
    places = figures.centers(data.centers, stream(seed, "centers"))
    return _seen(data, seed, partial(figures.blobs, places))


def _seen(data: sets.Plane, seed: int, figure: Figure) -> Source:
    def features_at(points: Tensor) -> Tensor:
        columns = [FEATURES[name](points[:, 0], points[:, 1]) for name in data.features]
        return torch.stack(columns, dim=1)

    def drawn(count: int, purpose: str) -> Part:
        points, targets = figure(count, data.noise, stream(seed, purpose))
        return Part(features_at(points), targets, points)

    edge = figures.EDGE
    return Source(
        drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"),
        features_at, (-edge, edge, -edge, edge),
    )  # fmt: skip


def sine(data: sets.Sine, seed: int, report: Report) -> Source:
    """One input from -π to π; the target is its sine wave, with normal error."""

    def drawn(count: int, purpose: str) -> Part:
        chance = stream(seed, purpose)
        inputs = figures.uniform((count, 1), math.pi, chance)
        error = data.noise * torch.randn(count, 1, generator=chance)
        return Part(inputs, (data.periods * inputs).sin() + error, inputs)

    return Source(
        drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"),
        lambda points: points, (-math.pi, math.pi),
    )  # fmt: skip
