"""What differs between runs, against tables written by hand."""

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run.compare_runs import NetworkLine, align_networks, compare_runs, to_builtins
from tuilab.core.run.comparison_table import cell_width, write_markdown, write_table
from tuilab.core.run.run_summary import MetricValue, RunSummary

SMALL = ["Linear 16", "ReLU", "Linear 2"]
WIDE = ["Linear 32", "ReLU", "Dropout 0.1", "Linear 2"]


def summary(run: str, accuracy: float = 0.9, **fields: Any) -> RunSummary:
    settings = fields.pop("settings", {})
    values = {"validation.loss": MetricValue(1 - accuracy, 0.05),
              "validation.accuracy": MetricValue(accuracy, 0.95)}  # fmt: skip
    return RunSummary(id=run, **{"state": "done", "values": values, "settings": settings, **fields})


def table(*runs: RunSummary, width: int = 100) -> str:
    return "\n".join(line.text for line in write_table(compare_runs(runs), width))


def test_the_table_is_that_written_by_hand() -> None:
    first = summary("small", 0.9, settings={"network": SMALL, "optimizer.lr": 0.03, "seed": 1})
    second = summary("wide", 0.92, settings={"network": WIDE, "optimizer.lr": 0.1, "seed": 1})
    assert table(first, second).splitlines() == [
        "                     small      wide",
        "state                done       done",
        "settings",
        "optimizer.lr         0.03       0.1",
        "network",
        "                     Linear 16  > Linear 32",
        "1 same line",
        "                                + Dropout 0.1",
        "1 same line",
        "results",
        "validation.loss      0.1        0.08*   -0.02",
        "  best               0.05       0.05    +0",
        "validation.accuracy  0.9        0.92*   +0.02",
        "  best               0.95       0.95    +0",
        "",
        "* the best of a row",
    ]


def test_networks_are_aligned_line_by_line() -> None:
    deep = ["Linear 16", "ReLU", "Linear 8", "ReLU", "Linear 2"]
    assert list(align_networks([SMALL, WIDE, deep])) == [
        NetworkLine(("Linear 16", "Linear 32", "Linear 16")),
        NetworkLine(same=1),
        NetworkLine(("", "Dropout 0.1", "Linear 8")),
        NetworkLine(("", "", "ReLU")),
        NetworkLine(same=1),
    ]


LINES = st.lists(st.sampled_from(["Linear 2", "Linear 4", "ReLU", "Tanh"]), max_size=6)


@given(st.lists(LINES, min_size=2, max_size=4))
def test_each_column_of_networks_is_the_network(networks: list[list[str]]) -> None:
    rows = list(align_networks(networks))
    for index, network in enumerate(networks):
        lines = [row.lines[index] for row in rows if not row.same and row.lines[index]]
        same = sum(row.same for row in rows)
        assert len(lines) + same == len(network)
        rest = iter(network)
        assert all(line in rest for line in lines), "in their order"


def test_runs_that_do_not_fit_stand_below_with_the_base_again() -> None:
    text = table(*(summary(f"run-{number}") for number in range(6)), width=60)
    heads = [line.split() for line in text.splitlines() if "run-0" in line]
    assert len(heads) > 1
    assert [run for head in heads for run in head[1:]] == [f"run-{n}" for n in range(1, 6)]
    assert max(map(len, text.splitlines())) <= 60


@given(st.lists(st.text(max_size=40), min_size=2, max_size=6, unique=True), st.integers(40, 200))
def test_the_table_fits_whatever_the_names_are(names: list[str], width: int) -> None:
    runs = [summary(f"r{number}", name=name, problem=name) for number, name in enumerate(names)]
    for line in write_table(compare_runs(runs), width):
        assert cell_width(line.text) <= width
        assert line.text.isprintable() or "\x1b" not in line.text


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_value_that_is_not_finite_has_no_difference(value: float) -> None:
    broken = summary("b", values={"validation.loss": MetricValue(value, value)})
    comparison = compare_runs([summary("a"), broken])
    result = next(one for one in comparison.results if one.key == "validation.loss")
    assert result.delta(1) is None
    assert result.find_best() == set(), "the only number is not the best of several"
    assert write_table(comparison, 80)


def test_other_metrics_stand_beside_dashes() -> None:
    regression = summary("b", values={"test.r2": MetricValue(0.5, 0.5)})
    text = table(summary("a"), regression)
    assert ["test.r2", "-", "0.5"] in [line.split() for line in text.splitlines()]


def test_a_run_that_cannot_be_read_says_so_and_hides_nothing_of_the_others() -> None:
    unread = RunSummary(id="gone", state="unreadable", problem="its log is missing")
    first, third = (summary(run, settings={"optimizer.lr": rate})
                    for run, rate in (("a", 0.1), ("c", 0.2)))  # fmt: skip
    text = table(first, unread, third)
    assert ["optimizer.lr", "0.1", "?", "0.2"] in [line.split() for line in text.splitlines()]
    assert "gone: its log is missing" in text


def repeats(group: str, *accuracies: float) -> list[RunSummary]:
    return [summary(f"{group}{seed}", accuracy, group=group, settings={"seed": seed})
            for seed, accuracy in enumerate(accuracies)]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "is_within", "words"),
    [
        ((0.91, 0.89, 0.92), True, "within noise"),
        ((0.99, 0.98, 0.97), False, "beyond noise"),
        ((0.905,), True, "within 0.9 to 0.92 of 3 seeds"),
        ((0.99,), False, "outside of 0.9 to 0.92 of 3 seeds"),
    ],
)
def test_differences_are_judged_by_the_seeds(
    second: tuple[float, ...], is_within: bool, words: str
) -> None:
    groups = {"a": repeats("a", 0.9, 0.91, 0.92), "b": repeats("b", *second)}
    if len(second) == 1:
        groups["b"] = [summary("b0", second[0])]
    comparison = compare_runs([groups["a"][0], groups["b"][0]], groups)
    (verdict,) = next(
        one.verdicts for one in comparison.results if one.key == "validation.accuracy"
    )
    assert verdict.is_within_noise is is_within
    assert words in verdict.text


def test_runs_of_one_group_are_not_judged() -> None:
    runs = repeats("a", 0.9, 0.91, 0.92)
    assert not any(one.verdicts for one in compare_runs(runs, {"a": runs}).results)


def test_markdown_means_nothing_by_what_it_quotes() -> None:
    text = write_markdown(compare_runs([summary("a", name="x | <b>\x1b[2J"), summary("b")]))
    head, rule, *_ = text.splitlines()
    assert head == r"|  | x \| \<b\>\\x1b\[2J | b |"
    assert rule == "| --- | --- | --- |"


def test_json_has_values_differences_and_verdicts() -> None:
    content = to_builtins(compare_runs([summary("a", 0.9), summary("b", 0.8)]))
    assert content["base"] == "a"
    (_, second) = content["results"]["validation.accuracy"]
    assert second["delta"] == pytest.approx(-0.1)
    assert second["within_noise"] is None
