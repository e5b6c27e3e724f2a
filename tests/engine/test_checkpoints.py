"""A run that was interrupted ends as one that was not; a bad file is told apart."""

from pathlib import Path

import pytest
import torch

from tests.engine.tiny import session, steps, weights
from tuilab.engine import checkpoints
from tuilab.engine.train import train
from tuilab.lab.errors import InputError

LINES = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")
KNOBS = {"schedule": {"name": "one_cycle"}, "epochs": 4}


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("stop", [1, 7, 18])
def test_resuming_ends_bitwise_where_the_unbroken_run_ends(
    tmp_path: Path, optimizer: str, stop: int
):
    unbroken = session(*LINES, optimizer={"name": optimizer}, **KNOBS)
    list(train(unbroken))

    broken = session(*LINES, optimizer={"name": optimizer}, **KNOBS)
    steps(broken, stop)
    saved = checkpoints.save(broken, tmp_path / "checkpoint.pt")
    resumed = session(*LINES, optimizer={"name": optimizer}, **KNOBS)
    torch.rand(13)
    checkpoints.restore(resumed, Path(saved.path))
    list(train(resumed))

    assert saved.step == stop
    assert resumed.step == unbroken.step
    assert torch.equal(weights(resumed), weights(unbroken))
    assert torch.equal(resumed.network[1].running_var, unbroken.network[1].running_var)


def test_a_checkpoint_remembers_live_changes(tmp_path: Path):
    subject = session()
    subject.set("optimizer.lr", 0.25)
    checkpoints.save(subject, tmp_path / "checkpoint.pt")

    assert checkpoints.experiment_of(tmp_path / "checkpoint.pt") == subject.experiment


def test_rewinding_goes_back_to_the_last_good_state_and_keeps_the_knobs():
    subject = session(epochs=9)
    steps(subject, 4)
    subject.good = checkpoints.state(subject)
    good = weights(subject)
    steps(subject, 9)
    subject.set("optimizer.lr", 0.5)

    rewound = checkpoints.rewind(subject)

    assert (rewound.step, subject.step, subject.epoch) == (4, 4, 0)
    assert torch.equal(weights(subject), good)
    assert subject.experiment.optimizer.lr == 0.5


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path):
    checkpoints.save(session("Linear 3"), tmp_path / "checkpoint.pt")

    with pytest.raises(InputError, match="of another network"):
        checkpoints.restore(session(), tmp_path / "checkpoint.pt")


def test_a_truncated_or_strange_checkpoint_is_refused(tmp_path: Path):
    path = tmp_path / "checkpoint.pt"
    checkpoints.save(session(), path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="no whole checkpoint"):
        checkpoints.restore(session(), path)

    torch.save({"format": 99}, path)
    with pytest.raises(InputError, match="no checkpoint of this version"):
        checkpoints.restore(session(), path)

    with pytest.raises(InputError, match="No such file"):
        checkpoints.restore(session(), tmp_path / "absent.pt")


def test_a_checkpoint_executes_nothing(tmp_path: Path):
    class Trap:
        def __reduce__(self) -> object:
            return (Path(tmp_path / "sprung").touch, ())

    torch.save({"format": 1, "network": Trap()}, tmp_path / "trap.pt")

    with pytest.raises(InputError):
        checkpoints.restore(session(), tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()
