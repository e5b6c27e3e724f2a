"""Points: arms, rings, modes, the Swiss roll, and points drawn by hand."""

import math
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.datasets import all_examples, load_dataset
from tests.support.not_none import not_none
from tuilab.core.catalogue.data.points import (
    GaussiansGrid,
    GaussiansRing,
    HandDrawn,
    Moons,
    Rings,
    Spiral,
    SwissRoll,
)
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import experiment_from_dict


@settings(max_examples=20)
@given(st.integers(2, 10), st.floats(0.2, 5), st.integers(2, 400))
def test_a_spiral_has_as_many_arms_and_turns_as_requested(
    arms: int, turns: float, samples: int
) -> None:
    data = Spiral(arms=arms, turns=turns, samples=samples)

    part = all_examples(data)
    points = not_none(part.coordinates)
    radius = points.norm(dim=1)
    angle = 2 * math.pi * (turns * radius / 5 + (1 - part.targets) / arms)
    expected = radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
    torch.testing.assert_close(points, expected, atol=2e-4, rtol=0)
    counts = torch.bincount(part.targets, minlength=arms)
    assert int(counts.max() - counts.min()) <= 2
    assert len(data.classes) == arms


def test_rings_lie_one_inside_the_other() -> None:
    part = all_examples(Rings(circles=4))

    radius = not_none(part.coordinates).norm(dim=1)
    torch.testing.assert_close(radius, 1.25 * (part.targets + 1), atol=1e-5, rtol=0)


def test_eight_gaussians_are_evenly_spaced_on_a_ring() -> None:
    data = GaussiansRing(samples=8000, noise=0.05, normalize=False)
    dataset = load_dataset(data)

    modes = not_none(dataset.modes)
    gap = 8 * math.sin(math.pi / 8)  # between neighbors on a circle of radius 4
    assert modes.shape == (8, 2)
    torch.testing.assert_close(modes.norm(dim=1), torch.full((8,), 4.0))
    assert dataset.mode_std == pytest.approx(0.05 * gap, rel=1e-5)
    for mode, center in enumerate(modes):
        cloud = dataset.train.inputs[dataset.train.targets == mode]
        assert (cloud.mean(dim=0) - center).abs().max() < 0.05
        assert float((cloud - center).std()) == pytest.approx(dataset.mode_std, rel=0.15)


def test_the_modes_are_in_the_unit_of_the_inputs() -> None:
    dataset = load_dataset(GaussiansGrid(side=5, samples=5000))

    modes = not_none(dataset.modes)
    assert modes.shape == (25, 2)
    for mode, center in enumerate(modes):
        cloud = dataset.train.inputs[dataset.train.targets == mode]
        assert (cloud.mean(dim=0) - center).abs().max() < dataset.mode_std
    distances = torch.cdist(dataset.train.inputs, modes)
    assert torch.equal(distances.argmin(dim=1), dataset.train.targets)


def test_a_gan_needs_points_given_by_their_coordinates() -> None:
    assert "gan" in Moons().tasks
    assert "gan" not in Moons(features=("x1", "x1^2")).tasks
    assert load_dataset(GaussiansRing(features=("x1", "x1^2"))).modes is None


def test_only_two_classes_are_for_a_perceptron() -> None:
    assert "perceptron" in Spiral(arms=2).tasks
    assert "perceptron" not in Spiral(arms=3).tasks


def test_the_position_on_the_roll_follows_from_its_angle() -> None:
    part = all_examples(SwissRoll(noise=0, samples=300), normalize=False)

    angle = 1.5 * math.pi * (1 + 2 * part.targets[:, 0])
    torch.testing.assert_close(part.inputs[:, 0], angle * angle.cos(), atol=1e-4, rtol=0)
    torch.testing.assert_close(part.inputs[:, 2], angle * angle.sin(), atol=1e-4, rtol=0)
    assert part.inputs[:, 1].min() >= 0 and part.inputs[:, 1].max() <= 21


def test_points_drawn_by_hand_are_those_of_the_file() -> None:
    points = [[0.5, -6, 2], [1, 1, 0]]
    data = experiment_from_dict(
        {"data": {"name": "drawn", "points": points, "normalize": False}}
    ).data

    dataset = load_dataset(data)

    assert data.classes == ("A", "B", "C")
    order = dataset.train.targets.argsort()
    assert dataset.train.targets[order].tolist() == [0, 2]
    assert not_none(dataset.train.coordinates)[order].tolist() == [[1.0, 1.0], [0.5, -6.0]]
    assert len(dataset.validation) == len(dataset.test) == 0


def test_a_single_hand_drawn_point_can_be_trained_on() -> None:
    dataset = load_dataset(HandDrawn(points=((0.0, 0.0, 0),), validation=0.5))

    assert len(dataset.train) == 1 and dataset.classes == ("orange", "blue")


@pytest.mark.parametrize("points", [[], [[7, 0, 0]], [[0, 0, -1]], [[0, 0, 0.5]], [[0, 0]], 3])
def test_points_outside_the_plane_are_refused(points: Any) -> None:
    with pytest.raises(InputError, match=r"^data\.points"):
        experiment_from_dict({"data": {"name": "drawn", "points": points}})


def test_points_drawn_by_hand_survive_their_tables() -> None:
    data = HandDrawn(points=((1.5, -2.0, 3), (0.0, 0.0, 0)))

    assert experiment_from_dict({"data": msgspec.to_builtins(data)}).data == data
