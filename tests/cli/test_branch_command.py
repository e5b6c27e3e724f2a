"""`train --branch` and `snapshots`: a branch ends as its parent did; what is refused."""

import json
from math import inf
from pathlib import Path
from typing import Any

import pytest

from tests.support.bitwise import find_differences
from tests.support.shell import RunCommand, start_process, wait_for_exit
from tuilab.core.run import run_files
from tuilab.core.run.snapshot_paths import list_snapshots, snapshot_path
from tuilab.engine import checkpoint_file
from tuilab.engine.snapshots import SnapshotSchedule
from tuilab.host import run_store

EXPERIMENT = """network = ["Linear 16", "BatchNorm1d", "Dropout 0.2", "Tanh", "Linear 2"]
[data]
name = "xor"
noise = 0.2
samples = 300
[schedule]
name = "cosine"
[training]
epochs = 12
device = "cpu"
"""


@pytest.fixture(autouse=True)
def many_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the first snapshots taken at 1, 2, 4, ... however slow this machine is."""
    monkeypatch.setattr(SnapshotSchedule, "FREE_SECONDS", inf)


@pytest.fixture
def parent(tmp_path: Path, run_command: RunCommand) -> Path:
    """The folder of a run that is done."""
    path = tmp_path / "mine.toml"
    path.write_text(EXPERIMENT)
    assert run_command("train", str(path), "--plain")[0] == 0
    (folder,) = run_store.list_runs()
    return folder


def steps_of(folder: Path) -> list[int]:
    return [step for step, _, _ in list_snapshots(folder / run_files.SNAPSHOTS)]


def read_end(folder: Path) -> dict[str, Any]:
    return checkpoint_file.read(folder / run_store.CHECKPOINT) | {"seconds": 0}


def find_branch(parent: Path) -> Path:
    (branch,) = (folder for folder in run_store.list_runs() if folder != parent)
    return branch


def test_a_branch_ends_as_its_parent_did(parent: Path, run_command: RunCommand) -> None:
    step = steps_of(parent)[2]
    code, out, err = run_command("train", "--branch", f"{parent.name}@{step}", "--plain")

    assert (code, err) == (0, "")
    assert f"branches off {parent.name} at step {step}" in out
    branch = find_branch(parent)
    assert find_differences(read_end(branch), read_end(parent)) == []
    run = run_store.read_run(branch)
    assert (run.parent, run.parent_step) == (parent.name, step)
    assert run.series == run_store.read_run(parent).series
    before = [each for each in steps_of(parent) if each <= step]
    assert [each for each in steps_of(branch) if each <= step] == before
    assert (branch / run_store.EXPERIMENT).exists()


def test_a_branch_from_the_end_trains_longer(parent: Path, run_command: RunCommand) -> None:
    longer = ["--set", "training.epochs=14", "--set", "training.reseed=5"]
    process = start_process("train", "--branch", parent.name[-4:], *longer, "--json")
    code, out, _ = wait_for_exit(process)

    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    (started,) = (event for event in events if event["event"] == "started")
    end = run_store.read_run(parent).step
    assert (started["parent"], started["parent_step"], started["step"]) == (parent.name, end, end)
    assert events[-1]["epoch"] == 14
    assert not [event for event in events if event["event"] == "snapshots_listed"]


def test_the_snapshots_of_a_run_are_listed(parent: Path, run_command: RunCommand) -> None:
    code, out, _ = run_command("snapshots", parent.name)
    assert code == 0 and f"tuilab train --branch {parent.name}@" in out

    _, out, _ = run_command("snapshots", parent.name, "--json")
    entries = json.loads(out)
    assert [entry["step"] for entry in entries] == steps_of(parent)
    assert entries[-1]["loss"] is not None and entries[0]["epoch"] == 0
    for step in steps_of(parent):
        snapshot_path(parent / run_files.SNAPSHOTS, step).unlink()
    assert run_command("snapshots", parent.name)[1] == f"{parent.name} has no snapshots.\n"


@pytest.mark.parametrize(("suffix", "options", "problem"), [
    ("@77777", [], "there is no snapshot of step 77,777; the nearest: "),
    ("@abc", [], '"abc" is not a step; write RUN@STEP'),
    ("@", [], '"" is not a step'),
    ("", [], "no training is left at step "),
    ("@1", ["--set", "seed=4"], "for other random numbers from here on: --set training.reseed=4"),
    ("@1", ["--set", "network[0]=\"Linear 4\""], "a branch keeps its network and its data"),
    ("@1", ["--resume", "x"], "say what to train: "),
    ("@1", ["--set", "training.snapshots=many"], '"many" is not a size; write it as 512 MB'),
])  # fmt: skip
def test_what_cannot_be_branched_is_refused(
    parent: Path, run_command: RunCommand, suffix: str, options: list[str], problem: str
) -> None:
    code, _, err = run_command("train", "--branch", f"{parent.name}{suffix}", *options)

    assert code == 2 and problem in err, err
    assert run_store.list_runs() == [parent]


def test_a_damaged_snapshot_is_named(parent: Path, run_command: RunCommand) -> None:
    step = steps_of(parent)[2]
    path = snapshot_path(parent / run_files.SNAPSHOTS, step)
    path.write_bytes(path.read_bytes()[:-9])

    code, _, err = run_command("train", "--branch", f"{parent.name}@{step}")
    assert code == 2 and str(path) in err and "Traceback" not in err
