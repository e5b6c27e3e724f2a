"""Conditions such as `validation.accuracy>0.95`: how they are read, and when they hold."""

from math import inf, nan

import pytest
from msgspec.structs import replace

from tests.support.fake_link import progressed_event
from tuilab.core.errors import InputError
from tuilab.core.protocol.events import AnyEvent, EpochEnded, Failed, Finished, LayerStatsReported
from tuilab.core.protocol.records import LossPoint
from tuilab.core.run.condition import (
    Condition,
    iter_measurements,
    parse_condition,
    parse_requests,
)

READ = {
    "validation.accuracy>0.95": ("validation.accuracy", ">", 0.95),
    " validation.accuracy >= 95% ": ("validation.accuracy", ">=", 0.95),
    "train.loss<1e-3": ("train.loss", "<", 0.001),
    "test.top_3 != 0": ("test.top_3", "!=", 0.0),
    "train.loss == 0.5": ("train.loss", "=", 0.5),
    "epoch:10": ("epoch", "=", 10.0),
    "step>10k": ("step", ">", 10_000.0),
    "seconds>1h30m": ("seconds", ">", 5400.0),
    "validation.group north side<=0.5": ("validation.group north side", "<=", 0.5),
    "train.loss is NaN": ("train.loss", "is nan", 0.0),
}


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_a_condition_is_read(text: str, expected: tuple[str, str, float]) -> None:
    condition = parse_condition(text)

    assert (condition.key, condition.operator) == expected[:2]
    assert condition.number == pytest.approx(expected[2])
    assert parse_condition(condition.text) == condition


REFUSED = {
    "accuracy>0.9": "column 1: say of which examples: validation.accuracy, train.accuracy",
    "loss is nan": "column 1: say of which examples: validation.loss, train.loss",
    "  validation.acuracy>0.9": 'column 3: there is no metric "acuracy"; nearest .* "accuracy"',
    "val.accuracy>0.9": 'there is no "val"; nearest .* "validation"',
    "steps>3": 'there is no "steps" to compare; nearest .* "step"; write, for example',
    "validation.accuracy": "column 20: a comparison is missing: validation.accuracy>0.95",
    "validation.accuracy>": "column 21: after > comes a number, such as 0.95",
    "train.loss < low": 'column 13: "low" is not a number',
    ">0.9": "column 1: name what to compare first: validation.accuracy>0.95",
    "train.loss!0.9": "column 11: ! alone compares nothing",
    "train.loss>0.1>0.2": 'column 12: "0.1>0.2" is not a number',
    "train.loss>nan": 'column 12: "nan" is not a number',
    "": "column 1: name what to compare first",
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.items())
def test_what_is_not_one_says_where_and_what_would_be_right(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_condition(text)


@pytest.mark.parametrize(
    ("texts", "requests"),
    [
        (["end"], ["end"]),
        (["END", "end"], ["end"]),
        (["train.loss<0.1, validation.accuracy > 0.9", "end"],
         ["train.loss<0.1", "validation.accuracy>0.9", "end"]),
        (["train.loss<0.1;train.loss<0.1"], ["train.loss<0.1"]),
        ([" , "], []),
        ([], []),
    ],
)  # fmt: skip
def test_several_are_written_with_commas(texts: list[str], requests: list[str]) -> None:
    assert parse_requests(texts) == requests


@pytest.mark.parametrize(
    ("text", "holds_at", "fails_at"),
    [
        ("train.loss>1", [1.1, inf], [1.0, nan, -inf]),
        ("train.loss<=1", [1.0, -inf], [1.1, nan]),
        ("train.loss is nan", [nan, inf, -inf], [0.0]),
        ("train.loss=0.3", [0.1 + 0.2], [0.31]),
    ],
)
def test_when_it_holds(text: str, holds_at: list[float], fails_at: list[float]) -> None:
    condition = parse_condition(text)

    assert isinstance(condition, Condition)
    assert all(map(condition.holds, holds_at)) and not any(map(condition.holds, fails_at))


def test_what_events_measure() -> None:
    progressed = progressed_event("run", 40)
    point = LossPoint(30, 0.5, 0.4, 0.6, 0.01)
    epoch = EpochEnded("run", 50, 2, {"loss": 0.4}, {"loss": 0.5, "accuracy": 0.8})
    finished = Finished("run", "done", 60, 3, 9.0, {"test": {"accuracy": 0.9}})

    def measure(event: AnyEvent) -> list[tuple[int, dict[str, float]]]:
        return [(measured.step, measured.values) for measured in iter_measurements(event)]

    first, last = measure(replace(progressed, points=[point], step=40))
    assert first == (30, {"train.loss": 0.5, "step": 30})
    assert last[0] == 40 and "train.loss" not in last[1] and last[1]["seconds"] >= 0
    assert measure(replace(progressed, points=None))[-1][1]["train.loss"] == progressed.loss
    assert measure(epoch) == [
        (50, {"train.loss": 0.4, "validation.loss": 0.5, "validation.accuracy": 0.8,
              "step": 50, "epoch": 2})
    ]  # fmt: skip
    assert measure(finished)[0][1]["test.accuracy"] == 0.9
    stats = LayerStatsReported("run", 20, [], metrics={"accuracy": 0.6})
    assert measure(stats) == [(20, {"train.accuracy": 0.6, "step": 20})]
    assert measure(Failed("run", "Out of memory")) == []
    ((_, values),) = measure(Failed("run", "The loss became NaN", step=7, has_grown=True))
    assert values["train.loss"] != values["train.loss"]
