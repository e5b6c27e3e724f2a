"""Rare classes, wrong labels and a shifted test: as much as asked, and only where asked."""

import typing

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sets import loaded, parts
from tuilab.core.catalogue import data_sets as sets
from tuilab.engine.data.corruptions import imbalanced, mislabelled, turned
from tuilab.engine.data.dataset import Part

SETS = [kind for kind in typing.get_args(sets.AnyData) if not kind.is_collected]


def having(knob):
    found = [kind for kind in SETS if knob in kind.__struct_fields__]
    return pytest.mark.parametrize("kind", found, ids=[kind.__name__ for kind in found])


def small(kind, **knobs):
    many = {"samples": 400} if "samples" in kind.__struct_fields__ else {}
    return loaded(kind(**many, **knobs))


def labels(part):
    return part.targets[part.targets != -100]


@having("label_noise")
def test_wrong_labels_are_in_the_training_part_only(kind):
    clean, noisy = small(kind), small(kind, label_noise=0.5)

    assert torch.equal(clean.train.inputs, noisy.train.inputs)
    wrong = labels(clean.train) != labels(noisy.train)
    assert int(wrong.sum()) == round(0.5 * len(wrong))
    assert ((labels(noisy.train) >= 0) & (labels(noisy.train) < len(clean.classes))).all()
    assert torch.equal(clean.validation.targets, noisy.validation.targets)
    assert torch.equal(clean.test.targets, noisy.test.targets)


@given(st.integers(2, 10), st.floats(0, 1), st.integers(1, 300))
def test_the_share_of_wrong_labels_is_the_one_asked_for(classes, share, count):
    part = Part(torch.zeros(count, 1), torch.arange(count) % classes)
    chance = torch.Generator().manual_seed(1)

    wrong = mislabelled(part, classes, share, chance).targets != part.targets

    assert int(wrong.sum()) == round(share * count)


def test_more_noise_keeps_the_wrong_labels_of_less():
    part = Part(torch.zeros(200, 1), torch.arange(200) % 5)
    little, much = (
        mislabelled(part, 5, share, torch.Generator().manual_seed(1)).targets
        for share in (0.1, 0.6)
    )

    changed = little != part.targets
    assert torch.equal(little[changed], much[changed])


def test_a_wrong_label_is_any_other_class_equally_often():
    part = Part(torch.zeros(6000, 1), torch.zeros(6000).long())

    noisy = mislabelled(part, 4, 1.0, torch.Generator().manual_seed(1))

    counts = torch.bincount(noisy.targets).tolist()
    assert counts[0] == 0 and all(1850 < count < 2150 for count in counts[1:])


@having("imbalance")
def test_every_class_is_rarer_than_the_one_before(kind):
    plain, rare = small(kind), small(kind, imbalance=0.5)

    counts = {
        name: torch.bincount(
            torch.cat([labels(part) for part in parts(dataset)]), minlength=len(plain.classes)
        )
        for name, dataset in (("plain", plain), ("rare", rare))
    }
    assert (counts["rare"] >= 1).all()
    wanted = counts["plain"] * 0.5 ** torch.arange(len(plain.classes))
    if kind is not sets.Communities:  # there the sum stays
        assert (counts["rare"] - wanted).abs().max() <= 2
    assert counts["rare"][0] > 1.5 * counts["rare"][1]


def test_what_is_left_of_a_rare_class_was_there_before():
    part = Part(torch.arange(100.0)[:, None], torch.arange(100) % 2)

    kept = imbalanced(part, 2, 0.8, torch.Generator().manual_seed(1))

    assert torch.bincount(kept.targets).tolist() == [50, 10]
    assert torch.equal(kept.inputs[:, 0] % 2, kept.targets.float())
    assert kept.inputs[:, 0].tolist() == sorted(kept.inputs[:, 0].tolist())


@having("test_shift")
def test_only_the_test_part_is_shifted(kind):
    still, shifted = small(kind), small(kind, test_shift=0.5)

    for before, after in zip(parts(still)[:2], parts(shifted)[:2], strict=True):
        assert torch.equal(before.inputs, after.inputs)
    assert torch.equal(still.test.targets, shifted.test.targets)
    assert not torch.equal(still.test.inputs, shifted.test.inputs)


def test_points_move_to_the_right():
    still, shifted = loaded(sets.Moons()), loaded(sets.Moons(test_shift=0.5))

    moved = shifted.test.coordinates - still.test.coordinates
    torch.testing.assert_close(moved, torch.tensor([[1.5, 0.0]]).expand(1000, 2))


def test_pictures_turn_clockwise_and_pale():
    picture = torch.zeros(1, 3, 21, 21, dtype=torch.uint8)
    picture[:, :, :11, 10] = 200  # a hand that points up from the middle

    seen = turned(picture, 1.0)

    assert seen.shape == picture.shape and seen.dtype == torch.uint8
    assert int(seen[0, 0, 20, 0]) == 128  # black, half way to white
    assert int(seen[0, 0, 5, 15]) > 190 and int(seen[0, 0, 5, 5]) == 128


def test_the_middle_of_the_training_part_is_what_normalizes_a_shifted_test():
    shifted = loaded(sets.Gauss(test_shift=1.0))

    assert abs(float(shifted.train.inputs[:, 0].mean())) < 1e-5
    assert float(shifted.test.inputs[:, 0].mean()) > 1
