"""A square of losses as heights: missing losses are filled in, and heights fall into levels."""

from collections.abc import Sequence
from math import exp, inf, isfinite, isnan, log

LEVELS = 10
"""Levels of height; each has a digit."""

SMALLEST_RATIO = 1e-9
"""On a logarithmic scale, losses below this fraction of the highest one count as that."""

LOG_FROM_RATIO = 20.0
"""From this ratio of the highest to the lowest loss on, the scale is logarithmic by default."""


class HeightMap:
    """Losses on a square grid, row by row from the top.

    Args:
        losses: NaN is not known yet, infinity is a loss that is not finite.
        size: points on each side.
        is_log: None: as it suits the losses.
    """

    def __init__(self, losses: Sequence[float], size: int, is_log: bool | None = None) -> None:
        self.size = size
        finite = [loss for loss in losses if isfinite(loss)]
        self.is_empty = not finite
        self.low, self.high = min(finite, default=0.0), max(finite, default=1.0)
        if is_log is None:
            is_log = self.low > 0 and self.high > LOG_FROM_RATIO * self.low
        self.is_log = is_log and self.high > 0
        self._ends = self._scale(self.low), self._scale(self.high)
        self._heights = [self._height(loss) for loss in _fill(losses, size)]
        self.has_holes = any(loss == inf for loss in losses)
        "Some losses are not finite."

    def _scale(self, loss: float) -> float:
        return log(max(loss, SMALLEST_RATIO * self.high)) if self.is_log else loss

    def _height(self, loss: float) -> float:
        if not isfinite(loss):
            return inf
        low, high = self._ends
        return (self._scale(loss) - low) / (high - low) if high > low else 0.0

    def level_start(self, level: int) -> float:
        """Returns the loss at which a level begins."""
        low, high = self._ends
        value = low + (high - low) * level / LEVELS
        if level in (0, LEVELS):
            return self.high if level else self.low
        return exp(value) if self.is_log else value

    def level(self, across: float, down: float) -> int:
        """Returns the level at a fraction of the way from the left and the top; -1 without one."""
        height = self._interpolate(across * (self.size - 1), down * (self.size - 1))
        return -1 if height == inf else min(LEVELS - 1, max(0, int(height * LEVELS)))

    def _interpolate(self, column: float, row: float) -> float:
        """Returns the height between four points, linear in both directions."""
        last = self.size - 2
        left, top = min(last, max(0, int(column))), min(last, max(0, int(row)))
        x, y = column - left, row - top
        corner = top * self.size + left
        a, b = self._heights[corner], self._heights[corner + 1]
        c, d = self._heights[corner + self.size], self._heights[corner + self.size + 1]
        if inf in (a, b, c, d):
            return (a, b, c, d)[(x > 0.5) + 2 * (y > 0.5)]
        return (a * (1 - x) + b * x) * (1 - y) + (c * (1 - x) + d * x) * y


def _fill(losses: Sequence[float], size: int) -> list[float]:
    """Returns the losses with the unknown ones taken from the nearest coarse point."""
    filled = list(losses)
    for index, loss in enumerate(losses):
        stride = 2
        row, column = divmod(index, size)
        while isnan(filled[index]) and stride < 2 * size:
            near = losses[_snap(row, stride, size) * size + _snap(column, stride, size)]
            filled[index] = loss if isnan(near) else near
            stride *= 2
    middle = losses[len(losses) // 2]  # it is the first that is known
    return [middle if isnan(loss) else loss for loss in filled]


def _snap(position: int, stride: int, size: int) -> int:
    return min(size - 1, (position + stride // 2) // stride * stride)
