"""Generated points of the plane: their shapes, features, class balance and determinism."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import all_examples, all_tensors, load_dataset, splits
from tests.support.not_none import not_none
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.points import (
    Blobs,
    Circle,
    Feature,
    Gauss,
    GeneratedPoints,
    Moons,
    MultiGauss,
    PlaneSurface,
    Rings,
    Sine,
    Spiral,
    Xor,
)
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.toy_2d import random_centers

FEATURES: tuple[Feature, ...] = ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin(x1)", "sin(x2)")

two_classes = st.sampled_from([Circle, Gauss, Spiral, Moons])
plane_sets = two_classes | st.sampled_from([Xor, Blobs, Rings, PlaneSurface, MultiGauss])
planes = st.builds(
    lambda kind, **fields: kind(**fields),
    plane_sets,
    samples=st.integers(1, 700),
    noise=st.floats(0, 1),
    validation=st.floats(0, 0.9),
    normalize=st.booleans(),
    features=st.lists(st.sampled_from(FEATURES), min_size=1, max_size=7, unique=True).map(tuple),
)
sines = st.builds(
    Sine,
    samples=st.integers(1, 700),
    noise=st.floats(0, 1),
    periods=st.floats(0.1, 20),
    normalize=st.booleans(),
)
seeds = st.integers(0, 2**31 - 1)


def all_points(data: DataSet, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns all points and targets of a set, training and test together."""
    examples = all_examples(data, seed)
    return not_none(examples.coordinates), examples.targets


