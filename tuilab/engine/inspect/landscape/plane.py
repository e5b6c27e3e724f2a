"""A slice through the loss: two directions in the space of weights, and the loss on their plane.

Li, Xu, Taylor, Studer, Goldstein 2018 (arXiv 1712.09913): random directions in which every filter
is as long as the filter of the weights that it belongs to, so that slices of nets with large and
with small weights can be compared; biases and the parameters of norms stay as they are.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from math import nan

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvTransposeNd

from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, Slice
from tuilab.engine import snapshots
from tuilab.engine.inspect.landscape.loss_surface import LossSurface, Snapshot

NORMS = (_NormBase, nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)

REACH = 0.8
"""How far the farthest moment of the path lies from the middle, in its own plane at a span of 1."""

TINY = 1e-12

Where = tuple[float, float, float, float]
"""x and y on a plane, the squared distance from its middle within the plane, and all of it."""


def random_directions(part: nn.Module, seed: int) -> tuple[Tensor, Tensor]:
    """Two filter-normalised directions, each in one row, in the order of the parameters."""
    filters = _filters(part)
    device = next(part.parameters()).device
    chance = torch.Generator(device).manual_seed(seed)
    first: list[Tensor] = []
    second: list[Tensor] = []
    for parameter in part.parameters():
        if id(parameter) in filters and parameter.requires_grad:
            pair = _pair(parameter.detach(), filters[id(parameter)], chance)
        else:
            pair = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first.append(pair[0].detach().reshape(-1))
        second.append(pair[1].detach().reshape(-1))
    return torch.cat(first), torch.cat(second)


def _pair(weight: Tensor, axis: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two random directions for a tensor of filters, which are counted along an axis.

    The second is at right angles to the first within every filter of two weights or more.
    """
    ahead = weight.movedim(axis, 0)
    filters = ahead.flatten(1)
    draws = torch.randn((2, *filters.shape), generator=chance, device=weight.device)
    first, second = draws.to(weight.dtype)
    if filters.shape[1] > 1:
        overlap = (first * second).sum(1, keepdim=True) / (first * first).sum(1, keepdim=True)
        second = second - overlap * first
    one, other = (
        filter_normalised(drawn, filters).view(ahead.shape).movedim(0, axis)
        for drawn in (first, second)
    )
    return one, other


def filter_normalised(direction: Tensor, filters: Tensor) -> Tensor:
    """Every row as long as that of the weights: d ∕ ‖d‖ · ‖w‖, both [filters, weights]."""
    lengths = direction.norm(dim=1, keepdim=True).clamp(min=TINY)
    found: Tensor = direction / lengths * filters.norm(dim=1, keepdim=True)
    return found


def _filters(part: nn.Module) -> dict[int, int]:
    """Which parameters have filters, and along which of their sizes these are counted."""
    found: dict[int, int] = {}
    for module in part.modules():
        if not isinstance(module, NORMS):
            for parameter in module.parameters(recurse=False):
                if parameter.ndim > 1:
                    found[id(parameter)] = 1 if isinstance(module, _ConvTransposeNd) else 0
    return found


def path_directions(rows: list[Tensor], middle: Tensor) -> tuple[Tensor, Tensor] | None:
    """The first two principal directions of a path, seen from the middle; None if it is none.

    Both have the same length, so that the plane is not distorted.
    """
    if not rows:
        return None
    away = torch.stack([row - middle for row in rows])
    products = (away @ away.T).double().cpu()
    values, vectors = torch.linalg.eigh(products)
    if len(rows) < 2 or values[-2] <= 1e-10 * values[-1]:
        return None
    found = [(vectors[:, -n].to(away) @ away) / values[-n].sqrt().to(away) for n in (1, 2)]
    reach = max(float((away @ direction).abs().max()) for direction in found) / REACH
    first, second = (direction * reach for direction in found)
    return first, second


