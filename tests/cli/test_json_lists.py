"""`--json`: every listing prints one line of JSON, a list, and nothing else."""

import json
from typing import Any

import pytest
import typer

from tests.cli.test_diagnose_command import store
from tests.support.shell import RunCommand
from tuilab.cli.app import app

LISTS = {
    "presets": "name",
    "check spiral moons": "parameters",
    "layers": "arguments",
    "layers Conv2d": "summary",
    "explain adam": "kind",
    "explain training": "parts",
    "devices": "name",
    "ps": "",
    "runs": "run",
    "runs restore": "",
    "queue": "",
    "diagnose wild-1": "evidence",
    "lessons": "goals_met",
    "lessons check perceptron": "errors",
    "glossary": "definition",
    "glossary momentum": "definition",
}
"""Listings, and a key of each of their objects."""


def run_list(run_command: RunCommand, words: str) -> list[dict[str, Any]]:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])
    code, out, err = run_command(*words.split(), "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    items: list[dict[str, Any]] = json.loads(out)
    assert isinstance(items, list)
    return items


@pytest.mark.parametrize(("words", "key"), LISTS.items())
def test_a_listing_is_one_line_of_json(run_command: RunCommand, words: str, key: str) -> None:
    items = run_list(run_command, words)

    assert all(key in item for item in items)
    assert bool(items) == bool(key)


def test_every_command_that_shows_something_has_json() -> None:
    group = typer.main.get_group(app)
    commands: dict[str, Any] = dict(group.commands)
    for group_name in ("lessons", "runs", "queue"):
        inner = commands[group_name].commands.items()
        commands |= {f"{group_name} {name}": each for name, each in inner}
    for group_name in ("runs", "queue"):  # the list is what the group itself does
        commands[group_name] = commands.pop(f"{group_name} list")
    silent = {name for name, command in commands.items() if not has_json(command)}

    assert silent == {
        "open", "attach", "stop", "export", "lessons open", "lessons new", "lessons export",
        "runs rename", "runs tag", "runs note", "runs pin", "runs delete", "runs empty-trash",
        "queue add", "queue move", "queue remove", "queue clear", "queue start", "queue stop",
        "queue run",
    }  # fmt: skip
    with_commands = ("lessons c", "runs r")
    listed = {" ".join(words.split()[: 1 + words.startswith(with_commands)]) for words in LISTS}
    assert listed == set(commands) - silent - {
        "train", "find", "validate", "share", "notify", "compare", "snapshots",
    }  # fmt: skip


def has_json(command: Any) -> bool:
    return any("--json" in param.opts for param in command.params)


def test_the_help_says_what_json_is(run_command: RunCommand) -> None:
    for words in {words.split()[0] for words in LISTS}:
        help_text = " ".join(run_command(words, "--help")[1].split())
        assert "--json Print one line of JSON, a list, and nothing else." in help_text, words


def test_the_lists_hold_what_the_tables_show(run_command: RunCommand) -> None:
    (conv,) = run_list(run_command, "layers conv2d")
    arguments = {argument["name"]: argument for argument in conv["arguments"]}
    assert arguments["out_channels"]["is_required"] is True
    assert arguments["kernel_size"]["default"] == 3
    (wild,) = json.loads(run_command("runs", "--json")[1])
    assert (wild["state"], wild["step"]) == ("cut off", 100)


def test_errors_are_in_the_list_and_in_the_exit_code(run_command: RunCommand) -> None:
    code, out, err = run_command("check", "spiral", "nowhere.toml", "--json")

    good, bad = json.loads(out)
    assert (code, good["errors"]) == (2, [])
    assert bad["errors"] == ["nowhere.toml: there is no such file"]
    assert err == "tuilab: nowhere.toml: there is no such file\n"
