"""Loading: every set has a source; splits, normalization, and what is refused."""

import typing

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.catalogue import data_sets as sets
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, named
from tuilab.engine.data.dataset import Part
from tuilab.engine.data.load import SOURCES, check, load, split

CPU = torch.device("cpu")


def loaded(data):
    experiment = Experiment(data=data, task=named("task", data.tasks[0]))
    return load(experiment, CPU, lambda what, fraction: None)


def examples(count):
    values = torch.arange(count)
    return Part(values[:, None].float(), values, values[:, None].float())


def test_every_set_of_the_catalogue_has_a_source():
    assert set(typing.get_args(sets.AnyData)) == set(SOURCES)


@given(st.integers(1, 500), st.floats(0, 0.9), st.integers(0, 2**31 - 1))
def test_a_split_loses_and_repeats_no_example(count, validation, seed):
    training, held = split(examples(count), validation, seed)

    both = torch.cat([training.targets, held.targets])
    assert torch.equal(both.sort().values, torch.arange(count))
    assert len(held) == min(round(count * validation), count - 1)
    assert torch.equal(training.inputs[:, 0].long(), training.targets)
    assert torch.equal(training.coordinates, training.inputs)


def test_a_split_is_shuffled():
    training, _ = split(examples(100), 0.2, 0)

    assert training.targets.tolist() != sorted(training.targets.tolist())


def test_normalization_is_measured_on_the_training_part_alone():
    dataset = loaded(sets.Gauss(samples=200, validation=0.5, noise=0.3, features=("x1", "x1^2")))

    torch.testing.assert_close(dataset.train.inputs.mean(dim=0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        dataset.train.inputs.std(dim=0, correction=0), torch.ones(2), atol=1e-5, rtol=0
    )
    assert dataset.validation.inputs.mean(dim=0).abs().max() > 1e-4
    assert dataset.test.inputs.mean(dim=0).abs().max() > 1e-4


def test_without_normalization_the_inputs_are_the_features():
    dataset = loaded(sets.Gauss(normalize=False))

    assert torch.equal(dataset.train.inputs, dataset.train.coordinates)


def test_an_input_that_never_varies_becomes_zero_and_not_nan():
    dataset = loaded(sets.Xor(samples=1, features=("x1", "x2", "x1*x2")))

    assert dataset.train.inputs.tolist() == [[0.0, 0.0, 0.0]]
    assert dataset.test.inputs.isfinite().all()


def test_pictures_stay_bytes_and_are_normalized_batch_by_batch():
    dataset = loaded(sets.Glyphs(samples=200, validation=0.2))

    prepared = dataset.prepared(dataset.train.inputs)

    assert dataset.train.inputs.dtype == torch.uint8
    assert dataset.shift.shape == dataset.scale.shape == (1, 1, 1)
    assert float(prepared.mean()) == pytest.approx(0, abs=1e-4)
    assert float(prepared.std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_pictures_without_normalization_go_from_zero_to_one():
    dataset = loaded(sets.Glyphs(samples=50, normalize=False, noise=0))

    assert dataset.shift.item() == 0
    prepared = dataset.prepared(dataset.train.inputs)
    assert float(prepared.min()) == 0 and 0.7 < float(prepared.max()) <= 1


@pytest.mark.parametrize(
    ("inputs", "targets", "says"),
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
def test_examples_that_would_fail_in_the_middle_of_a_run_are_refused(inputs, targets, says):
    with pytest.raises(InputError, match=says):
        check(Part(inputs, targets), sets.Circle())
