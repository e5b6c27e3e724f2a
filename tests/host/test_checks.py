"""Checks for the diagnosis in the worker: progress, results, cancellation, an unchanged run."""

import pytest
import torch

from tests.support.link_watcher import LinkWatcher, load_weights, make_long_experiment, start_paused
from tuilab.core.protocol.commands import (
    AnyCommand,
    Cancel,
    Check,
    Inspect,
    Resume,
    Save,
    Start,
    Step,
    Stop,
)
from tuilab.core.protocol.events import (
    Checking,
    ChecksReported,
    Failed,
    Finished,
    Logged,
    Paused,
    Resumed,
    Saved,
)
from tuilab.core.protocol.inspect.layer_messages import LayerRequest, LayerResponse
from tuilab.host import run_store

NETWORK = ("Linear 8", "BatchNorm1d", "Dropout 0.5", "Linear 3")


def train_nine_steps(lab: LinkWatcher, run: str, *checks: AnyCommand) -> torch.Tensor:
    """Returns the weights after nine steps of a new run, with checks after the fifth."""
    lab.send(Start(run, make_long_experiment(*NETWORK), paused=True), Step(steps=5))
    lab.wait_until(lambda: Paused(run, 5) in lab.events_of(Paused))
    lab.send(*checks)
    if checks:
        assert lab.wait_for(ChecksReported).step == 5
    lab.send(Step(steps=4), Save())
    saved = lab.wait_until(lambda: [event for event in lab.events_of(Saved) if event.run == run])
    return load_weights(saved[-1].path)


def test_checks_are_reported_and_do_not_change_a_run(lab: LinkWatcher) -> None:
    with_checks = train_nine_steps(lab, "run-1", Check())
    without = train_nine_steps(lab, "run-2")

    [report] = lab.events_of(ChecksReported)
    assert report.run == "run-1" and report.memorization is not None and not report.notes
    assert {event.number for event in lab.events_of(Checking)} == {1, 2, 3, 4, 5}
    assert not lab.events_of(Failed)
    assert torch.equal(with_checks, without)


def test_checks_of_a_finished_run_are_in_its_log(lab: LinkWatcher) -> None:
    lab.run.begin("run-1", make_long_experiment(epochs=1))
    lab.send(Start("run-1", make_long_experiment(epochs=1)))
    lab.wait_for(Finished)

    lab.send(Check())
    report = lab.wait_for(ChecksReported)
    lab.send(Start("run-2", make_long_experiment(), paused=True))  # closes the log of the first
    lab.wait_for(Paused)

    stored = run_store.read_run(run_store.run_dir("run-1"))
    assert stored.checks == report and stored.checking is None
    assert stored.finished is not None


@pytest.mark.parametrize("command", [Cancel(), Resume(), Stop()])
def test_any_request_cancels_the_checks(lab: LinkWatcher, command: AnyCommand) -> None:
    start_paused(lab)
    lab.send(Check())
    lab.wait_until(lambda: lab.run.checking is not None)

    lab.send(command)
    lab.wait_until(lambda: lab.run.checking is None)
    answers: dict[object, tuple[type, ...]] = {
        Cancel(): (Logged,), Resume(): (Resumed,), Stop(): (Finished,)
    }  # fmt: skip
    lab.wait_until(lambda: any(isinstance(event, answers[command]) for event in lab.events))

    assert not lab.events_of(ChecksReported)


def test_a_view_is_answered_while_checks_go_on(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Check())
    lab.wait_until(lambda: lab.run.checking is not None)

    lab.send(Inspect(LayerRequest()))
    lab.wait_for(LayerResponse)

    assert not lab.events_of(ChecksReported), "the view did not wait for their end"
    lab.wait_for(ChecksReported)


def test_a_run_that_trains_is_not_checked(lab: LinkWatcher) -> None:
    lab.send(Check())
    assert "there is no run" in lab.wait_for(Logged).text
    lab.send(Start("run-1", make_long_experiment()), Check())

    lab.wait_until(lambda: any("pause it first" in event.text for event in lab.events_of(Logged)))
    assert not lab.events_of(Checking)


def test_an_error_in_a_check_ends_the_checks_and_not_the_run(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_paused(lab)
    monkeypatch.setattr("tuilab.engine.studies.checks.capture_state", lambda session: 1 / 0)

    lab.send(Check())
    lab.wait_until(lambda: any("could not be" in event.text for event in lab.events_of(Logged)))
    lab.send(Step(steps=2))
    lab.wait_until(lambda: lab.run.step == 2)

    assert not lab.events_of(Failed)
