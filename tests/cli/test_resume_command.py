"""Resuming a stored run: it ends bitwise as an uninterrupted one; what is refused."""

import json
import signal
from pathlib import Path

import pytest
import torch

from tests.support.shell import RunCommand, start_process, wait_for_exit
from tests.support.wait_until import wait_until
from tuilab.core import paths
from tuilab.host import discovery, run_store

EXPERIMENT = """network = ["Linear 16", "BatchNorm1d", "Dropout 0.2", "Tanh", "Linear 2"]
[data]
name = "xor"
noise = 0.2
[optimizer]
name = "adamw"
[schedule]
name = "plateau"
patience = 2
[averaging]
name = "ema"
[training]
epochs = 120
accumulation = 2
"""


@pytest.fixture
def toml_path(tmp_path: Path) -> Path:
    """The path of an experiment file."""
    path = tmp_path / "mine.toml"
    path.write_text(EXPERIMENT)
    return path


def weights(run: Path) -> dict[str, torch.Tensor]:
    checkpoint = torch.load(run / run_store.CHECKPOINT, weights_only=True)
    return {**checkpoint["network"], **dict(enumerate(checkpoint["average"]["mean"]))}


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    toml_path: Path, run_command: RunCommand
) -> None:
    process = start_process("train", toml_path, "--json")
    wait_until(lambda: next((h for h in discovery.list_hosts() if h.step > 0), None))
    process.send_signal(signal.SIGINT)
    code, out, _ = wait_for_exit(process)
    assert code == 130
    (interrupted,) = run_store.list_runs()
    assert json.loads(out.splitlines()[-1])["epoch"] < 120

    code, _, err = run_command("train", "--resume", interrupted.name[-4:], "--json")
    assert (code, err) == (0, "")
    code, _, _ = run_command("train", str(toml_path), "--json")
    assert code == 0

    (uninterrupted,) = (path for path in run_store.list_runs() if path != interrupted)
    first, second = weights(interrupted), weights(uninterrupted)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    run = run_store.read_run(interrupted)
    assert run.state == "finished" and run.step == run_store.read_run(uninterrupted).step


def test_only_live_knobs_can_change_when_a_run_is_resumed(
    toml_path: Path, run_command: RunCommand
) -> None:
    run_command("train", str(toml_path), "--json", "--set", "training.epochs=2")
    (run,) = run_store.list_runs()
    steps = run_store.read_run(run).step

    code, _, err = run_command("train", "--resume", run.name, "--set", "data.noise=0.5")
    assert code == 2 and "only live hyperparameters can be changed" in err
    code, _, err = run_command("train", "--resume", run.name)
    assert code == 2 and "it is done after epoch 2 of 2" in err
    more = ("--set", "training.epochs=4", "--set", "optimizer.lr=0.5")
    code, _, err = run_command("train", "--resume", run.name, "--json", *more)
    assert (code, err) == (0, "")
    resumed = run_store.read_run(run)
    assert resumed.step == 2 * steps
    assert resumed.experiment is not None and resumed.experiment.optimizer.lr == 0.5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "a preset, a file, --resume RUN or --branch"),
        (("spiral", "--resume", "spiral"), "a preset, a file, --resume RUN or --branch"),
        (("--resume", "nothing"), "no run is stored here"),
    ],
)
def test_a_run_that_cannot_be_resumed_is_refused(
    run_command: RunCommand, words: tuple[str, ...], sentence: str
) -> None:
    code, _, err = run_command("train", *words)

    assert code == 2
    assert sentence in err and "Traceback" not in err


def test_without_a_valid_checkpoint_the_error_names_the_experiment_file(
    toml_path: Path, run_command: RunCommand
) -> None:
    run_command("train", str(toml_path), "--json", "--set", "training.epochs=2")
    (run,) = run_store.list_runs()
    checkpoint = run / run_store.CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:300])

    code, _, err = run_command("train", "--resume", run.name)
    assert code == 2 and "not a complete checkpoint" in err
    checkpoint.unlink()
    code, _, err = run_command("train", "--resume", run.name)
    assert code == 2 and "it has no checkpoint" in err
    assert str(paths.runs_dir() / run.name / "experiment.toml") in err


TABLE = """network = ["Linear 4", "Linear auto"]
[data]
name = "table"
path = "mine.csv"
[training]
epochs = 2
"""


def test_a_run_is_resumed_only_with_the_data_it_was_trained_on(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "x,y\n" + "".join(f"{n},{n % 2}\n" for n in range(40))
    data = tmp_path / "mine.csv"
    data.write_text(rows)
    (tmp_path / "mine.toml").write_text(TABLE)
    code, _, err = run_command("train", str(tmp_path / "mine.toml"), "--json")
    assert (code, err) == (0, "")
    (run,) = run_store.list_runs()
    longer = ("train", "--resume", run.name, "--set", "training.epochs=4", "--json")

    data.write_text(rows.replace("39,1", "38,1"))
    code, _, err = run_command(*longer)
    assert code == 2
    assert f"{data}: the data of the run has changed since it began: its content is another" in err
    assert "--accept-changed-data" in err
    data.unlink()
    assert "it is gone" in run_command(*longer)[2]

    data.write_text(rows)  # its time of change is another one, its content the same
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run_command(*longer)[0] == 0
    data.write_text(rows + "41,1\n")
    code, *_ = run_command(*longer[:3], "--set", "training.epochs=6", "--json",
                               "--accept-changed-data")  # fmt: skip
    assert code == 0


@pytest.mark.parametrize("content", [None, b"", b"not a log\n"])
def test_a_run_without_its_log_is_listed_and_can_be_resumed(
    toml_path: Path, run_command: RunCommand, content: bytes | None
) -> None:
    run_command("train", str(toml_path), "--json", "--set", "training.epochs=2")
    (run,) = run_store.list_runs()
    log = run / run_store.LOG
    log.unlink() if content is None else log.write_bytes(content)
    (run / run_store.EXPERIMENT).write_bytes(b"\xff\xfe")

    code, out, err = run_command("runs", "--json")
    assert (code, err) == (0, "") and "no history" in run_command("runs")[1]
    assert f"tuilab train --resume {run.name} goes on" in json.loads(out)[0]["problem"]
    code, _, err = run_command(
        "train", "--resume", run.name, "--json", "--set", "training.epochs=4"
    )
    assert (code, err) == (0, "")
    assert run_store.read_run(run).state == "finished"
