"""Validation examples that are also training examples are counted, repeats by chance are not."""

import torch

from tests.support.tiny_sessions import make_session
from tuilab.engine.data import leakage
from tuilab.engine.data.dataset import Examples

GENERATOR = torch.Generator().manual_seed(0)


def leaked_fraction(train: torch.Tensor, validation: torch.Tensor) -> float:
    """The fraction for inputs whose targets are classes."""
    parts = (
        Examples(part, torch.zeros(len(part), dtype=torch.int64)) for part in (train, validation)
    )
    return leakage.leaked_fraction(*parts)


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


def test_small_whole_numbers_that_coincide_are_not_counted() -> None:
    ages = torch.randint(0, 30, (900, 2), generator=GENERATOR).float()
    years = torch.randint(0, 200, (400, 1), generator=GENERATOR).float()

    assert leaked_fraction(ages[:600], ages[600:]) == 0
    assert leaked_fraction(years[:300], years[300:]) == 0


def test_copies_among_whole_numbers_are_counted() -> None:
    prices = torch.randint(0, 100_000, (200, 3), generator=GENERATOR).float()

    assert leaked_fraction(prices, prices[:50]) == 1


def test_rows_with_other_targets_are_no_copies() -> None:
    inputs, targets = random_inputs(100), random_inputs(100, 1)
    train = Examples(inputs, targets)
    copies, others = Examples(inputs[:40], targets[:40]), Examples(inputs[:40], targets[40:80])

    assert leakage.leaked_fraction(train, copies) == 1
    assert leakage.leaked_fraction(train, others) == 0


def test_few_examples_are_not_counted() -> None:
    few = random_inputs(10)

    assert leaked_fraction(few, few) == 0


def test_a_run_reports_leakage_when_it_starts() -> None:
    session = make_session()
    assert session.started_event().leakage == 0
    session.dataset.validation = session.dataset.train

    assert session.started_event().leakage == 1
