"""Glyphs: readable characters, whole inside the image, the same for the same seed."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.load import load

CPU = torch.device("cpu")


def load_glyphs(data: Any, seed: int = 0, report: Any = lambda what, fraction: None) -> Any:
    return load(Experiment(data=data, seed=seed), CPU, report)


def everything(dataset: Any) -> Any:
    splits = (dataset.train, dataset.validation, dataset.test)
    return [tensor for part in splits for tensor in (part.inputs, part.targets)]


knobs = st.builds(
    Glyphs,
    alphabet=st.sampled_from(["digits", "letters", "both"]),
    samples=st.integers(1, 120),
    noise=st.floats(0, 1),
    shift=st.integers(0, 8),
    rotation=st.floats(0, 180),
)


@settings(max_examples=12)
@given(knobs, st.integers(0, 2**31 - 1))
def test_glyphs_are_byte_images_of_every_class_and_repeat_with_the_seed(
    data: Any, seed: int
) -> None:
    before = torch.get_rng_state()
    dataset = load_glyphs(data, seed)

    assert len(dataset.train) + len(dataset.validation) == data.samples
    assert dataset.test.inputs.shape == (1000, 1, 28, 28)
    assert dataset.train.inputs.dtype == dataset.test.inputs.dtype == torch.uint8
    counts = torch.bincount(dataset.test.targets, minlength=len(data.classes))
    assert counts.max() - counts.min() <= 1
    assert all(map(torch.equal, everything(dataset), everything(load_glyphs(data, seed))))
    assert torch.equal(before, torch.get_rng_state())


@settings(max_examples=12)
@given(
    st.sampled_from(["digits", "letters"]),
    st.integers(0, 8),
    st.floats(0, 180),
    st.integers(0, 2**31 - 1),
)
def test_no_character_is_cut_off_however_far_it_is_shifted_and_turned(
    alphabet: Any, shift: Any, turn: Any, seed: int
) -> None:
    data = Glyphs(alphabet=alphabet, samples=1, shift=shift, rotation=turn, noise=0)
    images = load_glyphs(data, seed).test.inputs[:, 0].int()

    frame = torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], dim=1)
    assert frame.max() < 64
    ink = (images > 100).sum(dim=(1, 2))
    assert ink.min() >= 10 and ink.max() < 400


def test_shift_moves_glyphs_off_the_middle_and_none_leaves_them_there() -> None:
    def far(shift: Any) -> Any:
        data = Glyphs(samples=1, shift=shift, rotation=0, noise=0)
        ink = load_glyphs(data).test.inputs[:, 0].float()
        places = torch.arange(28.0) - 13.5
        across = (ink.sum(dim=1) * places).sum(dim=1) / ink.sum(dim=(1, 2))
        return float(across.abs().mean())

    assert far(0) < 1.5
    assert far(5) > far(0) + 1


def test_characters_of_a_class_look_alike_and_unlike_those_of_others() -> None:
    data = Glyphs(samples=2000, validation=0, noise=0, shift=0, rotation=0)
    dataset = load_glyphs(data)

    images, classes = dataset.train.inputs.float(), dataset.train.targets
    means = torch.stack([images[classes == digit].mean(dim=0) for digit in range(10)])
    distances = torch.cdist(dataset.test.inputs.flatten(1).float(), means.flatten(1))
    right = (distances.argmin(dim=1) == dataset.test.targets).float().mean()
    assert right > 0.85


def test_drawing_reports_progress_and_can_be_canceled() -> None:
    reports = []
    load_glyphs(Glyphs(samples=1200), report=lambda *report: reports.append(report))

    assert reports[:4] == [
        ("Drawing 1,200 glyphs", 0.0),
        ("Drawing 1,200 glyphs", 500 / 1200),
        ("Drawing 1,200 glyphs", 1000 / 1200),
        ("Drawing 1,200 glyphs", 1.0),
    ]

    def cancel(what: Any, fraction: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_glyphs(Glyphs(), report=cancel)
