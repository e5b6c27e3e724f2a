"""Searches and cross-validation through the worker: they answer, end when told, leave no trace."""

from statistics import mean, stdev

import pytest
import torch

from tests.support.watching import Watcher, begun, experiment, weights
from tuilab.core.protocol.commands import Cancel, Find, Save, Start, Step, Validate
from tuilab.core.protocol.events import (
    Finished,
    Found,
    Loading,
    Logged,
    Paused,
    Progressed,
    Saved,
    Validated,
)

SHORT = experiment(epochs=2)


def after(lab: Watcher, run: str, *studies: Find | Validate) -> torch.Tensor:
    """The weights after nine steps of a new run, with studies on the way."""
    dropping = experiment("Linear 8", "BatchNorm1d", "Dropout 0.5", "Linear 3")
    lab.send(Start(run, dropping, paused=True), Step(steps=9), *studies)
    lab.until(lambda: Paused(run, 9) in lab.all(Paused))
    lab.send(Save())
    return weights(lab.until(lambda: [e for e in lab.all(Saved) if e.run == run])[-1].path)


def test_a_run_does_not_feel_what_is_studied_meanwhile(lab: Watcher):
    disturbed = after(lab, "run-1", Find("lr"), Find("batch_size"), Validate(SHORT, 2))
    left = after(lab, "run-2")

    rates, sizes = lab.all(Found)
    assert (rates.run, rates.what, sizes.what) == ("run-1", "lr", "batch_size")
    assert rates.points and rates.note and sizes.suggestion in dict(sizes.points)
    assert torch.equal(disturbed, left)


def test_a_cross_validation_tells_after_each_fold_how_all_stand(lab: Watcher):
    lab.send(Validate(SHORT, folds=3))
    lab.until(lambda: len(lab.all(Validated)) == 3)

    first, _, last = lab.all(Validated)
    losses = [result["loss"] for result in last.results]
    assert (len(first.results), first.of, first.spread["loss"]) == (1, 3, 0.0)
    assert last.mean["loss"] == pytest.approx(mean(losses))
    assert last.spread["loss"] == pytest.approx(stdev(losses))
    assert lab.run.validated == last and lab.all(Loading)


def test_it_can_be_cancelled_and_the_run_goes_on(lab: Watcher):
    begun(lab)
    lab.send(Validate(experiment(), folds=5))
    lab.until(lambda: any(event.what.startswith("Fold 1") for event in lab.all(Loading)))

    lab.send(Cancel())
    lab.until(lambda: any("cut short" in event.text for event in lab.all(Logged)))
    lab.send(Step(steps=2))
    lab.until(lambda: len(lab.all(Paused)) == 2)

    assert lab.run.step == 2 and not lab.all(Finished) and not lab.all(Validated)


def test_a_run_that_is_training_goes_on_after_a_search(lab: Watcher):
    lab.send(Start("run-1", experiment()))
    lab.wait(Progressed)

    lab.send(Find("lr"))
    before = lab.wait(Found) and lab.run.step
    lab.until(lambda: lab.run.step > before)

    assert lab.run.state == "training"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Validate(SHORT, folds=1), "two folds or more"),
        (Validate(SHORT, folds=5000), "cannot be divided into 5000 folds"),
        (Validate(experiment(data={"validation": 0.0}), 2, repeats=2), "nothing is held back"),
        (Validate(experiment("Linear 9"), 2), "it ends in [9]"),
        (Find("lr"), "there is no run; start one first"),
    ],
)
def test_what_cannot_be_studied_is_answered_in_words(
    lab: Watcher, command: Find | Validate, words: str
):
    lab.send(command)

    answer = lab.wait(Found if isinstance(command, Find) else Validated)

    assert words in answer.note


def test_a_graph_has_no_batch_to_choose(lab: Watcher):
    graph = experiment("GraphConvolution 4", data={"name": "communities"})
    begun(lab, graph)

    lab.send(Find("batch_size"))

    assert "there is no batch to choose" in lab.wait(Found).note
