"""Statistics of a tensor, its histogram, and heat maps small enough to draw."""

from math import inf, prod

import msgspec
import torch
from torch import Tensor
from torch.nn import functional

from tuilab.core.protocol.inspect.histograms import BINS
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    Histogram,
    HistogramRow,
    TensorStats,
)
from tuilab.engine.inspect.quantize import quantize

MAX_MAP_NUMBERS = 4_000_000
"""Numbers that a heat map covers; of more, the first rows."""

MAX_RANK_NUMBERS, MAX_RANK_SIDE = 250_000, 256
"""The rank of a matrix with more numbers, or with a longer smaller side, is not computed."""

MAX_EXACT_NUMBERS = 600
"""Up to this many numbers are sent exactly as well."""

SCALARS = ("norm", "mean", "std", "min", "max", "zero_fraction")
"""Fields of `TensorStats`."""


def as_matrix(tensor: Tensor) -> Tensor:
    """Returns a tensor, [n, ...], as [n, rest]; a vector or a scalar as one row."""
    return tensor.reshape(1, -1) if tensor.dim() < 2 else tensor.reshape(len(tensor), -1)


def build_heat_map(
    tensor: Tensor, size: tuple[int, int], *, max_abs: float | None = None
) -> HeatMap:
    """Returns a tensor, as a matrix, in at most this many columns and rows.

    Of each merged block, the number farthest from 0 is kept.

    Args:
        tensor: any shape.
        max_abs: value of the strongest color; None: the number farthest from 0.
    """
    whole = as_matrix(tensor)
    full_size = (whole.shape[0], whole.shape[1])
    rows = max(1, min(full_size[0], MAX_MAP_NUMBERS // max(1, full_size[1])))
    numbers = _merge_blocks(whole[:rows].detach().float(), size)
    finite = numbers.nan_to_num(0.0, 0.0, 0.0)
    farthest = float(finite.abs().amax()) if finite.numel() else 0.0
    scale = max(farthest if max_abs is None else max_abs, torch.finfo(torch.float32).tiny)
    values = torch.where(numbers.isfinite(), quantize(finite, scale), 0)
    is_exact = numbers.numel() <= MAX_EXACT_NUMBERS and tuple(numbers.shape) == full_size
    return HeatMap(
        numbers.shape[1], numbers.shape[0], bytes(values.flatten().tolist()),
        scale if farthest or max_abs else 0.0, full_size,
        exact_values=numbers.flatten().tolist() if is_exact else [],
    )  # fmt: skip


def _merge_blocks(numbers: Tensor, size: tuple[int, int]) -> Tensor:
    columns, rows = max(1, size[0]), max(1, size[1])
    block = -(-numbers.shape[0] // rows), -(-numbers.shape[1] // columns)
    if block == (1, 1) or not numbers.numel():
        return numbers
    is_nonfinite = ~numbers.isfinite()
    finite = numbers.masked_fill(is_nonfinite, 0.0)[None]
    highest = functional.max_pool2d(finite, block, ceil_mode=True)[0]
    lowest = -functional.max_pool2d(-finite, block, ceil_mode=True)[0]
    farthest = torch.where(highest >= -lowest, highest, lowest)
    nonfinite = functional.max_pool2d(is_nonfinite.float()[None], block, ceil_mode=True)[0] > 0
    return farthest.masked_fill(nonfinite, inf)


def build_histogram(tensor: Tensor) -> Histogram:
    """Returns the histogram of the finite numbers of a tensor of any shape."""
    numbers = tensor.detach().float().flatten()
    numbers = numbers[numbers.isfinite()]
    if not len(numbers):
        return Histogram([0] * BINS, -1.0, 1.0)
    low, high = (float(end) for end in numbers.aminmax())
    if high - low <= 1e-6 * max(abs(low), abs(high)):  # a single value is centered
        pad = max(abs(low), abs(high)) / 2 or 1.0
        low, high = low - pad, high + pad
    counts = torch.histc(numbers.cpu(), BINS, low, high)
    return Histogram([int(count) for count in counts.tolist()], low, high)


def build_histogram_row(histogram: Histogram, step: int) -> HistogramRow:
    """Returns a histogram as one row of a history."""
    total = max(1, sum(histogram.counts))
    fractions = [count / total for count in histogram.counts]
    return HistogramRow(step, step, histogram.low, histogram.high, fractions)


def compute_effective_rank(numbers: Tensor) -> float:
    """Returns exp(−Σ p ln p) of the singular values' shares p of their sum (Roy, Vetterli 2007).

    It is 1 if all rows are multiples of one another, and the smaller side if all directions are
    equally strong.

    Args:
        numbers: [rows, columns].
    """
    values = torch.linalg.svdvals(numbers.detach().float().cpu())
    total = float(values.sum())
    if not total:
        return 0.0
    shares = values / total
    return float(torch.special.entr(shares).sum().exp())


def compute_statistics(tensor: Tensor, units: Tensor | None = None) -> TensorStats:
    """Returns the statistics of a tensor.

    Args:
        tensor: any shape.
        units: [units, rest], the same numbers; None: they do not belong to units.
    """
    numbers = tensor.detach().float()
    shape = list(tensor.shape)
    is_finite = numbers.isfinite()
    nonfinite = int((~is_finite).sum())
    finite = numbers[is_finite]
    if not finite.numel():
        return TensorStats(shape, nonfinite_count=nonfinite)
    std, mean = torch.std_mean(finite, correction=0)
    low, high = finite.aminmax()
    scalars = [finite.norm(), mean, std, low, high, (finite == 0).float().mean()]
    values = dict(zip(SCALARS, torch.stack(scalars).tolist(), strict=True))  # one device sync
    stats = TensorStats(shape, **values, nonfinite_count=nonfinite)
    if units is None or not len(units):
        return stats
    rank, max_rank, rank_note = _compute_rank(units.T, nonfinite)
    return msgspec.structs.replace(
        stats, total_units=len(units), zero_units=int((units == 0).all(1).sum()),
        effective_rank=rank, max_rank=max_rank, rank_note=rank_note,
    )  # fmt: skip


def _compute_rank(numbers: Tensor, nonfinite: int) -> tuple[float | None, int, str]:
    """Returns the effective rank, its maximum, and why it is unknown."""
    max_rank = min(numbers.shape)
    if nonfinite:
        return None, max_rank, "not all numbers are finite"
    if prod(numbers.shape) > MAX_RANK_NUMBERS or max_rank > MAX_RANK_SIDE:
        sides = "×".join(str(side) for side in sorted(numbers.shape))
        return None, max_rank, f"{sides} is too large to compute between two steps"
    return compute_effective_rank(numbers), max_rank, ""
