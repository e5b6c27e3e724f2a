"""Loading: every data set has a source; splits, normalization, and examples that are refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.support.datasets import load_dataset
from tests.support.not_none import not_none
from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.catalogue.data.points import Circle, Gauss, Xor
from tuilab.core.catalogue.data_sets import DATA_SETS
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.load import check
from tuilab.engine.data.sources import SOURCES
from tuilab.engine.data.split import split


def make_examples(count: int) -> Examples:
    values = torch.arange(count)
    return Examples(values[:, None].float(), values, values[:, None].float())


def test_every_set_of_the_catalogue_has_a_source() -> None:
    assert set(DATA_SETS) == set(SOURCES)


@given(st.integers(1, 500), st.floats(0, 0.9), st.integers(0, 2**31 - 1))
def test_a_split_neither_loses_nor_repeats_an_example(
    count: int, validation: float, seed: int
) -> None:
    training, held_out = split(make_examples(count), validation, seed)

    both = torch.cat([training.targets, held_out.targets])
    assert torch.equal(both.sort().values, torch.arange(count))
    assert len(held_out) == min(round(count * validation), count - 1)
    assert torch.equal(training.inputs[:, 0].long(), training.targets)
    assert training.coordinates is not None
    assert torch.equal(training.coordinates, training.inputs)


def test_a_split_is_shuffled() -> None:
    training, _ = split(make_examples(100), 0.2, 0)

    assert training.targets.tolist() != sorted(training.targets.tolist())


def test_normalization_uses_statistics_of_the_training_set_only() -> None:
    dataset = load_dataset(Gauss(samples=200, validation=0.5, noise=0.3, features=("x1", "x1^2")))

    torch.testing.assert_close(dataset.train.inputs.mean(dim=0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        dataset.train.inputs.std(dim=0, correction=0), torch.ones(2), atol=1e-5, rtol=0
    )
    assert dataset.validation.inputs.mean(dim=0).abs().max() > 1e-4
    assert dataset.test.inputs.mean(dim=0).abs().max() > 1e-4


def test_without_normalization_the_inputs_are_the_features() -> None:
    dataset = load_dataset(Gauss(normalize=False))

    assert torch.equal(dataset.train.inputs, not_none(dataset.train.coordinates))


def test_an_input_that_never_varies_becomes_zero_and_not_nan() -> None:
    dataset = load_dataset(Xor(samples=1, features=("x1", "x2", "x1*x2")))

    assert dataset.train.inputs.tolist() == [[0.0, 0.0, 0.0]]
    assert dataset.test.inputs.isfinite().all()


def test_images_stay_bytes_and_are_normalized_batch_by_batch() -> None:
    dataset = load_dataset(Glyphs(samples=200, validation=0.2))

    prepared = dataset.prepare(dataset.train.inputs)

    assert dataset.train.inputs.dtype == torch.uint8
    assert not_none(dataset.shift).shape == not_none(dataset.scale).shape == (1, 1, 1)
    assert float(prepared.mean()) == pytest.approx(0, abs=1e-4)
    assert float(prepared.std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_images_without_normalization_range_from_zero_to_one() -> None:
    dataset = load_dataset(Glyphs(samples=50, normalize=False, noise=0))

    assert not_none(dataset.shift).item() == 0
    prepared = dataset.prepare(dataset.train.inputs)
    assert float(prepared.min()) == 0 and 0.7 < float(prepared.max()) <= 1


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (torch.zeros(0, 2), torch.zeros(0).long(), "Circle: it has no examples"),
        (torch.zeros(3, 5), torch.zeros(3).long(), r"Circle: an example is \[5\], not \[2\]"),
        (torch.zeros(3, 2), torch.zeros(2).long(), "Circle: 3 examples have 2 targets"),
        (
            torch.tensor([[0.0, 1.0], [2.0, torch.nan]]),
            torch.zeros(2).long(),
            "Circle: example 1 has an input that is not a finite number",
        ),
        (
            torch.zeros(2, 2),
            torch.tensor([[0.0], [torch.inf]]),
            "Circle: example 1 has a target that is not a finite number",
        ),
        (
            torch.zeros(3, 2),
            torch.tensor([0, 1, 2]),
            "Circle: example 2 has the class 2; there are 2, from 0 to 1",
        ),
        (torch.zeros(1, 2), torch.tensor([-1]), "example 0 has the class -1"),
    ],
)
def test_examples_that_would_fail_in_the_middle_of_a_run_are_refused(
    inputs: Tensor, targets: Tensor, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check(Examples(inputs, targets), Circle())
