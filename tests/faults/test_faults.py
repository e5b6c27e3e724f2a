"""Faults of all kinds: a few of each by default, many with `-m faults`."""

import pytest

from tests.faults.parts import PARTS

SEED = 1


PROCESSES = {"kills", "boundaries", "calls", "full"}
"""Parts that start processes, and share what it takes to start them fast."""


def check(name: str, count: int) -> None:
    tally = PARTS[name].run(count, SEED)

    assert tally.failures == []
    assert tally.cases >= count


@pytest.mark.parametrize("name", [name for name in PARTS if name not in PROCESSES])
def test_damaged_and_changed_files_are_read_or_refused(name: str) -> None:
    check(name, PARTS[name].quick)


def test_killed_processes_and_failing_disks_lose_nothing_in_silence() -> None:
    for name in sorted(PROCESSES):
        check(name, PARTS[name].quick)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PARTS)
def test_the_same_at_length(name: str) -> None:
    check(name, PARTS[name].full)
