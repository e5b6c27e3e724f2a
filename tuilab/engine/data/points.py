"""Sets that are drawn from the seed: points of the plane in figures, and the sine curve."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data import points as sets
from tuilab.core.catalogue.data.data_set import Data
from tuilab.engine.data import corruptions, toy_2d
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.rng import rng_for

TEST_EXAMPLES = 1000
"""Fresh examples that no run trains or chooses on."""

PLANE = (-toy_2d.EDGE, toy_2d.EDGE, -toy_2d.EDGE, toy_2d.EDGE)
"""The plane that is shown: left, right, bottom, top."""

Figure = Callable[[int, float, Generator], toy_2d.Points]

FIGURES: dict[type[Data], Figure] = {
    sets.Circle: toy_2d.circle,
    sets.Xor: toy_2d.xor,
    sets.Gauss: toy_2d.gauss,
    sets.PlaneSurface: toy_2d.plane,
    sets.MultiGauss: toy_2d.multi_gauss,
    sets.Moons: toy_2d.moons,
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
    places = toy_2d.centers(data.centers, rng_for(seed, "centers"))
    return _seen(data, seed, partial(toy_2d.blobs, places))


def spiral(data: sets.Spiral, seed: int, report: Report) -> Source:
    """Arms around the middle."""
    return _seen(data, seed, partial(toy_2d.spiral, data.arms, data.turns))


def rings(data: sets.Rings, seed: int, report: Report) -> Source:
    """Circles around the middle."""
    return _seen(data, seed, partial(toy_2d.rings, data.circles))


def gaussians_ring(data: sets.GaussiansRing, seed: int, report: Report) -> Source:
    """Clouds around a circle."""
    return _modes(data, seed, toy_2d.on_ring(data.modes))


def gaussians_grid(data: sets.GaussiansGrid, seed: int, report: Report) -> Source:
    """Clouds on a grid."""
    return _modes(data, seed, toy_2d.on_grid(data.side))


def _modes(data: sets.Plane, seed: int, places: Tensor) -> Source:
    """Clouds about given places, which are told so that a GAN can be measured by them."""
    source = _seen(data, seed, partial(toy_2d.modes, places))
    if data.features == ("x1", "x2"):
        source.modes, source.spread = places, data.noise * toy_2d.gap(places)
    return source


def drawn(data: sets.Drawn, seed: int, report: Report) -> Source:
    """The points of the experiment file; none is left for a test."""
    points = torch.tensor([(x, y) for x, y, _ in data.points])
    classes = torch.tensor([each for *_, each in data.points])
    inputs_at = partial(features_of, data.features)
    part = Part(inputs_at(points), classes, points)
    return Source(part, part.at(torch.arange(0)), inputs_at, PLANE)


def features_of(names: tuple[sets.Feature, ...], points: Tensor) -> Tensor:
    """What a network sees of points: [n, 2] to [n, features]."""
    return torch.stack([FEATURES[name](points[:, 0], points[:, 1]) for name in names], dim=1)


def _seen(data: sets.Plane, seed: int, figure: Figure) -> Source:
    inputs_at = partial(features_of, data.features)

    def drawn(count: int, purpose: str, shift: float = 0.0) -> Part:
        points, targets = figure(count, data.noise, rng_for(seed, purpose))
        points = corruptions.aside(points, shift) if shift else points
        return Part(inputs_at(points), targets, points)

    shift = data.test_shift if isinstance(data, sets.Clouds) else 0.0
    return Source(
        drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test", shift), inputs_at, PLANE
    )


def sine(data: sets.Sine, seed: int, report: Report) -> Source:
    """One input from -π to π; the target is its sine wave, with normal error."""

    def drawn(count: int, purpose: str) -> Part:
        chance = rng_for(seed, purpose)
        inputs = toy_2d.uniform((count, 1), math.pi, chance)
        error = data.noise * torch.randn(count, 1, generator=chance)
        return Part(inputs, (data.periods * inputs).sin() + error, inputs)

    return Source(
        drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"),
        lambda points: points, (-math.pi, math.pi),
    )  # fmt: skip


def swiss_roll(data: sets.SwissRoll, seed: int, report: Report) -> Source:
    """Three inputs on a sheet that is rolled up; the target is the place along it."""

    def drawn(count: int, purpose: str) -> Part:
        return Part(*toy_2d.roll(count, data.noise, rng_for(seed, purpose)))

    return Source(drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"))
