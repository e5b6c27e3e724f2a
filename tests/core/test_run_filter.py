"""The language that filters runs."""

from collections.abc import Callable
from datetime import datetime
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.errors import InputError
from tuilab.core.run.run_filter import FilterError, parse_filter
from tuilab.core.run.run_keys import complete_key, find_key, sort_runs
from tuilab.core.run.run_summary import MetricValue, RunSummary

NOW = datetime(2026, 11, 30, 12).timestamp()

RUN = RunSummary(
    id="spiral-7f3a",
    name="Wide net",
    title="Spiral",
    tags=("good", "Paper"),
    note="as in the paper",
    state="cut off",
    started=datetime(2026, 11, 29, 9, 30).timestamp(),
    changed=datetime(2026, 11, 30, 9, 15).timestamp(),
    seconds=400.0,
    step=12_000,
    epoch=3,
    device="cuda:1",
    values={
        "validation.accuracy": MetricValue(0.9, 0.95),
        "train.loss": MetricValue(0.2, 0.1),
        "test.top_3": MetricValue(0.5, 0.5),
    },
    settings={"seed": 3, "network": ["Linear 32", ["Residual", "GELU"]], "optimizer.lr": 1e-3},
)

MATCHES = """
spiral
wide NET
"wide net"
7f3a
-moons
not moons
not not spiral
lr=1e-3
lr=0.001
lr:0.001
lr>=1e-3
lr>0.0005 lr<0.002
lr > 0.0005
optimizer.lr<=0.001
batch_size=32
data.batch_size!=64
seed=3
seed!=4
optimizer:adam
optimizer=adamw
optimizer.name=AdamW
data=spiral
network:gelu
network:"linear 32"
amsgrad=false
betas="0.9, 0.999"
momentum!=0.9
tag:good
tags:paper
tag!=bad
-tag:bad
state:cut
state:"cut off"
state=cut
title:spi
title=spiral
name:wide
id:7f3a
device:cuda
device=cuda:1
note:paper
note:"in the"
validation.accuracy>=90%
metric.validation.accuracy>0.89
best.validation.accuracy>0.94
accuracy>0.89
loss<0.3
loss:cross
loss=cross_entropy
loss!=mse
precision:fp32
train.loss<0.3
test.top_3=0.5
steps>10k
steps=12,000
step<1M
duration>5m
duration<1h30m
duration=6:40
duration>399.5s
when:today
when:2026-11-30
when:2026-11
when>2026-11-29
when<2026-12-01
when>=2026-11-30
when:"2026-11-30 09:15"
started:yesterday
started>2d
started:2d
started<2h
moons or spiral
moons or tag:bad or seed=3
seed=3 and lr=0.001
device:cpu or -tag:bad spiral
note!=x
"""

MISSES = """
moons
-spiral
lr>0.001
lr!=0.001
optimizer:sgd
optimizer=adam
momentum>0
momentum=0.9
amsgrad=true
tag:goo
tag!=good
state:done
state!=cut
title=spi
device=cuda
validation.accuracy>0.9
best.validation.accuracy>0.95
test.accuracy>0
duration>1h
when:yesterday
when>today
when<2026-11-30
started:today
steps:12
not tag:good
moons or seed=4
spiral moons
"""


@pytest.mark.parametrize("text", MATCHES.split("\n")[1:-1])
def test_what_matches(text: str) -> None:
    assert parse_filter(text, NOW).matches(RUN)


@pytest.mark.parametrize("text", MISSES.split("\n")[1:-1])
def test_what_does_not(text: str) -> None:
    assert not parse_filter(text, NOW).matches(RUN)


def test_an_empty_filter_shows_all() -> None:
    assert parse_filter("  ").matches(RUN)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("lrr>0.1", 1, 'there is no key "lrr"; nearest to "lrr" is "lr"'),
        ("spiral  optimzer:sgd", 9, 'nearest to "optimzer" is "optimizer"'),
        ("validation.acuracy>0.9", 1, 'nearest to "acuracy" is "accuracy"'),
        ("metric.valid.accuracy>0.9", 1, 'there is no "valid"'),
        ("noise>0", 1, "noise is not unique: write "),
        ("lr>", 4, "a value is missing: lr>0.01"),
        ("tag:", 5, "a value is missing: tag:good"),
        ("lr>fast", 4, '"fast" is not a number'),
        ("accuracy:high", 10, '"high" is not a number'),
        ("duration>long", 10, '"long" is not a duration'),
        ("when>2026-13", 6, '"2026-13" is not a time'),
        ("training:fast", 1, 'there is no key "training"'),
        ("state:dne", 7, 'there is no state "dne"'),
        ("state:pausd", 7, 'nearest to "pausd" is "paused"'),
        ("tag>good", 4, "tag has no order; write tag:good"),
        ("title<a", 6, "title has no order"),
        ('title:"my run', 7, "the quote is not closed"),
        ('"my run', 1, "the quote is not closed"),
        ('my"run"', 3, "a quote begins in the middle of a word"),
        ("or spiral", 1, "`or` stands between two terms"),
        ("spiral or", 8, "a term is missing after `or`"),
        ("spiral not", 8, "a term is missing after `not`"),
        (">0.1", 1, "a word is missing before >"),
        ("a <", 4, "a value is missing"),
    ],
)
def test_an_error_says_where_and_what_would_be_right(text: str, column: int, problem: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)

    assert caught.value.column == column
    assert problem in caught.value.problem
    assert str(caught.value).startswith(f"filter, column {column}: ")


