"""A square of losses as heights: what is missing is filled in, and heights fall into levels."""

from collections.abc import Sequence
from math import exp, inf, isfinite, isnan, log

LEVELS = 10
"""Steps of height that are told apart; each has a digit."""

DEPTH = 1e-9
"""On a logarithmic scale, losses below this part of the highest one are as good as zero."""

STEEP = 20.0
"""From this ratio of the highest to the lowest loss on, the scale is logarithmic by itself."""


class Terrain:
    """Losses on a square grid, row by row from the top; NaN is not known yet, infinity is none.

    Args:
        is_log: None: as it suits the losses.
    """

    def __init__(self, losses: Sequence[float], size: int, is_log: bool | None = None) -> None:
        self.size = size
        finite = [loss for loss in losses if isfinite(loss)]
        self.low, self.high = min(finite, default=0.0), max(finite, default=1.0)
        self.is_log = self.low > 0 and self.high > STEEP * self.low if is_log is None else is_log
        self.is_log = self.is_log and self.high > 0
        self._ends = self._scaled(self.low), self._scaled(self.high)
        self._heights = [self._height(loss) for loss in _filled(losses, size)]
        self.has_holes = any(loss == inf for loss in losses)
        "Some losses are not finite."

    def _scaled(self, loss: float) -> float:
        return log(max(loss, DEPTH * self.high)) if self.is_log else loss

    def _height(self, loss: float) -> float:
        if not isfinite(loss):
            return inf
        low, high = self._ends
        return (self._scaled(loss) - low) / (high - low) if high > low else 0.0

    def bound(self, level: int) -> float:
        """The loss at which a level begins."""
        low, high = self._ends
        value = low + (high - low) * level / LEVELS
        if level in (0, LEVELS):
            return self.high if level else self.low
        return exp(value) if self.is_log else value

    def level(self, across: float, up: float) -> int:
        """The level at a part (0 to 1) of the way from the left and from the top; -1: none."""
        height = self._between(across * (self.size - 1), up * (self.size - 1))
        return -1 if height == inf else min(LEVELS - 1, max(0, int(height * LEVELS)))

    def _between(self, column: float, row: float) -> float:
        """The height between four points, linear in both directions."""
        last = self.size - 2
        left, top = min(last, max(0, int(column))), min(last, max(0, int(row)))
        x, y = column - left, row - top
        corner = top * self.size + left
        a, b = self._heights[corner], self._heights[corner + 1]
        c, d = self._heights[corner + self.size], self._heights[corner + self.size + 1]
        if inf in (a, b, c, d):
            return (a, b, c, d)[(x > 0.5) + 2 * (y > 0.5)]
        return (a * (1 - x) + b * x) * (1 - y) + (c * (1 - x) + d * x) * y


def _filled(losses: Sequence[float], size: int) -> list[float]:
    """The losses with those that are not known yet taken from the nearest coarse point."""
    found = list(losses)
    for place, loss in enumerate(losses):
        stride = 2
        row, column = divmod(place, size)
        while isnan(found[place]) and stride < 2 * size:
            near = (_snapped(row, stride, size), _snapped(column, stride, size))
            known = losses[near[0] * size + near[1]]
            found[place] = loss if isnan(known) else known
            stride *= 2
    middle = losses[len(losses) // 2]  # it is the first that is known
    return [middle if isnan(loss) else loss for loss in found]


def _snapped(place: int, stride: int, size: int) -> int:
    return min(size - 1, (place + stride // 2) // stride * stride)
