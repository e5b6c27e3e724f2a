"""Figures in the plane: how many points, how noisy, by which chance, to points and targets.

The first six are TensorFlow Playground's, by the formulas of its src/dataset.ts (tensorflow/
playground, Apache 2.0). Its label +1 (blue) is class 1 here, its -1 (orange) is class 0. One
thing differs: Playground spaces the points of a spiral evenly, here each lies anywhere in its own
stretch of the arm, so that the test points are not the training points again.
"""

import math

import torch
from torch import Generator, Tensor

Points = tuple[Tensor, Tensor]
"""Points [n, 2], and their classes [n] or values [n, 1]."""

RADIUS = 5.0
"""Of the circle and the spiral; the square of XOR reaches as far."""

EDGE = 6.0
"""The plane that is shown goes from -6 to 6 both ways."""


def circle(count: int, noise: float, chance: Generator) -> Points:
    """A disc of class 1 in a ring of class 0; noise is in the classes, not in the points."""
    inner = torch.arange(count) < (count + 1) // 2
    least = torch.where(inner, 0.0, 0.7 * RADIUS)
    most = torch.where(inner, 0.5 * RADIUS, RADIUS)
    radius = least + (most - least) * torch.rand(count, generator=chance)
    angle = 2 * math.pi * torch.rand(count, generator=chance)
    points = radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
    strayed = points + noise * uniform((count, 2), RADIUS, chance)
    return points, (strayed.norm(dim=1) < 0.5 * RADIUS).long()


def xor(count: int, noise: float, chance: Generator) -> Points:
    """Class 1 where both coordinates have the same sign; noise is in the classes."""
    points = uniform((count, 2), RADIUS, chance)
    points += torch.where(points > 0, 0.3, -0.3)
    strayed = points + noise * uniform((count, 2), RADIUS, chance)
    return points, (strayed.prod(dim=1) >= 0).long()


def gauss(count: int, noise: float, chance: Generator) -> Points:
    """A cloud of class 1 around (2, 2) and one of class 0 around (-2, -2)."""
    classes = (torch.arange(count) < (count + 1) // 2).long()
    centers = torch.where(classes[:, None] == 1, 2.0, -2.0)
    spread = math.sqrt(0.5 + 7 * noise)
    return centers + spread * torch.randn(count, 2, generator=chance), classes


def spiral(arms: int, turns: float, count: int, noise: float, chance: Generator) -> Points:
    """Arms of so many turns; that of class 1 starts upward, the others evenly about it."""
    order = [1, 0, *range(2, arms)]
    sizes = [(count + arms - 1 - index) // arms for index in range(arms)]
    points = torch.cat([
        _arm(size, turns, 2 * math.pi * (1 - each) / arms, chance)
        for each, size in zip(order, sizes, strict=True)
    ])  # fmt: skip
    points += noise * uniform((count, 2), 1.0, chance)
    return points, torch.tensor(order).repeat_interleave(torch.tensor(sizes))


def _arm(count: int, turns: float, turned: float, chance: Generator) -> Tensor:
    part = (torch.arange(count) + torch.rand(count, generator=chance)) / max(count, 1)
    angle = turns * part * 2 * math.pi + turned
    return RADIUS * part[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)


def rings(circles: int, count: int, noise: float, chance: Generator) -> Points:
    """Circles around the middle, class 0 the smallest; noise strays across them, normally."""
    classes = torch.arange(count) % circles
    angle = 2 * math.pi * torch.rand(count, generator=chance)
    radius = RADIUS / circles * (classes + 1 + noise * torch.randn(count, generator=chance))
    return radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1), classes


def plane(count: int, noise: float, chance: Generator) -> Points:
    """A tilted plane: a tenth of the sum of both coordinates."""
    points = uniform((count, 2), EDGE, chance)
    strayed = points + noise * uniform((count, 2), EDGE, chance)
    return points, strayed.sum(dim=1, keepdim=True) / 10


BUMPS = torch.tensor(
    [[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]]
)
"""Where each bump of `multi_gauss` stands, and whether it is a hill or a valley."""


def multi_gauss(count: int, noise: float, chance: Generator) -> Points:
    """Six cones, three up and three down, each 1 high and 2 wide; flat between them."""
    points = uniform((count, 2), EDGE, chance)
    strayed = points + noise * uniform((count, 2), EDGE, chance)
    distances = (strayed[:, None] - BUMPS[:, :2]).norm(dim=2)
    heights = BUMPS[:, 2] * (1 - distances / 2).clamp(min=0)
    highest = heights.abs().argmax(dim=1, keepdim=True)
    return points, heights.gather(1, highest)


def moons(count: int, noise: float, chance: Generator) -> Points:
    """Two half circles of radius 3, as scikit-learn's `make_moons`, three times as large."""
    upper = torch.arange(count) < (count + 1) // 2
    angle = math.pi * torch.rand(count, generator=chance)
    x = torch.where(upper, angle.cos(), 1 - angle.cos()) - 0.5
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin()) - 0.25
    points = torch.stack([x, y], dim=1) + noise * torch.randn(count, 2, generator=chance)
    return 3 * points, (~upper).long()


def centers(count: int, chance: Generator) -> Tensor:
    """Places for clouds: each is the farthest from the others among 200 that chance offers."""
    chosen = uniform((1, 2), 4.0, chance)
    while len(chosen) < count:
        offers = uniform((200, 2), 4.0, chance)
        distances = (offers[:, None] - chosen).norm(dim=2).amin(dim=1)
        chosen = torch.cat([chosen, offers[distances.argmax()][None]])
    return chosen


def blobs(places: Tensor, count: int, noise: float, chance: Generator) -> Points:
    """A round cloud about each place; without noise they hardly touch."""
    between = gap(places)
    spread = min(0.12 * between, 0.6) + noise * between / 2
    classes = torch.arange(count) % len(places)
    return places[classes] + spread * torch.randn(count, 2, generator=chance), classes


def on_ring(count: int) -> Tensor:
    """Places evenly around a circle of radius 4, the first at the top."""
    angle = 2 * math.pi * torch.arange(count) / count
    return 4 * torch.stack([angle.sin(), angle.cos()], dim=1)


def on_grid(side: int) -> Tensor:
    """Places of a square grid from -4 to 4, row by row from below."""
    places = torch.linspace(-4, 4, side)
    rows, columns = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([columns.flatten(), rows.flatten()], dim=1)


def gap(places: Tensor) -> float:
    """The distance between the two nearest places."""
    return float(torch.pdist(places).min())


def modes(places: Tensor, count: int, noise: float, chance: Generator) -> Points:
    """A small round cloud about each place, of a spread that is a part of the gap."""
    classes = torch.arange(count) % len(places)
    spread = noise * gap(places)
    return places[classes] + spread * torch.randn(count, 2, generator=chance), classes


def roll(count: int, noise: float, chance: Generator) -> Points:
    """A sheet 21 wide, rolled up one and a half times: points [n, 3], and places along it [n, 1].

    As scikit-learn's `make_swiss_roll`, with the place along the sheet from 0 to 1.
    """
    place, across = torch.rand(2, count, generator=chance)
    angle = 1.5 * math.pi * (1 + 2 * place)
    points = torch.stack([angle * angle.cos(), 21 * across, angle * angle.sin()], dim=1)
    return points + noise * torch.randn(count, 3, generator=chance), place[:, None]


def uniform(shape: tuple[int, ...], edge: float, chance: Generator) -> Tensor:
    """Numbers anywhere from -edge to edge."""
    return (2 * torch.rand(shape, generator=chance) - 1) * edge
