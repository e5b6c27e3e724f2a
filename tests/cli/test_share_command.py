"""`tuilab share`, and its strings in the place of files."""

import json
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.shell import RunCommand
from tuilab.core import paths
from tuilab.core.experiment import share_string, toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.last_opened import LastOpened, save_last_opened
from tuilab.host import run_store
from tuilab.ui.terminal import clipboard

SPIRAL = toml_file.read(paths.presets_dir() / "experiments" / "spiral.toml")
FAST = with_value(SPIRAL, "optimizer.lr", 0.05)


def test_a_preset_with_changes_becomes_a_string(run_command: RunCommand) -> None:
    code, out, err = run_command("share", "spiral", "--set", "optimizer.lr=0.05")

    assert (code, err) == (0, "")
    assert share_string.decode(out) == FAST


def test_as_json_it_comes_with_its_length(run_command: RunCommand) -> None:
    answer = json.loads(run_command("share", "spiral", "--json")[1])

    assert share_string.decode(answer["string"]) == SPIRAL
    assert answer["characters"] == len(answer["string"])


def test_a_run_is_found_by_a_part_of_its_id(run_command: RunCommand) -> None:
    for name in ("wild-4e2b", "wild-77aa"):
        toml_file.write(run_store.run_dir(name) / run_store.EXPERIMENT, FAST, is_complete=True)
        (run_store.run_dir(name) / run_store.LOG).write_text("")

    assert share_string.decode(run_command("share", "4e2b")[1]) == FAST
    code, _, err = run_command("share", "wild")
    assert code == 2 and "several runs match" in err


def test_without_a_name_it_is_what_was_open_last(run_command: RunCommand) -> None:
    assert share_string.decode(run_command("share")[1]) == SPIRAL

    save_last_opened(LastOpened(experiment=FAST))

    assert share_string.decode(run_command("share")[1]) == FAST


def test_a_table_of_the_user_is_refused_with_what_to_do(
    run_command: RunCommand, tmp_path: Path
) -> None:
    table = tmp_path / "houses.csv"
    table.write_text("rooms,price\n" + "".join(f"{n},{n * 10}\n" for n in range(60)))

    code, out, err = run_command("share", str(table))

    assert (code, out) == (2, "")
    assert f"data.path: it needs {table}" in err and "share its file together" in err


def test_a_string_can_be_checked_and_trained(run_command: RunCommand) -> None:
    short = with_value(FAST, "training.epochs", 1)
    string = share_string.encode(short)

    code, out, _ = run_command("check", string)
    assert code == 0 and "Spiral" in out and "valid" in out
    assert run_command("train", string, "--plain")[0] == 0
    stored = toml_file.read(run_store.list_runs()[0] / run_store.EXPERIMENT)
    assert stored == short


@pytest.mark.parametrize("command", ["open", "check", "train", ""])
def test_a_damaged_string_is_bad_input(run_command: RunCommand, command: str) -> None:
    string = share_string.encode(FAST)
    damaged = string[:-1] + ("A" if string[-1] != "A" else "B")

    code, _, err = run_command(*command.split(), damaged)

    assert code == 2
    assert "damaged or cut off" in err and "Traceback" not in err


def test_an_experiment_that_cannot_start_names_the_line(run_command: RunCommand) -> None:
    string = share_string.encode(Experiment(network=("Linear 3",)))

    code, _, err = run_command("train", string)

    assert code == 2 and "spiral-" in err and ".toml:" in err


def test_it_is_copied_by_the_terminal() -> None:
    command = [sys.executable, "-m", "tuilab", "share", "spiral", "--copy"]
    terminal = PseudoTerminal(command)
    try:
        assert terminal.wait_for_exit() == 0
        string = share_string.encode(SPIRAL)
        assert clipboard.copy_sequence(string).encode() in bytes(terminal.raw)
        terminal.wait_for_text(string, "copied, 19 characters")
    finally:
        terminal.close()


def test_the_lab_opens_a_string() -> None:
    titled = replace(FAST, title="From elsewhere", network=("Linear 7", *SPIRAL.network[1:]))
    command = [sys.executable, "-m", "tuilab", share_string.encode(titled)]
    terminal = PseudoTerminal(command, size=(120, 40))
    try:
        terminal.wait_for_text("From elsewhere", "Linear 7")
    finally:
        terminal.close()
