"""Faults of all kinds: a few of each by default, many with `-m faults`."""

import pytest

from tests.faults.parts import PARTS

SEED = 1


@pytest.mark.parametrize("name", PARTS)
def test_nothing_is_lost_in_silence(name: str) -> None:
    part = PARTS[name]

    tally = part.run(part.quick, SEED)

    assert tally.failures == []
    assert tally.cases >= part.quick


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PARTS)
def test_nothing_is_lost_in_silence_at_length(name: str) -> None:
    part = PARTS[name]

    tally = part.run(part.full, SEED)

    assert tally.failures == []
    assert tally.cases >= part.full
