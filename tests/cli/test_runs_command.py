"""`tuilab runs` and its commands."""

import json
import os

import pytest

from tests.cli.test_completion import Shell
from tests.support.shell import RunCommand
from tests.support.stored_runs import store_run
from tuilab.cli import exit_codes
from tuilab.core.catalogue.data.points import Moons
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.host.run_lock import RunLock
from tuilab.host.run_store import run_dir


@pytest.fixture(autouse=True)
def _stored() -> None:
    """Three runs: two from a preset with other settings, one of another data set."""
    preset = toml_file.read(toml_file.find("spiral"))
    store_run("spiral-1", [0.7], time=1e9, experiment=preset, optimizer__lr=0.5)
    store_run("spiral-2", [0.9, 0.8], time=2e9, experiment=preset, seed=3)
    store_run("moons-1", [0.95], time=3e9, end="", experiment=Experiment(data=Moons()))


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell without an answer yet."""
    return Shell(monkeypatch, capsys)


def list_ids(run_command: RunCommand, *words: str) -> list[str]:
    code, out, err = run_command("runs", *words, "--json")
    assert (code, err) == (0, "")
    return [run["run"] for run in json.loads(out)]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ((), "moons-1 spiral-2 spiral-1"),
        (("--reverse",), "spiral-1 spiral-2 moons-1"),
        (("lr>0.1",), "spiral-1"),
        (("spiral", "seed=3"), "spiral-2"),
        (("-spiral",), "moons-1"),
        (("-state:done",), "moons-1"),
        (("state:cut or seed=3",), "moons-1 spiral-2"),
        (("--sort", "validation.accuracy"), "moons-1 spiral-2 spiral-1"),
        (("--sort", "best.accuracy", "--reverse", "spiral"), "spiral-1 spiral-2"),
        (("--sort", "lr", "state:done"), "spiral-2 spiral-1"),
        (("nothing",), ""),
    ],
)
def test_the_list_is_filtered_and_sorted(
    run_command: RunCommand, words: tuple[str, ...], ids: str
) -> None:
    assert list_ids(run_command, *words) == ids.split()


def test_the_table_shows_what_differs_from_the_preset(run_command: RunCommand) -> None:
    run_command("runs", "tag", "spiral-1", "+good")
    code, out, _ = run_command("runs", "spiral")

    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert " ".join(lines[1]).endswith("test accuracy 0.7 Spiral seed 0 → 3")
    assert " ".join(lines[2]).endswith("test accuracy 0.7 Spiral +good; lr 0.01 → 0.5")
    assert run_command("runs", "nothing")[1] == "No run matches, of 3.\n"


def test_a_pinned_run_is_what_others_are_compared_with(run_command: RunCommand) -> None:
    assert run_command("runs", "pin", "spiral-1")[0] == 0
    changes = {run["run"]: run for run in json.loads(run_command("runs", "--json")[1])}

    assert changes["spiral-2"]["changes"] == "seed 0 → 3, lr 0.5 → 0.01"
    assert changes["spiral-1"]["is_pinned"] and not changes["spiral-2"]["is_pinned"]
    run_command("runs", "pin", "--none")
    changes = {run["run"]: run for run in json.loads(run_command("runs", "--json")[1])}
    assert changes["spiral-2"]["changes"] == "seed 0 → 3"
    assert run_command("runs", "pin")[2] == "tuilab: runs pin: name a run, or give --none\n"


def test_json_has_the_last_and_the_best_values(run_command: RunCommand) -> None:
    (run,) = json.loads(run_command("runs", "spiral-2", "--json")[1])

    assert (run["state"], run["step"], run["seconds"], run["epoch"]) == ("done", 20, 12.5, 2)
    assert run["results"]["validation"]["accuracy"] == 0.8
    assert run["best"]["validation"]["accuracy"] == 0.9
    assert run["folder"] == str(run_dir("spiral-2"))


def test_a_run_gets_a_name_tags_and_a_note(run_command: RunCommand) -> None:
    assert run_command("runs", "rename", "moons", "two", "moons")[1] == (
        "moons-1 is called two moons\n"
    )
    assert run_command("runs", "tag", "moons-1", "+good", "-bad", "old")[1] == (
        "moons-1: good old\n"
    )
    assert run_command("runs", "tag", "moons-1", "-old", "-x")[1] == "moons-1: good\n"
    assert run_command("runs", "note", "moons-1", "as in the paper")[0] == 0
    (run,) = json.loads(run_command("runs", "two", "--json")[1])
    assert (run["name"], run["title"], run["tags"]) == ("two moons", "Moons", ["good"])
    assert run["note"] == "as in the paper"
    assert run_command("runs", "rename", "moons-1", "")[1] == "moons-1 is called Moons\n"
    assert "a tag is one word" in run_command("runs", "tag", "moons-1", "two words")[2]


def test_deleted_runs_come_back_until_the_trash_is_emptied(run_command: RunCommand) -> None:
    code, out, _ = run_command("runs", "delete", "spiral-1", "spiral-2")
    assert code == 0 and "to bring it back: tuilab runs restore spiral-1" in out
    assert list_ids(run_command) == ["moons-1"]
    listed = run_command("runs", "restore")[1]
    assert "spiral-1" in listed and "spiral-2" in listed
    assert run_command("runs", "restore", "spiral")[0] == exit_codes.BAD_INPUT  # two match
    assert run_command("runs", "restore", "spiral-2")[1] == "spiral-2 is back\n"
    assert list_ids(run_command) == ["moons-1", "spiral-2"]

    code, _, err = run_command("runs", "empty-trash")
    assert code == exit_codes.BAD_INPUT
    assert "1 deleted run, " in err and "--yes removes them for good" in err
    assert run_command("runs", "empty-trash", "--yes")[1].startswith("Removed: 1 deleted run, ")
    assert run_command("runs", "restore", "spiral-1")[2] == (
        "tuilab: spiral-1: the trash is empty\n"
    )


def test_a_run_in_progress_cannot_be_deleted(run_command: RunCommand) -> None:
    lock = RunLock.acquire(run_dir("moons-1"))

    code, _, err = run_command("runs", "delete", "moons-1")

    assert code == exit_codes.BAD_INPUT
    assert f"moons-1: it cannot be deleted: process {os.getpid()} trains it" in err
    assert list_ids(run_command, "moons") == ["moons-1"]
    lock.close()


def test_a_filter_that_is_wrong_says_where(run_command: RunCommand) -> None:
    assert run_command("runs", "spiral", "lrr>3") == (
        2, "", 'tuilab: filter, column 8: there is no key "lrr"; nearest to "lrr" is "lr"\n'
    )  # fmt: skip
    assert "nearest" in run_command("runs", "--sort", "acuracy")[2]


def test_runs_tags_and_keys_are_completed(run_command: RunCommand, shell: Shell) -> None:
    run_command("runs", "tag", "moons-1", "good")
    run_command("runs", "delete", "spiral-1")

    assert {"rename", "tag", "restore"} <= set(shell.fish("tuilab runs "))
    assert "moons-1" in shell.fish("tuilab runs tag moo")
    assert "+good" in shell.fish("tuilab runs tag moons-1 +")
    assert "spiral-1" in shell.fish("tuilab runs restore spi")
    assert "spiral-1" not in shell.fish("tuilab runs delete spi")
    assert "tag:good" in shell.fish("tuilab runs tag:")
    assert "validation.accuracy" in shell.fish("tuilab runs --sort valid")
    assert "optimizer.lr" in shell.fish("tuilab runs optimizer.l")
