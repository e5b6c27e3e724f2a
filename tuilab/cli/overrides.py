"""Experiments with the changes of the command line: `--set KEY=VALUE` and `--device`."""

import re
from collections.abc import Sequence
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network import edit, plan
from tuilab.core.printable import has_surrogates

_NETWORK_LINE = re.compile(r"network((?:\[\d{1,9}\])+)")


def load_experiment(name: str, sets: Sequence[str] = (), device: str = "") -> Experiment:
    """Reads a preset or a file and applies the changes; InputError if it cannot be trained."""
    path = toml_file.find(name)
    experiment = apply_overrides(toml_file.read(path), sets)
    if device:
        experiment = apply_overrides(experiment, [f"training.device={device}"], "--device")
    if experiment.training.device not in ("auto", "cpu"):
        from tuilab.engine.device import devices

        devices.choose_device(experiment.training.device)
    if errors := find_errors(experiment):
        # Errors of the file itself name its lines.
        in_file = toml_file.find_errors(path)
        raise InputError("\n".join(in_file if len(in_file) == len(errors) else errors))
    return experiment


def apply_overrides(
    experiment: Experiment, sets: Sequence[str], option: str = "--set"
) -> Experiment:
    """Returns the experiment with every `KEY=VALUE`; InputError names the one that is wrong."""
    for text in sets:
        experiment = _apply(experiment, text, option)
    return experiment


def sets_pace(sets: Sequence[str]) -> bool:
    """Returns whether a pace is asked for: without a screen, that of a file is ignored."""
    return any(text.startswith("training.pace=") for text in sets)


def _apply(experiment: Experiment, text: str, option: str) -> Experiment:
    key, equals, value_text = text.partition("=")
    if not equals:
        raise InputError("write KEY=VALUE, such as optimizer.lr=0.01", f"{option} {text}")
    if has_surrogates(text):
        problem = "this is not UTF-8, as experiments are; use another name, or a link to it"
        raise InputError(problem, f"{option} {text}")
    value = toml_file.parse_value(value_text)
    try:
        if match := _NETWORK_LINE.fullmatch(key):
            path = tuple(int(index) for index in re.findall(r"\d+", match[1]))
            key, value = "network", _replace_line(experiment.network, path, value)
        return with_value(experiment, key, value)
    except InputError as error:
        raise InputError(error.problem, f"{option} {text}") from None


def _replace_line(lines: tuple[plan.Line, ...], path: plan.LinePath, line: Any) -> object:
    block: plan.Line = lines
    for index in path:
        if isinstance(block, str) or index >= len(block):
            raise InputError(f"there is no such line; the last one is network[{len(lines) - 1}]")
        block = block[index]
    return edit.replace_line(lines, path, line)
