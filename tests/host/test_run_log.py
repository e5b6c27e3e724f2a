"""The log of a run: it stores the history in limited space and never stops training."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.link_watcher import make_long_experiment
from tests.support.not_none import not_none
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Finished,
    Loading,
    Logged,
    Progressed,
    Rewound,
    Saved,
    Started,
)
from tuilab.core.protocol.records import LossPoint
from tuilab.host import run_store
from tuilab.host.run_log import RunLog

EXPERIMENT = make_long_experiment()


class Clock:
    """A clock that the test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class TimedRunLog:
    """A run log, its clock and the lines that it has written."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = RunLog(self.clock)
        self.path = run_store.run_dir("spiral-1")

    def record(self, event: AnyEvent, seconds: float = 0.0) -> list[Logged]:
        self.clock.now += seconds
        return self.log.record(event)

    @property
    def lines(self) -> list[bytes]:
        return (self.path / run_store.LOG).read_bytes().split()


@pytest.fixture
def run_log() -> TimedRunLog:
    return TimedRunLog()


def started_event(run: str = "spiral-1", step: int = 0) -> Started:
    path = str(run_store.run_dir(run))
    return Started(run, EXPERIMENT, "cpu", 50, 3, {"train": 96}, path, step)


def progressed_event(step: int, loss: float = 0.5, high: float | None = None) -> Progressed:
    top = loss if high is None else high
    return Progressed(
        "spiral-1", step, 0.1, loss, loss, top, {}, 1e-3, 9.0, 90.0, 1.0, None,
        points=[LossPoint(step, loss, loss, top, 1e-3)],
    )  # fmt: skip


def finished_event(step: int) -> Finished:
    return Finished("spiral-1", "done", step, 2, 1.0, {"train": {"loss": 0.25}})


def test_a_stored_run_is_read_with_its_history(run_log: TimedRunLog) -> None:
    for event in (started_event(), progressed_event(1, 2.0), Saved("spiral-1", 1, "elsewhere")):
        run_log.record(event)
    run_log.record(progressed_event(2, 1.0), seconds=1)
    run_log.record(finished_event(2))

    run = run_store.read_run(run_log.path)

    assert (run.id, run.state, run.step, run.experiment) == ("spiral-1", "finished", 2, EXPERIMENT)
    assert [point[:2] for point in run.series["loss/train"].points()] == [(1, 2.0), (2, 1.0)]
    assert toml_file.read(run_log.path / run_store.EXPERIMENT) == EXPERIMENT
    assert run.checkpoint == ""  # the file does not exist


def test_a_loss_that_is_not_finite_is_stored_unchanged(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    run_log.record(progressed_event(1, float("nan"), float("inf")))

    (point,) = run_store.read_run(run_log.path).series["loss/train"].points()

    assert str(point[1:]) == "(nan, nan, inf)"


def test_an_incomplete_last_line_is_skipped(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    run_log.record(progressed_event(1))
    log = run_log.path / run_store.LOG
    log.write_bytes(log.read_bytes() + run_store.encode_event(progressed_event(2))[:40])

    assert run_store.read_run(run_log.path).step == 1


def test_a_run_continues_in_the_same_log_after_an_incomplete_line(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    run_log.record(progressed_event(8))
    with (run_log.path / run_store.LOG).open("ab") as log:
        log.write(run_store.encode_event(progressed_event(9))[:40])

    run_log.record(started_event(step=5))
    run_log.record(progressed_event(6))

    run = run_store.read_run(run_log.path)
    assert [point[0] for point in run.series["loss/train"].points()] == [6]
    assert run.step == 6


def test_the_log_of_a_day_stays_small(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    for step in range(1, 24 * 3600 + 1):
        run_log.record(progressed_event(step, 0.5, high=9.0 if step == 70_001 else None), seconds=1)
    run_log.record(finished_event(24 * 3600))

    # Every second for 2000 s, then 2000 for each e-fold: 2000 + 2000 ln(86400 / 2000) = 9530;
    # a little less, since a report comes only once a second.
    assert 8500 < len(run_log.lines) < 9600
    loss = run_store.read_run(run_log.path).series["loss/train"]
    assert loss.count == 24 * 3600
    assert any(point[3] == 9.0 for point in loss.points())


def test_the_end_of_a_run_is_exact_even_if_measurements_were_skipped(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    run_log.record(progressed_event(1))
    run_log.record(EpochEnded("spiral-1", 1, 1, {"loss": 0.9}, {"loss": 0.8}))
    run_log.record(EpochEnded("spiral-1", 2, 2, {"loss": 0.7}, {"loss": 0.6}), seconds=0.01)
    run_log.record(progressed_event(2, 0.125), seconds=0.01)
    run_log.record(finished_event(2))

    run = run_store.read_run(run_log.path)

    assert not_none(run.progress).loss == 0.125
    assert not_none(run.epoch).validation == {"loss": 0.6}
    assert [p[0] for p in run.series["loss/validation"].points()] == [1, 2]
    assert [p[0] for p in run.series["loss/train"].points()] == [1, 2]


def test_loading_is_not_stored(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    before = run_log.lines

    run_log.record(Loading("Drawing", 0.5))

    assert run_log.lines == before


def test_a_rewound_run_is_read_at_its_earlier_step(run_log: TimedRunLog) -> None:
    for event in (started_event(), progressed_event(5), Rewound("spiral-1", 3)):
        run_log.record(event, seconds=1)

    run = run_store.read_run(run_log.path)

    assert (run.state, run.step) == ("paused", 3)


def test_a_full_disk_is_reported_once_and_no_event_is_lost_when_there_is_space_again(
    run_log: TimedRunLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_log.record(started_event())

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", _full_disk(os.write, capacity=25))
        first = run_log.record(progressed_event(1), seconds=1)
        second = run_log.record(progressed_event(2), seconds=10)
        third = run_log.record(progressed_event(3), seconds=1)
    fourth = run_log.record(progressed_event(4), seconds=10)

    assert "No space left on device" in first[0].text
    assert (second, third) == ([], [])
    assert fourth == [Logged("The log of the run can be written again.")]
    history = run_store.read_run(run_log.path).series["loss/train"].points()
    assert [point[0] for point in history] == [1, 2, 3, 4]


def _full_disk(write: Callable[[int, bytes], int], capacity: int) -> Callable[[int, bytes], int]:
    """Returns an os.write that fails after this many bytes."""
    free = [capacity]

    def write_or_fail(file: int, content: bytes) -> int:
        if not free[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = min(free[0], len(content))
        free[0] -= count
        return write(file, content[:count])

    return write_or_fail


def test_an_error_of_the_log_does_not_stop_training(run_log: TimedRunLog) -> None:
    run_log.path.mkdir(parents=True)
    (run_log.path / run_store.LOG).symlink_to("/dev/full")

    (note,) = run_log.record(started_event())

    assert "the log cannot be written (No space left on device)" in note.text
    assert run_log.record(finished_event(1)) == []


def test_the_ends_of_a_long_log_contain_the_state_of_the_run(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    for step in range(1, 2000):
        run_log.record(progressed_event(step, step / 4), seconds=1)
    run_log.record(finished_event(2000))

    full, short = run_store.read_run(run_log.path), run_store.read_run(run_log.path, ends_only=True)

    assert (short.state, short.step, short.finished) == ("finished", 2000, finished_event(2000))
    assert short.experiment == EXPERIMENT
    assert 0 < len(short.series["loss/train"].points()) < len(full.series["loss/train"].points())


def test_stored_runs_are_listed_newest_first() -> None:
    for age, name in ((10, "b-1"), (5, "c-1"), (20, "a-1")):
        RunLog().record(started_event(name))
        os.utime(run_store.run_dir(name) / run_store.LOG, (1e9 - age, 1e9 - age))

    assert [path.name for path in run_store.list_runs()] == ["c-1", "b-1", "a-1"]


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        run_store.read_run(tmp_path)
    (tmp_path / run_store.LOG).write_text("not an event\n")
    with pytest.raises(InputError, match="it holds no run"):
        run_store.read_run(tmp_path)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n", "x" * 101])
def test_an_id_cannot_leave_the_folder_of_runs(name: str) -> None:
    with pytest.raises(InputError, match="letters, digits"):
        run_store.run_dir(name)


DAMAGED = {
    "not TOML": lambda path: path.write_text("network = [[["),
    "not UTF-8": lambda path: path.write_bytes(b"title = '\xff'"),
    "nested too deeply": lambda path: path.write_text("a = " + "[" * 3000),
    "keys of nothing": lambda path: path.write_text("[optimizer]\n[optimizer]\n"),
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to(path.with_name("missing")),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_experiment_in_the_folder_stops_no_run(run_log: TimedRunLog, kind: str) -> None:
    run_log.path.mkdir(parents=True)
    path = run_log.path / run_store.EXPERIMENT
    DAMAGED[kind](path)

    notes = run_log.record(started_event())
    run_log.log.close()

    assert toml_file.read(path) == EXPERIMENT
    assert "damaged-1-experiment.toml" in notes[0].text
    assert os.path.lexists(run_log.path / "damaged-1-experiment.toml")
    assert run_store.read_run(run_log.path).experiment == EXPERIMENT


def test_damaged_lines_of_a_log_are_skipped(run_log: TimedRunLog) -> None:
    run_log.record(started_event())
    run_log.log.close()
    good = (run_log.path / run_store.LOG).read_bytes()
    bad = [
        good.replace(b'"network":', b'"network":[[5]],"network":'),
        b'{"event": "knob_changed", "run": "spiral-1", "step": 3, "key": "no.such", "value": 1}',
        b'{"event": "started"}', b"[" * 5000, b"\xff\xfe", b"null", b"3",
    ]  # fmt: skip
    (run_log.path / run_store.LOG).write_bytes(good + b"\n".join(bad) + b"\n" + good)

    assert run_store.read_run(run_log.path).experiment == EXPERIMENT


def test_a_log_that_was_deleted_is_written_again_from_there_on(run_log: TimedRunLog) -> None:
    for event in (started_event(), progressed_event(1)):
        run_log.record(event, seconds=1)
    shutil.rmtree(run_log.path)

    (note,) = run_log.record(progressed_event(2), seconds=1)
    run_log.record(progressed_event(3), seconds=1)

    assert note.text.startswith("The log of the run was deleted")
    run = run_store.read_run(run_log.path)
    assert [point[0] for point in run.series["loss/train"].points()] == [2, 3]
    assert toml_file.read(run_log.path / run_store.EXPERIMENT) == EXPERIMENT


def test_what_was_kept_back_is_written_before_a_checkpoint(run_log: TimedRunLog) -> None:
    for step in range(4):
        run_log.record(started_event() if not step else progressed_event(step))

    assert run_store.read_run(run_log.path).step == 1
    assert run_log.log.flush() == []
    assert run_store.read_run(run_log.path).step == 3
