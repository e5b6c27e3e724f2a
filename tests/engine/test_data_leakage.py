"""Validation examples that are also training examples are counted, repeats by chance are not."""

import torch

from tests.support.tiny_sessions import make_session
from tuilab.engine.data.leakage import leaked_fraction

GENERATOR = torch.Generator().manual_seed(0)


def random_inputs(count: int, features: int = 3) -> torch.Tensor:
    return torch.randn(count, features, generator=GENERATOR)


def test_the_fraction_of_examples_in_both_sets() -> None:
    train = random_inputs(100)
    validation = torch.cat([train[10:25], random_inputs(25)])

    assert leaked_fraction(train, validation) == 15 / 40
    assert leaked_fraction(train, random_inputs(40)) == 0


def test_images_are_compared_pixel_by_pixel() -> None:
    train = torch.randint(0, 256, (60, 1, 4, 4), dtype=torch.uint8, generator=GENERATOR)
    other = train[:30].clone()
    other[:20, 0, 0, 0] += 1

    assert leaked_fraction(train, other) == 10 / 30


def test_bits_and_tokens_that_repeat_by_chance_are_not_counted() -> None:
    bits = torch.randint(0, 2, (200, 4), generator=GENERATOR)

    assert leaked_fraction(bits[:100].float(), bits[100:].float()) == 0
    assert leaked_fraction(bits[:100], bits[100:]) == 0


def test_few_examples_are_not_counted() -> None:
    few = random_inputs(10)

    assert leaked_fraction(few, few) == 0


def test_a_run_reports_leakage_when_it_starts() -> None:
    session = make_session()
    assert session.started_event().leakage == 0
    session.dataset.validation = session.dataset.train

    assert session.started_event().leakage == 1
