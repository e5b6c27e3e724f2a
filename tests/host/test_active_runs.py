"""What the strip of runs shows: followed logs, and what waits in the queue."""

from contextlib import ExitStack, closing

import pytest

from tests.support.stored_runs import append_events, epoch_events, store_run
from tuilab.core import paths
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Finished, Paused
from tuilab.core.run.series import average_groups
from tuilab.host import run_queue, run_store
from tuilab.host.active_runs import ActiveRuns
from tuilab.host.run_lock import RunLock


def add(run: str) -> None:
    run_queue.add_runs([Start(run, Experiment(title=run))])


def test_without_a_queue_and_other_hosts_there_is_nothing() -> None:
    store_run("spiral-1", end="")
    with closing(RunLock.acquire(paths.runs_dir() / "spiral-1")):
        assert ActiveRuns().refresh() == []


def test_runs_are_followed_as_their_logs_grow() -> None:
    add("moons-9")
    add("xor-8")
    store_run("spiral-1", [0.5, 0.6], end="")
    store_run("xor-8", [0.5], end="")
    runs = ActiveRuns()
    with ExitStack() as stack:
        for name in ("spiral-1", "xor-8"):
            stack.enter_context(closing(RunLock.acquire(paths.runs_dir() / name)))
        first, second, third = runs.refresh()
        assert (first.run, first.position, first.state) == ("xor-8", 2, "training")
        assert (second.run, second.position, second.epoch) == ("spiral-1", 0, 2)
        assert (second.metric, second.value) == ("validation accuracy", 0.6)
        assert (third.run, third.state, third.position) == ("moons-9", "waiting", 1)

        append_events("spiral-1", epoch_events("spiral-1", 3, 0.7))
        log = run_store.run_dir("spiral-1") / run_store.LOG
        whole = run_store.encode_event(Paused("spiral-1", 30, ""))
        with log.open("ab") as file:
            file.write(whole[:20])
        assert runs.refresh()[1].value == 0.7
        with log.open("ab") as file:
            file.write(whole[20:])
        assert runs.refresh()[1].state == "paused"

        append_events("spiral-1", [Finished("spiral-1", "done", 30, 3, 1.0, {})])
        assert [run.run for run in runs.refresh()] == ["xor-8", "moons-9"]


def test_a_run_that_has_not_written_anything_is_starting() -> None:
    add("moons-9")
    with closing(RunLock.acquire(paths.runs_dir() / "moons-9")):
        [run] = ActiveRuns().refresh()
    assert (run.state, run.is_in_progress) == ("starting", True)


@pytest.mark.parametrize(
    ("values", "count", "expected"),
    [
        ([], 3, []),
        ([1.0, float("nan"), 3.0], 3, [1.0, 3.0]),
        ([float(n) for n in range(6)], 3, [0.5, 2.5, 4.5]),
        ([1.0] * 1000, 7, [1.0] * 7),
    ],
)
def test_losses_are_averaged_in_groups(
    values: list[float], count: int, expected: list[float]
) -> None:
    assert average_groups(values, count) == pytest.approx(expected)
