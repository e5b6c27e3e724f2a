"""Snapshots: when they are taken, which ones stay, and that a run goes on from any of them."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.bitwise import find_differences
from tests.support.tiny_sessions import load_session, make_session
from tuilab.core.errors import InputError
from tuilab.core.run.snapshot_paths import list_snapshots, snapshot_path
from tuilab.engine import checkpoint, progress, snapshot_files
from tuilab.engine.session import Session
from tuilab.engine.snapshots import (
    MAX_SNAPSHOTS,
    Snapshots,
    SnapshotSchedule,
    choose_redundant,
)
from tuilab.engine.time_travel import TimeTravel
from tuilab.engine.train import train


def make_state(step: int, numbers: int = 2) -> dict[str, Any]:
    return {"position": [step, 0, 0], "network": {"weight": torch.full((numbers,), float(step))}}


def keep(session: Session) -> None:
    session.snapshots.add(checkpoint.capture_state(session))


def fill(snapshots: Snapshots, steps: range, numbers: int = 2) -> Snapshots:
    for step in steps:
        snapshots.add(make_state(step, numbers))
    return snapshots


# --- which ones stay ----------------------------------------------------------------------------


def test_the_recent_past_is_dense_and_gaps_grow_with_age() -> None:
    steps = fill(Snapshots("512 MB"), range(0, 10_000, 10)).steps

    assert len(steps) == MAX_SNAPSHOTS and steps[0] == 0
    gaps = [later - earlier for earlier, later in pairwise(steps)]
    assert gaps[-5:] == [10] * 5
    ages = [9_990 - step for step in steps[1:-10]]
    shares = [gap / age for gap, age in zip(gaps[1:-9], ages, strict=True)]
    assert max(shares) < 4 * (sum(shares) / len(shares)), "no gap is large for its age"
    assert sum(gaps[:10]) > 5 * sum(gaps[-20:-10])


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 40])
def test_what_is_dropped_is_never_the_first_or_the_newest_of_several(count: int) -> None:
    index = choose_redundant(range(0, 10 * count, 10))

    assert index == 0 if count < 3 else 0 < index < count - 1


def test_the_budget_of_bytes_holds_and_can_be_changed(tmp_path: Path) -> None:
    snapshots = Snapshots("1 MB")
    snapshots.use_folder(tmp_path, 0)
    fill(snapshots, range(100), numbers=10_000)  # 40 kB each
    snapshots.finish_writing(10)

    assert 4 <= len(snapshots.steps) <= 25 and snapshots.steps[-1] == 99
    assert [step for step, _, _ in list_snapshots(tmp_path)] == snapshots.steps
    snapshots.set_budget("300 kB")
    assert 4 <= len(snapshots.steps) <= 7
    assert [step for step, _, _ in list_snapshots(tmp_path)] == snapshots.steps
    snapshots.set_budget("off")
    assert snapshots.steps == [] and list_snapshots(tmp_path) == []
    snapshots.add(make_state(200))
    assert snapshots.steps == [] and snapshots.is_off and not snapshots.is_too_large


def test_a_network_that_is_too_large_is_named_once() -> None:
    snapshots = fill(Snapshots("100 kB"), range(3), numbers=10_000)

    assert snapshots.is_too_large and snapshots.steps == []
    problem = snapshots.take_problem()
    assert "No snapshots are kept: each takes 39 KiB" in problem, problem
    assert "training.snapshots" in problem and snapshots.take_problem() == ""


def test_states_beyond_the_memory_are_read_from_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuilab.engine.snapshots.MAX_MEMORY", 50_000)
    session = make_session(*["Linear 40"] * 3, "Linear 3", epochs=9)
    session.snapshots.use_folder(tmp_path, 0)
    states = {}
    for event in train(session):
        if event is None and session.step in (3, 9, 20, 30, 50):
            state = states[session.step] = checkpoint.capture_state(session)
            session.snapshots.add(state)
            session.snapshots.finish_writing(10)

    assert len(session.snapshots.in_memory) < len(states)
    for step, state in states.items():
        assert find_differences(session.snapshots.load(step)["network"], state["network"]) == []


def test_going_back_drops_later_snapshots(tmp_path: Path) -> None:
    snapshots = Snapshots("512 MB")
    snapshots.use_folder(tmp_path, 0)
    fill(snapshots, range(0, 100, 10))
    snapshots.finish_writing(10)

    snapshots.drop_after(50)
    assert snapshots.steps == [0, 10, 20, 30, 40, 50]
    snapshots.add(make_state(25))
    assert snapshots.steps == [0, 10, 20, 25], "a repeated step replaces what came after it"
    snapshots.finish_writing(10)
    assert [step for step, _, _ in list_snapshots(tmp_path)] == snapshots.steps


# --- files --------------------------------------------------------------------------------------


def test_a_damaged_or_deleted_file_is_named_and_leaves_the_list(tmp_path: Path) -> None:
    session = make_session(epochs=9)
    session.snapshots.use_folder(tmp_path, 0)
    list(train(session))
    session.snapshots.finish_writing(10)
    again = make_session(epochs=9)
    again.snapshots.use_folder(tmp_path, session.step)
    assert again.snapshots.steps == session.snapshots.steps
    damaged, deleted, *_ = again.snapshots.steps
    content = bytearray(snapshot_path(tmp_path, damaged).read_bytes())
    content[len(content) // 2] ^= 1
    snapshot_path(tmp_path, damaged).write_bytes(content)
    snapshot_path(tmp_path, deleted).unlink()

    with pytest.raises(InputError, match=f"snapshot of step {damaged} .*checksum"):
        again.snapshots.load(damaged)
    with pytest.raises(InputError, match=f"snapshot of step {deleted} .*No such file"):
        again.snapshots.load(deleted)
    assert again.snapshots.steps == session.snapshots.steps[2:]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("007.pt", "note.txt", "-3.pt", "9.pt.old", "12.pt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "5.pt").mkdir()

    snapshots = Snapshots("512 MB")
    snapshots.use_folder(tmp_path, 100)
    assert snapshots.steps == [12]
    snapshots.set_budget("off")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "-3.pt", "007.pt", "5.pt", "9.pt.old", "note.txt",
    ]  # fmt: skip


def test_files_of_a_past_that_was_left_go_when_training_goes_on(tmp_path: Path) -> None:
    before = Snapshots("512 MB")
    before.use_folder(tmp_path, 0)
    fill(before, range(0, 100, 10))
    before.finish_writing(10)

    resumed = Snapshots("512 MB")
    resumed.use_folder(tmp_path, 45)
    assert resumed.steps == [0, 10, 20, 30, 40]
    assert len(list_snapshots(tmp_path)) == 10, "looking deletes nothing"
    resumed.add(make_state(45))
    assert max(step for step, _, _ in list_snapshots(tmp_path)) <= 45


@pytest.mark.parametrize("reason", ["full", "read-only"])
def test_a_disk_that_takes_no_file_leaves_those_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    error = OSError(28, "No space left on device") if reason == "full" else OSError(30, "Read-only")
    snapshots = Snapshots("512 MB")
    snapshots.use_folder(tmp_path, 0)
    fill(snapshots, range(6))
    snapshots.finish_writing(10)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(snapshot_files, "write_atomically", fail)
    fill(snapshots, range(6, 12))
    snapshots.finish_writing(10)

    assert snapshots.steps == list(range(12))
    problem = snapshots.take_problem()
    assert problem.startswith(f"Snapshots cannot be written ({error.strerror}): {tmp_path}")
    assert snapshots.take_problem() == ""
    remaining = len(list_snapshots(tmp_path))
    assert remaining < 6 if reason == "full" else remaining == 6, "a full disk gets room"
    assert snapshots.load(11)["network"]["weight"].tolist() == [11.0, 11.0]


# --- when they are taken ------------------------------------------------------------------------


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


@pytest.mark.parametrize(("step_seconds", "cost"), [(1e-4, 1e-3), (1e-2, 5e-3), (0.1, 0.5)])
def test_copies_take_their_share_of_the_time_at_most(
    monkeypatch: pytest.MonkeyPatch, step_seconds: float, cost: float
) -> None:
    clock = Clock(monkeypatch)
    schedule = SnapshotSchedule()
    copies = []
    for step in range(1, round(600 / step_seconds) + 1):
        clock.now += step_seconds
        if schedule.is_due(step):
            clock.now += cost
            schedule.add_cost(cost)
            copies.append(step)
        elif step % 100 == 0:
            schedule.relax()

    assert copies[:3] == [1, 2, 4] or cost > schedule.FREE_SECONDS
    assert cost * len(copies) < schedule.MAX_SHARE * clock.now + schedule.FREE_SECONDS + cost
    assert len(copies) > 0.2 * 600 * min(1 / schedule.MIN_INTERVAL, schedule.MAX_SHARE / cost), (
        "and not far fewer"
    )


def test_slow_steps_are_copied_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(progress, "REPORT_INTERVAL", -1.0)
    session = make_session(epochs=3)
    for event in train(session):
        clock.now += 1.2 if event is None else 0.0

    assert session.snapshots.steps == list(range(session.step + 1))


# --- going on -----------------------------------------------------------------------------------

CONVNET: dict[str, Any] = {
    "network": ["Conv2d 4 3", "BatchNorm2d", "ReLU", "Dropout 0.3", "Flatten", "Linear 10"],
    "data": {"name": "glyphs", "batch_size": 50, "samples": 300},
    "augmentation": {"mixup": 0.3},
    "averaging": {"name": "ema"},
    "schedule": {"name": "one_cycle"},
}
LSTM: dict[str, Any] = {
    "network": ["LSTM 8", "Linear 2"],
    "data": {"name": "parity", "batch_size": 50, "samples": 400},
    "optimizer": {"name": "adamw", "lr": 0.01},
    "schedule": {"name": "cosine"},
}


def take_every(session: Session, stride: int) -> None:
    """Trains to the end and takes a snapshot at every multiple of a stride."""
    for event in train(session):
        if event is None and session.step % stride == 0 and session.step:
            keep(session)


@pytest.mark.parametrize("tables", [CONVNET, LSTM], ids=["convnet", "lstm"])
def test_a_run_goes_on_bitwise_from_any_snapshot(tables: dict[str, Any], tmp_path: Path) -> None:
    session = load_session(tables, epochs=3)
    session.snapshots.use_folder(tmp_path, 0)
    take_every(session, 5)
    session.snapshots.finish_writing(10)
    end = checkpoint.capture_state(session)

    assert len(session.snapshots.steps) > 2
    for step in session.snapshots.steps[:-1]:
        again = load_session(tables, epochs=3)
        torch.rand(7)
        checkpoint.restore_state(again, session.snapshots.load(step))
        list(train(again))
        assert find_differences(checkpoint.capture_state(again) | {"seconds": 0},
                                end | {"seconds": 0}) == []  # fmt: skip


@pytest.mark.parametrize("tables", [CONVNET, LSTM], ids=["convnet", "lstm"])
def test_looking_at_a_snapshot_changes_nothing(tables: dict[str, Any]) -> None:
    plain = load_session(tables, epochs=2)
    list(train(plain))

    session = load_session(tables, epochs=2)
    travel, steps = TimeTravel(session), set()
    for event in train(session):
        if event is None and session.step % 3 == 0:
            keep(session)
            for step in session.snapshots.steps[-3:]:
                assert travel.travel(step).step == step
                steps.add(step)
            if session.step % 2:
                assert travel.come_back().is_now

    assert len(steps) > 3
    state = checkpoint.capture_state(session) | {"seconds": 0}
    assert find_differences(state, checkpoint.capture_state(plain) | {"seconds": 0}) == []


def test_a_snapshot_has_the_knobs_of_its_time() -> None:
    session = make_session(epochs=9, optimizer={"name": "sgd", "lr": 0.1})
    keep(session)
    session.set_knob("optimizer.name", "adam")
    session.step = 7
    keep(session)
    travel = TimeTravel(session)

    names = []
    for step in (0, 7, 0):
        experiment = travel.travel(step).experiment
        assert experiment is not None
        names.append(type(experiment.optimizer).__name__)
    assert names == ["SGD", "Adam", "SGD"]


def test_other_random_numbers_keep_the_data() -> None:
    tables = {**CONVNET, "training": {"device": "cpu"}}
    one = load_session(tables)
    other = load_session({**tables, "training": {"device": "cpu", "reseed": 3}})

    assert one.dataset.train.inputs.equal(other.dataset.train.inputs)
    assert find_differences(one.network.state_dict(), other.network.state_dict()) == []
    assert not one.epoch_order().equal(other.epoch_order())
    one.set_knob("training.reseed", 3)
    assert one.epoch_order().equal(other.epoch_order())


def test_the_state_to_go_back_to_follows_although_reports_are_frequent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 0.0)
    monkeypatch.setattr(progress, "GOOD_STATE_INTERVAL", 0.02)
    monkeypatch.setattr(SnapshotSchedule, "MIN_INTERVAL", 0.0)
    monkeypatch.setattr(SnapshotSchedule, "MAX_SHARE", 1.0)
    session = make_session(epochs=10_000)
    deadline = time.monotonic() + 20

    for _ in train(session):
        assert session.good_state is not None
        if session.good_state["position"][0] > 100 or time.monotonic() > deadline:
            break

    assert session.good_state is not None and session.good_state["position"][0] > 100
