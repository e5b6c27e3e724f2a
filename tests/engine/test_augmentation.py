"""Augmentation: each transform does what its help says, and only to training examples."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.catalogue.regularization import Augmentation
from tuilab.engine.data.augmentation import augment, mixup

NOISY: dict[str, Any] = {"augmentation": {"noise": 0.5}}


def random_images(count: int = 64, size: int = 12) -> Tensor:
    torch.manual_seed(3)
    return torch.rand(count, 1, size, size) + 0.5


def fix_random_numbers(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """Makes torch.rand return one number."""
    monkeypatch.setattr(torch, "rand", lambda *shape, **options: torch.full(shape, value))


def test_no_augmentation_returns_the_inputs_themselves() -> None:
    inputs = random_images()

    assert augment(inputs, Augmentation()) is inputs


def test_a_shift_moves_by_at_most_this_many_pixels_and_fills_with_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs = random_images()
    fix_random_numbers(monkeypatch, 1.0)

    shifted = augment(inputs, Augmentation(shift=2.0), background=0.25)

    torch.testing.assert_close(shifted[..., :-2, :-2], inputs[..., 2:, 2:], rtol=0, atol=1e-4)
    torch.testing.assert_close(shifted[..., -1, :], torch.full_like(shifted[..., -1, :], 0.25))


def test_a_rotation_by_90_degrees_is_torch_rot90(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = random_images()
    fix_random_numbers(monkeypatch, 1.0)

    rotated = augment(inputs, Augmentation(rotation=90.0))

    expected = [torch.rot90(inputs, times, (2, 3)) for times in (1, 3)]
    assert any(torch.allclose(rotated, image, atol=1e-3) for image in expected)


def test_flip_mirrors_left_and_right_with_its_probability() -> None:
    inputs = random_images(2000, 4)

    mirrored = augment(inputs, Augmentation(flip=0.3))

    is_mirrored = (mirrored - inputs.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-4
    is_same = (mirrored - inputs).abs().amax(dim=(1, 2, 3)) < 1e-4
    assert (is_mirrored | is_same).all()
    assert is_mirrored.float().mean() == pytest.approx(0.3, abs=0.04)


def test_a_crop_shows_a_part_of_the_image_and_nothing_beyond_it() -> None:
    ramp = torch.linspace(1, 2, 16).expand(200, 1, 16, 16).contiguous()

    cropped = augment(ramp, Augmentation(crop=0.5), background=0.0)

    inside = cropped[..., 1:-1, 1:-1]
    assert inside.min() >= 1 - 1e-4 and inside.max() <= 2 + 1e-4
    extent = inside[:, 0, :, -1] - inside[:, 0, :, 0]
    whole = (ramp[0, 0, 0, -2] - ramp[0, 0, 0, 1]).item()
    assert extent.min() >= whole * 0.45 and extent.max() <= whole * 1.01
    assert extent.std() > 0.02


@pytest.mark.parametrize("background", [0.0, -2.0])
@pytest.mark.parametrize("size", [5, 12, 28])
def test_a_crop_of_an_image_of_one_color_is_of_that_color(size: int, background: float) -> None:
    torch.manual_seed(0)
    images = torch.full((300, 2, size, size), 0.8)

    for crop in (0.1, 0.5, 0.9):
        cropped = augment(images, Augmentation(crop=crop, flip=0.5), background=background)

        torch.testing.assert_close(cropped, images, rtol=0, atol=1e-4)


def test_a_shift_by_a_part_of_a_pixel_uncovers_that_part_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = torch.ones(4, 1, 10, 10)
    fix_random_numbers(monkeypatch, 1.0)

    shifted = augment(images, Augmentation(shift=0.3), background=0.0)

    torch.testing.assert_close(shifted[0, 0, 4, -1].item(), 0.7, rtol=0, atol=1e-4)
    torch.testing.assert_close(shifted[0, 0, 4, :-1], torch.ones(9), rtol=0, atol=1e-4)


def test_cutout_zeroes_a_square() -> None:
    holes = augment(random_images(500), Augmentation(cutout=4)) == 0

    sizes = holes.sum(dim=(1, 2, 3))
    assert sizes.max() == 16 and (sizes >= 4).all()
    assert (sizes == 16).float().mean() > 0.4


def test_noise_has_its_std_on_images_and_on_numbers() -> None:
    for inputs in (random_images(200), torch.zeros(5000, 2)):
        added = augment(inputs, Augmentation(noise=0.2)) - inputs
        assert added.std() == pytest.approx(0.2, rel=0.05)
        assert added.mean() == pytest.approx(0, abs=0.01)


def test_mixup_mixes_inputs_and_targets_by_the_same_weight() -> None:
    inputs = one_hot(torch.arange(9), 9).float()

    mixture, partners, weight = mixup(inputs, 0.4)

    expected = weight * inputs + (1 - weight) * inputs[partners]
    torch.testing.assert_close(mixture, expected)
    assert 0 <= weight <= 1 and sorted(partners.tolist()) == list(range(9))


def test_only_training_examples_are_augmented_and_a_seed_repeats_them() -> None:
    inputs = make_session().dataset.test.inputs
    assert torch.equal(make_session().predict(inputs), make_session(**NOISY).predict(inputs))

    trained = []
    for tables in (NOISY, NOISY, {}):
        session = make_session(**tables)
        train_steps(session, 5)
        trained.append(flatten_parameters(session))
    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])
