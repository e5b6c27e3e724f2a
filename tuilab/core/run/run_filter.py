"""The language that filters runs: `lr>0.01 tag:good state:done validation.accuracy>0.9`.

Terms follow each other and all must hold; `or` begins an alternative, `not` or `-` turns a term
around. A bare word is looked for in name, title and id.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isclose

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.run.run_keys import RunKey, find_key, write_setting
from tuilab.core.run.run_summary import RunSummary

Condition = Callable[[RunSummary], bool]

STATES = (
    "training", "paused", "starting", "done", "stopped", "interrupted", "failed", "cut off",
    "not saved", "not answering", "elsewhere", "no history", "unreadable",
)  # fmt: skip
"""What `state:` can be compared with."""

UNITS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "%": 0.01}
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

_OPERATOR = re.compile(r"\s*(>=|<=|!=|>|<|=|:)\s*")
_WORD = re.compile(r"""(?:[^\s"'<>=!:]|!(?!=))+""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_VALUE = re.compile(r"""[^\s"']+""")
_NUMBER = re.compile(r"([-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf)([kKMGT%]?)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?)?)?")


class FilterError(InputError):
    """A filter that cannot be read.

    Args:
        column: of the first letter that is wrong, from 1.
    """

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(problem, f"filter, column {column}")
        self.column = column


@dataclass(frozen=True, slots=True)
class RunFilter:
    """A filter that was read: alternatives of conditions that must all hold."""

    text: str
    alternatives: tuple[tuple[Condition, ...], ...] = ()

    def matches(self, summary: RunSummary) -> bool:
        """Returns whether a run is to be shown; an empty filter shows all."""
        if not self.alternatives:
            return True
        return any(all(test(summary) for test in tests) for tests in self.alternatives)


def parse_filter(text: str, now: float | None = None) -> RunFilter:
    """Reads a filter; FilterError says where it is wrong and what would be right.

    Args:
        now: the time from which `when>2d` counts back, in seconds since the epoch.
    """
    reader = _Reader(text, time.time() if now is None else now)
    return RunFilter(text, tuple(tuple(tests) for tests in reader.read()))


class _Reader:
    """Reads a filter from left to right."""

    def __init__(self, text: str, now: float) -> None:
        self._text, self._now, self._at = text, now, 0

    def read(self) -> list[list[Condition]]:
        alternatives: list[list[Condition]] = [[]]
        or_at = 0
        while self._skip_spaces():
            start = self._at
            word = self._peek_keyword()
            if word == "or":
                if not alternatives[-1]:
                    raise FilterError("`or` stands between two terms: tag:a or tag:b", start + 1)
                alternatives.append([])
                or_at = start
                self._at += 2
            elif word == "and":
                self._at += 3
            else:
                alternatives[-1].append(self._read_term())
        if len(alternatives) > 1 and not alternatives[-1]:
            raise FilterError("a term is missing after `or`: tag:a or tag:b", or_at + 1)
        return [tests for tests in alternatives if tests]

    def _skip_spaces(self) -> bool:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def _peek_keyword(self) -> str:
        """Returns `or`, `and` or `not` if the next word is one of them and no key."""
        match = _WORD.match(self._text, self._at)
        word = match[0].lower() if match else ""
        is_key = match is not None and _OPERATOR.match(self._text, match.end())
        is_quoted = match is not None and self._text[match.end() : match.end() + 1] in tuple("\"'")
        return word if word in ("or", "and", "not") and not is_key and not is_quoted else ""

    def _read_term(self) -> Condition:
        start = self._at
        if self._peek_keyword() == "not":
            self._at += 3
            return self._read_negated(start)
        if self._text[start] == "-" and not self._text[start + 1 : start + 2].isspace():
            self._at += 1
            return self._read_negated(start)
        if quoted := _QUOTED.match(self._text, start):
            self._at = quoted.end()
            return _match_words(quoted[1] or quoted[2] or "")
        word = _WORD.match(self._text, start)
        if word is None:
            raise FilterError(self._describe_start(), start + 1)
        operator = _OPERATOR.match(self._text, word.end())
        if operator is None:
            self._at = word.end()
            self._reject_quote()
            return _match_words(word[0])
        self._at = operator.end()
        value_at = self._at
        value, is_quoted = self._read_value(word[0], operator[1])
        term = _Term(word[0], operator[1], value, is_quoted, start + 1, value_at + 1, self._now)
        return term.build()

    def _describe_start(self) -> str:
        """Returns what is wrong where a term cannot begin."""
        if self._text[self._at] in "\"'":
            return "the quote is not closed"
        return f"a word is missing before {self._text[self._at]}: lr>0.01, tag:good"

    def _reject_quote(self) -> None:
        if self._text[self._at : self._at + 1] in ('"', "'"):
            raise FilterError("a quote begins in the middle of a word", self._at + 1)

    def _read_negated(self, start: int) -> Condition:
        if not self._skip_spaces() or self._peek_keyword() in ("or", "and"):
            raise FilterError("a term is missing after `not`: not tag:bad", start + 1)
        test = self._read_term()
        return lambda summary: not test(summary)

    def _read_value(self, key: str, operator: str) -> tuple[str, bool]:
        if quoted := _QUOTED.match(self._text, self._at):
            self._at = quoted.end()
            return quoted[1] or quoted[2] or "", True
        match = _VALUE.match(self._text, self._at)
        if match is None:
            is_open = self._text[self._at : self._at + 1] in ('"', "'")
            example = "good" if key == "tag" else "0.01"
            problem = "the quote is not closed" if is_open else (
                f"a value is missing: {key}{operator}{example}"
            )  # fmt: skip
            raise FilterError(problem, self._at + 1)
        self._at = match.end()
        self._reject_quote()
        return match[0], False


def _match_words(text: str) -> Condition:
    needle = text.casefold()
    return lambda run: any(needle in part.casefold() for part in (run.name, run.title, run.id))


@dataclass(frozen=True, slots=True)
class _Term:
    """A comparison: a key, an operator and a value, and where they begin."""

    key: str
    operator: str
    value: str
    is_quoted: bool
    column: int
    value_column: int
    now: float

    def build(self) -> Condition:
        """Returns the condition; FilterError if the key or the value cannot be used."""
        key = self._find_key()
        match key.kind:
            case "tags":
                return self._compare_tags()
            case "state":
                return self._compare_state()
            case "text":
                return self._compare_text(key)
            case "time":
                return self._compare_time(key)
            case "setting":
                return self._compare_setting(key)
            case "duration":
                return self._compare_number(key, self._read_duration())
            case _:
                return self._compare_number(key, self._read_number())

    def _find_key(self) -> RunKey:
        """Returns what the key names; `loss:mse` is a choice where `loss<0.1` is a metric."""
        try:
            return find_key(self.key, is_text=read_number(self.value) is None)
        except InputError as error:
            raise FilterError(error.problem, self.column) from None

    def _value_error(self, expected: str) -> FilterError:
        return FilterError(f'"{self.value}" is not {expected}', self.value_column)

    def _reject_order(self) -> None:
        """Raises FilterError for `<` and `>` of what has no order."""
        if self.operator[0] in "<>":
            column = self.column + len(self.key)
            raise FilterError(f"{self.key} has no order; write {self.key}:{self.value}", column)

    def _compare_tags(self) -> Condition:
        self._reject_order()
        tag, is_tagged = self.value.casefold(), self.operator != "!="
        return lambda run: (tag in map(str.casefold, run.tags)) == is_tagged

    def _compare_state(self) -> Condition:
        self._reject_order()
        start, is_same = self.value.casefold(), self.operator != "!="
        if not any(state.startswith(start) for state in STATES):
            problem = with_suggestion(f'there is no state "{self.value}"', start, STATES)
            if problem.endswith('"') and "nearest" not in problem:
                problem += f"; known: {', '.join(STATES)}"
            raise FilterError(problem, self.value_column)
        return lambda run: run.state.startswith(start) == is_same

    def _compare_text(self, key: RunKey) -> Condition:
        self._reject_order()
        text, operator, read = self.value.casefold(), self.operator, key.read
        if operator == ":":
            return lambda run: text in read(run).casefold()
        return lambda run: (read(run).casefold() == text) == (operator == "=")

    def _compare_number(self, key: RunKey, number: float) -> Condition:
        """Compares a number; a run that has none matches only `!=`."""
        compare, read, is_unequal = COMPARISONS[self.operator], key.read, self.operator == "!="

        def test(run: RunSummary) -> bool:
            value = read(run)
            return is_unequal if value is None else compare(value, number)

        return test

    def _compare_setting(self, key: RunKey) -> Condition:
        """Compares numbers as numbers, all else as text; what a run lacks is unequal."""
        number = None if self.is_quoted else read_number(self.value)
        if self.operator[0] in "<>":
            number = self._read_number()
        text, operator, compare = self.value.casefold(), self.operator, COMPARISONS[self.operator]
        is_unequal = operator == "!="

        def test(run: RunSummary) -> bool:
            value = key.read(run)
            if value is None:
                return is_unequal
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return is_unequal if number is None else compare(value, number)
            value_text = write_setting(key.name, value).casefold()
            if operator == ":":
                return text in value_text
            return operator in ("=", "!=") and (value_text == text) != is_unequal

        return test

    def _read_number(self) -> float:
        if (number := read_number(self.value)) is None:
            raise self._value_error("a number, such as 0.01, 1e-3, 10k or 90%")
        return number

    def _read_duration(self) -> float:
        if (seconds := read_duration(self.value)) is None:
            raise self._value_error("a duration, such as 90, 5m, 1h30m or 2:03:04")
        return seconds

    def _compare_time(self, key: RunKey) -> Condition:
        """Compares with a day, month, year or minute as a whole, or with so long ago."""
        age = read_duration(self.value) if self.value[-1:] in SECONDS else None
        period = (self.now - age, self.now - age) if age is not None else self._read_period()
        start, end = period
        tests: dict[str, Callable[[float], bool]] = {
            ">": lambda at: at >= end, ">=": lambda at: at >= start,
            "<": lambda at: at < start, "<=": lambda at: at < max(end, start),
            ":": lambda at: start <= at < end, "=": lambda at: start <= at < end,
            "!=": lambda at: not start <= at < end,
        }  # fmt: skip
        test = tests[">=" if age is not None and self.operator in ":=" else self.operator]
        return lambda run: test(key.read(run))

    def _read_period(self) -> tuple[float, float]:
        today = datetime.fromtimestamp(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
        days = {"today": 0, "yesterday": 1}
        if (back := days.get(self.value.lower())) is not None:
            start = today - timedelta(days=back)
            return start.timestamp(), (start + timedelta(days=1)).timestamp()
        match = _DATE.fullmatch(self.value)
        try:
            if match is not None:
                return _period_of(*(int(part) if part else None for part in match.groups()))
        except (ValueError, OverflowError, OSError):  # a 13th month
            pass
        raise self._value_error('a time, such as 2026-11-30, "2026-11-30 09:15", today or 2d')


def _period_of(
    year: int | None, month: int | None, day: int | None, hour: int | None, minute: int | None
) -> tuple[float, float]:
    """Returns the start and the end of a year, a month, a day or a minute."""
    assert year is not None
    start = datetime(year, month or 1, day or 1, hour or 0, minute or 0)
    if minute is not None:
        end = start + timedelta(minutes=1)
    elif day is not None:
        end = start + timedelta(days=1)
    elif month is not None:
        end = datetime(year + month // 12, month % 12 + 1, 1)
    else:
        end = datetime(year + 1, 1, 1)
    return start.timestamp(), end.timestamp()


def _is_equal(value: float, other: float) -> bool:
    return isclose(value, other, rel_tol=1e-9)


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, other: value > other,
    ">=": lambda value, other: value >= other or _is_equal(value, other),
    "<": lambda value, other: value < other,
    "<=": lambda value, other: value <= other or _is_equal(value, other),
    "=": _is_equal,
    ":": _is_equal,
    "!=": lambda value, other: not _is_equal(value, other),
}


def read_number(text: str) -> float | None:
    """Returns a number as the command line writes it; None if it is not one.

    >>> [read_number(text) for text in ("1e-3", "10k", "12,345", "90%", "fast")]
    [0.001, 10000.0, 12345.0, 0.9, None]
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return float(match[1].replace(",", "")) * UNITS[match[2]]


def read_duration(text: str) -> float | None:
    """Returns the seconds of a duration; None if it is not one.

    >>> [read_duration(text) for text in ("90", "5m", "1h30m", "2:03:04", "long")]
    [90.0, 300.0, 5400.0, 7384.0, None]
    """
    if match := _CLOCK.fullmatch(text):
        return float(match[1] or 0) * 3600 + float(match[2]) * 60 + float(match[3])
    if parts := _DURATION.findall(text):
        is_whole = "".join(f"{number}{unit}" for number, unit in parts) == text
        return sum(float(number) * SECONDS[unit] for number, unit in parts) if is_whole else None
    return read_number(text) if re.fullmatch(r"[\d.]+", text) else None
