"""Glyphs: readable characters, complete inside the image, the same for the same seed."""

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.datasets import CPU, all_tensors, ignore_progress
from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset, ProgressCallback
from tuilab.engine.data.load import load


def load_glyphs(data: Glyphs, seed: int = 0, report: ProgressCallback = ignore_progress) -> Dataset:
    return load(Experiment(data=data, seed=seed), CPU, report)


any_glyphs = st.builds(
    Glyphs,
    alphabet=st.sampled_from(["digits", "letters", "both"]),
    samples=st.integers(1, 120),
    noise=st.floats(0, 1),
    shift=st.integers(0, 8),
    rotation=st.floats(0, 180),
)


@settings(max_examples=12)
@given(any_glyphs, st.integers(0, 2**31 - 1))
def test_glyphs_are_byte_images_of_every_class_and_repeat_with_the_seed(
    data: Glyphs, seed: int
) -> None:
    before = torch.get_rng_state()
    dataset = load_glyphs(data, seed)

    assert len(dataset.train) + len(dataset.validation) == data.samples
    assert dataset.test.inputs.shape == (1000, 1, 28, 28)
    assert dataset.train.inputs.dtype == dataset.test.inputs.dtype == torch.uint8
    counts = torch.bincount(dataset.test.targets, minlength=len(data.classes))
    assert counts.max() - counts.min() <= 1
    assert all(map(torch.equal, all_tensors(dataset), all_tensors(load_glyphs(data, seed))))
    assert torch.equal(before, torch.get_rng_state())


@settings(max_examples=12)
@given(
    st.sampled_from(["digits", "letters"]),
    st.integers(0, 8),
    st.floats(0, 180),
    st.integers(0, 2**31 - 1),
)
def test_no_character_is_cut_off_by_any_shift_and_rotation(
    alphabet: Literal["digits", "letters"], shift: int, rotation: float, seed: int
) -> None:
    data = Glyphs(alphabet=alphabet, samples=1, shift=shift, rotation=rotation, noise=0)
    images = load_glyphs(data, seed).test.inputs[:, 0].int()

    frame = torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], dim=1)
    assert frame.max() < 64
    ink = (images > 100).sum(dim=(1, 2))
    assert ink.min() >= 10 and ink.max() < 400


def test_shift_moves_glyphs_off_the_center_and_none_leaves_them_there() -> None:
    def mean_offset(shift: int) -> float:
        data = Glyphs(samples=1, shift=shift, rotation=0, noise=0)
        ink = load_glyphs(data).test.inputs[:, 0].float()
        columns = torch.arange(28.0) - 13.5
        offsets = (ink.sum(dim=1) * columns).sum(dim=1) / ink.sum(dim=(1, 2))
        return float(offsets.abs().mean())

    assert mean_offset(0) < 1.5
    assert mean_offset(5) > mean_offset(0) + 1


def test_characters_resemble_those_of_their_class_and_not_of_others() -> None:
    data = Glyphs(samples=2000, validation=0, noise=0, shift=0, rotation=0)
    dataset = load_glyphs(data)

    images, classes = dataset.train.inputs.float(), dataset.train.targets
    means = torch.stack([images[classes == digit].mean(dim=0) for digit in range(10)])
    distances = torch.cdist(dataset.test.inputs.flatten(1).float(), means.flatten(1))
    accuracy = (distances.argmin(dim=1) == dataset.test.targets).float().mean()
    assert accuracy > 0.85


def test_drawing_reports_progress_and_can_be_canceled() -> None:
    reports: list[tuple[str, float | None]] = []
    load_glyphs(Glyphs(samples=1200), report=lambda *report: reports.append(report))

    assert reports[:4] == [
        ("Drawing 1,200 glyphs", 0.0),
        ("Drawing 1,200 glyphs", 500 / 1200),
        ("Drawing 1,200 glyphs", 1000 / 1200),
        ("Drawing 1,200 glyphs", 1.0),
    ]

    def cancel(activity: str, fraction: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_glyphs(Glyphs(), report=cancel)