class Field:
    """The loss over the plane of two directions through a moment, point by point."""

    def __init__(
        self, ground: LossSurface, moment: Snapshot, directions: tuple[Tensor, Tensor]
    ) -> None:
        self.ground, self.moment, self.directions = ground, moment, directions
        self._known: dict[tuple[float, float], float] = {}
        "Losses by place: a finer grid or another span meets many of them again."
        self._seen: dict[int, tuple[dict[str, Tensor], Where]] = {}
        self._held = self._whole = 0.0
        self._work = torch.empty_like(moment.row)
        self._parts = ground.parts(self._work)

    def explore(self, size: int, span: float, end: float) -> None:
        """Measure points that are not known yet, until the time comes; call it `undisturbed`."""
        missing = [place for place in order(size) if _key(place, size, span) not in self._known]
        if missing:
            self.ground.restore_buffers(self.moment)
        for place in missing:
            x, y = _key(place, size, span)
            self._known[x, y] = self._at(x, y)
            if time.perf_counter() > end:
                return

    def _at(self, x: float, y: float) -> float:
        first, second = self.directions
        torch.add(self.moment.row, first, alpha=x, out=self._work)
        self._work.add_(second, alpha=y)
        self.ground.put(self._parts)
        return self.ground.value()

    def found(self, wanted: LandscapeRequest, path: list[tuple[int, float, float]]) -> Slice:
        """What is known of a grid."""
        size, span = wanted.size, wanted.span
        places = ((row, column) for row in range(size) for column in range(size))
        losses = [self._known.get(_key(place, size, span), nan) for place in places]
        part = min(1.0, self._held / self._whole) if self._whole else 0.0
        return Slice(size, span, losses, path, part, wanted.plane, wanted.seed)

    def known(self, size: int, span: float) -> int:
        """How many points of a grid are measured."""
        return sum(_key(place, size, span) in self._known for place in order(size))

    # --- the path -----------------------------------------------------------------------------

    def path(self, moments: list[snapshots.Moment]) -> list[tuple[int, float, float]]:
        """Where weights on the way lie on the plane, by least squares: step, x, y."""
        before, self._seen = self._seen, {}
        for _, tensors in moments:
            mark = id(tensors)
            known = before.get(mark)
            if known is None or known[0] is not tensors:
                known = (tensors, self._projected(self.ground.row_of(tensors)))
            self._seen[mark] = known
        here = self._projected(self.ground.row())
        all_of_them = [*(where for _, where in self._seen.values()), here]
        self._held = sum(inside for _, _, inside, _ in all_of_them)
        self._whole = sum(length for _, _, _, length in all_of_them)
        steps = [*(step for step, _ in moments), self.ground.session.step]
        return [(s, x, y) for s, (x, y, _, _) in zip(steps, all_of_them, strict=True)]

    def _projected(self, row: Tensor) -> Where:
        away = row - self.moment.row
        first, second = self.directions
        dots = torch.stack([first @ first, first @ second, second @ second,
                            first @ away, second @ away, away @ away]).tolist()  # fmt: skip
        a, b, c, u, v, length = dots
        determinant = a * c - b * b
        if determinant > 1e-9 * a * c:
            x, y = (c * u - b * v) / determinant, (a * v - b * u) / determinant
        else:  # the two are one and the same line
            x, y = (u / a if a else 0.0), 0.0
        return x, y, max(0.0, x * u + y * v), length


def _key(place: tuple[int, int], size: int, span: float) -> tuple[float, float]:
    """Where a row and column from the top left lie on the plane."""
    row, column = place
    half = (size - 1) // 2
    return span * (column - half) / half, span * (half - row) / half


@lru_cache(16)
def order(size: int) -> tuple[tuple[int, int], ...]:
    """The points of a grid, coarse ones first and the middle before all: row, column."""
    half = (size - 1) // 2
    return ((half, half), *(place for place in _coarse_first(size) if place != (half, half)))


def _coarse_first(size: int) -> Iterator[tuple[int, int]]:
    stride = 1
    while 4 * stride < size - 1:
        stride *= 2
    done: set[tuple[int, int]] = set()
    while stride:
        for row in range(0, size, stride):
            for column in range(0, size, stride):
                if (row, column) not in done:
                    done.add((row, column))
                    yield row, column
        stride //= 2
