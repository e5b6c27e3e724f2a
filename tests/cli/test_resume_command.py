"""Resuming a stored run: it ends bitwise as an uninterrupted one; what is refused."""

import json
import signal
from pathlib import Path

import pytest
import torch

from tests.support.shell import Says, finish, start, until
from tuilab.core import paths
from tuilab.host import discovery, run_store

MINE = """network = ["Linear 16", "BatchNorm1d", "Dropout 0.2", "Tanh", "Linear 2"]
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
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def weights(run: Path) -> dict[str, torch.Tensor]:
    captured = torch.load(run / run_store.CHECKPOINT, weights_only=True)
    return {**captured["network"], **dict(enumerate(captured["average"]["mean"]))}


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(mine: Path, says: Says):
    process = start("train", mine, "--json")
    until(lambda: next((h for h in discovery.list_hosts() if h.step > 0), None))
    process.send_signal(signal.SIGINT)
    code, out, _ = finish(process)
    assert code == 130
    (interrupted,) = run_store.list_runs()
    assert json.loads(out.splitlines()[-1])["epoch"] < 120

    code, _, err = says("train", "--resume", interrupted.name[-4:], "--json")
    assert (code, err) == (0, "")
    code, _, _ = says("train", str(mine), "--json")
    assert code == 0

    (unbroken,) = (path for path in run_store.list_runs() if path != interrupted)
    first, second = weights(interrupted), weights(unbroken)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    run = run_store.read_run(interrupted)
    assert run.state == "finished" and run.step == run_store.read_run(unbroken).step


def test_only_live_knobs_can_change_when_a_run_is_resumed(mine: Path, says: Says):
    says("train", str(mine), "--json", "--set", "training.epochs=2")
    (run,) = run_store.list_runs()
    steps = run_store.read_run(run).step

    code, _, err = says("train", "--resume", run.name, "--set", "data.noise=0.5")
    assert code == 2 and "only live knobs can be changed" in err
    code, _, err = says("train", "--resume", run.name)
    assert code == 2 and "it is done after epoch 2 of 2" in err
    more = ("--set", "training.epochs=4", "--set", "optimizer.lr=0.5")
    code, _, err = says("train", "--resume", run.name, "--json", *more)
    assert (code, err) == (0, "")
    gone_on = run_store.read_run(run)
    assert gone_on.step == 2 * steps
    assert gone_on.experiment is not None and gone_on.experiment.optimizer.lr == 0.5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "a preset, a file, or --resume RUN"),
        (("spiral", "--resume", "spiral"), "a preset, a file, or --resume RUN"),
        (("--resume", "nothing"), "no run is stored here"),
    ],
)
def test_a_run_that_cannot_be_resumed_says_why(says: Says, words: tuple[str, ...], sentence: str):
    code, _, err = says("train", *words)

    assert code == 2
    assert sentence in err and "Traceback" not in err


def test_a_run_without_a_valid_checkpoint_says_how_to_restart(mine: Path, says: Says):
    says("train", str(mine), "--json", "--set", "training.epochs=2")
    (run,) = run_store.list_runs()
    checkpoint = run / run_store.CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:300])

    code, _, err = says("train", "--resume", run.name)
    assert code == 2 and "not a complete checkpoint" in err
    checkpoint.unlink()
    code, _, err = says("train", "--resume", run.name)
    assert code == 2 and "it has no checkpoint" in err
    assert str(paths.runs_dir() / run.name / "experiment.toml") in err
