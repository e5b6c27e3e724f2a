"""Experiments with the changes of the command line: `--set KEY=VALUE` and `--device`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.file_paths import resolve_path
from tuilab.core.experiment.from_file import complete_experiment, describe_data, is_data
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.experiment.validation import find_errors
from tuilab.core.files.pipes import keep_piped
from tuilab.core.network import edit
from tuilab.core.network.line import Line
from tuilab.core.network.plan import LinePath
from tuilab.core.printable import has_surrogates

MAX_SHOWN = 200
"""Characters of an argument that an error repeats."""

_NETWORK_LINE = re.compile(r"network((?:\[\d{1,9}\])+)")


def load_experiment(name: str, sets: Sequence[str] = (), device: str = "") -> Experiment:
    """Reads a preset or a file and applies the changes; InputError if it cannot be trained."""
    path = toml_file.find(name)
    experiment = read_with_changes(path, sets)
    if device:
        experiment = apply_overrides(experiment, [f"training.device={device}"], "--device")
    if experiment.training.device not in ("auto", "cpu"):
        from tuilab.engine.device import devices

        devices.choose_device(experiment.training.device)
    if errors := find_errors(experiment):
        if is_data(path):
            is_about_target = any("target" in error or "input" in error for error in errors)
            more = _suggest_target(experiment, path) if is_about_target else []
            raise InputError("\n".join([*errors, *more]))
        # Errors of the file itself name its lines.
        in_file = toml_file.find_errors(path)
        raise InputError("\n".join(in_file if len(in_file) == len(errors) else errors))
    return experiment


def read_with_changes(path: Path, sets: Sequence[str]) -> Experiment:
    """Reads an experiment and applies changes; for data, one is made that fits those of `data`."""
    if not is_data(path):
        return apply_overrides(toml_file.read(path), sets)
    of_data = [text for text in sets if text.startswith("data.")]
    others = [text for text in sets if text not in of_data]
    described = apply_overrides(describe_data(path), of_data)
    fixed_keys = {text.partition("=")[0].strip() for text in of_data}
    return apply_overrides(complete_experiment(described, fixed_keys), others)


def _suggest_target(experiment: Experiment, path: Path) -> list[str]:
    """Returns how to choose what is predicted, where the last column of a table cannot be."""
    if getattr(experiment.data, "target", None) != "":
        return []
    return [f"To predict another column: tuilab train {path} --set data.target=NAME"]


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
    where = f"{option} {text}"
    where = where if len(where) <= MAX_SHOWN else f"{where[: MAX_SHOWN - 1]}…"
    if not equals:
        raise InputError("write KEY=VALUE, such as optimizer.lr=0.01", where)
    if has_surrogates(text):
        problem = "this is not UTF-8, as experiments are; use another name, or a link to it"
        raise InputError(problem, where)
    value = toml_file.parse_value(value_text)
    try:
        if match := _NETWORK_LINE.fullmatch(key):
            path = tuple(int(index) for index in re.findall(r"\d+", match[1]))
            key, value = "network", _replace_line(experiment.network, path, value)
        if isinstance(value, str) and _is_path(experiment, key):
            value = str(keep_piped(value)) if value == "-" else value
            value = resolve_path(value, Path.cwd(), is_file=not key.startswith("transfer."))
        return with_value(experiment, key, value)
    except InputError as error:
        raise InputError(error.problem, where) from None


def _is_path(experiment: Experiment, key: str) -> bool:
    """Returns whether a key names a file or a folder, which is relative to the shell's folder."""
    section, _, field = key.partition(".")
    part: Struct = getattr(experiment, section, experiment)
    if not isinstance(part, Struct):
        return False
    knob = default_knobs(type(part)).get(field)
    return knob is not None and knob.is_path


def _replace_line(lines: tuple[Line, ...], path: LinePath, line: Any) -> object:
    block: Line = lines
    for index in path:
        if isinstance(block, str) or index >= len(block):
            raise InputError(f"there is no such line; the last one is network[{len(lines) - 1}]")
        block = block[index]
    return edit.replace_line(lines, path, line)
