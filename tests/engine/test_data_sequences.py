"""Sequences: every target is correct, no sequence repeats, every knob has its effect."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import all_examples, all_tensors, load_dataset, splits
from tuilab.core.catalogue.data.sequences import Adding, Copy, Forecast, Parity, Waves
from tuilab.core.network.layer import Tokens
from tuilab.engine.data.dataset import IGNORE_INDEX, Examples

Sequences = Parity | Adding | Copy | Waves | Forecast

SETS: list[type[Sequences]] = [Parity, Adding, Copy, Waves, Forecast]
seeds = st.integers(0, 2**31 - 1)


def rows(part: Examples) -> set[tuple[float, ...]]:
    return {tuple(row) for row in part.inputs.flatten(1).tolist()}


@pytest.mark.parametrize("kind", SETS)
def test_the_same_seed_gives_the_same_sequences_and_another_one_others(
    kind: type[Sequences],
) -> None:
    before = torch.get_rng_state()

    first, second, third = (
        all_tensors(load_dataset(kind(samples=200), seed)) for seed in (3, 3, 4)
    )

    assert all(map(torch.equal, first, second))
    assert not torch.equal(first[0], third[0])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", SETS)
def test_sequences_have_the_shapes_that_their_knobs_declare(kind: type[Sequences]) -> None:
    data = kind(samples=300, validation=0.1)
    dataset = load_dataset(data)

    assert [len(part) for part in splits(dataset)][:2] == [270, 30]
    for part in splits(dataset):
        assert part.inputs.shape[1:] == data.shape
        assert part.targets.shape[1:] == (data.target_shape or ((1,) if not data.classes else ()))


@given(st.integers(1, 100), st.integers(1, 300), seeds)
def test_parity_is_whether_the_number_of_ones_is_odd(length: int, samples: int, seed: int) -> None:
    part = all_examples(Parity(length=length, samples=samples, normalize=False), seed)

    for bits, odd in zip(part.inputs[:, :, 0].tolist(), part.targets.tolist(), strict=True):
        assert set(bits) <= {0.0, 1.0}
        assert bits.count(1.0) % 2 == odd


def test_a_running_parity_is_that_of_the_bits_so_far() -> None:
    end, running = (
        all_examples(Parity(length=9, running=running, normalize=False))
        for running in (False, True)
    )

    assert torch.equal(end.inputs, running.inputs)
    assert torch.equal(running.targets[:, -1], end.targets)
    assert torch.equal(running.targets[:, 2], running.inputs[:, :3, 0].sum(1).long() % 2)


@pytest.mark.parametrize("length", [3, 8, 11, 22, 70])
def test_no_row_of_bits_repeats(length: int) -> None:
    dataset = load_dataset(Parity(length=length, samples=2000, normalize=False))

    sizes = [len(part) for part in splits(dataset)]
    assert len(rows(dataset.train) | rows(dataset.validation) | rows(dataset.test)) == sum(sizes)
    assert sum(sizes) == min(2**length, 3000)


@pytest.mark.parametrize("length", [12, 24, 80])
def test_more_samples_do_not_change_the_test_set(length: int) -> None:
    few, many = (
        load_dataset(Parity(length=length, samples=count, normalize=False)) for count in (50, 2900)
    )

    assert torch.equal(few.test.inputs, many.test.inputs)
    assert rows(few.train) < rows(many.train) | rows(many.validation)


@given(st.integers(2, 200), seeds)
def test_the_sum_is_that_of_the_two_marked_numbers(length: int, seed: int) -> None:
    part = all_examples(Adding(length=length, samples=50), seed)

    values, marks = part.inputs.unbind(dim=2)
    half = length // 2
    assert ((marks == 0) | (marks == 1)).all()
    assert (marks[:, :half].sum(1) == 1).all() and (marks[:, half:].sum(1) == 1).all()
    assert ((values >= 0) & (values < 1)).all()
    torch.testing.assert_close(part.targets[:, 0], (values * marks).sum(1))


def test_a_constant_prediction_of_one_has_the_error_that_the_help_names() -> None:
    part = all_examples(Adding(samples=20_000))

    assert float((part.targets - 1).square().mean()) == pytest.approx(1 / 6, abs=0.005)


@given(st.integers(2, 26), st.integers(1, 12), st.integers(1, 30), seeds)
def test_the_targets_of_copy_are_the_letters_after_the_signal(
    symbols: int, memory: int, delay: int, seed: int
) -> None:
    data = Copy(symbols=symbols, memory=memory, delay=delay, samples=20)
    part = all_examples(data, seed)

    assert isinstance(data.shape, Tokens) and data.shape.vocabulary == symbols + 2
    letters = part.inputs[:, :memory]
    assert (letters < symbols).all()
    assert (part.inputs[:, memory : memory + delay - 1] == symbols).all()
    assert (part.inputs[:, memory + delay - 1] == symbols + 1).all()
    assert (part.inputs[:, memory + delay :] == symbols).all()
    assert (part.targets[:, : memory + delay] == IGNORE_INDEX).all()
    assert torch.equal(part.targets[:, memory + delay :], letters)


def test_no_word_to_copy_repeats() -> None:
    dataset = load_dataset(Copy(symbols=2, memory=9, samples=5000))

    sizes = [len(part) for part in splits(dataset)]
    assert sum(sizes) == 2**9
    assert len(rows(dataset.train) | rows(dataset.validation) | rows(dataset.test)) == 2**9


@pytest.mark.parametrize("kind", range(4))
def test_a_faster_wave_has_more_periods(kind: int) -> None:
    part = all_examples(Waves(kinds=4, length=400, noise=0, samples=400, normalize=False))

    waves = part.inputs[part.targets == kind][:, :, 0]
    crossings = (waves[:, 1:].sign() != waves[:, :-1].sign()).sum(1)
    assert (crossings - 2 * (2.0, 3.5, 5.5, 8.0)[kind]).abs().max() <= 1


def test_each_wave_has_the_shape_of_its_name() -> None:
    data = Waves(differ="shape", kinds=4, length=500, noise=0, samples=400, normalize=False)
    part = all_examples(data)

    squares = {
        name: float(part.inputs[part.targets == kind].square().mean())
        for kind, name in enumerate(data.classes)
    }
    # The mean square over whole periods: 1/2 for a sine, 1, and 1/3 for straight slopes.
    expected = {"sine": 1 / 2, "square": 1, "triangle": 1 / 3, "sawtooth": 1 / 3}
    assert squares == pytest.approx(expected, abs=0.03)
    jumps = (part.inputs[:, 1:] - part.inputs[:, :-1]).abs().amax(dim=(1, 2))
    assert (jumps[part.targets % 2 == 1] > 1.5).all()  # square and sawtooth
    assert (jumps[part.targets % 2 == 0] < 0.1).all()


def test_classes_of_waves_have_the_same_number_of_examples() -> None:
    part = all_examples(Waves(kinds=3, samples=300), validation=0.0)

    assert torch.bincount(part.targets).tolist() == [434, 433, 433]


def test_a_forecast_is_the_value_some_steps_later() -> None:
    near = all_examples(Forecast(ahead=1, noise=0, length=30, normalize=False))
    longer = all_examples(Forecast(ahead=1, noise=0, length=34, normalize=False))
    far = all_examples(Forecast(ahead=5, noise=0, length=30, normalize=False))

    torch.testing.assert_close(longer.inputs[:, 30], near.targets)
    torch.testing.assert_close(longer.targets, far.targets)


def test_noise_is_on_the_inputs_and_not_on_the_target() -> None:
    clean, noisy = (all_examples(Forecast(noise=noise, normalize=False)) for noise in (0, 0.3))

    assert torch.equal(clean.targets, noisy.targets)
    assert float((noisy.inputs - clean.inputs).std()) == pytest.approx(0.3, abs=0.01)


def test_all_steps_of_a_feature_are_normalized_together() -> None:
    dataset = load_dataset(Adding(normalize=True, samples=500))

    columns = dataset.train.inputs.flatten(0, 1)
    torch.testing.assert_close(columns.mean(dim=0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(columns.std(dim=0), torch.ones(2), atol=1e-3, rtol=0)
    assert len(set(dataset.train.inputs[:, :, 1].flatten().tolist())) == 2
