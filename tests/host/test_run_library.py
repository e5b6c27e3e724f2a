"""The library of stored runs: what it lists, its index, labels, the baseline and the trash."""

import pytest

from tests.support.stored_runs import append_events, epoch_events, store_run
from tuilab.core.errors import InputError
from tuilab.core.protocol.events import Finished, Rewound
from tuilab.core.run.run_summary import MetricValue
from tuilab.host.run_library import RunLibrary
from tuilab.host.run_lock import RunLock
from tuilab.host.run_store import run_dir


def test_a_summary_says_what_the_log_says() -> None:
    store_run("spiral-1", optimizer__lr=0.03)

    (run,) = RunLibrary().list_summaries()

    assert (run.id, run.name, run.state, run.step, run.epoch) == (
        "spiral-1",
        "Spiral",
        "done",
        30,
        3,
    )
    assert (run.seconds, run.started, run.is_active) == (12.5, 1_700_000_000.0, False)
    assert run.values["validation.accuracy"] == MetricValue(0.8, 0.9)
    assert run.values["validation.loss"].best == pytest.approx(0.1)
    assert run.values["test.accuracy"] == MetricValue(0.7, 0.7)
    assert run.settings == {"title": "Spiral", "optimizer.lr": 0.03}


def test_a_rewind_takes_back_the_best_value() -> None:
    store_run("spiral-1", [0.5, 0.9], end="")
    append_events("spiral-1", [Rewound("spiral-1", 10), *epoch_events("spiral-1", 2, 0.6)])

    (run,) = RunLibrary().list_summaries()

    assert run.values["validation.accuracy"] == MetricValue(0.6, 0.6)
    assert (run.state, run.is_active) == ("cut off", False)


def test_labels_are_listed_and_searched() -> None:
    store_run("spiral-1")
    library = RunLibrary()
    library.rename("spiral-1", "wide net")
    library.tag("spiral-1", add=["good", "old"], remove=["old"])
    library.note("spiral-1", "as in the paper")

    (run,) = RunLibrary().list_summaries()

    assert (run.name, run.title) == ("wide net", "Spiral")
    assert (run.tags, run.note) == (("good",), "as in the paper")


def test_a_deleted_run_comes_back_and_one_in_progress_stays() -> None:
    store_run("spiral-1")
    library = RunLibrary()
    lock = RunLock.acquire(run_dir("spiral-1"))
    with pytest.raises(InputError, match="it cannot be deleted"):
        library.delete("spiral-1")
    lock.close()

    library.delete("spiral-1")
    assert library.list_summaries() == []
    assert [run.id for run in library.list_trash()] == ["spiral-1"]
    store_run("spiral-1", [0.1])
    with pytest.raises(InputError, match="stored again"):
        library.restore("spiral-1")
    library.delete("spiral-1")
    library.restore("spiral-1")
    assert library.list_summaries()[0].values["validation.accuracy"].last == 0.1
    assert library.empty_trash() == 1


def test_a_run_that_goes_on_is_read_again() -> None:
    store_run("spiral-1", [0.5], end="")
    lock = RunLock.acquire(run_dir("spiral-1"))
    library = RunLibrary()
    assert library.list_summaries()[0].state == "training"

    append_events("spiral-1", epoch_events("spiral-1", 2, 0.7))
    assert library.refresh()[0].values["validation.accuracy"] == MetricValue(0.7, 0.7)
    append_events("spiral-1", [Finished("spiral-1", "stopped", 20, 2, 4.0, {})])
    assert library.refresh()[0].state == "stopped"
    lock.close()
