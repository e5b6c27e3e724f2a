"""A slice through the loss: two directions in the space of weights, and the loss on their plane.

Li, Xu, Taylor, Studer, Goldstein 2018 (arXiv 1712.09913): random directions in which every filter
is as long as the filter of the weights that it belongs to, so that slices of networks with large
and with small weights can be compared; biases and the parameters of norms stay as they are.
"""

import time
from functools import lru_cache
from itertools import product
from math import nan

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvTransposeNd

from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, Slice
from tuilab.engine.inspect.landscape.loss_surface import LossSurface, Snapshot

NORMS = (_NormBase, nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)

PATH_REACH = 0.8
"""How far the farthest point of a path lies from the center of its own plane, at a span of 1."""

EPSILON = 1e-12
"""Keeps the direction of a filter of zeros finite."""

WeightSnapshot = tuple[int, dict[str, Tensor]]
"""A step, and the tensors of the network's state in their shapes, by name."""

Projection = tuple[float, float, float, float]
"""x and y on a plane, and the squared distance from its center: within the plane, and in all."""


def random_directions(network: nn.Module, seed: int) -> tuple[Tensor, Tensor]:
    """Returns two filter-normalized directions, [parameters] each, in the order of parameters."""
    dims = _filter_dims(network)
    device = next(network.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    first: list[Tensor] = []
    second: list[Tensor] = []
    for parameter in network.parameters():
        if id(parameter) in dims and parameter.requires_grad:
            pair = _direction_pair(parameter.detach(), dims[id(parameter)], generator)
        else:
            pair = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first.append(pair[0].detach().reshape(-1))
        second.append(pair[1].detach().reshape(-1))
    return torch.cat(first), torch.cat(second)


def _direction_pair(weight: Tensor, dim: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draws two random directions in the shape of a weight, whose filters are counted along `dim`.

    The second is orthogonal to the first within every filter of two weights or more.
    """
    filters_first = weight.movedim(dim, 0)
    filters = filters_first.flatten(1)
    draws = torch.randn((2, *filters.shape), generator=generator, device=weight.device)
    first, second = draws.to(weight.dtype)
    if filters.shape[1] > 1:
        overlap = (first * second).sum(1, keepdim=True) / (first * first).sum(1, keepdim=True)
        second = second - overlap * first
    one, other = (
        filter_normalize(direction, filters).view(filters_first.shape).movedim(0, dim)
        for direction in (first, second)
    )
    return one, other


def filter_normalize(direction: Tensor, filters: Tensor) -> Tensor:
    """Returns d ∕ ‖d‖ · ‖w‖ row by row: direction, filters and result are [filters, weights]."""
    norms = direction.norm(dim=1, keepdim=True).clamp(min=EPSILON)
    normalized: Tensor = direction / norms * filters.norm(dim=1, keepdim=True)
    return normalized


def _filter_dims(network: nn.Module) -> dict[int, int]:
    """Returns the dimension along which filters are counted, by the id of each such parameter."""
    dims: dict[int, int] = {}
    for module in network.modules():
        if not isinstance(module, NORMS):
            for parameter in module.parameters(recurse=False):
                if parameter.ndim > 1:
                    dims[id(parameter)] = 1 if isinstance(module, _ConvTransposeNd) else 0
    return dims


def path_directions(path: list[Tensor], center: Tensor) -> tuple[Tensor, Tensor] | None:
    """Returns the first two principal directions of a path, seen from a center: [parameters] each.

    Both have the same length, so that the plane is not distorted. None if the path has none.

    Args:
        path: the weights at each of its points, [parameters].
        center: [parameters].
    """
    if not path:
        return None
    offsets = torch.stack([weights - center for weights in path])
    products = (offsets @ offsets.T).double().cpu()
    values, vectors = torch.linalg.eigh(products)
    if len(path) < 2 or values[-2] <= 1e-10 * values[-1]:
        return None
    units = [(vectors[:, -n].to(offsets) @ offsets) / values[-n].sqrt().to(offsets) for n in (1, 2)]
    reach = max(float((offsets @ unit).abs().max()) for unit in units) / PATH_REACH
    first, second = (unit * reach for unit in units)
    return first, second


class PlaneSlice:
    """The loss over the plane of two directions through a snapshot, point by point.

    All methods are called inside `preserving`.
    """

    def __init__(
        self, surface: LossSurface, snapshot: Snapshot, directions: tuple[Tensor, Tensor]
    ) -> None:
        self.surface, self.snapshot, self.directions = surface, snapshot, directions
        self._losses: dict[tuple[float, float], float] = {}
        "By x and y: a finer grid or another span comes to many of them again."
        self._projections: dict[int, tuple[dict[str, Tensor], Projection]] = {}
        self._inside = self._total = 0.0
        self._buffer = torch.empty_like(snapshot.weights)
        self._tensors = surface.unflatten(self._buffer)

    def measure(self, size: int, span: float, end: float) -> None:
        """Measures points that are missing, until the clock `time.perf_counter` is past the end."""
        cells = coarse_to_fine(size)
        missing = [cell for cell in cells if _position(cell, size, span) not in self._losses]
        if missing:
            self.surface.restore_buffers(self.snapshot)
        for cell in missing:
            x, y = _position(cell, size, span)
            self._losses[x, y] = self._loss_at(x, y)
            if time.perf_counter() > end:
                return

    def _loss_at(self, x: float, y: float) -> float:
        first, second = self.directions
        torch.add(self.snapshot.weights, first, alpha=x, out=self._buffer)
        self._buffer.add_(second, alpha=y)
        self.surface.set_weights(self._tensors)
        return self.surface.evaluate()

    def count(self, size: int, span: float) -> int:
        """Returns how many points of a grid are measured."""
        return sum(_position(cell, size, span) in self._losses for cell in coarse_to_fine(size))

    def to_slice(self, request: LandscapeRequest, path: list[tuple[int, float, float]]) -> Slice:
        """Returns what has been measured of a grid so far."""
        size, span = request.size, request.span
        cells = ((row, column) for row in range(size) for column in range(size))
        losses = [self._losses.get(_position(cell, size, span), nan) for cell in cells]
        explained = min(1.0, self._inside / self._total) if self._total else 0.0
        return Slice(size, span, losses, path, explained, request.plane, request.seed)

    # --- the path -----------------------------------------------------------------------------

    def project_path(self, path: list[WeightSnapshot]) -> list[tuple[int, float, float]]:
        """Projects a path and the weights of now onto the plane by least squares: step, x, y."""
        before, self._projections = self._projections, {}
        for _, tensors in path:
            known = before.get(id(tensors))
            if known is None or known[0] is not tensors:
                known = (tensors, self._project(self.surface.flatten(tensors)))
            self._projections[id(tensors)] = known
        now = self._project(self.surface.flat_weights())
        projections = [*(projection for _, projection in self._projections.values()), now]
        self._inside = sum(inside for _, _, inside, _ in projections)
        self._total = sum(total for _, _, _, total in projections)
        steps = [*(step for step, _ in path), self.surface.session.step]
        return [(step, x, y) for step, (x, y, _, _) in zip(steps, projections, strict=True)]

    def _project(self, weights: Tensor) -> Projection:
        offset = weights - self.snapshot.weights
        first, second = self.directions
        products = [first @ first, first @ second, second @ second,
                    first @ offset, second @ offset, offset @ offset]  # fmt: skip
        a, b, c, u, v, total = torch.stack(products).tolist()
        determinant = a * c - b * b
        if determinant > 1e-9 * a * c:
            x, y = (c * u - b * v) / determinant, (a * v - b * u) / determinant
        else:  # the two are one and the same line
            x, y = (u / a if a else 0.0), 0.0
        return x, y, max(0.0, x * u + y * v), total


def _position(cell: tuple[int, int], size: int, span: float) -> tuple[float, float]:
    """Returns x and y on the plane of a row and column from the top left."""
    row, column = cell
    half = (size - 1) // 2
    return span * (column - half) / half, span * (half - row) / half


@lru_cache(16)
def coarse_to_fine(size: int) -> tuple[tuple[int, int], ...]:
    """Returns row and column of all points of a grid: the center, then coarse ones first."""
    half, stride = (size - 1) // 2, 1
    while 4 * stride < size - 1:
        stride *= 2
    cells = {(half, half): None}  # in the order of their first occurrence
    while stride:
        positions = range(0, size, stride)
        cells.update(dict.fromkeys(product(positions, positions)))
        stride //= 2
    return tuple(cells)
