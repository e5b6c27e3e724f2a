"""Conditions on the numbers of a run in progress, such as `validation.accuracy>0.95`.

They compare one number with another, in the words of the filter of runs.
"""

import re
from collections.abc import Iterable, Iterator
from math import isfinite

from msgspec import Struct

from tuilab.core.catalogue.metrics import METRIC_HELP
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Failed,
    Finished,
    LayerStatsReported,
    Progressed,
)
from tuilab.core.run.run_filter import COMPARISONS, read_duration, read_number
from tuilab.core.run.run_keys import is_metric
from tuilab.core.run.run_summary import SPLITS

END = "end"
"""The request that asks for no more than the end of a run, or its failure."""

IS_NAN = "is nan"
"""The operator for what is NaN or infinite."""

COUNTERS = ("step", "epoch", "seconds")
"""What can be compared besides metrics."""

EXAMPLE = "validation.accuracy>0.95"

_CONDITION = re.compile(r"\s*(?P<key>[^<>=!:]*?)\s*(?:(?P<sign>>=|<=|!=|==|[<>=:])(?P<value>.*))?")
_NAN = re.compile(r"(?P<key>.*?)\s+is\s+(?:nan|inf)\s*", re.IGNORECASE)


class Condition(Struct, frozen=True):
    """A comparison that becomes true at some step of a run, or never."""

    text: str
    "As the user sees it."
    key: str
    "`train.loss`, `validation.accuracy`, ..., or one of `COUNTERS`."
    operator: str
    "One of `COMPARISONS`, or `IS_NAN`."
    number: float = 0.0

    def holds(self, value: float) -> bool:
        """Returns whether a value of the key meets the condition."""
        if self.operator == IS_NAN:
            return not isfinite(value)
        return COMPARISONS[self.operator](value, self.number)


class Measurement(Struct, frozen=True):
    """Numbers of a run that an event reports, by their keys."""

    step: int
    values: dict[str, float]


def parse_requests(texts: Iterable[str]) -> list[str]:
    """Returns what a user wants to be notified of, each once; InputError says what is wrong.

    Each text is `end`, a condition, or several of them with commas between.
    """
    parts = [part for text in texts for part in _split(text)]
    return list(dict.fromkeys(END if part == END else parse_condition(part).text for part in parts))


def _split(text: str) -> Iterator[str]:
    for part in re.split(r"[,;\n]", text):
        if word := part.strip():
            yield END if word.lower() == END else word


def parse_condition(text: str) -> Condition:
    """Reads `KEY>NUMBER`, also with `>=`, `<`, `<=`, `=` and `!=`, or `KEY is nan`.

    Raises:
        InputError: it is something else; it says where, and what would be right.
    """
    if match := _NAN.fullmatch(text):
        key = _read_key(match["key"].strip(), text)
        return Condition(f"{key} {IS_NAN}", key, IS_NAN)
    match = _CONDITION.fullmatch(text)
    if match is None:
        column = text.index("!") + 1
        raise InputError(f"column {column}: ! alone compares nothing; write, say, !=", text)
    if not match["key"]:
        raise InputError(f"column 1: name what to compare first: {EXAMPLE}", text)
    key = _read_key(match["key"], text)
    if match["sign"] is None:
        problem = f"column {len(text.rstrip()) + 1}: a comparison is missing"
        raise InputError(f"{problem}: {key}>0.95, {key}<0.1 or {key} is nan", text)
    sign = {"==": "=", ":": "="}.get(match["sign"], match["sign"])
    value = match["value"].strip()
    number = read_number(value)
    if number is None and key == "seconds":
        number = read_duration(value)
    if number is None:
        column = match.start("value") + 1
        expected = "a number, such as 0.95, 1e-3, 10k or 95%"
        problem = (
            f'"{value}" is not {expected}' if value else f"after {match['sign']} comes {expected}"
        )
        raise InputError(f"column {column}: {problem}", text)
    return Condition(f"{key}{sign}{value}", key, sign, number)


def _read_key(word: str, text: str) -> str:
    """Returns the key that a word names; InputError where it names none, or more than one."""
    where = f"column {len(text) - len(text.lstrip()) + 1}"
    if word.lower() in COUNTERS:
        return word.lower()
    split, dot, metric = word.partition(".")
    if not dot and is_metric(word):
        problem = f"say of which examples: validation.{word}, train.{word} or test.{word}"
        raise InputError(f"{where}: {problem}", text)
    if not dot:
        known = [*COUNTERS, *METRIC_HELP, *SPLITS]
        problem = with_suggestion(f'there is no "{word}" to compare', word, known)
        raise InputError(f"{where}: {problem}; write, for example, {EXAMPLE}", text)
    if split not in SPLITS:
        problem = with_suggestion(f'there is no "{split}"', split, SPLITS)
        raise InputError(f"{where}: {problem}", text)
    if not is_metric(metric):
        problem = with_suggestion(f'there is no metric "{metric}"', metric, METRIC_HELP)
        raise InputError(f"{where}: {problem}", text)
    return word


# --- what a run reports -------------------------------------------------------------------------


def iter_measurements(event: AnyEvent) -> Iterator[Measurement]:
    """Yields the numbers that an event reports, in the order in which they were measured."""
    match event:
        case Progressed():
            for point in event.points or ():
                yield Measurement(point.step, {"train.loss": point.mean, "step": point.step})
            yield Measurement(event.step, {
                **_of_split("train", event.metrics), "step": event.step, "epoch": event.epoch,
                "seconds": event.seconds, **_find_loss(event),
            })  # fmt: skip
        case LayerStatsReported():
            yield Measurement(event.step, {**_of_split("train", event.metrics), "step": event.step})
        case EpochEnded():
            values = _of_split("train", event.train) | _of_split("validation", event.validation)
            yield Measurement(event.step, values | {"step": event.step, "epoch": event.epoch})
        case Finished():
            values = {}
            for split, metrics in event.results.items():
                values |= _of_split(split, metrics)
            counters = {"step": event.step, "epoch": event.epoch, "seconds": event.seconds}
            yield Measurement(event.step, values | counters)
        case Failed() if event.has_grown is not None:  # its loss is not finite
            yield Measurement(event.step, {"train.loss": float("nan")})


def _find_loss(event: Progressed) -> dict[str, float]:
    """Returns the loss of a report that brings no points, as older versions did."""
    return {"train.loss": event.loss} if event.points is None else {}


def _of_split(split: str, metrics: dict[str, float]) -> dict[str, float]:
    return {f"{split}.{name}": value for name, value in metrics.items()}
