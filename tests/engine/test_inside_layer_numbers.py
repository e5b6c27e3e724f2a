"""The numbers that the view of a layer is answered, against their definitions."""

from math import exp, log

import pytest
import torch

from tuilab.core.protocol.inspect.layer_messages import STEPS, ZERO, HeatMap
from tuilab.engine.inspect.layer.layer_images import components
from tuilab.engine.inspect.layer.tensor_statistics import (
    effective_rank,
    heat_map,
    histogram,
    statistics,
)


def told(seen: HeatMap) -> torch.Tensor:
    """A heat map in numbers."""
    numbers = torch.tensor([(byte - ZERO) / STEPS * seen.reach for byte in seen.values])
    return numbers.reshape(seen.height, seen.width)


@pytest.mark.parametrize("size", [(30, 5), (5, 30), (12, 12), (9, 1)])
def test_components_are_those_of_the_svd_with_a_sign_that_stays(size: tuple[int, int]) -> None:
    rows = torch.randn(size, generator=torch.Generator().manual_seed(1)) * torch.arange(
        1, size[1] + 1
    )
    places, explained = components(rows)

    centred = rows.double() - rows.double().mean(0)
    _, strengths, axes = torch.linalg.svd(centred, full_matrices=False)
    right = (strengths**2 / (strengths**2).sum()).tolist()
    assert explained == pytest.approx([*right, 0.0][:2])
    for number in range(min(2, size[1])):
        axis = axes[number] * axes[number][axes[number].abs().argmax()].sign()
        assert torch.allclose(places[:, number], centred @ axis, atol=1e-8)
    again, _ = components(rows.clone())
    assert torch.equal(places, again)


def test_the_effective_rank_counts_directions() -> None:
    assert effective_rank(torch.eye(6)) == pytest.approx(6.0, rel=1e-4)
    assert effective_rank(torch.ones(4, 7)) == pytest.approx(1.0, rel=1e-3)
    right = exp(-(0.75 * log(0.75) + 0.25 * log(0.25)))
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(right)
    assert effective_rank(torch.zeros(3, 3)) == 0.0


def test_a_matrix_too_large_for_a_rank_says_so() -> None:
    found = statistics(torch.ones(600, 700), torch.ones(600, 700))
    assert found.rank is None and "600×700" in found.no_rank


def test_statistics_are_of_the_finite_numbers() -> None:
    found = statistics(torch.tensor([0.0, 3.0, -4.0, float("nan"), float("inf")]))
    assert (found.broken, found.norm, found.smallest, found.largest) == (2, 5.0, -4.0, 3.0)
    assert found.zeros == pytest.approx(1 / 3)
    empty = statistics(torch.tensor([float("nan")]))
    assert empty.broken == 1 and empty.rank is None


def test_a_large_map_shows_of_each_block_the_number_farthest_from_zero() -> None:
    numbers = torch.zeros(10, 9)
    numbers[3, 4], numbers[9, 8], numbers[0, 0] = -5.0, 2.0, float("nan")
    seen = heat_map(numbers, (3, 5))
    assert (seen.width, seen.height, seen.of) == (3, 5, (10, 9))
    assert told(seen)[1, 1] == pytest.approx(-5.0) and told(seen)[4, 2] == pytest.approx(
        2.0, abs=0.04
    )
    assert seen.values[0] == 0 and not seen.exact and not seen.is_whole


def test_a_histogram_counts_all_finite_numbers() -> None:
    seen = histogram(torch.tensor([1.0, 2.0, 2.0, float("inf"), 4.0]))
    assert (sum(seen.counts), seen.low, seen.high) == (4, 1.0, 4.0)
    assert sum(histogram(torch.full((7,), 3.0)).counts) == 7
    assert sum(histogram(torch.tensor([float("nan")])).counts) == 0
