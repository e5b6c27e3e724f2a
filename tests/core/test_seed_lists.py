"""Seeds as they are typed, and the summary of their runs."""

import pytest

from tuilab.core.errors import InputError
from tuilab.core.protocol.records import SeedRun
from tuilab.core.run.seeds import MAX_SEED, format_runs, format_summary, parse_seeds, summarize


@pytest.mark.parametrize(
    ("text", "first", "seeds"),
    [
        ("3", 0, (0, 1, 2)), ("2", 41, (41, 42)), ("3,7,11", 0, (3, 7, 11)), (" 5 , 4 ", 9, (5, 4)),
        ("2", MAX_SEED, (MAX_SEED, 0)), ("1_0", 0, tuple(range(10))),
    ],
)  # fmt: skip
def test_a_number_or_a_list(text: str, first: int, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text, first) == seeds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "how many seeds"), ("many", "how many seeds"), ("1.5", "how many seeds"),
        ("0", "from 1 to 256"), ("257", "from 1 to 256"), ("-3", "from 1 to 256"),
        ("3,3", "there twice"), ("3,-1", "-1 is not a seed"), ("1,2147483648", "is not a seed"),
        ("3,", "how many seeds"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_seeds(text, 0)


RUNS = [
    SeedRun(0, "a-s0", "done", {"train.loss": 0.1, "test.loss": 0.2, "test.accuracy": 0.9}),
    SeedRun(1, "a-s1", "done", {"train.loss": 0.3, "test.loss": 0.4, "test.accuracy": 0.8}),
    SeedRun(2, "a-s2", "failed", problem="The loss became NaN"),
]


def test_the_summary_counts_the_runs_with_results() -> None:
    summary = summarize(RUNS)
    assert list(summary) == ["test.loss", "test.accuracy", "train.loss"]
    assert summary["test.accuracy"].n == 2
    assert summary["test.accuracy"].mean == pytest.approx(0.85)
    assert format_summary(summary)[0].split() == [
        "test.accuracy", "0.85", "±", "0.071", "n", "=", "2",
    ]  # fmt: skip
    assert summarize([]) == {} and format_summary({}) == []


def test_each_run_has_a_line_with_its_seed_and_its_state() -> None:
    lines = format_runs(RUNS)
    assert lines[0].split()[:4] == ["seed", "0", "a-s0", "done"] and "accuracy 0.9" in lines[0]
    assert lines[2].endswith("The loss became NaN")
