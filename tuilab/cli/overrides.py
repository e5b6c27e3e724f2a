"""Changes of an experiment that were typed on the command line."""

import re
from collections.abc import Sequence
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.network import edit, plan

_LINE = re.compile(r"network((?:\[\d+\])+)")


def changed(chosen: Experiment, sets: Sequence[str], option: str = "--set") -> Experiment:
    """The experiment with every `KEY=VALUE` put in; InputError names the one that cannot be."""
    for text in sets:
        chosen = _changed(chosen, text, option)
    return chosen


def _changed(chosen: Experiment, text: str, option: str) -> Experiment:
    key, equals, written = text.partition("=")
    if not equals:
        raise InputError("write KEY=VALUE, such as optimizer.lr=0.01", f"{option} {text}")
    value = toml_file.value(written)
    try:
        if line := _LINE.fullmatch(key):
            path = tuple(int(index) for index in re.findall(r"\d+", line[1]))
            key, value = "network", _with_line(chosen.network, path, value)
        return with_value(chosen, key, value)
    except InputError as error:
        raise InputError(error.problem, f"{option} {text}") from None


def _with_line(lines: tuple[plan.Line, ...], path: plan.Path, line: Any) -> object:
    place: plan.Line = lines
    for index in path:
        if isinstance(place, str) or index >= len(place):
            raise InputError(f"there is no such line; the last one is network[{len(lines) - 1}]")
        place = place[index]
    return edit.replaced(lines, path, line)
