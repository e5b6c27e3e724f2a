"""The settings of runs: those that are not at their default, and how those of two runs differ."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from tuilab.core.experiment.experiment import (
    SECTIONS,
    Experiment,
    choice_key,
    experiment_to_dict,
    iter_knobs,
    name_of,
    option_types,
)
from tuilab.core.experiment.knobs import Knob
from tuilab.core.format import format_value

Settings = Mapping[str, Any]
"""Values by key: those of an experiment that are not at their default, as `list_settings` does."""

MAX_LINES = 3
"""Changed lines of a network that a short text names; of more it says how many."""


@cache
def _default_tables() -> dict[str, Any]:
    return experiment_to_dict(Experiment())


@cache
def _default_fields(section: str, name: str) -> dict[str, Any]:
    """Returns the defaults of the fields of an option, such as the optimizer `sgd`."""
    types = option_types(section)
    kind: type[Struct] | None = next((kind for kind in types if name_of(kind) == name), None)
    if not types:
        kind = type(getattr(Experiment(), section))
    if kind is None:
        return {}
    defaults = {}
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            defaults[field.name] = msgspec.to_builtins(field.default)
        elif field.default_factory is not msgspec.NODEFAULT:
            defaults[field.name] = msgspec.to_builtins(field.default_factory())
    return {name: _plain(value) for name, value in defaults.items()}


def _plain(value: Any) -> Any:
    """Returns a value with lists for tuples, as files and messages have it."""
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def list_settings(experiment: Experiment) -> dict[str, Any]:
    """Returns the keys of an experiment that are not at their default, in the order of its file.

    The defaults of a section are those of the option that it chooses: `optimizer.lr` of SGD is
    compared with the default of SGD.
    """
    tables, defaults = _plain_tables(experiment), _default_tables()
    settings = {
        key: tables[key]
        for key in ("title", "seed", "network")
        if tables[key] != _plain(defaults[key])
    }
    for section in SECTIONS:
        fields = tables[section]
        choice = choice_key(section)
        if choice and fields[choice] != defaults[section][choice]:
            settings[f"{section}.{choice}"] = fields[choice]
        known = _default_fields(section, fields.get(choice, ""))
        for field, value in fields.items():
            if field != choice and (field not in known or known[field] != value):
                settings[f"{section}.{field}"] = value
    return settings


def _plain_tables(experiment: Experiment) -> dict[str, Any]:
    tables = experiment_to_dict(experiment)
    plain: dict[str, Any] = {
        key: {field: _plain(value) for field, value in table.items()}
        if isinstance(table, dict)
        else _plain(table)
        for key, table in tables.items()
    }
    return plain


def get_setting(settings: Settings, key: str) -> Any:
    """Returns the value of a key, its default included; None where an option has no such key."""
    if key in settings:
        return settings[key]
    section, _, field = key.partition(".")
    defaults = _default_tables().get(section)
    if not field:
        return _plain(defaults)
    if not isinstance(defaults, dict):
        return None
    choice = choice_key(section)
    if field == choice:
        return defaults[choice]
    name = settings.get(f"{section}.{choice}", defaults.get(choice, "")) if choice else ""
    return _default_fields(section, name).get(field)


@cache
def setting_keys() -> tuple[str, ...]:
    """Returns every key that an experiment can have, with any choice of options."""
    keys = dict.fromkeys(("title", "seed", "network"))
    for section in SECTIONS:
        if choice := choice_key(section):
            keys[f"{section}.{choice}"] = None
        kinds = option_types(section) or (type(getattr(Experiment(), section)),)
        for kind in kinds:
            keys |= {f"{section}.{field.name}": None for field in msgspec.structs.fields(kind)}
    return tuple(keys)


@cache
def _order() -> dict[str, int]:
    return {key: number for number, key in enumerate(setting_keys())}


def iter_differences(runs: Iterable[Settings]) -> Iterator[tuple[str, list[Any]]]:
    """Yields each key whose value is not the same in all runs, with its value in each of them.

    The value is None where the chosen option has no such key.
    """
    rows = list(runs)
    keys = {key for settings in rows for key in settings if _differs(key, rows)}
    for key in sorted(keys, key=lambda key: _order().get(key, len(_order()))):
        values = [get_setting(settings, key) for settings in rows]
        if any(value != values[0] for value in values[1:]):
            yield key, values


def _differs(key: str, rows: list[Settings]) -> bool:
    """Returns whether a key may differ: not if all runs set it to the same value."""
    first = rows[0].get(key)
    return first is None or any(settings.get(key) != first for settings in rows)


def describe_changes(settings: Settings, base: Settings) -> str:
    """Returns in a few words how a run differs from its base: `lr 0.01 → 0.03, hidden 16`."""
    differences = {
        key: values for key, values in iter_differences((base, settings)) if key != "title"
    }
    labels = short_labels(differences)
    switched = {key.partition(".")[0] for key in differences if _is_choice(key)}
    parts = []
    for key, (before, after) in differences.items():
        if key == "network":
            parts.append(describe_network_change(before or (), after or ()))
        elif _is_choice(key):
            parts.append(
                f"{labels[key]} {format_setting(key, before)} → {format_setting(key, after)}"
            )
        elif key.partition(".")[0] in switched and key not in settings:
            continue  # it follows from the other option
        elif before is None or key.partition(".")[0] in switched:
            parts.append(f"{labels[key]} {format_setting(key, after)}")
        else:
            parts.append(
                f"{labels[key]} {format_setting(key, before)} → {format_setting(key, after)}"
            )
    return ", ".join(parts)


def _is_choice(key: str) -> bool:
    section, _, field = key.partition(".")
    return bool(field) and field == choice_key(section)


def short_labels(keys: Iterable[str]) -> dict[str, str]:
    """Returns the last word of each key, of a choice its section; the whole key where two match."""
    labels = {
        key: key.partition(".")[0] if _is_choice(key) else key.rpartition(".")[2] for key in keys
    }
    counts = Counter(labels.values())
    return {key: label if counts[label] == 1 else key for key, label in labels.items()}


@cache
def _knobs() -> dict[str, Knob]:
    return {knob.key: knob for knob in iter_knobs(Experiment())}


def format_setting(key: str, value: Any) -> str:
    """Returns the value of a setting as the screen shows it; `none` where a run lacks it."""
    if value is None:
        return "none"
    knob = _knobs().get(key)
    return knob.describe(value) if knob is not None else format_value(value) or "none"


def iter_lines(network: Iterable[Any], depth: int = 0) -> Iterator[str]:
    """Yields the lines of a network, those of inner blocks indented by two spaces."""
    for line in network:
        if isinstance(line, str):
            yield "  " * depth + line
        else:
            yield from iter_lines(line, depth + 1)


def diff_network(before: Iterable[Any], after: Iterable[Any]) -> list[tuple[str, str]]:
    """Returns the lines of two networks side by side: both, or `` where only one has a line."""
    old, new = list(iter_lines(before)), list(iter_lines(after))
    rows: list[tuple[str, str]] = []
    for _, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for number in range(max(i2 - i1, j2 - j1)):
            left = old[i1 + number] if i1 + number < i2 else ""
            right = new[j1 + number] if j1 + number < j2 else ""
            rows.append((left, right))
    return rows


def describe_network_change(before: Iterable[Any], after: Iterable[Any]) -> str:
    """Returns in a few words which lines differ: `Linear 8 → Linear 16, + Dropout 0.5`."""
    changes = [(old.strip(), new.strip()) for old, new in diff_network(before, after) if old != new]
    if len(changes) > MAX_LINES:
        return f"network {len(changes)} lines"
    return ", ".join(
        f"{old} → {new}" if old and new else f"+ {new}" if new else f"- {old}"
        for old, new in changes
    )