@given(st.text(st.sampled_from("lr>0.1 tag:-\"'or=!<n\\\t(,é"), max_size=30) | st.text(max_size=30))
def test_any_text_is_a_filter_or_an_error_with_its_column(text: str) -> None:
    try:
        parse_filter(text).matches(RUN)
    except FilterError as error:
        assert 1 <= error.column <= len(text) + 1


Test = Callable[[RunSummary], bool]


def _terms() -> st.SearchStrategy[tuple[str, Test]]:
    """Draws terms, each with a plain function that says what it means."""
    numbers = st.sampled_from([0, 1, 2, 3, 10_000, 12_000])
    compared: dict[str, Callable[[float, float], bool]] = {
        ">": float.__gt__, ">=": float.__ge__, "<": float.__lt__, "<=": float.__le__,
        "=": float.__eq__, ":": float.__eq__, "!=": float.__ne__,
    }  # fmt: skip
    reads: dict[str, Callable[[RunSummary], float]] = {
        "seed": lambda run: float(run.settings.get("seed", 0)),
        "steps": lambda run: float(run.step),
        "epoch": lambda run: float(run.epoch),
    }

    def term(key: str, sign: str, number: int, gap: str) -> tuple[str, Test]:
        compare, read = compared[sign], reads[key]
        return f"{key}{gap}{sign}{gap}{number}", lambda run: compare(read(run), float(number))

    words: list[tuple[str, Test]] = [
        ("spiral", lambda run: "spiral" in run.id),
        ("tag:good", lambda run: "good" in run.tags),
        ("state:done", lambda run: run.state == "done"),
    ]
    signs, keys = st.sampled_from(sorted(compared)), st.sampled_from(sorted(reads))
    numeric = st.builds(term, keys, signs, numbers, st.sampled_from(["", " "]))
    return numeric | st.sampled_from(words)


def _negate(term: tuple[str, Test], sign: str) -> tuple[str, Test]:
    text, test = term
    return f"{sign}{text}", lambda run: not test(run)


NEGATED = st.builds(_negate, _terms(), st.sampled_from(["-", "not ", "NOT "]))


@given(
    st.lists(st.lists(_terms() | NEGATED, min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(st.sampled_from([" ", " and "]), min_size=9, max_size=9),
)
def test_terms_are_combined_as_logic_says(
    alternatives: list[list[tuple[str, Test]]], joints: list[str]
) -> None:
    parts = []
    for terms in alternatives:
        joined = "".join(text + joint for (text, _), joint in zip(terms, joints, strict=False))
        last = joints[len(terms) - 1]
        parts.append(joined.removesuffix(last))
    runs = [RUN, RunSummary(id="moons-1", state="done", step=10_000, epoch=1)]

    run_filter = parse_filter(" or ".join(parts))

    for run in runs:
        expected = any(all(test(run) for _, test in terms) for terms in alternatives)
        assert run_filter.matches(run) == expected


# --- sorting ----------------------------------------------------------------------------------


def test_the_best_and_the_newest_come_first_and_what_is_missing_last() -> None:
    runs = [
        RunSummary(id="a", changed=2.0, values={"validation.accuracy": MetricValue(0.5, 0.5)}),
        RunSummary(id="b", changed=3.0),
        RunSummary(
            id="c", changed=1.0, settings={"optimizer.lr": 0.5},
            values={"validation.accuracy": MetricValue(0.9, 0.9)},
        ),
        RunSummary(id="d", changed=0.0, values={"validation.accuracy": MetricValue(nan, 1)}),
    ]  # fmt: skip

    def order(key: str, *, reverse: bool = False) -> str:
        return "".join(run.id for run in sort_runs(runs, key, reverse=reverse))

    assert order("when") == "bacd"
    assert order("accuracy") == "cabd"
    assert order("accuracy", reverse=True) == "acbd"
    assert order("lr") == "abdc"
    assert order("id", reverse=True) == "dcba"
    with pytest.raises(InputError, match="nearest"):
        sort_runs(runs, "acuracy")


def test_every_key_that_is_offered_can_be_used() -> None:
    keys = list(complete_key(""))

    assert {"tag", "lr", "validation.accuracy", "optimizer.lr", "accuracy"} <= set(keys)
    for key in keys:
        find_key(key)
    assert list(complete_key("optimizer.betas")) == ["optimizer.betas"]
