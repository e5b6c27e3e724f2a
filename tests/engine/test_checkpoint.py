"""Checkpoints: an interrupted run ends as an uninterrupted one; a bad file is refused."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from tests.support.bitwise import find_differences
from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import format_number
from tuilab.engine import checkpoint, checkpoint_file
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.train import train

LINES = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")
TABLES: dict[str, Any] = {"schedule": {"name": "one_cycle"}, "epochs": 4}


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("stop", [1, 7, 18])
def test_a_resumed_run_ends_bitwise_as_an_uninterrupted_one(
    tmp_path: Path, optimizer: str, stop: int
) -> None:
    uninterrupted = make_session(*LINES, optimizer={"name": optimizer}, **TABLES)
    list(train(uninterrupted))

    interrupted = make_session(*LINES, optimizer={"name": optimizer}, **TABLES)
    train_steps(interrupted, stop)
    saved = CheckpointStore(tmp_path / "checkpoint.pt").save(interrupted)
    resumed = make_session(*LINES, optimizer={"name": optimizer}, **TABLES)
    torch.rand(13)
    checkpoint.load(resumed, Path(saved.path))
    list(train(resumed))

    assert saved.step == stop
    assert resumed.step == uninterrupted.step
    assert find_differences(resumed.network.state_dict(), uninterrupted.network.state_dict()) == []


def test_a_longer_schedule_says_that_the_learning_rate_jumps(tmp_path: Path) -> None:
    tables: dict[str, Any] = {
        "schedule": {"name": "one_cycle"},
        "optimizer": {"name": "sgd", "lr": 0.03},
    }
    session = make_session(*LINES, **tables, epochs=4)
    list(train(session))
    path = Path(CheckpointStore(tmp_path / "checkpoint.pt").save(session).path)

    assert checkpoint.load(make_session(*LINES, **tables, epochs=4), path) == []
    longer = make_session(*LINES, **tables, epochs=12)
    (remark,) = checkpoint.load(longer, path)

    assert remark == (
        f"the learning rate is {format_number(longer.lr, 3)} here instead of 1.2e-7, as the "
        "schedule is another one"
    )
    assert longer.lr > 0.02
    other_rate = {**tables, "optimizer": {"name": "sgd", "lr": 0.01}}  # was changed on purpose
    assert checkpoint.load(make_session(*LINES, **other_rate, epochs=4), path) == []


def test_another_number_of_threads_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(*LINES)
    path = Path(CheckpointStore(tmp_path / "checkpoint.pt").save(session).path)

    assert session.started_event().threads == torch.get_num_threads()
    assert checkpoint.load(make_session(*LINES), path) == []
    threads = torch.get_num_threads() + 6
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    (remark,) = checkpoint.load(session, path)

    assert remark.startswith(f"it has {threads} CPU threads now instead of {threads - 6}, so sums")


def test_rewinding_restores_the_last_good_state_and_keeps_the_knobs() -> None:
    session = make_session(epochs=9)
    train_steps(session, 4)
    session.good_state = checkpoint.capture_state(session)
    good = flatten_parameters(session)
    train_steps(session, 9)
    session.set_knob("optimizer.lr", 0.5)

    rewound = checkpoint.rewind(session)

    assert (rewound.step, session.step, session.epoch) == (4, 4, 0)
    assert torch.equal(flatten_parameters(session), good)
    assert session.experiment.optimizer.lr == 0.5


def test_a_state_with_a_weight_that_is_not_finite_is_not_kept() -> None:
    session = make_session()
    assert checkpoint.capture_finite_state(session) is not None

    with torch.no_grad():
        session.parameters[0][0, 0] = torch.inf
    assert checkpoint.capture_finite_state(session) is None


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    CheckpointStore(tmp_path / "checkpoint.pt").save(make_session("Linear 3"))

    with pytest.raises(InputError, match="of another network"):
        checkpoint.load(make_session(), tmp_path / "checkpoint.pt")


def test_a_truncated_or_unknown_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    CheckpointStore(path).save(make_session())
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="not a complete checkpoint"):
        checkpoint.load(make_session(), path)

    newer = r"of a newer version of tuilab: its format is 99, this .* reads up to 3\. Update tuilab"
    other = "not a checkpoint that this version of tuilab reads"
    for stored, problem in (({"format": 99}, newer), ({"format": 1}, other), ([5], other)):
        torch.save(stored, path)
        with pytest.raises(InputError, match=problem):
            checkpoint.load(make_session(), path)
        path.write_bytes(checkpoint_file.encode(stored))  # type: ignore[arg-type]
        with pytest.raises(InputError, match=problem):
            checkpoint.load(make_session(), path)

    with pytest.raises(InputError, match="No such file"):
        checkpoint.load(make_session(), tmp_path / "absent.pt")


def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "executed").touch, ())

    torch.save({"format": 1, "network": Trap()}, tmp_path / "trap.pt")

    with pytest.raises(InputError):
        checkpoint.load(make_session(), tmp_path / "trap.pt")
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_holds_the_experiment_with_its_live_changes() -> None:
    session = make_session()
    session.set_knob("optimizer.lr", 0.25)

    stored = msgspec.json.decode(checkpoint.capture_state(session)["experiment"], type=Experiment)

    assert stored == session.experiment
    assert stored.optimizer.lr == 0.25
