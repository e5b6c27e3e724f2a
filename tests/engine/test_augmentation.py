"""Random changes to training pictures: each does what its help says, and only in training."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tests.support.tiny import session, steps, weights
from tuilab.core.catalogue.regularization import Augmentation
from tuilab.engine.data.augmentation import augment, mixup

NOISY = {"augmentation": {"noise": 0.5}}


def pictures(count: int = 64, size: int = 12) -> Tensor:
    torch.manual_seed(3)
    return torch.rand(count, 1, size, size) + 0.5


def certain(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """Let chance from 0 to 1 always be one number."""
    monkeypatch.setattr(torch, "rand", lambda *shape, **more: torch.full(shape, value))


def test_nothing_asked_is_nothing_done():
    inputs = pictures()

    assert augment(inputs, Augmentation()) is inputs


def test_a_shift_moves_by_up_to_so_many_pixels_and_leaves_background(
    monkeypatch: pytest.MonkeyPatch,
):
    inputs = pictures()
    certain(monkeypatch, 1.0)

    moved = augment(inputs, Augmentation(shift=2.0), background=0.25)

    torch.testing.assert_close(moved[..., :-2, :-2], inputs[..., 2:, 2:], rtol=0, atol=1e-4)
    torch.testing.assert_close(moved[..., -1, :], torch.full_like(moved[..., -1, :], 0.25))


def test_a_turn_by_a_quarter_is_torch_s(monkeypatch: pytest.MonkeyPatch):
    inputs = pictures()
    certain(monkeypatch, 1.0)

    turned = augment(inputs, Augmentation(rotation=90.0))

    quarter = [torch.rot90(inputs, times, (2, 3)) for times in (1, 3)]
    assert any(torch.allclose(turned, wanted, atol=1e-3) for wanted in quarter)


def test_flip_mirrors_left_and_right_with_its_chance():
    inputs = pictures(2000, 4)

    mirrored = augment(inputs, Augmentation(flip=0.3))

    is_mirrored = (mirrored - inputs.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-4
    is_same = (mirrored - inputs).abs().amax(dim=(1, 2, 3)) < 1e-4
    assert (is_mirrored | is_same).all()
    assert is_mirrored.float().mean() == pytest.approx(0.3, abs=0.04)


def test_a_crop_shows_a_part_of_the_picture_and_never_beyond_it():
    ramp = torch.linspace(1, 2, 16).expand(200, 1, 16, 16).contiguous()

    cropped = augment(ramp, Augmentation(crop=0.5), background=0.0)

    inside = cropped[..., 1:-1, 1:-1]
    assert inside.min() >= 1 - 1e-4 and inside.max() <= 2 + 1e-4
    spread = inside[:, 0, :, -1] - inside[:, 0, :, 0]
    whole = (ramp[0, 0, 0, -2] - ramp[0, 0, 0, 1]).item()
    assert spread.min() >= whole * 0.45 and spread.max() <= whole * 1.01
    assert spread.std() > 0.02


def test_cutout_makes_a_square_hole_of_grey():
    holes = augment(pictures(500), Augmentation(cutout=4)) == 0

    sizes = holes.sum(dim=(1, 2, 3))
    assert sizes.max() == 16 and (sizes >= 4).all()
    assert (sizes == 16).float().mean() > 0.4


def test_noise_has_its_spread_on_pictures_and_on_numbers():
    for inputs in (pictures(200), torch.zeros(5000, 2)):
        added = augment(inputs, Augmentation(noise=0.2)) - inputs
        assert added.std() == pytest.approx(0.2, rel=0.05)
        assert added.mean() == pytest.approx(0, abs=0.01)


def test_mixup_mixes_pictures_and_their_targets_by_the_same_share():
    inputs = one_hot(torch.arange(9), 9).float()

    mixture, others, share = mixup(inputs, 0.4)

    wanted = share * inputs + (1 - share) * inputs[others]
    torch.testing.assert_close(mixture, wanted)
    assert 0 <= share <= 1 and sorted(others.tolist()) == list(range(9))


def test_only_training_examples_are_changed_and_a_seed_repeats_them():
    inputs = session().dataset.test.inputs
    assert torch.equal(session().predict(inputs), session(**NOISY).predict(inputs))

    trained = []
    for knobs in (NOISY, NOISY, {}):
        subject = session(**knobs)
        steps(subject, 5)
        trained.append(weights(subject))
    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])
