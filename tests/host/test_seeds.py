"""Runs of several seeds in the worker: a folder each, a report on all, and an unchanged run."""

from typing import Any

import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment, start_paused
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Cancel, Start, Step, TrainSeeds
from tuilab.core.protocol.events import (
    AnyEvent,
    Finished,
    Loading,
    Logged,
    Paused,
    SeedsReported,
    Started,
)
from tuilab.core.run.run import Run
from tuilab.host import run_store
from tuilab.host.run_lock import find_holder
from tuilab.host.seeds import train_seeds

SHORT = make_long_experiment(epochs=3)


def train(experiment: Experiment, *seeds: int) -> tuple[SeedsReported, list[AnyEvent]]:
    """Trains seeds in this thread; returns the last report and the events of all runs."""
    events: list[AnyEvent] = []
    report = train_seeds(
        TrainSeeds(experiment, seeds), lambda _: None, lambda *_: None, events.append
    )
    return report, events


def stored_runs(report: SeedsReported) -> list[Run]:
    return [run_store.read_run(run_store.run_dir(run.run)) for run in report.runs]


@pytest.mark.parametrize("tables", [{}, {"regularization": {"patience": 9}}])
def test_each_seed_is_a_run_of_its_own_that_goes_on_as_alone(tables: dict[str, Any]) -> None:
    report, _ = train(make_long_experiment(epochs=3, **tables), 4, 9)

    assert report.is_over and report.fraction == 1
    assert [(run.seed, run.state) for run in report.runs] == [(4, "done"), (9, "done")]
    for run, stored in zip(report.runs, stored_runs(report), strict=True):
        assert stored.started is not None and stored.finished is not None
        assert (stored.started.group, stored.started.experiment.seed) == (report.group, run.seed)
        assert (stored.state, stored.step) == ("finished", stored.started.batches * 3)
        assert stored.finished.results["test"]["loss"] == run.metrics["test.loss"]
        assert stored.series["loss/train"].count == stored.step
        assert stored.checkpoint and find_holder(run_store.run_dir(run.run)) is None
    test_losses = [run.metrics["test.loss"] for run in report.runs]
    summary = report.summary["test.loss"]
    assert summary.n == 2 and summary.mean == pytest.approx(sum(test_losses) / 2)


def test_the_note_says_how_they_are_trained() -> None:
    together, _ = train(SHORT, 1, 2)
    apart, _ = train(make_long_experiment(epochs=1, regularization={"patience": 9}), 1, 2)
    single, _ = train(SHORT, 5)
    assert together.note == "2 seeds, trained together"
    assert apart.note == "2 seeds, one after the other, because of early stopping"
    assert single.note == "1 seed, one after the other" and len(single.runs) == 1


def test_the_bands_cover_losses_and_metrics_but_no_layers() -> None:
    report, _ = train(SHORT, 1, 2, 3)
    assert {"loss/train", "loss/validation", "accuracy/validation", "lr"} <= report.bands.keys()
    assert not any(name.startswith("gradient") for name in report.bands)
    histories = [run.series["loss/train"].points() for run in stored_runs(report)]
    for point in report.bands["loss/train"]:
        values = sorted(history[int(point.step) - 1][1] for history in histories)
        assert [point.low, point.median, point.high] == values and point.n == 3


def test_a_seed_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from tuilab.engine.session import Session

    step = Session.set_learning_rate

    def fail_for_seed_2(session: Session) -> None:
        if session.experiment.seed == 2 and session.step == 5:
            raise RuntimeError("no more of this")
        step(session)

    monkeypatch.setattr(Session, "set_learning_rate", fail_for_seed_2)
    report, _ = train(make_long_experiment(epochs=2, regularization={"patience": 9}), 1, 2, 3)
    assert [run.state for run in report.runs] == ["done", "failed", "done"]
    assert "no more of this" in report.runs[1].problem
    assert report.summary["test.loss"].n == 2


