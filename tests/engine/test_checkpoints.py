"""A run that was interrupted ends as one that was not; a bad file is told apart."""

from pathlib import Path

import msgspec
import pytest
import torch

from tests.support.tiny import session, steps, weights
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine import checkpoint
from tuilab.engine.train import train

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
    saved = checkpoint.save(broken, tmp_path / "checkpoint.pt")
    resumed = session(*LINES, optimizer={"name": optimizer}, **KNOBS)
    torch.rand(13)
    checkpoint.load(resumed, Path(saved.path))
    list(train(resumed))

    assert saved.step == stop
    assert resumed.step == unbroken.step
    assert torch.equal(weights(resumed), weights(unbroken))
    assert torch.equal(resumed.network[1].running_var, unbroken.network[1].running_var)


def test_rewinding_goes_back_to_the_last_good_state_and_keeps_the_knobs():
    subject = session(epochs=9)
    steps(subject, 4)
    subject.good_state = checkpoint.capture_state(subject)
    good = weights(subject)
    steps(subject, 9)
    subject.set_knob("optimizer.lr", 0.5)

    rewound = checkpoint.rewind(subject)

    assert (rewound.step, subject.step, subject.epoch) == (4, 4, 0)
    assert torch.equal(weights(subject), good)
    assert subject.experiment.optimizer.lr == 0.5


def test_a_state_with_a_weight_that_is_not_finite_is_never_the_good_one():
    subject = session()
    checkpoint.keep_good_state(subject)
    before, kept = weights(subject), subject.good_state

    with torch.no_grad():
        subject.parameters[0][0, 0] = torch.inf
    checkpoint.keep_good_state(subject)
    checkpoint.rewind(subject)

    assert subject.good_state is kept
    assert weights(subject).equal(before)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path):
    checkpoint.save(session("Linear 3"), tmp_path / "checkpoint.pt")

    with pytest.raises(InputError, match="of another network"):
        checkpoint.load(session(), tmp_path / "checkpoint.pt")


def test_a_truncated_or_strange_checkpoint_is_refused(tmp_path: Path):
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(session(), path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="no whole checkpoint"):
        checkpoint.load(session(), path)

    torch.save({"format": 99}, path)
    with pytest.raises(InputError, match="no checkpoint of this version"):
        checkpoint.load(session(), path)

    with pytest.raises(InputError, match="No such file"):
        checkpoint.load(session(), tmp_path / "absent.pt")


def test_a_checkpoint_executes_nothing(tmp_path: Path):
    class Trap:
        def __reduce__(self) -> object:
            return (Path(tmp_path / "sprung").touch, ())

    torch.save({"format": 1, "network": Trap()}, tmp_path / "trap.pt")

    with pytest.raises(InputError):
        checkpoint.load(session(), tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_a_checkpoint_holds_the_experiment_with_its_live_changes():
    subject = session()
    subject.set_knob("optimizer.lr", 0.25)

    stored = msgspec.json.decode(checkpoint.capture_state(subject)["experiment"], type=Experiment)

    assert stored == subject.experiment
    assert stored.optimizer.lr == 0.25