@given(planes | sines, seeds)
def test_every_set_has_the_shapes_that_its_knobs_declare(
    data: GeneratedPoints | Sine, seed: int
) -> None:
    dataset = load_dataset(data, seed)

    assert len(dataset.train) + len(dataset.validation) == data.samples
    assert len(dataset.train) >= 1
    assert len(dataset.test) == 1000
    assert dataset.classes == data.classes
    for part in splits(dataset):
        assert part.inputs.dtype == torch.float32
        assert part.inputs.shape[1:] == data.shape
        assert part.inputs.isfinite().all()
        assert not_none(part.coordinates).shape == (len(part), len(dataset.bounds) // 2)
        if data.classes:
            assert part.targets.dtype == torch.int64 and part.targets.shape == (len(part),)
            assert ((part.targets >= 0) & (part.targets < len(data.classes))).all()
        else:
            assert part.targets.dtype == torch.float32 and part.targets.shape == (len(part), 1)


@given(planes | sines, seeds)
def test_the_same_seed_gives_the_same_bits_and_the_global_generator_is_not_used(
    data: DataSet, seed: int
) -> None:
    before = torch.get_rng_state()

    first, second = load_dataset(data, seed), load_dataset(data, seed)

    assert all(map(torch.equal, all_tensors(first), all_tensors(second)))
    assert torch.equal(before, torch.get_rng_state())


@given(planes | sines, seeds)
def test_coordinates_map_to_the_inputs_that_the_network_is_trained_on(
    data: DataSet, seed: int
) -> None:
    dataset = load_dataset(data, seed)

    inputs_at = not_none(dataset.inputs_at)
    for part in splits(dataset):
        torch.testing.assert_close(inputs_at(not_none(part.coordinates)), part.inputs)


@pytest.mark.parametrize("data", [Circle(), Blobs(), MultiGauss(), Sine()], ids=lambda d: d.title)
def test_another_seed_gives_other_points(data: DataSet) -> None:
    assert not torch.equal(load_dataset(data, 1).test.inputs, load_dataset(data, 2).test.inputs)


@pytest.mark.parametrize("kind", [Circle, Spiral, Xor, Moons, Gauss])
def test_no_test_point_is_a_training_point(kind: type[GeneratedPoints]) -> None:
    dataset = load_dataset(kind(samples=1000))

    train, validation, test = (
        {tuple(point) for point in not_none(part.coordinates).tolist()} for part in splits(dataset)
    )
    assert (train | validation).isdisjoint(test)


@given(two_classes, st.integers(1, 300), seeds)
def test_both_classes_have_the_same_number_of_examples(
    kind: type[GeneratedPoints], samples: int, seed: int
) -> None:
    _, classes = all_points(kind(samples=samples), seed)

    ones = int(classes.sum()) - 500
    assert abs(2 * ones - samples) <= 1


@given(st.integers(2, 26), seeds)
def test_every_cloud_has_its_examples_and_its_distance(count: int, seed: int) -> None:
    dataset = load_dataset(Blobs(centers=count, samples=10 * count), seed)

    classes = torch.cat([dataset.train.targets, dataset.validation.targets])
    assert torch.bincount(classes).tolist() == [10] * count
    centers = random_centers(count, rng_for(seed, "centers"))
    cell = 8 / math.sqrt(count)
    assert torch.pdist(centers).min() > 0.5 * cell


@given(seeds)
def test_the_circle_is_a_disc_in_a_ring(seed: int) -> None:
    points, classes = all_points(Circle(), seed)

    radius = points.norm(dim=1)
    assert (radius[classes == 1] < 2.5001).all()
    assert (radius[classes == 0] > 3.4999).all() and (radius < 5.0001).all()


@given(seeds)
def test_xor_is_one_where_the_signs_agree(seed: int) -> None:
    points, classes = all_points(Xor(), seed)

    assert torch.equal(classes == 1, (points[:, 0] > 0) == (points[:, 1] > 0))
    assert (points.abs() >= 0.3).all() and (points.abs() <= 5.3).all()


@given(seeds)
def test_the_clouds_of_gauss_lie_around_plus_and_minus_two(seed: int) -> None:
    points, classes = all_points(Gauss(samples=2000), seed)

    assert points[classes == 1].mean(dim=0).tolist() == pytest.approx([2, 2], abs=0.15)
    assert points[classes == 0].mean(dim=0).tolist() == pytest.approx([-2, -2], abs=0.15)
    assert float(points[classes == 1].var(dim=0).mean()) == pytest.approx(0.5, abs=0.08)


@given(seeds)
def test_the_arms_of_the_spiral_follow_their_formula(seed: int) -> None:
    points, classes = all_points(Spiral(), seed)

    radius = points.norm(dim=1)
    angle = 1.75 * radius / 5 * 2 * math.pi + torch.where(classes == 1, 0.0, math.pi)
    expected = radius[:, None] * torch.stack([angle.sin(), angle.cos()], dim=1)
    torch.testing.assert_close(points, expected, atol=1e-4, rtol=0)
    assert radius.max() <= 5.0001


@given(seeds)
def test_the_moons_are_two_half_circles_of_radius_three(seed: int) -> None:
    points, classes = all_points(Moons(), seed)

    upper, lower = points[classes == 0], points[classes == 1]
    assert ((upper - torch.tensor([-1.5, -0.75])).norm(dim=1) - 3).abs().max() < 1e-4
    assert ((lower - torch.tensor([1.5, 0.75])).norm(dim=1) - 3).abs().max() < 1e-4
    assert upper[:, 1].min() >= -0.7501 and lower[:, 1].max() <= 0.7501


@given(seeds)
def test_the_plane_is_a_tenth_of_the_sum(seed: int) -> None:
    points, values = all_points(PlaneSurface(), seed)

    torch.testing.assert_close(values[:, 0], (points[:, 0] + points[:, 1]) / 10)
    assert (points.abs() <= 6).all()


@given(seeds)
def test_hills_and_valleys_are_where_playground_has_them(seed: int) -> None:
    points, values = all_points(MultiGauss(), seed)

    for (x, y), value in zip(points.tolist(), values[:, 0].tolist(), strict=True):
        column = min((-4, 0, 4), key=lambda center: abs(x - center))
        row = 2.5 if y > 0 else -2.5
        sign = (1 if column else -1) * (1 if y > 0 else -1)
        height = max(0.0, 1 - math.hypot(x - column, y - row) / 2)
        assert value == pytest.approx(sign * height, abs=1e-5)


@given(seeds, st.floats(0.1, 20))
def test_the_sine_has_as_many_periods_as_requested(seed: int, periods: float) -> None:
    points, values = all_points(Sine(noise=0, periods=periods), seed)

    torch.testing.assert_close(values, (periods * points).sin())
    assert (points.abs() <= math.pi).all()


def test_each_feature_is_the_formula_of_its_name() -> None:
    data = Circle(features=FEATURES, normalize=False)

    inputs = not_none(load_dataset(data).inputs_at)(torch.tensor([[3.0, -2.0]]))

    expected = [3.0, -2.0, 9.0, 4.0, -6.0, 0.14112, -0.90930]
    torch.testing.assert_close(inputs, torch.tensor([expected]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [Circle, Xor, PlaneSurface, MultiGauss])
def test_noise_of_playground_changes_the_targets_and_not_the_points(
    kind: type[GeneratedPoints],
) -> None:
    clean, noisy = load_dataset(kind(noise=0)), load_dataset(kind(noise=0.5))

    assert torch.equal(not_none(clean.test.coordinates), not_none(noisy.test.coordinates))
    assert not torch.equal(clean.test.targets, noisy.test.targets)


def test_another_validation_fraction_never_changes_the_test_points() -> None:
    few, many = load_dataset(Circle(validation=0.1)), load_dataset(Circle(validation=0.5))

    assert torch.equal(not_none(few.test.coordinates), not_none(many.test.coordinates))
