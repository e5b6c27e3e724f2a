"""What a filter, a sort or a column can name of a run: fields, settings and metrics."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tuilab.core.catalogue.metrics import GROUP_PREFIX, METRIC_HELP, is_higher_better
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.experiment import choice_key
from tuilab.core.format import format_value
from tuilab.core.run.run_settings import get_setting, iter_lines, setting_keys
from tuilab.core.run.run_summary import SPLITS, RunSummary, find_value

Kind = Literal["text", "tags", "state", "number", "duration", "time", "metric", "setting"]

FIELDS: dict[str, tuple[Kind, str]] = {
    "id": ("text", "id"), "name": ("text", "name"), "title": ("text", "title"),
    "note": ("text", "note"), "device": ("text", "device"), "parent": ("text", "parent"),
    "group": ("text", "group"), "tag": ("tags", "tags"), "tags": ("tags", "tags"),
    "state": ("state", "state"), "step": ("number", "step"), "steps": ("number", "step"),
    "epoch": ("number", "epoch"), "parameters": ("number", "parameters"),
    "duration": ("duration", "seconds"), "seconds": ("duration", "seconds"),
    "when": ("time", "changed"), "changed": ("time", "changed"), "started": ("time", "started"),
}  # fmt: skip
"""The words that name a field of a summary."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """One thing that can be read of every run."""

    name: str
    kind: Kind
    read: Callable[[RunSummary], Any]
    "Returns its value; None where a run has none."
    is_descending: bool = False
    "Whether a list begins with the largest value: the newest time, the best accuracy."


def find_key(word: str, *, is_text: bool = False) -> RunKey:
    """Returns what a word names; InputError if it names nothing, or more than one thing.

    Settings can be written by their last word, choices by their section, metrics without their
    split, and `best.` before a metric means the best value instead of the last one.

    Args:
        is_text: whether it is compared with a text: a word that names a metric and a setting, such
            as `loss`, is the setting then.
    """
    if (known := FIELDS.get(word.lower())) is not None:
        kind, attribute = known
        return RunKey(word, kind, lambda run: getattr(run, attribute), kind == "time")
    if is_text and word in _short_keys():
        return _find_setting(word)
    return _find_metric(word) or _find_setting(word)


def _find_metric(word: str) -> RunKey | None:
    """Returns the metric that a word names; None if it names none."""
    first, _, rest = word.partition(".")
    if first in ("metric", "best") and rest:
        name, is_best = rest, first == "best"
    else:
        is_split = first in SPLITS and rest and word not in setting_keys()
        if not (is_split or word in METRIC_HELP):
            return None
        name, is_best = word, False
    split, _, metric = name.partition(".") if "." in name else ("", "", name)
    if split not in ("", *SPLITS):
        raise InputError(with_suggestion(f'there is no "{split}"', split, SPLITS))
    if not is_metric(metric):
        raise InputError(with_suggestion(f'there is no metric "{metric}"', metric, METRIC_HELP))

    def read(run: RunSummary) -> float | None:
        value = find_value(run, name)
        return None if value is None else value.best if is_best else value.last

    return RunKey(word, "metric", read, is_higher_better(metric))


def _find_setting(word: str) -> RunKey:
    matches = (word,) if word in setting_keys() else _short_keys().get(word, ())
    if len(matches) > 1:
        raise InputError(f"{word} is not unique: write {' or '.join(matches)}")
    if not matches:
        known = dict.fromkeys((*FIELDS, *_short_keys(), *METRIC_HELP, *setting_keys()))
        raise InputError(with_suggestion(f'there is no key "{word}"', word, known))
    (key,) = matches
    return RunKey(key, "setting", lambda run: get_setting(run.settings, key))


def is_metric(name: str) -> bool:
    """Returns whether a metric can have this name."""
    is_top = re.fullmatch(r"top_\d+", name) is not None
    return name in METRIC_HELP or is_top or name.startswith(GROUP_PREFIX)


@cache
def _short_keys() -> dict[str, tuple[str, ...]]:
    """Returns the keys of settings by their last word, and by their section for its choice."""
    keys: dict[str, list[str]] = {}
    for key in setting_keys():
        section, _, field = key.partition(".")
        word = section if field and field == choice_key(section) else field or section
        keys.setdefault(word, []).append(key)
    return {word: tuple(matches) for word, matches in keys.items()}


def complete_key(start: str) -> Iterator[str]:
    """Yields the keys that begin so: fields, unique last words of settings, metrics, settings."""
    metrics = (f"{split}.{name}" for split in SPLITS for name in METRIC_HELP)
    unique = (word for word, matches in _short_keys().items() if len(matches) == 1)
    known = dict.fromkeys((*FIELDS, *unique, *METRIC_HELP, *metrics, *setting_keys()))
    yield from (word for word in known if word.startswith(start))


def write_setting(key: str, value: Any) -> str:
    """Returns the value of a setting as text that can be compared and typed."""
    return "\n".join(iter_lines(value)) if key == "network" else format_value(value, commas=False)


def sort_runs(runs: Iterable[RunSummary], word: str, *, reverse: bool = False) -> list[RunSummary]:
    """Returns runs by what a word names: the newest, the best or the smallest first.

    Runs without a value come last in either direction.

    Args:
        reverse: whether the other end comes first.
    """
    key = find_key(word)
    pairs = [(key.read(run), run) for run in runs]
    known = [(_rank(key, value), run) for value, run in pairs if not _is_missing(value)]
    known.sort(key=lambda pair: pair[0], reverse=key.is_descending != reverse)
    return [run for _, run in known] + [run for value, run in pairs if _is_missing(value)]


def _is_missing(value: Any) -> bool:
    return value is None or value in ("", ()) or value != value


def _rank(key: RunKey, value: Any) -> tuple[float, str]:
    """Returns what sorts a value: numbers by size and before texts."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value), ""
    text = write_setting(key.name, value) if key.kind == "setting" else format_value(value)
    return float("inf"), text.casefold()
