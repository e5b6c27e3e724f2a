"""Time travel and branches: the run goes on unchanged, a branch ends as its parent did."""

import os
import shutil
import signal
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.bitwise import find_differences
from tests.support.fake_link import progressed_event, started_event
from tests.support.link_watcher import LinkWatcher, make_long_experiment, start_paused
from tests.support.not_none import not_none
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import (
    Inspect,
    KeepSnapshot,
    Pause,
    Resume,
    Rewind,
    SetKnob,
    Start,
    Step,
    Travel,
)
from tuilab.core.protocol.events import (
    AnyEvent,
    Failed,
    Finished,
    KnobChanged,
    Logged,
    Paused,
    Progressed,
    Resumed,
    Rewound,
    SnapshotKept,
    Started,
    Traveled,
)
from tuilab.core.protocol.inspect.layer_messages import LayerRequest, LayerResponse
from tuilab.core.protocol.inspect.set_weight import SetWeight
from tuilab.core.protocol.records import LossPoint
from tuilab.core.run import run_files
from tuilab.core.run.snapshot_paths import list_snapshots, snapshot_path
from tuilab.engine import checkpoint_file
from tuilab.engine.snapshots import SnapshotSchedule
from tuilab.host import branches, discovery, link, run_store

Watch = Callable[[link.Link], LinkWatcher]


