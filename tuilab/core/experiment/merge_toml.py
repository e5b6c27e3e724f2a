"""An experiment merged into the text of its file, whose comments and order stay."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tuilab.core.experiment.experiment import (
    SECTIONS,
    Experiment,
    choice_key,
    experiment_to_dict,
    name_of,
)
from tuilab.core.experiment.file_paths import write_paths
from tuilab.core.printable import without_surrogates

NEEDED = ("format", "network", "data", "optimizer")
"""What a new file says even where it is the default, to be understood without tuilab."""


def merge_toml(
    experiment: Experiment,
    previous_text: str = "",
    folder: Path | None = None,
    *,
    is_complete: bool = False,
) -> str:
    """Returns an experiment as TOML.

    Args:
        previous_text: of the file as it is; what is written in it stays where it is.
        folder: of the file, which paths in it are relative to.
        is_complete: whether also values that are the default are written.
    """
    import tomlkit

    document = tomlkit.parse(previous_text)
    before = document.unwrap()
    tables = experiment_to_dict(experiment)
    if folder is not None:
        write_paths(tables, experiment, folder, before)
    if not is_complete:
        tables = remove_defaults(tables, experiment, before)
    for key, item in without_surrogates(_tuples_to_lists(tables)).items():
        if key == "task" and list(item) == ["name"] and not isinstance(document.get(key), dict):
            item = item["name"]
        if isinstance(item, dict):
            if not isinstance(document.get(key, {}), dict):  # the short form: only a name
                del document[key]
            if key not in document:
                document[key] = tomlkit.table()
            _edit_table(document[key], item)
        elif key == "network" and isinstance(document.get(key), list):
            _edit_array(document[key], item)
        elif document.get(key) != item:
            _set_root_key(document, key, _to_toml_item(key, item))
    return tomlkit.dumps(document)


def _set_root_key(document: Any, key: str, item: Any) -> None:
    """Sets a key above all tables; a new one comes below the last, not below a later comment."""
    last = next((k for k, value in reversed(document.body) if k and not value.is_table()), None)
    if key in document or last is None:
        document[key] = item
    else:
        document._insert_after(last, key, item)


def _to_toml_item(key: str, item: Any) -> Any:
    import tomlkit

    return tomlkit.item(item).multiline(True) if key == "network" else tomlkit.item(item)


def remove_defaults(
    tables: dict[str, Any], experiment: Experiment, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Returns the tables without values that are the default.

    Args:
        before: the tables that the file has, whose keys stay; none: a new file, in which `NEEDED`
            stays.
    """
    before = before or {}
    defaults, needed = experiment_to_dict(Experiment()), () if before else NEEDED
    changed: dict[str, Any] = {}
    for key, item in tables.items():
        if key not in SECTIONS:
            if key in before or key in needed or item != defaults[key]:
                changed[key] = item
            continue
        part: Struct = getattr(experiment, key)
        table = before.get(key, {})
        current = table if isinstance(table, dict) else {"name": table}
        values = {
            name: value
            for name, value in item.items()
            if name in current or name == choice_key(key) or value != _default(part, name)
        }
        is_named = type(part) is not type(getattr(Experiment(), key))
        is_named |= part is experiment.loss and name_of(part) != experiment.task.loss
        if is_named or key in needed or key in before or set(values) - {choice_key(key)}:
            changed[key] = values
    return changed


def _default(part: Struct, name: str) -> Any:
    """Returns the default of a field as a file writes it; nothing equals a missing one."""
    for field in msgspec.structs.fields(part):
        if field.encode_name == name:
            if field.default_factory is not msgspec.NODEFAULT:
                return msgspec.to_builtins(field.default_factory())
            return msgspec.to_builtins(field.default)
    return msgspec.NODEFAULT


def _tuples_to_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples_to_lists(item) for key, item in value.items()}
    return [_tuples_to_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _edit_table(table: Any, item: dict[str, Any]) -> None:
    for key in [key for key in table if key not in item]:
        del table[key]
    for key, value in item.items():
        if key in table and table[key] != value:
            table[key] = _to_inline(value)
    new = {key: value for key, value in item.items() if key not in table}
    if new:
        with _keeping_last_comment(table):
            for key, value in new.items():
                table[key] = _to_inline(value)


def _to_inline(value: Any) -> Any:
    """Returns a value as it stands in one line: a table of its own would take in the keys below."""
    import tomlkit

    if not isinstance(value, dict):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table


@contextmanager
def _keeping_last_comment(table: Any) -> Iterator[None]:
    """Keeps the comments after the last key of a table at its end: they belong to the next one."""
    body = getattr(getattr(table, "value", table), "body", None)
    body = getattr(table, "body", body)
    last: list[Any] = []
    if isinstance(body, list):
        while body and body[-1][0] is None:
            last.append(body.pop())
        if not body:  # a table with nothing but comments keeps them above its first key
            body.extend(reversed(last))
            last = []
    yield
    if isinstance(body, list):
        body.extend(reversed(last))


def _edit_array(array: Any, lines: list[Any]) -> None:
    """Changes only the lines that differ, so that the others keep their comments."""
    before, after = ([str(line) for line in version] for version in (array.unwrap(), lines))
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for kind, first, last, new_first, new_last in reversed(changes):
        if kind == "equal":
            continue
        new = lines[new_first:new_last]
        shared_count = min(last - first, len(new))
        for offset in range(shared_count):
            array[first + offset] = new[offset]
        for index in reversed(range(first + shared_count, last)):
            del array[index]
        for offset, line in enumerate(new[shared_count:], first + shared_count):
            array.insert(offset, line)
