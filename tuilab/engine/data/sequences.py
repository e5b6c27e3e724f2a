"""Sequences drawn from the seed: parity, adding, copying, waves and their forecast."""

import math

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.sequences import Adding, Copy, Forecast, Parity, Waves
from tuilab.engine.data.dataset import IGNORED, Part, Report, Source
from tuilab.engine.data.points import TEST_EXAMPLES
from tuilab.engine.data.rng import rng_for

FEW = 1 << 20
"""Up to so many different sequences all are written down and shuffled."""

MANY = 1 << 62
"""From so many different sequences on, no two drawn ones are equal."""


def parity(data: Parity, seed: int, report: Report) -> Source:
    """Bits in a row, no row twice; the class is the sum of the bits so far, modulo 2."""
    training, test = _different(data.samples, 2, data.length, rng_for(seed, "bits"))

    def counted(rows: Tensor) -> Part:
        odd = rows.cumsum(dim=1) % 2
        return Part(rows[:, :, None].float(), odd if data.running else odd[:, -1])

    return Source(counted(training), counted(test))


def copy(data: Copy, seed: int, report: Report) -> Source:
    """Letters, blanks of which the last is the signal, and blanks to answer in.

    The tokens are the letters, then the blank, then the signal. Only the last `memory` positions
    have a target.
    """
    chance = rng_for(seed, "letters")
    training, test = _different(data.samples, data.symbols, data.memory, chance)
    blank, signal = data.symbols, data.symbols + 1

    def asked(rows: Tensor) -> Part:
        pause = rows.new_full((len(rows), data.delay), blank)
        pause[:, -1] = signal
        inputs = torch.cat([rows, pause, torch.full_like(rows, blank)], dim=1)
        targets = torch.full_like(inputs, IGNORED)
        targets[:, -data.memory :] = rows
        return Part(inputs, targets)

    return Source(asked(training), asked(test))


def _different(samples: int, base: int, length: int, chance: Generator) -> tuple[Tensor, Tensor]:
    """Rows of digits for training and test, no row twice, int64 [n, length].

    Where there are too few different rows for both, a fifth of all is for the test and the
    training gets the others. The test rows are drawn first: they stay when `samples` changes.
    """
    every = base**length
    tests = min(TEST_EXAMPLES, max(1, every // 5))
    count = min(samples, every - tests) + tests
    if every >= MANY:
        rows = torch.randint(base, (count, length), generator=chance)
    else:
        numbers = _numbers(count, every, chance)
        places = torch.tensor([base**place for place in range(length)])
        rows = numbers[:, None] // places % base
    return rows[tests:], rows[:tests]


def _numbers(count: int, every: int, chance: Generator) -> Tensor:
    """Different numbers below `every`, in the order in which they were drawn."""
    if every <= FEW:
        return torch.randperm(every, generator=chance)[:count]
    drawn = torch.empty(0, dtype=torch.int64)
    while len(drawn) < count:
        more = torch.randint(every, (4096 + count // 2,), generator=chance)
        drawn = _first_of_each(torch.cat([drawn, more]))
    return drawn[:count]


def _first_of_each(numbers: Tensor) -> Tensor:
    """Without repetitions, in the same order."""
    ordered, places = numbers.sort(stable=True)
    is_new = torch.cat([torch.ones(1, dtype=torch.bool), ordered[1:] != ordered[:-1]])
    return numbers[places[is_new].sort().values]


def adding(data: Adding, seed: int, report: Report) -> Source:
    """Numbers from 0 to 1, and marks on one of each half; the target is the sum of the marked."""

    def drawn(count: int, purpose: str) -> Part:
        chance = rng_for(seed, purpose)
        values = torch.rand(count, data.length, generator=chance)
        half = data.length // 2
        first = torch.randint(half, (count, 1), generator=chance)
        second = torch.randint(half, data.length, (count, 1), generator=chance)
        marks = torch.zeros_like(values).scatter_(1, torch.cat([first, second], dim=1), 1.0)
        return Part(torch.stack([values, marks], dim=2), (values * marks).sum(1, keepdim=True))

    return Source(drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"))


FREQUENCIES = (2.0, 3.5, 5.5, 8.0)
"""Waves in a sequence, from slow to faster."""


def waves(data: Waves, seed: int, report: Report) -> Source:
    """Waves of height 1 that begin anywhere, in equal numbers of each kind."""

    def drawn(count: int, purpose: str) -> Part:
        chance = rng_for(seed, purpose)
        kinds = (torch.arange(count) % data.kinds)[torch.randperm(count, generator=chance)]
        begin, other = torch.rand(2, count, 1, generator=chance)
        if data.differ == "frequency":
            often, shape = torch.tensor(FREQUENCIES)[kinds][:, None], torch.zeros(count, 1)
        else:
            often, shape = 2 + 3 * other, kinds[:, None]
        turns = begin + often * torch.arange(data.length) / data.length
        clean = torch.stack(_shapes(turns)).gather(0, shape.expand_as(turns).long()[None])[0]
        noise = data.noise * torch.randn(count, data.length, generator=chance)
        return Part((clean + noise)[:, :, None], kinds)

    return Source(drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"))


def _shapes(turns: Tensor) -> list[Tensor]:
    """Sine, square, triangle and sawtooth at places counted in whole waves; from -1 to 1."""
    part = turns % 1
    return [
        (2 * math.pi * turns).sin(),
        torch.where(part < 0.5, 1.0, -1.0),
        1 - 4 * (part - 0.5).abs(),
        2 * part - 1,
    ]


def forecast(data: Forecast, seed: int, report: Report) -> Source:
    """Two sine waves of random speed and begin, added; the target is free of noise."""

    def drawn(count: int, purpose: str) -> Part:
        chance = rng_for(seed, purpose)
        begin = torch.rand(2, count, 1, generator=chance)
        speed = torch.stack(
            [_between(0.02, 0.06, count, chance), _between(0.08, 0.2, count, chance)]
        )
        places = torch.arange(data.length + data.ahead)
        swings = (2 * math.pi * (begin + speed * places)).sin()
        series = swings[0] + 0.5 * swings[1]
        seen, target = series[:, : data.length], series[:, -1:]
        noise = data.noise * torch.randn(seen.shape, generator=chance)
        return Part((seen + noise)[:, :, None], target)

    return Source(drawn(data.samples, "training"), drawn(TEST_EXAMPLES, "test"))


def _between(least: float, most: float, count: int, chance: Generator) -> Tensor:
    return least + (most - least) * torch.rand(count, 1, generator=chance)