def test_a_seed_whose_loss_is_not_finite_fails_and_the_others_go_on() -> None:
    tables: dict[str, Any] = {"optimizer": {"name": "sgd", "lr": 100}, "loss": {"name": "mse"}}
    report, _ = train(make_long_experiment("Linear 8", "Linear 3", epochs=9, **tables), 1, 2)
    assert [run.state for run in report.runs] == ["failed", "failed"]
    assert report.summary == {} and report.is_over
    assert [run.state for run in stored_runs(report)] == ["failed", "failed"]


def test_the_worker_reports_seeds_beside_the_run_in_progress(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(TrainSeeds(SHORT, (3, 1)))
    lab.wait_until(lambda: [event for event in lab.events_of(SeedsReported) if event.is_over])
    lab.send(Step(steps=2))
    lab.wait_until(lambda: len(lab.events_of(Paused)) == 2)

    assert lab.run.step == 2 and lab.run.id == "run-1"
    assert lab.run.seeds is not None and [run.seed for run in lab.run.seeds.runs] == [3, 1]
    assert len(lab.events_of(Started)) == 1 and not lab.events_of(Finished)
    stored = run_store.read_run(run_store.run_dir("run-1"))
    assert stored.seeds is None, "the seeds have logs of their own"


@pytest.mark.parametrize("tables", [{}, {"regularization": {"patience": 100_000}}])
def test_canceled_seeds_are_stored_as_stopped(lab: LinkWatcher, tables: dict[str, Any]) -> None:
    start_paused(lab)
    lab.send(TrainSeeds(make_long_experiment(**tables), (1, 2)))
    lab.wait_until(lambda: [event for event in lab.events_of(Loading) if event.fraction])
    lab.send(Cancel())
    lab.wait_until(lambda: any("Canceled" in event.text for event in lab.events_of(Logged)))

    report = lab.events_of(SeedsReported)[-1]
    started = [run for run in report.runs if run.run]
    assert report.is_over and started
    for run in started:
        stored = run_store.read_run(run_store.run_dir(run.run))
        assert (run.state, stored.state) == ("stopped", "finished")
        assert stored.checkpoint and run.metrics["test.loss"] > 0
    lab.send(Step(steps=1))
    lab.wait_until(lambda: len(lab.events_of(Paused)) == 2)


def test_what_cannot_be_trained_is_a_report_without_runs(lab: LinkWatcher) -> None:
    lab.send(TrainSeeds(make_long_experiment("Linear 9"), (1, 2)))
    report = lab.wait_for(SeedsReported)
    assert report.is_over and not report.runs and "end it with Linear 3" in report.note


def test_a_resumed_seed_stays_in_its_group(lab: LinkWatcher) -> None:
    report, _ = train(SHORT, 6, 7)
    run = report.runs[0].run
    stored = run_store.read_run(run_store.run_dir(run))
    longer = make_long_experiment(epochs=5, seed=6)
    lab.send(Start(run, longer, checkpoint=stored.checkpoint))
    lab.wait_for(Finished)
    lab.close()

    resumed = run_store.read_run(run_store.run_dir(run))
    assert resumed.started is not None and resumed.started.group == report.group
    assert resumed.finished is not None and resumed.finished.epoch == 5


def test_a_seed_that_cannot_start_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from tuilab.engine.data.load import load

    def fail_for_seed_2(experiment: Experiment, *arguments: Any) -> Any:
        if experiment.seed == 2:
            raise InputError("no class is left", "data")
        return load(experiment, *arguments)

    monkeypatch.setattr("tuilab.engine.seeds.together.load", fail_for_seed_2)
    stopping = make_long_experiment(epochs=1, regularization={"patience": 9})
    report, _ = train(stopping, 1, 2, 3)
    assert [run.state for run in report.runs] == ["done", "failed", "done"]
    assert "no class is left" in report.runs[1].problem
    with pytest.raises(InputError, match="no class is left"):
        train(stopping, 2, 3)
