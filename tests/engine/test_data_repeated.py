"""Validation examples that were trained on are counted, and what comes again by chance is not."""

import torch

from tests.support.tiny import session
from tuilab.engine.data.leakage import repeated

CHANCE = torch.Generator().manual_seed(0)


def numbers(count: int, features: int = 3) -> torch.Tensor:
    return torch.randn(count, features, generator=CHANCE)


def test_the_share_of_those_that_stand_in_both_parts() -> None:
    train = numbers(100)
    validation = torch.cat([train[10:25], numbers(25)])

    assert repeated(train, validation) == 15 / 40
    assert repeated(train, numbers(40)) == 0


def test_pictures_are_compared_pixel_by_pixel() -> None:
    train = torch.randint(0, 256, (60, 1, 4, 4), dtype=torch.uint8, generator=CHANCE)
    other = train[:30].clone()
    other[:20, 0, 0, 0] += 1

    assert repeated(train, other) == 10 / 30


def test_bits_and_tokens_come_again_by_chance() -> None:
    bits = torch.randint(0, 2, (200, 4), generator=CHANCE)

    assert repeated(bits[:100].float(), bits[100:].float()) == 0
    assert repeated(bits[:100], bits[100:]) == 0


def test_too_few_examples_say_nothing() -> None:
    few = numbers(10)

    assert repeated(few, few) == 0


def test_a_run_tells_it_when_it_starts() -> None:
    subject = session()
    assert subject.started().repeated == 0
    subject.dataset.validation = subject.dataset.train

    assert subject.started().repeated == 1
