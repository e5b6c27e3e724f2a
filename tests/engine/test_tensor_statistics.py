"""The statistics in the view of a layer, against their definitions."""

from math import exp, log

import pytest
import torch

from tuilab.core.protocol.inspect.layer_messages import HeatMap
from tuilab.core.protocol.inspect.quantization import dequantize
from tuilab.engine.inspect.layer.layer_images import project_principal
from tuilab.engine.inspect.layer.tensor_statistics import (
    build_heat_map,
    build_histogram,
    compute_effective_rank,
    compute_statistics,
)


def decode(heat_map: HeatMap) -> torch.Tensor:
    """Returns the numbers of a heat map."""
    numbers = torch.tensor([dequantize(byte) * heat_map.max_abs for byte in heat_map.values])
    return numbers.reshape(heat_map.height, heat_map.width)


@pytest.mark.parametrize("size", [(30, 5), (5, 30), (12, 12), (9, 1)])
def test_principal_components_are_those_of_the_svd_with_a_stable_sign(
    size: tuple[int, int],
) -> None:
    rows = torch.randn(size, generator=torch.Generator().manual_seed(1)) * torch.arange(
        1, size[1] + 1
    )
    points, explained = project_principal(rows)

    centered = rows.double() - rows.double().mean(0)
    _, variances, axes = torch.linalg.svd(centered, full_matrices=False)
    expected = (variances**2 / (variances**2).sum()).tolist()
    assert explained == pytest.approx([*expected, 0.0][:2])
    for number in range(min(2, size[1])):
        axis = axes[number] * axes[number][axes[number].abs().argmax()].sign()
        assert torch.allclose(points[:, number], centered @ axis, atol=1e-8)
    again, _ = project_principal(rows.clone())
    assert torch.equal(points, again)


def test_the_effective_rank_counts_directions() -> None:
    assert compute_effective_rank(torch.eye(6)) == pytest.approx(6.0, rel=1e-4)
    assert compute_effective_rank(torch.ones(4, 7)) == pytest.approx(1.0, rel=1e-3)
    expected = exp(-(0.75 * log(0.75) + 0.25 * log(0.25)))
    assert compute_effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(expected)
    assert compute_effective_rank(torch.zeros(3, 3)) == 0.0


def test_a_matrix_too_large_for_a_rank_has_a_note() -> None:
    stats = compute_statistics(torch.ones(600, 700), torch.ones(600, 700))
    assert stats.effective_rank is None and "600×700" in stats.rank_note


def test_statistics_are_of_the_finite_numbers() -> None:
    stats = compute_statistics(torch.tensor([0.0, 3.0, -4.0, float("nan"), float("inf")]))
    assert (stats.nonfinite_count, stats.norm, stats.min, stats.max) == (2, 5.0, -4.0, 3.0)
    assert stats.zero_fraction == pytest.approx(1 / 3)
    empty = compute_statistics(torch.tensor([float("nan")]))
    assert empty.nonfinite_count == 1 and empty.effective_rank is None


def test_a_large_map_shows_the_number_farthest_from_zero_in_each_block() -> None:
    numbers = torch.zeros(10, 9)
    numbers[3, 4], numbers[9, 8], numbers[0, 0] = -5.0, 2.0, float("nan")
    heat_map = build_heat_map(numbers, (3, 5))
    assert (heat_map.width, heat_map.height, heat_map.full_size) == (3, 5, (10, 9))
    decoded = decode(heat_map)
    assert decoded[1, 1] == pytest.approx(-5.0)
    assert decoded[4, 2] == pytest.approx(2.0, abs=0.04)
    assert heat_map.values[0] == 0 and not heat_map.exact_values and not heat_map.is_whole


def test_a_histogram_counts_all_finite_numbers() -> None:
    histogram = build_histogram(torch.tensor([1.0, 2.0, 2.0, float("inf"), 4.0]))
    assert (sum(histogram.counts), histogram.low, histogram.high) == (4, 1.0, 4.0)
    assert sum(build_histogram(torch.full((7,), 3.0)).counts) == 7
    assert sum(build_histogram(torch.tensor([float("nan")])).counts) == 0
