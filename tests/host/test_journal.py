"""The journal keeps what a run was, in bounded room, and never stands in its way."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.watching import experiment
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
from tuilab.host import run_store
from tuilab.host.run_log import RunLog

EXPERIMENT = experiment()


class Clock:
    """Time that passes when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Kept:
    """A journal, its clock and what it wrote."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.journal = RunLog(self.clock)
        self.path = run_store.path_of("spiral-1")

    def keep(self, event: AnyEvent, seconds: float = 0.0) -> list[Logged]:
        self.clock.now += seconds
        return self.journal.keep(event)

    @property
    def lines(self) -> list[bytes]:
        return (self.path / run_store.LOG).read_bytes().split()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def started(run: str = "spiral-1", step: int = 0) -> Started:
    path = str(run_store.path_of(run))
    return Started(run, EXPERIMENT, "cpu", 50, 3, {"train": 96}, path, step)


def progressed(step: int, loss: float = 0.5, high: float | None = None) -> Progressed:
    top = loss if high is None else high
    return Progressed("spiral-1", step, 0.1, loss, loss, top, {}, 1e-3, 9.0, 90.0, 1.0, None)


def finished(step: int) -> Finished:
    return Finished("spiral-1", "done", step, 2, 1.0, {"train": {"loss": 0.25}})


def test_a_stored_run_comes_back_with_its_history(kept: Kept):
    for event in (started(), progressed(1, 2.0), Saved("spiral-1", 1, "elsewhere")):
        kept.keep(event)
    kept.keep(progressed(2, 1.0), seconds=1)
    kept.keep(finished(2))

    run = run_store.read(kept.path)

    assert (run.id, run.state, run.step, run.experiment) == ("spiral-1", "finished", 2, EXPERIMENT)
    assert [point[:2] for point in run.series["loss/train"].points()] == [(1, 2.0), (2, 1.0)]
    assert toml_file.read(kept.path / run_store.EXPERIMENT) == EXPERIMENT
    assert run.checkpoint == ""  # the file is not there


def test_a_loss_that_is_no_number_is_kept_as_that(kept: Kept):
    kept.keep(started())
    kept.keep(progressed(1, float("nan"), float("inf")))

    (point,) = run_store.read(kept.path).series["loss/train"].points()

    assert str(point[1:]) == "(nan, nan, inf)"


def test_a_torn_last_line_is_passed_over(kept: Kept):
    kept.keep(started())
    kept.keep(progressed(1))
    log = kept.path / run_store.LOG
    log.write_bytes(log.read_bytes() + run_store.line(progressed(2))[:40])

    assert run_store.read(kept.path).step == 1


def test_after_a_torn_line_a_run_is_continued_in_the_same_log(kept: Kept):
    kept.keep(started())
    kept.keep(progressed(8))
    with (kept.path / run_store.LOG).open("ab") as log:
        log.write(run_store.line(progressed(9))[:40])

    kept.keep(started(step=5))
    kept.keep(progressed(6))

    run = run_store.read(kept.path)
    assert [point[0] for point in run.series["loss/train"].points()] == [6]
    assert run.step == 6


def test_a_days_training_stays_small(kept: Kept):
    kept.keep(started())
    for step in range(1, 24 * 3600 + 1):
        kept.keep(progressed(step, 0.5, high=9.0 if step == 70_001 else None), seconds=1)

    # Every second for 2000 s, then 2000 for each e-fold: 2000 + 2000 ln(86400 / 2000) = 9530
    # with a clock that is not that of the reports; they lose a part of each gap.
    assert 8500 < len(kept.lines) < 9600
    spikes = [p for p in run_store.read(kept.path).series["loss/train"].points() if p[3] == 9.0]
    assert spikes


def test_the_end_of_a_run_is_exact_however_much_was_thinned(kept: Kept):
    kept.keep(started())
    kept.keep(progressed(1))
    kept.keep(EpochEnded("spiral-1", 1, 1, {"loss": 0.9}, {"loss": 0.8}))
    kept.keep(EpochEnded("spiral-1", 2, 2, {"loss": 0.7}, {"loss": 0.6}), seconds=0.01)
    kept.keep(progressed(2, 0.125), seconds=0.01)
    kept.keep(finished(2))

    run = run_store.read(kept.path)

    assert run.progress == progressed(2, 0.125)
    assert run.epoch is not None and run.epoch.validation == {"loss": 0.6}


def test_pictures_and_loading_are_not_stored(kept: Kept):
    kept.keep(started())
    before = kept.lines

    kept.keep(Loading("Drawing", 0.5))

    assert kept.lines == before


def test_a_run_that_goes_back_is_read_as_it_went(kept: Kept):
    for event in (started(), progressed(5), Rewound("spiral-1", 3)):
        kept.keep(event, seconds=1)

    run = run_store.read(kept.path)

    assert (run.state, run.step) == ("paused", 3)


def test_a_full_disk_is_told_once_and_nothing_is_lost_when_there_is_room_again(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
):
    kept.keep(started())

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", _full_disk(os.write, room=25))
        first = kept.keep(progressed(1), seconds=1)
        second = kept.keep(progressed(2), seconds=10)
        third = kept.keep(progressed(3), seconds=1)
    fourth = kept.keep(progressed(4), seconds=10)

    assert "No space left on device" in first[0].text
    assert (second, third) == ([], [])
    assert fourth == [Logged("The disk takes the run's log again.")]
    history = run_store.read(kept.path).series["loss/train"].points()
    assert [point[0] for point in history] == [1, 2, 3, 4]


def _full_disk(write: Callable[[int, bytes], int], room: int) -> Callable[[int, bytes], int]:
    """A disk that takes so many bytes and no more."""
    left = [room]

    def full(file: int, content: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = min(left[0], len(content))
        left[0] -= taken
        return write(file, content[:taken])

    return full


def test_dev_full_stops_nothing(kept: Kept):
    kept.path.mkdir(parents=True)
    (kept.path / run_store.LOG).symlink_to("/dev/full")

    (note,) = kept.keep(started())

    assert "its log cannot be written (No space left on device)" in note.text
    assert kept.keep(finished(1)) == []


def test_a_glance_at_a_long_log_tells_how_the_run_stands(kept: Kept):
    kept.keep(started())
    for step in range(1, 2000):
        kept.keep(progressed(step, step / 4), seconds=1)
    kept.keep(finished(2000))

    whole, glance = run_store.read(kept.path), run_store.read(kept.path, glance=True)

    assert (glance.state, glance.step, glance.finished) == ("finished", 2000, finished(2000))
    assert glance.experiment == EXPERIMENT
    assert 0 < len(glance.series["loss/train"].points()) < len(whole.series["loss/train"].points())


def test_stored_runs_are_listed_newest_first():
    for age, name in ((10, "b-1"), (5, "c-1"), (20, "a-1")):
        RunLog().keep(started(name))
        os.utime(run_store.path_of(name) / run_store.LOG, (1e9 - age, 1e9 - age))

    assert [path.name for path in run_store.stored()] == ["c-1", "b-1", "a-1"]


def test_a_folder_without_a_log_says_so(tmp_path: Path):
    with pytest.raises(InputError, match="No such file"):
        run_store.read(tmp_path)
    (tmp_path / run_store.LOG).write_text("nothing of ours\n")
    with pytest.raises(InputError, match="no run was begun here"):
        run_store.read(tmp_path)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n", "x" * 101])
def test_an_id_never_leads_out_of_the_runs(name: str):
    with pytest.raises(InputError, match="letters, digits"):
        run_store.path_of(name)
