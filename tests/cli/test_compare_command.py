"""`tuilab compare`."""

import json

import pytest

from tests.support.shell import RunCommand
from tests.support.stored_runs import append_events, store_run
from tuilab.cli import exit_codes
from tuilab.core.catalogue.data.points import Moons
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import EpochEnded
from tuilab.host.run_store import LOG, run_dir


@pytest.fixture(autouse=True)
def _stored() -> None:
    """Two runs of a preset with other settings, and one of another data set."""
    preset = toml_file.read(toml_file.find("spiral"))
    store_run("spiral-1", [0.7], experiment=preset, optimizer__lr=0.5)
    store_run("spiral-2", [0.9, 0.8], experiment=preset, seed=3)
    store_run("moons-1", [0.95], end="", experiment=Experiment(data=Moons()))


def words_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_settings_and_results_stand_side_by_side(run_command: RunCommand) -> None:
    code, out, err = run_command("compare", "spiral-1", "l-2")
    assert (code, err) == (exit_codes.DONE, "")
    rows = words_of(out)
    assert ["seed", "0", "3"] in rows
    assert ["optimizer.lr", "0.5", "0.01"] in rows
    assert ["validation.accuracy", "0.7", "0.8*", "+0.1"] in rows
    assert ["best", "0.7", "0.9*", "+0.2"] in rows


def test_the_pinned_run_is_the_base(run_command: RunCommand) -> None:
    run_command("runs", "pin", "spiral-2")
    _, out, _ = run_command("compare", "spiral-1", "spiral-2")
    assert ["seed", "3", "0"] in words_of(out)
    _, out, _ = run_command("compare", "spiral-1")
    assert ["seed", "3", "0"] in words_of(out), "a single run is compared with it as well"


def test_a_single_run_is_compared_with_its_preset(run_command: RunCommand) -> None:
    code, out, _ = run_command("compare", "spiral-1", "--json")
    content = json.loads(out)
    assert (code, content["base"]) == (exit_codes.DONE, "preset Spiral")
    assert content["settings"] == {"optimizer.lr": [0.01, 0.5]}


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_the_terminal(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run_command("compare", "spiral-1", "spiral-2", "moons-1")
    assert max(map(len, out.splitlines())) <= width


def test_markdown_has_a_column_for_each_run(run_command: RunCommand) -> None:
    _, out, _ = run_command("compare", "spiral-1", "spiral-2", "moons-1", "--markdown")
    head = out.splitlines()[0].split(" | ")
    assert head[1:3] == ["spiral-1", "spiral-2"]
    assert all(line.count("|") == 5 for line in out.splitlines() if line.startswith("|"))


def test_a_run_with_nan_is_compared(run_command: RunCommand) -> None:
    store_run("broken", [0.5], end="")
    values = {"loss": float("nan"), "accuracy": 0.5}
    append_events("broken", [EpochEnded("broken", 20, 2, values, values)])
    code, out, _ = run_command("compare", "spiral-1", "broken")
    assert code == exit_codes.DONE
    assert ["validation.loss", "0.3", "NaN"] in words_of(out)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("spiral-1", "nothing"), "no stored run has this in its id"),
        (("spiral",), "several runs match"),
        (("spiral-1", "spiral-2", "--json", "--markdown"), "not both"),
        ((), "RUN"),
    ],
)
def test_bad_input_is_named(run_command: RunCommand, words: tuple[str, ...], problem: str) -> None:
    code, out, err = run_command("compare", *words)
    assert (code, out) == (exit_codes.BAD_INPUT, "")
    assert problem in err


def test_a_folder_that_is_half_deleted_is_named_beside_the_others(run_command: RunCommand) -> None:
    (run_dir("moons-1") / LOG).write_text('{"event":"of another version"}\n')
    code, out, _ = run_command("compare", "spiral-1", "spiral-2", "moons-1")
    assert code == exit_codes.DONE
    assert "it holds no run" in " ".join(out.split())
    assert ["optimizer.lr", "0.5", "0.01", "?"] in words_of(out)
    code, _, err = run_command("compare", "spiral-1", "moons-1")
    assert code == exit_codes.BAD_INPUT
    assert "nothing to compare" in err
