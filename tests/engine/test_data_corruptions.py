"""Imbalance, label noise and test shift: of the requested size, and only where requested."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.support.datasets import load_dataset, splits
from tests.support.not_none import not_none
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.graphs import Communities
from tuilab.core.catalogue.data.points import Gauss, Moons
from tuilab.core.catalogue.data_sets import DATA_SETS
from tuilab.engine.data.corruptions import add_label_noise, make_imbalanced, rotate_and_fade
from tuilab.engine.data.dataset import IGNORE_INDEX, Dataset, Examples

SETS = [kind for kind in DATA_SETS if not kind.is_collected]


def parametrize_sets_with(knob: str) -> pytest.MarkDecorator:
    kinds = [kind for kind in SETS if knob in kind.__struct_fields__]
    return pytest.mark.parametrize("kind", kinds, ids=[kind.__name__ for kind in kinds])


def load_small(kind: type[DataSet], **fields: float) -> Dataset:
    samples = {"samples": 400} if "samples" in kind.__struct_fields__ else {}
    return load_dataset(kind(**samples, **fields))


def labels(part: Examples) -> Tensor:
    return part.targets[part.targets != IGNORE_INDEX]


@parametrize_sets_with("label_noise")
def test_wrong_labels_are_in_the_training_set_only(kind: type[DataSet]) -> None:
    clean, noisy = load_small(kind), load_small(kind, label_noise=0.5)

    assert torch.equal(clean.train.inputs, noisy.train.inputs)
    wrong = labels(clean.train) != labels(noisy.train)
    assert int(wrong.sum()) == round(0.5 * len(wrong))
    assert ((labels(noisy.train) >= 0) & (labels(noisy.train) < len(clean.classes))).all()
    assert torch.equal(clean.validation.targets, noisy.validation.targets)
    assert torch.equal(clean.test.targets, noisy.test.targets)


@given(st.integers(2, 10), st.floats(0, 1), st.integers(1, 300))
def test_the_fraction_of_wrong_labels_is_the_requested_one(
    classes: int, fraction: float, count: int
) -> None:
    part = Examples(torch.zeros(count, 1), torch.arange(count) % classes)
    rng = torch.Generator().manual_seed(1)

    wrong = add_label_noise(part, classes, fraction, rng).targets != part.targets

    assert int(wrong.sum()) == round(fraction * count)


def test_more_noise_keeps_the_wrong_labels_of_less() -> None:
    part = Examples(torch.zeros(200, 1), torch.arange(200) % 5)
    little, much = (
        add_label_noise(part, 5, fraction, torch.Generator().manual_seed(1)).targets
        for fraction in (0.1, 0.6)
    )

    changed = little != part.targets
    assert torch.equal(little[changed], much[changed])


def test_a_wrong_label_is_any_other_class_equally_often() -> None:
    part = Examples(torch.zeros(6000, 1), torch.zeros(6000).long())

    noisy = add_label_noise(part, 4, 1.0, torch.Generator().manual_seed(1))

    counts = torch.bincount(noisy.targets).tolist()
    assert counts[0] == 0 and all(1850 < count < 2150 for count in counts[1:])


@parametrize_sets_with("imbalance")
def test_every_class_is_rarer_than_the_one_before(kind: type[DataSet]) -> None:
    plain, rare = load_small(kind), load_small(kind, imbalance=0.5)

    counts = {
        name: torch.bincount(
            torch.cat([labels(part) for part in splits(dataset)]), minlength=len(plain.classes)
        )
        for name, dataset in (("plain", plain), ("rare", rare))
    }
    assert (counts["rare"] >= 1).all()
    expected = counts["plain"] * 0.5 ** torch.arange(len(plain.classes))
    if kind is not Communities:  # its number of nodes stays the same
        assert (counts["rare"] - expected).abs().max() <= 2
    assert counts["rare"][0] > 1.5 * counts["rare"][1]


def test_the_examples_of_a_rare_class_are_some_of_the_original_ones() -> None:
    part = Examples(torch.arange(100.0)[:, None], torch.arange(100) % 2)

    rare = make_imbalanced(part, 2, 0.8, torch.Generator().manual_seed(1))

    assert torch.bincount(rare.targets).tolist() == [50, 10]
    assert torch.equal(rare.inputs[:, 0] % 2, rare.targets.float())
    assert rare.inputs[:, 0].tolist() == sorted(rare.inputs[:, 0].tolist())


@parametrize_sets_with("test_shift")
def test_only_the_test_set_is_shifted(kind: type[DataSet]) -> None:
    clean, shifted = load_small(kind), load_small(kind, test_shift=0.5)

    for before, after in zip(splits(clean)[:2], splits(shifted)[:2], strict=True):
        assert torch.equal(before.inputs, after.inputs)
    assert torch.equal(clean.test.targets, shifted.test.targets)
    assert not torch.equal(clean.test.inputs, shifted.test.inputs)


@parametrize_sets_with("validation_shift")
def test_the_validation_set_is_shifted_alone_and_like_the_test_set(kind: type[DataSet]) -> None:
    clean, shifted = load_small(kind), load_small(kind, validation_shift=0.5)

    for name in ("train", "test"):
        assert torch.equal(clean.splits[name].inputs, shifted.splits[name].inputs)
    assert torch.equal(clean.validation.targets, shifted.validation.targets)
    assert not torch.equal(clean.validation.inputs, shifted.validation.inputs)


def test_points_of_the_validation_set_move_as_far_as_those_of_the_test_set() -> None:
    clean, shifted = load_dataset(Moons()), load_dataset(Moons(validation_shift=0.5))

    shift = not_none(shifted.validation.coordinates) - not_none(clean.validation.coordinates)
    torch.testing.assert_close(shift, torch.tensor([[1.5, 0.0]]).expand(100, 2))


def test_points_move_to_the_right() -> None:
    clean, shifted = load_dataset(Moons()), load_dataset(Moons(test_shift=0.5))

    shift = not_none(shifted.test.coordinates) - not_none(clean.test.coordinates)
    torch.testing.assert_close(shift, torch.tensor([[1.5, 0.0]]).expand(1000, 2))


def test_images_rotate_clockwise_and_fade() -> None:
    image = torch.zeros(1, 3, 21, 21, dtype=torch.uint8)
    image[:, :, :11, 10] = 200  # like the hand of a clock that points up

    rotated = rotate_and_fade(image, 1.0)

    assert rotated.shape == image.shape and rotated.dtype == torch.uint8
    assert int(rotated[0, 0, 20, 0]) == 128  # black, half way to white
    assert int(rotated[0, 0, 5, 15]) > 190 and int(rotated[0, 0, 5, 5]) == 128


def test_the_mean_of_the_training_set_normalizes_a_shifted_test_set() -> None:
    shifted = load_dataset(Gauss(test_shift=1.0))

    assert abs(float(shifted.train.inputs[:, 0].mean())) < 1e-5
    assert float(shifted.test.inputs[:, 0].mean()) > 1
