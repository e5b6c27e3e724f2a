"""Finders and cross-validation in the worker: results, cancellation, and an unchanged run."""

from statistics import mean, stdev

import pytest
import torch

from tests.support.link_watcher import LinkWatcher, load_weights, make_long_experiment, start_paused
from tuilab.core.protocol.commands import Cancel, CrossValidate, Find, Save, Start, Step
from tuilab.core.protocol.events import (
    CrossValidated,
    FinderReported,
    Finished,
    Loading,
    Logged,
    Paused,
    Progressed,
    Saved,
)

SHORT = make_long_experiment(epochs=2)


def train_nine_steps(lab: LinkWatcher, run: str, *studies: Find | CrossValidate) -> torch.Tensor:
    """Returns the weights after nine steps of a new run with studies."""
    experiment = make_long_experiment("Linear 8", "BatchNorm1d", "Dropout 0.5", "Linear 3")
    lab.send(Start(run, experiment, paused=True), Step(steps=9), *studies)
    lab.wait_until(lambda: Paused(run, 9) in lab.events_of(Paused))
    lab.send(Save())
    saved = lab.wait_until(lambda: [event for event in lab.events_of(Saved) if event.run == run])
    return load_weights(saved[-1].path)


def test_studies_do_not_change_a_run(lab: LinkWatcher) -> None:
    with_studies = train_nine_steps(
        lab, "run-1", Find("lr"), Find("batch_size"), CrossValidate(SHORT, 2),
        Find("lr", experiment=SHORT),
    )  # fmt: skip
    without = train_nine_steps(lab, "run-2")

    rates, sizes, _ = lab.events_of(FinderReported)
    assert (rates.run, rates.what, sizes.what) == ("run-1", "lr", "batch_size")
    assert rates.points and rates.note and sizes.suggestion in dict(sizes.points)
    assert torch.equal(with_studies, without)


def test_a_cross_validation_reports_after_each_fold(lab: LinkWatcher) -> None:
    lab.send(CrossValidate(SHORT, folds=3))
    lab.wait_until(lambda: len(lab.events_of(CrossValidated)) == 3)

    first, _, last = lab.events_of(CrossValidated)
    losses = [result["loss"] for result in last.results]
    assert (len(first.results), first.total, first.std["loss"]) == (1, 3, 0.0)
    assert last.mean["loss"] == pytest.approx(mean(losses))
    assert last.std["loss"] == pytest.approx(stdev(losses))
    assert lab.run.cross_validation == last and lab.events_of(Loading)


def test_a_study_can_be_canceled_and_the_run_continues(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(CrossValidate(make_long_experiment(), folds=5))
    lab.wait_until(lambda: any(event.what.startswith("Fold 1") for event in lab.events_of(Loading)))

    lab.send(Cancel())
    lab.wait_until(lambda: any("Canceled" in event.text for event in lab.events_of(Logged)))
    lab.send(Step(steps=2))
    lab.wait_until(lambda: len(lab.events_of(Paused)) == 2)

    assert lab.run.step == 2 and not lab.events_of(Finished) and not lab.events_of(CrossValidated)


def test_a_run_in_progress_continues_after_a_search(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment()))
    lab.wait_for(Progressed)

    lab.send(Find("lr"))
    lab.wait_for(FinderReported)
    before = lab.run.step
    lab.wait_until(lambda: lab.run.step > before)

    assert lab.run.state == "training"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (CrossValidate(SHORT, folds=1), "two folds or more"),
        (CrossValidate(SHORT, folds=5000), "cannot be divided into 5000 folds"),
        (
            CrossValidate(make_long_experiment(data={"validation": 0.0}), 2, repeats=2),
            "are held out",
        ),
        (CrossValidate(make_long_experiment("Linear 9"), 2), "its output is [9]"),
        (Find("lr"), "there is no run; start one first"),
    ],
)
def test_a_study_that_is_not_possible_gives_the_reason(
    lab: LinkWatcher, command: Find | CrossValidate, message: str
) -> None:
    lab.send(command)

    kinds = (FinderReported, CrossValidated)
    [event] = lab.wait_until(lambda: [e for e in lab.events if isinstance(e, kinds)])
    assert isinstance(event, FinderReported) == isinstance(command, Find)
    assert message in event.note


def test_a_graph_has_no_batch_size(lab: LinkWatcher) -> None:
    graph = make_long_experiment("GraphConvolution 4", data={"name": "communities"})
    start_paused(lab, graph)

    lab.send(Find("batch_size"))

    assert "there is no batch to choose" in lab.wait_for(FinderReported).note


def test_a_search_starts_from_new_weights_unless_asked_otherwise(lab: LinkWatcher) -> None:
    start_paused(lab, make_long_experiment("Linear 8", "Dropout 0.2", "Tanh", "Linear 3"))
    lab.send(Find("lr"), Step(steps=300))
    lab.wait_until(lambda: lab.run.step == 300 and lab.run.state == "paused")
    lab.send(Find("lr"), Find("lr", from_current_weights=True))

    first, second, third = (lab.wait_for(FinderReported) for _ in range(3))

    assert first.points == second.points and first.suggestion == second.suggestion
    assert third.points[0][1] < 0.7 * first.points[0][1], "the loss of a trained network"


def test_a_search_for_another_experiment_measures_that_one(lab: LinkWatcher) -> None:
    small = make_long_experiment(data={"samples": 50, "validation": 0.2})
    lab.send(Find("batch_size", experiment=small))
    without_run = lab.wait_for(FinderReported)
    start_paused(lab)
    lab.send(Find("batch_size"), Find("batch_size", experiment=small))

    of_run, of_small = (lab.wait_for(FinderReported) for _ in range(2))

    sizes = [[size for size, _ in report.points] for report in (without_run, of_small)]
    assert [max(each) for each in sizes] == [40, 40], "its whole training set"
    assert 40 not in [size for size, _ in of_run.points]


def test_a_search_for_an_experiment_that_cannot_start_gives_the_reason(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Find("lr", experiment=make_long_experiment("Linear 9")))
    assert "its output is [9]" in lab.wait_for(FinderReported).note


def test_the_note_of_a_start_is_in_the_log(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Start("again-1", make_long_experiment(), keep=True, paused=True))

    lab.wait_until(lambda: lab.run.id == "again-1" and lab.run.state == "paused")

    assert any("layers keep their weights" in line for line in lab.run.log)