@pytest.fixture(autouse=True)
def many_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the first snapshots taken at 1, 2, 4, ... however slow this machine is."""
    monkeypatch.setattr(SnapshotSchedule, "FREE_SECONDS", inf)


LINES = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")


def make_experiment(epochs: int = 30, **tables: Any) -> Experiment:
    ema = {"averaging": {"name": "ema"}, "schedule": {"name": "one_cycle"}}
    return make_long_experiment(*LINES, epochs=epochs, **{**ema, **tables})


def read_end(run: str) -> dict[str, Any]:
    """Returns the last state of a run, without what depends on the clock."""
    return checkpoint_file.read(run_store.run_dir(run) / run_store.CHECKPOINT) | {"seconds": 0}


def snapshot_folder(run: str) -> Path:
    return run_store.run_dir(run) / run_files.SNAPSHOTS


def train_to_end(lab: LinkWatcher, run: str = "parent", **tables: Any) -> Experiment:
    experiment = make_experiment(**tables)
    lab.send(Start(run, experiment))
    lab.wait_until(lambda: lab.run.id == run and lab.run.state == "finished")
    return experiment


# --- looking ------------------------------------------------------------------------------------


def test_views_answer_for_the_snapshot_and_the_run_ends_as_an_undisturbed_one(
    lab: LinkWatcher,
) -> None:
    train_to_end(lab, "plain")
    start_paused(lab, make_experiment(), "looked-at")
    lab.send(Step(steps=20))
    lab.wait_for(Paused)
    first = lab.run.snapshots[1]

    lab.send(Travel(first), Inspect(LayerRequest()))
    traveled = lab.wait_for(Traveled)
    assert (traveled.step, lab.wait_for(LayerResponse).step) == (first, first)
    lab.send(Resume())
    while lab.run.state != "finished":
        lab.send(Travel(lab.run.snapshots[-1]), Inspect(LayerRequest()))
        response = lab.wait_for(LayerResponse)
        assert response.step == not_none(lab.run.past).step
    lab.send(Travel(), Inspect(LayerRequest()))

    assert lab.wait_for(LayerResponse).step == lab.run.step
    assert lab.run.past is None
    assert find_differences(read_end("looked-at"), read_end("plain")) == []


def test_a_weight_of_a_snapshot_is_not_set(lab: LinkWatcher) -> None:
    train_to_end(lab)
    lab.send(Travel(1), SetWeight("1 Linear", "weight", [0, 0], 3.0))
    lab.wait_for(Traveled)

    text = lab.wait_for(Logged).text
    assert text == "Nothing was changed: this is a snapshot; go back to now to set a weight"


def test_a_damaged_snapshot_is_skipped_and_named(lab: LinkWatcher) -> None:
    train_to_end(lab)
    steps = lab.run.snapshots
    start_paused(lab, run="other")  # what was in memory is gone
    damaged = steps[2]
    snapshot_path(snapshot_folder("parent"), damaged).write_bytes(b"damaged")
    checkpoint = str(run_store.run_dir("parent") / run_store.CHECKPOINT)
    lab.send(Start("parent", make_experiment(), paused=True, checkpoint=checkpoint))
    lab.wait_until(lambda: lab.run.id == "parent" and lab.run.snapshots)

    lab.send(Travel(damaged))
    step = lab.wait_for(Traveled).step
    assert step in steps and step != damaged
    (note,) = (e.text for e in lab.events_of(Logged) if "It is skipped" in e.text)
    assert note.startswith(f"The snapshot of step {damaged} cannot be used")
    assert damaged not in lab.run.snapshots


def test_without_snapshots_this_is_now(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Travel(3))

    assert lab.wait_for(Logged).text == "There is no snapshot to show: this is now."
    assert lab.wait_for(Traveled).is_now


def test_going_back_to_a_good_state_drops_later_snapshots_and_shows_now(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Step(steps=20))
    lab.wait_for(Paused)
    last = lab.run.snapshots[-1]
    lab.send(Travel(last), Rewind())
    rewound = lab.wait_for(Rewound)

    assert rewound.step < last and lab.run.past is None
    lab.wait_until(lambda: max(lab.run.snapshots) <= rewound.step)
    assert max(step for step, _, _ in list_snapshots(snapshot_folder("run-1"))) <= rewound.step


def test_the_budget_changes_live(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Step(steps=40))
    lab.wait_for(Paused)
    assert lab.run.snapshots

    lab.send(SetKnob("training.snapshots", "off"))
    lab.wait_until(lambda: not lab.run.snapshots)
    assert list_snapshots(snapshot_folder("run-1")) == []
    lab.send(SetKnob("training.snapshots", "a lot"))
    assert "is not a size; write it as 512 MB" in lab.wait_for(Logged).text
    lab.send(SetKnob("training.snapshots", "1 MB"), KeepSnapshot())
    assert lab.wait_for(SnapshotKept).step == 40
    assert lab.run.snapshots == [40]


def test_a_folder_that_is_read_only_leaves_the_snapshots_in_memory(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tuilab.engine.snapshot_files.write_atomically", fail)
    start_paused(lab)
    lab.send(Step(steps=40))
    lab.wait_for(Paused)
    lab.send(KeepSnapshot(), Travel())
    lab.wait_for(Traveled)

    texts = [event.text for event in lab.events_of(Logged)]
    assert [text[:51] for text in texts] == ["Snapshots cannot be written (Read-only file system)"]
    lab.send(Travel(2))
    assert lab.wait_for(Traveled).step == 2


# --- branching ----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["first", "middle", "last", "now"])
def test_a_branch_without_changes_ends_as_its_parent_did(lab: LinkWatcher, where: str) -> None:
    start_paused(lab, make_experiment(), "parent")
    lab.send(Step(steps=50))
    lab.wait_until(lambda: lab.run.step == 50 and lab.run.state == "paused")
    lab.send(KeepSnapshot(), Step(steps=10))
    lab.wait_until(lambda: lab.run.step == 60 and lab.run.state == "paused")
    steps = lab.run.snapshots
    step = {"first": steps[0], "middle": 50, "last": steps[-1], "now": 60}[where]

    branch = Start("branch", make_experiment(), parent="parent", parent_step=step)
    lab.send(branch)
    lab.wait_until(lambda: lab.run.id == "branch" and lab.run.state == "finished")
    checkpoint = str(run_store.run_dir("parent") / run_store.CHECKPOINT)
    lab.send(Start("parent", make_experiment(), checkpoint=checkpoint))
    lab.wait_until(lambda: lab.run.id == "parent" and lab.run.state == "finished")

    assert find_differences(read_end("branch"), read_end("parent")) == []
    run, parent = (run_store.read_run(run_store.run_dir(name)) for name in ("branch", "parent"))
    assert run.series == parent.series
    assert (run.parent, run.parent_step) == ("parent", step)
    assert [(mark.step, mark.text) for mark in run.marks] == [(step, "branch of parent")]


def test_a_branch_needs_nothing_of_its_parent(lab: LinkWatcher) -> None:
    experiment = train_to_end(lab)
    step = lab.run.snapshots[len(lab.run.snapshots) // 2]
    parent = run_store.read_run(run_store.run_dir("parent"))
    end = read_end("parent")
    branch = Start("branch", experiment, paused=True, parent="parent", parent_step=step)
    lab.send(branch)
    lab.wait_until(lambda: lab.run.id == "branch" and lab.run.state == "paused")
    earlier = lab.run.snapshots
    shutil.rmtree(run_store.run_dir("parent"))

    lab.send(Travel(earlier[1]))
    assert lab.wait_for(Traveled).step == earlier[1]
    lab.send(Resume())
    lab.wait_for(Finished)
    lab.wait_until(lambda: lab.run.state == "finished")

    assert max(earlier) == step
    run = run_store.read_run(run_store.run_dir("branch"))
    assert run.series == parent.series
    assert find_differences(read_end("branch"), end) == []


def test_a_branch_with_another_knob_has_the_past_and_goes_its_own_way(lab: LinkWatcher) -> None:
    train_to_end(lab, schedule={"name": "constant"})
    step = lab.run.snapshots[len(lab.run.snapshots) // 2]
    changed = make_experiment(schedule={"name": "constant"}, optimizer={"name": "adamw", "lr": 0.5})
    lab.send(Start("branch", changed, parent="parent", parent_step=step))
    lab.wait_until(lambda: lab.run.id == "branch" and lab.run.state == "finished")

    run, parent = (run_store.read_run(run_store.run_dir(name)) for name in ("branch", "parent"))
    past, other = (each.series["loss/train"].points(stop=step) for each in (run, parent))
    assert past == other and len(past) == step
    assert run.series["loss/train"] != parent.series["loss/train"]
    assert {mark.text for mark in run.marks} == {"branch of parent", "lr 0.5"}


def test_a_branch_without_its_state_says_what_there_is(lab: LinkWatcher) -> None:
    experiment = train_to_end(lab)
    start_paused(lab, run="other")

    lab.send(Start("branch", experiment, parent="parent", parent_step=77))
    failed = lab.wait_for(Failed)
    assert failed.run == "branch"
    assert failed.hint.startswith("There is no snapshot of step 77; the nearest: ")
    assert not (run_store.run_dir("branch") / run_store.LOG).exists()


@pytest.mark.usefixtures("hosts")
def test_a_branch_in_a_host_goes_on_after_a_kill(watch: Watch) -> None:
    lab = watch(link.spawn_host())
    experiment, step = make_experiment(epochs=300), 50
    start_paused(lab, experiment, "parent")
    lab.send(Step(steps=step))
    lab.wait_until(lambda: lab.run.step == step and lab.run.state == "paused")
    lab.send(KeepSnapshot(), Resume())
    lab.wait_for_state("finished")
    parent, end = lab.run, read_end("parent")
    lab.send(Start("branch", experiment, paused=True, parent="parent", parent_step=step))
    lab.wait_until(lambda: lab.run.id == "branch" and lab.run.state == "paused")
    assert lab.run.series["loss/train"].count == step
    assert lab.run.is_ready and lab.run.parent == "parent"
    lab.send(Step(steps=40))
    lab.wait_until(lambda: lab.run.step == step + 40 and lab.run.state == "paused")
    (host,) = (host for host in discovery.list_hosts() if host.run == "branch")
    os.kill(host.pid, signal.SIGKILL)
    lab.wait_until_lost()

    again = watch(link.spawn_host())
    checkpoint = str(run_store.run_dir("branch") / run_store.CHECKPOINT)
    again.send(Start("branch", experiment, checkpoint=checkpoint))
    again.wait_until(lambda: again.run.id == "branch" and again.run.state == "finished")

    assert find_differences(read_end("branch"), end) == []
    assert again.run.series == parent.series and again.run.parent == "parent"
    stored = run_store.read_run(run_store.run_dir("branch"))
    assert stored.series == parent.series
    assert run_store.read_run(run_store.run_dir("branch"), ends_only=True).parent == "parent"


@pytest.mark.usefixtures("hosts")
def test_a_branch_of_a_run_that_another_host_trains(watch: Watch) -> None:
    first = watch(link.spawn_host())
    first.send(Start("parent", make_experiment(epochs=100_000)))
    first.wait_until(lambda: first.run.step > 300)
    first.send(KeepSnapshot())
    taken_at = first.wait_for(SnapshotKept)

    second = watch(link.spawn_host())
    second.send(
        Start("branch", make_experiment(epochs=100_000), paused=True, parent="parent",
              parent_step=taken_at.step)
    )  # fmt: skip
    second.wait_until(lambda: second.run.id == "branch" and second.run.state == "paused")

    first.send(Pause())
    first.wait_for_state("paused")
    mine, theirs = (lab.run.series["loss/train"].points() for lab in (second, first))
    assert mine == [point for point in theirs if point[0] <= taken_at.step]


# --- history ------------------------------------------------------------------------------------


def point(step: int) -> LossPoint:
    return LossPoint(step, float(step), 0.0, 9.0, 0.1)


def report(step: int, *steps: int) -> Progressed:
    return replace(progressed_event("p", step, 1.0), step=step, points=list(map(point, steps)))


START = started_event("p", make_experiment())
HISTORIES: list[tuple[list[AnyEvent], int, list[AnyEvent]]] = [
    ([START], 0, [START]),
    ([START, report(4, 1, 2, 3, 4)], 4, [START, report(4, 1, 2, 3, 4)]),
    (  # a report beyond the step brings its points until then
        [START, report(9, 6, 7, 8, 9)], 7,
        [START, replace(report(9, 6, 7), step=7, loss=7.0, low=0.0, high=9.0, lr=0.1)],
    ),
    ([START, report(9, 8, 9)], 7, [START]),
    (  # what was taken back is left out
        [START, KnobChanged("p", 3, "optimizer.lr", 0.5), Rewound("p", 2),
         KnobChanged("p", 4, "optimizer.lr", 0.1)], 9,
        [START, KnobChanged("p", 4, "optimizer.lr", 0.1)],
    ),
    (
        [START, KnobChanged("p", 3, "optimizer.lr", 0.5), Resumed("p", 2),
         KnobChanged("p", 9, "optimizer.lr", 0.1)], 5, [START],
    ),
    (
        [START, KnobChanged("p", 3, "optimizer.lr", 0.5), replace(START, step=1),
         Paused("p", 1), Finished("p", "done", 9, 9, 1.0, {})], 9, [START, replace(START, step=1)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "step", "expected"), HISTORIES)
def test_the_history_of_a_branch_is_what_led_to_its_state(
    events: list[AnyEvent], step: int, expected: list[AnyEvent]
) -> None:
    assert branches.cut_history(events, step) == expected


def test_logs_without_a_parent_are_read() -> None:
    folder = run_store.run_dir("p")
    folder.mkdir(parents=True)
    line = run_store.encode_event(START).replace(b'"parent":"","parent_step":0,', b"")
    line = line.replace(b',"parent":"","parent_step":0', b"")
    assert b"parent" not in line
    (folder / run_store.LOG).write_bytes(line)

    run = run_store.read_run(folder)
    assert (run.parent, run.parent_step, not_none(run.started).parent) == ("", 0, "")


def test_a_parent_whose_log_is_gone_leaves_a_branch_without_a_past(lab: LinkWatcher) -> None:
    experiment = train_to_end(lab)
    step = lab.run.snapshots[2]
    (run_store.run_dir("parent") / run_store.LOG).unlink()
    start_paused(lab, run="other")

    lab.send(Start("branch", experiment, parent="parent", parent_step=step))
    lab.wait_until(lambda: lab.run.id == "branch" and lab.run.state == "finished")

    notes = [event.text for event in lab.events_of(Logged)]
    assert any("history before the branch could not be copied: No such file" in n for n in notes)
    assert [event.step for event in lab.events_of(Started) if event.run == "branch"] == [step]
