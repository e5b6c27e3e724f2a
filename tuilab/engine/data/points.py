"""Data sets of points that are not 2-D toy problems, and what all point data sets share."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.points import (
    Feature,
    GeneratedPoints,
    HandDrawn,
    Sine,
    SwissRoll,
)
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.sources import TEST_EXAMPLES, RawDataset, source

Draw = Callable[[int, Generator], tuple[Tensor, Tensor]]
"""Draws a number of points, [n, 2], and their classes [n] or values [n, 1]."""

EDGE = 6.0
"""Plots show the plane from -6 to 6 along both axes."""

PLANE = (-EDGE, EDGE, -EDGE, EDGE)
"""The bounds of the plane in plots: left, right, bottom, top."""

FEATURES: dict[Feature, Callable[[Tensor, Tensor], Tensor]] = {
    "x1": lambda x1, _: x1,
    "x2": lambda _, x2: x2,
    "x1^2": lambda x1, _: x1 * x1,
    "x2^2": lambda _, x2: x2 * x2,
    "x1*x2": lambda x1, x2: x1 * x2,
    "sin(x1)": lambda x1, _: x1.sin(),
    "sin(x2)": lambda _, x2: x2.sin(),
}
"""The input features of a point."""


def compute_features(names: tuple[Feature, ...], points: Tensor) -> Tensor:
    """Computes the chosen features of points, from [n, 2] to [n, features]."""
    return torch.stack([FEATURES[name](points[:, 0], points[:, 1]) for name in names], dim=1)


def draw_plane(data: GeneratedPoints, seed: int, draw: Draw) -> RawDataset:
    """Builds a 2-D data set from a function that draws its points."""
    inputs_at = partial(compute_features, data.features)

    def examples(count: int, purpose: str) -> Examples:
        points, targets = draw(count, rng_for(seed, purpose))
        return Examples(inputs_at(points), targets, points)

    training, test = examples(data.samples, "training"), examples(TEST_EXAMPLES, "test")
    return RawDataset(training, test, inputs_at, PLANE)


def uniform_square(shape: tuple[int, ...], edge: float, generator: Generator) -> Tensor:
    """Draws numbers uniformly from -edge to edge, float of the given shape [...]."""
    return (2 * torch.rand(shape, generator=generator) - 1) * edge


@source(HandDrawn)
def hand_drawn(data: HandDrawn, seed: int, report: ProgressCallback) -> RawDataset:
    """Returns the points of the experiment file, without a test set."""
    points = torch.tensor([(x, y) for x, y, _ in data.points])
    classes = torch.tensor([label for *_, label in data.points])
    inputs_at = partial(compute_features, data.features)
    examples = Examples(inputs_at(points), classes, points)
    return RawDataset(examples, examples.select(torch.arange(0)), inputs_at, PLANE)


@source(Sine)
def sine(data: Sine, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws inputs from -π to π; the target is a sine wave with normal noise."""

    def draw(count: int, purpose: str) -> Examples:
        generator = rng_for(seed, purpose)
        inputs = uniform_square((count, 1), math.pi, generator)
        noise = data.noise * torch.randn(count, 1, generator=generator)
        return Examples(inputs, (data.periods * inputs).sin() + noise, inputs)

    training, test = draw(data.samples, "training"), draw(TEST_EXAMPLES, "test")
    return RawDataset(training, test, lambda points: points, (-math.pi, math.pi))


@source(SwissRoll)
def swiss_roll(data: SwissRoll, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws points of a sheet 21 wide, rolled up one and a half times.

    As scikit-learn's `make_swiss_roll`, with the position along the sheet, from 0 to 1, as target.
    """

    def draw(count: int, purpose: str) -> Examples:
        generator = rng_for(seed, purpose)
        position, across = torch.rand(2, count, generator=generator)
        angle = 1.5 * math.pi * (1 + 2 * position)
        points = torch.stack([angle * angle.cos(), 21 * across, angle * angle.sin()], dim=1)
        noise = data.noise * torch.randn(count, 3, generator=generator)
        return Examples(points + noise, position[:, None])

    return RawDataset(draw(data.samples, "training"), draw(TEST_EXAMPLES, "test"))
