"""The README is up to date: its experiment, error message, commands and table of choices."""

import re
from pathlib import Path

import pytest

from tests.support.readme import write_choices
from tuilab.cli.command_names import COMMANDS
from tuilab.cli.overrides import apply_overrides
from tuilab.core.errors import InputError
from tuilab.core.experiment import share_string, toml_file

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    fenced = README.split("\n```")[1::2]
    return [text.partition("\n")[2] for text in fenced if text.partition("\n")[0] == language]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's experiment in a file of the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(blocks("toml")[0])
    return Path("mine.toml")


def test_the_experiment_is_valid(mine: Path) -> None:
    assert toml_file.find_errors(mine) == []


def test_the_table_names_every_choice() -> None:
    assert write_choices(README) == README, "uv run python -m tests.support.readme writes it"


def test_the_error_message_is_the_real_one(mine: Path) -> None:
    mine.write_text(mine.read_text().replace("lr = 1e-3", "learning_rate = 1e-3"))

    with pytest.raises(InputError) as error:
        toml_file.read(mine)

    assert f"\ntuilab: {error.value}\n" in README


def test_the_shared_string_is_what_it_says() -> None:
    (line,) = re.findall(r"`uv run tuilab share (spiral --set \S+)` prints `(tl1\.\S+)`", README)
    words = line[0].split()

    expected = apply_overrides(toml_file.read(toml_file.find(words[0])), words[2:])
    assert share_string.decode(line[1]) == expected


def test_the_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    words = set(re.findall(r"uv run tuilab ([a-z]+)", README))

    assert words <= {*COMMANDS, *toml_file.find_presets()}
    for command in COMMANDS:
        assert re.search(rf"`(tuilab )?\[?{command}\b", README), command
