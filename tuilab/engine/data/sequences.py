"""Generated sequences: parity, adding, copying, waves and their forecast."""

import math

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.sequences import Adding, Copy, Forecast, Parity, Waves
from tuilab.engine.data.dataset import IGNORE_INDEX, Examples, ProgressCallback
from tuilab.engine.data.rng import rng_for, uniform
from tuilab.engine.data.sources import TEST_EXAMPLES, RawDataset, source

MAX_PERMUTED = 1 << 20
"""Up to this number of different sequences all are listed and shuffled."""

MIN_UNCHECKED = 1 << 62
"""From this number of different sequences on, random ones do not repeat."""


@source(Parity)
def parity(data: Parity, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws different rows of bits; the class is the sum of the bits so far, modulo 2."""
    training, test = _different_rows(data.samples, 2, data.length, rng_for(seed, "bits"))

    def examples(rows: Tensor) -> Examples:
        is_odd = rows.cumsum(dim=1) % 2
        return Examples(rows[:, :, None].float(), is_odd if data.running else is_odd[:, -1])

    return RawDataset(examples(training), examples(test))


@source(Copy)
def copy(data: Copy, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws letters, followed by blanks, the last one a signal, and blanks for the answer.

    The tokens are the letters, then the blank, then the signal. Only the last `memory` positions
    have a target.
    """
    generator = rng_for(seed, "letters")
    training, test = _different_rows(data.samples, data.symbols, data.memory, generator)
    blank, signal = data.symbols, data.symbols + 1

    def examples(rows: Tensor) -> Examples:
        delay = rows.new_full((len(rows), data.delay), blank)
        delay[:, -1] = signal
        inputs = torch.cat([rows, delay, torch.full_like(rows, blank)], dim=1)
        targets = torch.full_like(inputs, IGNORE_INDEX)
        targets[:, -data.memory :] = rows
        return Examples(inputs, targets)

    return RawDataset(examples(training), examples(test))


def _different_rows(
    samples: int, base: int, length: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draws different rows of digits for training and test, int64 [n, length].

    Where there are too few different rows for both, a fifth of all is for the test and the
    training gets the others. The test rows are drawn first: they stay when `samples` changes.
    """
    total = base**length
    tests = min(TEST_EXAMPLES, max(1, total // 5))
    count = min(samples, total - tests) + tests
    if total >= MIN_UNCHECKED:
        rows = torch.randint(base, (count, length), generator=generator)
    else:
        numbers = _different_numbers(count, total, generator)
        powers = torch.tensor([base**exponent for exponent in range(length)])
        rows = numbers[:, None] // powers % base
    return rows[tests:], rows[:tests]


def _different_numbers(count: int, total: int, generator: Generator) -> Tensor:
    """Draws different numbers below `total`, int64 [count], in random order."""
    if total <= MAX_PERMUTED:
        return torch.randperm(total, generator=generator)[:count]
    numbers = torch.empty(0, dtype=torch.int64)
    while len(numbers) < count:
        more = torch.randint(total, (4096 + count // 2,), generator=generator)
        numbers = _without_duplicates(torch.cat([numbers, more]))
    return numbers[:count]


def _without_duplicates(numbers: Tensor) -> Tensor:
    """Returns the first occurrence of each number, in the same order."""
    ordered, indices = numbers.sort(stable=True)
    is_new = torch.cat([torch.ones(1, dtype=torch.bool), ordered[1:] != ordered[:-1]])
    return numbers[indices[is_new].sort().values]


@source(Adding)
def adding(data: Adding, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws numbers from 0 to 1, one marked in each half; the target is the sum of these two."""

    def draw(count: int, purpose: str) -> Examples:
        generator = rng_for(seed, purpose)
        values = torch.rand(count, data.length, generator=generator)
        half = data.length // 2
        first = torch.randint(half, (count, 1), generator=generator)
        second = torch.randint(half, data.length, (count, 1), generator=generator)
        marks = torch.zeros_like(values).scatter_(1, torch.cat([first, second], dim=1), 1.0)
        return Examples(torch.stack([values, marks], dim=2), (values * marks).sum(1, keepdim=True))

    return RawDataset(draw(data.samples, "training"), draw(TEST_EXAMPLES, "test"))


FREQUENCIES = (2.0, 3.5, 5.5, 8.0)
"""Waves per sequence, from slow to faster."""


@source(Waves)
def waves(data: Waves, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws waves of amplitude 1 with random phases, equally many of each class."""

    def draw(count: int, purpose: str) -> Examples:
        generator = rng_for(seed, purpose)
        classes = (torch.arange(count) % data.kinds)[torch.randperm(count, generator=generator)]
        phase, frequency = torch.rand(2, count, 1, generator=generator)
        if data.differ == "frequency":
            frequency, shape = torch.tensor(FREQUENCIES)[classes][:, None], torch.zeros(count, 1)
        else:
            frequency, shape = 2 + 3 * frequency, classes[:, None]
        periods = phase + frequency * torch.arange(data.length) / data.length
        shapes = torch.stack(_wave_shapes(periods))
        clean = shapes.gather(0, shape.expand_as(periods).long()[None])[0]
        noise = data.noise * torch.randn(count, data.length, generator=generator)
        return Examples((clean + noise)[:, :, None], classes)

    return RawDataset(draw(data.samples, "training"), draw(TEST_EXAMPLES, "test"))


def _wave_shapes(periods: Tensor) -> list[Tensor]:
    """Returns sine, square, triangle and sawtooth, from -1 to 1, at times counted in periods."""
    fraction = periods % 1
    return [
        (2 * math.pi * periods).sin(),
        torch.where(fraction < 0.5, 1.0, -1.0),
        1 - 4 * (fraction - 0.5).abs(),
        2 * fraction - 1,
    ]


@source(Forecast)
def forecast(data: Forecast, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws sums of two sine waves with random frequencies and phases; the target has no noise."""

    def draw(count: int, purpose: str) -> Examples:
        generator = rng_for(seed, purpose)
        phases = torch.rand(2, count, 1, generator=generator)
        slow = uniform(0.02, 0.06, (count, 1), generator)
        fast = uniform(0.08, 0.2, (count, 1), generator)
        steps = torch.arange(data.length + data.ahead)
        waves = (2 * math.pi * (phases + torch.stack([slow, fast]) * steps)).sin()
        series = waves[0] + 0.5 * waves[1]
        inputs, target = series[:, : data.length], series[:, -1:]
        noise = data.noise * torch.randn(inputs.shape, generator=generator)
        return Examples((inputs + noise)[:, :, None], target)

    return RawDataset(draw(data.samples, "training"), draw(TEST_EXAMPLES, "test"))
