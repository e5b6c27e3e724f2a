"""Finders and cross-validation in the worker: results, cancellation, and an unchanged run."""

from statistics import mean, stdev

import pytest
import torch

from tests.support.watching import Watcher, begun, experiment, weights
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

SHORT = experiment(epochs=2)


def after(lab: Watcher, run: str, *studies: Find | CrossValidate) -> torch.Tensor:
    """The weights after nine steps of a new run, with studies on the way."""
    dropping = experiment("Linear 8", "BatchNorm1d", "Dropout 0.5", "Linear 3")
    lab.send(Start(run, dropping, paused=True), Step(steps=9), *studies)
    lab.until(lambda: Paused(run, 9) in lab.all(Paused))
    lab.send(Save())
    return weights(lab.until(lambda: [e for e in lab.all(Saved) if e.run == run])[-1].path)


def test_studies_do_not_change_a_run(lab: Watcher):
    with_studies = after(lab, "run-1", Find("lr"), Find("batch_size"), CrossValidate(SHORT, 2))
    without = after(lab, "run-2")

    rates, sizes = lab.all(FinderReported)
    assert (rates.run, rates.what, sizes.what) == ("run-1", "lr", "batch_size")
    assert rates.points and rates.note and sizes.suggestion in dict(sizes.points)
    assert torch.equal(with_studies, without)


def test_a_cross_validation_reports_after_each_fold(lab: Watcher):
    lab.send(CrossValidate(SHORT, folds=3))
    lab.until(lambda: len(lab.all(CrossValidated)) == 3)

    first, _, last = lab.all(CrossValidated)
    losses = [result["loss"] for result in last.results]
    assert (len(first.results), first.total, first.std["loss"]) == (1, 3, 0.0)
    assert last.mean["loss"] == pytest.approx(mean(losses))
    assert last.std["loss"] == pytest.approx(stdev(losses))
    assert lab.run.cross_validation == last and lab.all(Loading)


def test_a_study_can_be_canceled_and_the_run_continues(lab: Watcher):
    begun(lab)
    lab.send(CrossValidate(experiment(), folds=5))
    lab.until(lambda: any(event.what.startswith("Fold 1") for event in lab.all(Loading)))

    lab.send(Cancel())
    lab.until(lambda: any("Canceled" in event.text for event in lab.all(Logged)))
    lab.send(Step(steps=2))
    lab.until(lambda: len(lab.all(Paused)) == 2)

    assert lab.run.step == 2 and not lab.all(Finished) and not lab.all(CrossValidated)


def test_a_run_in_progress_continues_after_a_search(lab: Watcher):
    lab.send(Start("run-1", experiment()))
    lab.wait(Progressed)

    lab.send(Find("lr"))
    before = lab.wait(FinderReported) and lab.run.step
    lab.until(lambda: lab.run.step > before)

    assert lab.run.state == "training"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (CrossValidate(SHORT, folds=1), "two folds or more"),
        (CrossValidate(SHORT, folds=5000), "cannot be divided into 5000 folds"),
        (CrossValidate(experiment(data={"validation": 0.0}), 2, repeats=2), "examples are held out"),
        (CrossValidate(experiment("Linear 9"), 2), "its output is [9]"),
        (Find("lr"), "there is no run; start one first"),
    ],
)
def test_a_study_that_is_not_possible_says_why(
    lab: Watcher, command: Find | CrossValidate, words: str
):
    lab.send(command)

    answer = lab.wait(FinderReported if isinstance(command, Find) else CrossValidated)

    assert words in answer.note


def test_a_graph_has_no_batch_size(lab: Watcher):
    graph = experiment("GraphConvolution 4", data={"name": "communities"})
    begun(lab, graph)

    lab.send(Find("batch_size"))

    assert "there is no batch to choose" in lab.wait(FinderReported).note
