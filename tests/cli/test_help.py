"""`--help` reads as a manual does: arguments as `FILE...`, and no types of Python."""

import re

import pytest

from tests.support.shell import RunCommand
from tuilab.cli.command_names import COMMANDS

ALL_COMMANDS = [
    *COMMANDS,
    *(f"lessons {name}" for name in ("open", "check", "new", "export")),
    *(
        f"runs {name}"
        for name in ("list", "rename", "tag", "note", "pin", "delete", "restore", "empty-trash")
    ),
]


@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_no_help_has_braces_types_or_an_undescribed_argument(
    run_command: RunCommand, command: str
) -> None:
    code, out, _ = run_command(*command.split(), "--help")

    assert code == 0
    assert not re.search(r"[{}]|<|>=|\.\.\.\.|list\[|\[required", out), out
    arguments = re.search(r"Arguments:\n((?:  .*\n)+)", out)
    for line in arguments[1].splitlines() if arguments else ():
        assert re.match(r"  \S+  +\S|   ", line), line


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("check", "tuilab check [OPTIONS] FILE..."),
        ("lessons check", "tuilab lessons check [OPTIONS] [LESSON...]"),
        ("find", "tuilab find [OPTIONS] lr|batch_size PRESET|FILE"),
        ("runs tag", "tuilab runs tag [OPTIONS] RUN TAG..."),
        ("attach", "tuilab attach [OPTIONS] [RUN]"),
    ],
)
def test_the_usage_is_one_line(run_command: RunCommand, command: str, usage: str) -> None:
    assert run_command(*command.split(), "--help")[1].startswith(f"Usage: {usage}\n")


def test_bounds_are_words(run_command: RunCommand) -> None:
    out = run_command("validate", "--help")[1]
    assert "--folds N" in out and "[default: 5; at least 2]" in out
