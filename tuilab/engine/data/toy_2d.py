"""2-D toy problems: classes or values of points of the plane.

The first six are TensorFlow Playground's, by the formulas of its src/dataset.ts (tensorflow/
playground, Apache 2.0). Its label +1 (blue) is class 1 here, its -1 (orange) is class 0. One
thing differs: Playground spaces the points of a spiral evenly; here each lies at random in its own
section of the arm, so that the test points are not the training points again.
"""

import math

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.points import (
    Blobs,
    Circle,
    Gauss,
    GaussiansGrid,
    GaussiansRing,
    GeneratedPoints,
    Moons,
    MultiGauss,
    PlaneSurface,
    Rings,
    Spiral,
    Xor,
)
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.points import EDGE, draw_plane, uniform_square
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.sources import RawDataset, source

Points = tuple[Tensor, Tensor]
"""Points, float [n, 2], and their classes, int64 [n], or values, float [n, 1]."""

RADIUS = 5.0
"""The radius of the circle and the spiral, and half the side of the square of XOR."""


@source(Circle)
def circle(data: Circle, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws a disc of class 1 in a ring of class 0; noise is in the classes, not in the points."""

    def draw(count: int, generator: Generator) -> Points:
        is_inner = torch.arange(count) < (count + 1) // 2
        low = torch.where(is_inner, 0.0, 0.7 * RADIUS)
        high = torch.where(is_inner, 0.5 * RADIUS, RADIUS)
        radius = low + (high - low) * torch.rand(count, generator=generator)
        points = _polar(radius, 2 * math.pi * torch.rand(count, generator=generator))
        noisy = points + data.noise * uniform_square((count, 2), RADIUS, generator)
        return points, (noisy.norm(dim=1) < 0.5 * RADIUS).long()

    return draw_plane(data, seed, draw)


@source(Xor)
def xor(data: Xor, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws class 1 where both coordinates have the same sign; noise is in the classes."""

    def draw(count: int, generator: Generator) -> Points:
        points = uniform_square((count, 2), RADIUS, generator)
        points += torch.where(points > 0, 0.3, -0.3)
        noisy = points + data.noise * uniform_square((count, 2), RADIUS, generator)
        return points, (noisy.prod(dim=1) >= 0).long()

    return draw_plane(data, seed, draw)


@source(Gauss)
def gauss(data: Gauss, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws a cloud of class 1 around (2, 2) and one of class 0 around (-2, -2)."""

    def draw(count: int, generator: Generator) -> Points:
        classes = (torch.arange(count) < (count + 1) // 2).long()
        centers = torch.where(classes[:, None] == 1, 2.0, -2.0)
        std = math.sqrt(0.5 + 7 * data.noise)
        return centers + std * torch.randn(count, 2, generator=generator), classes

    return draw_plane(data, seed, draw)


@source(Spiral)
def spiral(data: Spiral, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws spiral arms; that of class 1 starts upward, the others evenly around it."""
    order = [1, 0, *range(2, data.arms)]

    def draw(count: int, generator: Generator) -> Points:
        sizes = [(count + data.arms - 1 - index) // data.arms for index in range(data.arms)]
        points = torch.cat([
            _spiral_arm(data.turns, 2 * math.pi * (1 - arm) / data.arms, size, generator)
            for arm, size in zip(order, sizes, strict=True)
        ])  # fmt: skip
        points += data.noise * uniform_square((count, 2), 1.0, generator)
        return points, torch.tensor(order).repeat_interleave(torch.tensor(sizes))

    return draw_plane(data, seed, draw)


def _spiral_arm(turns: float, start: float, count: int, generator: Generator) -> Tensor:
    """Draws points of an arm that starts at an angle, [n, 2]."""
    position = (torch.arange(count) + torch.rand(count, generator=generator)) / max(count, 1)
    return _polar(RADIUS * position, turns * position * 2 * math.pi + start)


@source(PlaneSurface)
def plane_surface(data: PlaneSurface, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws points of a tilted plane: the value is a tenth of the sum of both coordinates."""

    def draw(count: int, generator: Generator) -> Points:
        points = uniform_square((count, 2), EDGE, generator)
        noisy = points + data.noise * uniform_square((count, 2), EDGE, generator)
        return points, noisy.sum(dim=1, keepdim=True) / 10

    return draw_plane(data, seed, draw)


BUMPS = torch.tensor(
    [[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]]
)
"""The x, y and sign of each bump of `multi_gauss`."""


@source(MultiGauss)
def multi_gauss(data: MultiGauss, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws points of six cones, three up and three down, each 1 high and 2 wide."""

    def draw(count: int, generator: Generator) -> Points:
        points = uniform_square((count, 2), EDGE, generator)
        noisy = points + data.noise * uniform_square((count, 2), EDGE, generator)
        distances = (noisy[:, None] - BUMPS[:, :2]).norm(dim=2)
        heights = BUMPS[:, 2] * (1 - distances / 2).clamp(min=0)
        highest = heights.abs().argmax(dim=1, keepdim=True)
        return points, heights.gather(1, highest)

    return draw_plane(data, seed, draw)


@source(Moons)
def moons(data: Moons, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws two half circles of radius 3, as scikit-learn's `make_moons`, three times as large."""

    def draw(count: int, generator: Generator) -> Points:
        is_upper = torch.arange(count) < (count + 1) // 2
        angle = math.pi * torch.rand(count, generator=generator)
        x = torch.where(is_upper, angle.cos(), 1 - angle.cos()) - 0.5
        y = torch.where(is_upper, angle.sin(), 0.5 - angle.sin()) - 0.25
        noise = data.noise * torch.randn(count, 2, generator=generator)
        return 3 * (torch.stack([x, y], dim=1) + noise), (~is_upper).long()

    return draw_plane(data, seed, draw)


@source(Blobs)
def blobs(data: Blobs, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws round clouds around random centers; without noise they hardly touch."""
    centers = random_centers(data.centers, rng_for(seed, "centers"))
    gap = _min_distance(centers)
    return _draw_clouds(data, seed, centers, min(0.12 * gap, 0.6) + data.noise * gap / 2)


def random_centers(count: int, generator: Generator) -> Tensor:
    """Draws centers, float [count, 2]: each the farthest from the others of 200 candidates."""
    centers = uniform_square((1, 2), 4.0, generator)
    while len(centers) < count:
        candidates = uniform_square((200, 2), 4.0, generator)
        distances = (candidates[:, None] - centers).norm(dim=2).amin(dim=1)
        centers = torch.cat([centers, candidates[distances.argmax()][None]])
    return centers


@source(Rings)
def rings(data: Rings, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws concentric circles, class 0 the smallest; the noise is radial and normal."""

    def draw(count: int, generator: Generator) -> Points:
        classes = torch.arange(count) % data.circles
        angle = 2 * math.pi * torch.rand(count, generator=generator)
        noise = data.noise * torch.randn(count, generator=generator)
        return _polar(RADIUS / data.circles * (classes + 1 + noise), angle), classes

    return draw_plane(data, seed, draw)


@source(GaussiansRing)
def gaussians_ring(data: GaussiansRing, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws small clouds evenly around a circle of radius 4, the first at the top."""
    angle = 2 * math.pi * torch.arange(data.modes) / data.modes
    return _draw_modes(data, seed, _polar(torch.full((data.modes,), 4.0), angle))


@source(GaussiansGrid)
def gaussians_grid(data: GaussiansGrid, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws small clouds on a square grid from -4 to 4, row by row from the bottom."""
    ticks = torch.linspace(-4, 4, data.side)
    rows, columns = torch.meshgrid(ticks, ticks, indexing="ij")
    return _draw_modes(data, seed, torch.stack([columns.flatten(), rows.flatten()], dim=1))


def _draw_modes(data: GeneratedPoints, seed: int, centers: Tensor) -> RawDataset:
    """Draws clouds around known centers, by which a GAN can be measured."""
    std = data.noise * _min_distance(centers)
    raw = _draw_clouds(data, seed, centers, std)
    if data.features == ("x1", "x2"):
        raw.modes, raw.mode_std = centers, std
    return raw


def _draw_clouds(data: GeneratedPoints, seed: int, centers: Tensor, std: float) -> RawDataset:
    """Draws a round cloud around each center, [classes, 2], one class each."""

    def draw(count: int, generator: Generator) -> Points:
        classes = torch.arange(count) % len(centers)
        return centers[classes] + std * torch.randn(count, 2, generator=generator), classes

    return draw_plane(data, seed, draw)


def _min_distance(centers: Tensor) -> float:
    """Returns the distance between the two nearest centers, [n, 2]."""
    return float(torch.pdist(centers).min())


def _polar(radius: Tensor, angle: Tensor) -> Tensor:
    """Returns the points [n, 2] at radii and clockwise angles from the top, [n] each."""
    return radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
