"""Points: arms, rings, modes, the roll, and what a person drew."""

import math

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sets import loaded, whole
from tuilab.core.catalogue import data_sets as sets
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import from_plain


@settings(max_examples=20)
@given(st.integers(2, 10), st.floats(0.2, 5), st.integers(2, 400))
def test_a_spiral_has_as_many_arms_and_turns_as_asked(arms, turns, samples):
    data = sets.Spiral(arms=arms, turns=turns, samples=samples)

    part = whole(data)
    radius = part.coordinates.norm(dim=1)
    angle = 2 * math.pi * (turns * radius / 5 + (1 - part.targets) / arms)
    expected = radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
    torch.testing.assert_close(part.coordinates, expected, atol=2e-4, rtol=0)
    counts = torch.bincount(part.targets, minlength=arms)
    assert int(counts.max() - counts.min()) <= 2
    assert len(data.classes) == arms


def test_rings_lie_one_inside_the_other():
    part = whole(sets.Rings(circles=4))

    radius = part.coordinates.norm(dim=1)
    torch.testing.assert_close(radius, 1.25 * (part.targets + 1), atol=1e-5, rtol=0)


def test_eight_gaussians_stand_evenly_on_a_ring():
    data = sets.GaussiansRing(samples=8000, noise=0.05, normalize=False)
    dataset = loaded(data)

    gap = 8 * math.sin(math.pi / 8)  # between neighbours on a circle of radius 4
    assert dataset.modes.shape == (8, 2)
    torch.testing.assert_close(dataset.modes.norm(dim=1), torch.full((8,), 4.0))
    assert dataset.spread == pytest.approx(0.05 * gap, rel=1e-5)
    for mode, place in enumerate(dataset.modes):
        cloud = dataset.train.inputs[dataset.train.targets == mode]
        assert (cloud.mean(dim=0) - place).abs().max() < 0.05
        assert float((cloud - place).std()) == pytest.approx(dataset.spread, rel=0.15)


def test_the_modes_are_told_in_the_unit_of_the_inputs():
    dataset = loaded(sets.GaussiansGrid(side=5, samples=5000))

    assert dataset.modes.shape == (25, 2)
    for mode, place in enumerate(dataset.modes):
        cloud = dataset.train.inputs[dataset.train.targets == mode]
        assert (cloud.mean(dim=0) - place).abs().max() < dataset.spread
    distances = torch.cdist(dataset.train.inputs, dataset.modes)
    assert torch.equal(distances.argmin(dim=1), dataset.train.targets)


def test_a_gan_is_for_points_that_are_seen_as_they_are():
    assert "gan" in sets.Moons().tasks
    assert "gan" not in sets.Moons(features=("x1", "x1^2")).tasks
    assert loaded(sets.GaussiansRing(features=("x1", "x1^2"))).modes is None


def test_only_two_classes_are_for_a_perceptron():
    assert "perceptron" in sets.Spiral(arms=2).tasks
    assert "perceptron" not in sets.Spiral(arms=3).tasks


def test_a_place_on_the_roll_is_told_by_its_angle():
    part = whole(sets.SwissRoll(noise=0, samples=300), normalize=False)

    angle = 1.5 * math.pi * (1 + 2 * part.targets[:, 0])
    torch.testing.assert_close(part.inputs[:, 0], angle * angle.cos(), atol=1e-4, rtol=0)
    torch.testing.assert_close(part.inputs[:, 2], angle * angle.sin(), atol=1e-4, rtol=0)
    assert part.inputs[:, 1].min() >= 0 and part.inputs[:, 1].max() <= 21


def test_drawn_points_are_those_of_the_file():
    points = [[0.5, -6, 2], [1, 1, 0]]
    data = from_plain({"data": {"name": "drawn", "points": points, "normalize": False}}).data

    dataset = loaded(data)

    assert data.classes == ("A", "B", "C")
    order = dataset.train.targets.argsort()
    assert dataset.train.targets[order].tolist() == [0, 2]
    assert dataset.train.coordinates[order].tolist() == [[1.0, 1.0], [0.5, -6.0]]
    assert len(dataset.validation) == len(dataset.test) == 0


def test_a_single_drawn_point_can_be_trained_on():
    dataset = loaded(sets.Drawn(points=((0.0, 0.0, 0),), validation=0.5))

    assert len(dataset.train) == 1 and dataset.classes == ("orange", "blue")


@pytest.mark.parametrize("points", [[], [[7, 0, 0]], [[0, 0, -1]], [[0, 0, 0.5]], [[0, 0]], 3])
def test_points_outside_the_plane_are_refused(points):
    with pytest.raises(InputError, match=r"^data\.points"):
        from_plain({"data": {"name": "drawn", "points": points}})


def test_drawn_points_survive_their_tables():
    data = sets.Drawn(points=((1.5, -2.0, 3), (0.0, 0.0, 0)))

    assert from_plain({"data": msgspec.to_builtins(data)}).data == data
