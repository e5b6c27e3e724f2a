"""Numbers about a tensor: histograms, statistics, and blocks of it small enough to draw."""

from math import inf, prod

import msgspec
import torch
from torch import Tensor
from torch.nn import functional

from tuilab.core.protocol.inspect.histograms import BINS
from tuilab.core.protocol.inspect.layer_messages import (
    STEPS,
    ZERO,
    HeatMap,
    Histogram,
    HistogramRow,
    Statistics,
)

LARGEST = 4_000_000
"""Numbers that a heat map looks at; of more, the first rows are shown."""

RANKED, SMALLER = 250_000, 256
"""A matrix with more numbers, or with a smaller side that is longer, has its rank not computed."""

FEW = 600
"""So many numbers are told exactly beside their colours."""


def matrix(tensor: Tensor) -> Tensor:
    """A tensor as rows and columns: what follows the first size is one row."""
    return tensor.reshape(1, -1) if tensor.dim() < 2 else tensor.reshape(len(tensor), -1)


def heat_map(
    tensor: Tensor, size: tuple[int, int], *, reach: float | None = None, is_share: bool = False
) -> HeatMap:
    """A matrix in at most so many columns and rows; of each block the number farthest from 0.

    Args:
        reach: what the strongest colour stands for; None: the number farthest from 0.
    """
    whole = matrix(tensor)
    of = (whole.shape[0], whole.shape[1])
    rows = max(1, min(of[0], LARGEST // max(1, of[1])))
    numbers = _blocks(whole[:rows].detach().float(), size)
    finite = numbers.nan_to_num(0.0, 0.0, 0.0)
    farthest = float(finite.abs().amax()) if finite.numel() else 0.0
    scale = max(farthest if reach is None else reach, torch.finfo(torch.float32).tiny)
    steps = (finite / scale).clamp(-1, 1).mul(STEPS).round() + ZERO
    steps = torch.where(numbers.isfinite(), steps, 0.0).to(torch.uint8)
    is_exact = numbers.numel() <= FEW and tuple(numbers.shape) == of
    return HeatMap(
        numbers.shape[1], numbers.shape[0], bytes(steps.flatten().tolist()),
        scale if farthest or reach else 0.0, of, is_share=is_share,
        exact=numbers.flatten().tolist() if is_exact else [],
    )  # fmt: skip


def _blocks(numbers: Tensor, size: tuple[int, int]) -> Tensor:
    columns, rows = max(1, size[0]), max(1, size[1])
    block = -(-numbers.shape[0] // rows), -(-numbers.shape[1] // columns)
    if block == (1, 1) or not numbers.numel():
        return numbers
    is_broken = ~numbers.isfinite()
    finite = numbers.masked_fill(is_broken, 0.0)[None]
    highest = functional.max_pool2d(finite, block, ceil_mode=True)[0]
    lowest = -functional.max_pool2d(-finite, block, ceil_mode=True)[0]
    farthest = torch.where(highest >= -lowest, highest, lowest)
    broken = functional.max_pool2d(is_broken.float()[None], block, ceil_mode=True)[0] > 0
    return farthest.masked_fill(broken, inf)


def histogram(tensor: Tensor) -> Histogram:
    """How many of the finite numbers lie where."""
    numbers = tensor.detach().float().flatten()
    numbers = numbers[numbers.isfinite()]
    if not len(numbers):
        return Histogram([0] * BINS, -1.0, 1.0)
    low, high = (float(end) for end in numbers.aminmax())
    if high - low <= 1e-6 * max(abs(low), abs(high)):  # one value: it stands in the middle
        pad = max(abs(low), abs(high)) / 2 or 1.0
        low, high = low - pad, high + pad
    counts = torch.histc(numbers.cpu(), BINS, low, high)
    return Histogram([int(count) for count in counts.tolist()], low, high)


def row(seen: Histogram, step: int) -> HistogramRow:
    """A histogram as one of a history."""
    total = max(1, sum(seen.counts))
    shares = [count / total for count in seen.counts]
    return HistogramRow(step, step, seen.low, seen.high, shares)


def effective_rank(numbers: Tensor) -> float:
    """exp(−Σ p ln p) of the singular values' shares p of their sum (Roy and Vetterli 2007).

    It is the number of directions that count: 1 where all rows are multiples of one another, the
    smaller side where all directions are equally strong.
    """
    values = torch.linalg.svdvals(numbers.detach().float().cpu())
    total = float(values.sum())
    if not total:
        return 0.0
    shares = values / total
    return float(torch.special.entr(shares).sum().exp())


def statistics(tensor: Tensor, units: Tensor | None = None) -> Statistics:
    """What there is to say of the numbers.

    Args:
        units: the same numbers, one row for each unit; None: they do not belong to units.
    """
    numbers = tensor.detach().float()
    shape = list(tensor.shape)
    is_finite = numbers.isfinite()
    broken = int((~is_finite).sum())
    finite = numbers[is_finite]
    if not finite.numel():
        return Statistics(shape, broken=broken)
    spread, mean = torch.std_mean(finite, correction=0)
    low, high = finite.aminmax()
    parts = [finite.norm(), mean, spread, low, high, (finite == 0).float().mean()]
    norm, mean_, spread_, smallest, largest, zeros = torch.stack(parts).tolist()
    found = Statistics(shape, norm, mean_, spread_, smallest, largest, zeros, broken)
    if units is None or not len(units):
        return found
    rank, full, no_rank = _rank(units.T, broken)
    silent = int((units == 0).all(1).sum())
    return msgspec.structs.replace(
        found, units=len(units), silent=silent, rank=rank, full=full, no_rank=no_rank
    )


def _rank(numbers: Tensor, broken: int) -> tuple[float | None, int, str]:
    """The effective rank, the largest it could be, or why it is not known."""
    full = min(numbers.shape)
    if broken:
        return None, full, "not all numbers are finite"
    if prod(numbers.shape) > RANKED or full > SMALLER:
        sides = "×".join(str(side) for side in sorted(numbers.shape))
        return None, full, f"{sides} is too large to work out between two steps"
    return effective_rank(numbers), full, ""
