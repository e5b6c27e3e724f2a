"""The README says what is so."""

import re
from pathlib import Path

import pytest

from tuilab.cli import exit_codes
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import choice_key, name_of, option_types

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


def test_its_experiment_is_good(mine: Path) -> None:
    assert toml_file.find_errors(mine) == []


def test_its_comments_name_every_choice(mine: Path) -> None:
    for section in ("task", "data", "initialization", "loss", "optimizer", "schedule"):
        choice = "task" if section == "task" else choice_key(section)
        text = mine.read_text().partition(f"[{section}]\n")[2] or mine.read_text()
        told = re.search(rf"^{choice} = (.*\n(?: +# .*\n)*)", text, re.MULTILINE)
        assert told is not None, section
        assert set(re.findall(r"\w+", told[1])) == {name_of(kind) for kind in option_types(section)}


def test_its_error_is_what_is_said(mine: Path) -> None:
    mine.write_text(mine.read_text().replace("lr = 1e-3", "learning_rate = 1e-3"))

    with pytest.raises(InputError) as error:
        toml_file.read(mine)

    assert f"\ntuilab: {error.value}\n" in README


def test_its_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    words = set(re.findall(r"uv run tuilab ([a-z]+)", README))

    assert words <= {*exit_codes.COMMANDS, *toml_file.find_presets()}
    for command in exit_codes.COMMANDS:
        assert re.search(rf"`(tuilab )?\[?{command}\b", README), command


def test_its_tree_is_the_tree() -> None:
    tree = next(block for block in blocks("") if block.startswith("tuilab/\n"))

    names = {name.rstrip("/") for name in re.findall(r"\w+(?:\.py|/)", tree)}
    present = {path.name for path in REPOSITORY.glob("*")} | {
        path.name for room in ("tuilab", "tests") for path in (REPOSITORY / room).rglob("*")
    }
    assert names <= present
