"""Errors become events in the user's terms, and the worker continues."""

import errno
import os
from pathlib import Path

import pytest
import torch

from tests.support.link_watcher import LinkWatcher, load_weights, make_long_experiment, start_paused
from tests.support.not_none import not_none
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.errors import GPU_FAULT
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect, Resume, Rewind, Save, SetKnob, Start, Step, Stop
from tuilab.core.protocol.events import Failed, Finished, Logged, Paused, Resumed, Rewound, Saved
from tuilab.core.protocol.inspect.result_messages import ResultRequest
from tuilab.engine import checkpoint_store
from tuilab.host import run_store


def test_a_command_without_a_run_is_logged(lab: LinkWatcher) -> None:
    lab.send(Step(steps=1), Stop(), Inspect(ResultRequest()))

    assert lab.wait_for(Logged).text == "Nothing to step: there is no run."
    assert lab.wait_for(Logged).text == "Nothing to stop: there is no run."


@pytest.mark.parametrize(
    ("experiment", "reason", "where"),
    [
        (make_long_experiment("Linear 5"), "its output is [5]", "network"),
        (
            make_long_experiment(training={"device": "cuda:77"}),
            "There is no cuda:77 on this machine",
            "training.device",
        ),
        (
            make_long_experiment("Linear 8", "BatchNorm1d", "Linear 3", data={"batch_size": 1}),
            "Batch norm cannot train on a batch of one",
            "data.batch_size",
        ),
    ],
)
def test_a_run_that_cannot_start_gives_the_reason(
    lab: LinkWatcher, experiment: Experiment, reason: str, where: str
) -> None:
    lab.send(Start("run-1", experiment))

    failed = lab.wait_for(Failed)
    assert failed.title == "This experiment cannot be started"
    assert reason in failed.hint
    assert where in failed.hint
    assert not failed.recoverable
    assert start_paused(lab, run="run-2").run.state == "paused"


@pytest.mark.parametrize("run", ["../elsewhere", ""])
def test_an_invalid_id_is_refused(lab: LinkWatcher, run: str) -> None:
    lab.send(Start(run, make_long_experiment()))

    assert lab.wait_for(Failed).hint.startswith("A run's id consists of letters")


def test_an_invalid_checkpoint_is_refused(lab: LinkWatcher, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_text("no tensors here")

    lab.send(Start("run-1", make_long_experiment(), checkpoint=str(path)))

    assert "not a complete checkpoint" in lab.wait_for(Failed).hint


def test_an_exception_pauses_the_run_which_then_continues(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_paused(lab)
    lab.send(Step(steps=3))
    lab.wait_for(Resumed)
    lab.wait_for(Paused)

    with monkeypatch.context() as library:
        library.setattr(torch.optim.AdamW, "step", _fail)
        lab.send(Resume())
        failed = lab.wait_for(Failed)
    lab.send(Step(steps=2))

    assert failed.title == "ArithmeticError: a library error"
    assert failed.recoverable and "Traceback" in failed.detail
    assert lab.wait_for(Paused).step == 5
    assert lab.run.failure is None


def _fail(*_: object, **__: object) -> None:
    raise ArithmeticError("a library error")


@pytest.mark.parametrize("offer", [0, 1])
def test_running_out_of_memory_pauses_the_run_and_every_offer_continues_it(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch, offer: int
) -> None:
    start_paused(lab)
    lab.send(Step(steps=2))
    lab.wait_for(Resumed)
    lab.wait_for(Paused)

    monkeypatch.setattr(torch.nn.Tanh, "forward", _limit_to_16_examples)
    lab.send(Resume())
    failed = lab.wait_for(Failed)
    assert lab.run.failure == failed
    lab.send(*failed.offers[offer].commands, Step(epochs=2))

    assert (failed.title, failed.step, failed.recoverable) == ("Out of memory on cpu", 2, True)
    assert lab.wait_for(Paused).step > 2
    assert "loss" in not_none(lab.run.epoch).validation
    assert lab.run.failure is None


def _limit_to_16_examples(_: object, inputs: torch.Tensor) -> torch.Tensor:
    """Is the forward pass on a device that has memory for 16 examples."""
    if len(inputs) > 16:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return inputs.tanh()


def test_after_a_fault_of_the_gpu_the_host_ends(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_paused(lab)
    monkeypatch.setattr(torch.nn.Tanh, "forward", _fault)
    lab.send(Step(steps=1))

    lab.wait_until_lost()
    failed = lab.events_of(Failed)[-1]
    assert failed.title == GPU_FAULT and "--resume run-1" in failed.hint


def _fault(*_: object) -> torch.Tensor:
    raise RuntimeError("CUDA error: device-side assert triggered")


def make_diverging_experiment() -> Experiment:
    return make_long_experiment(
        optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, loss={"name": "mse"}
    )


def test_a_loss_that_is_not_finite_pauses_the_run_and_can_be_rewound(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_diverging_experiment()))
    failed = lab.wait_for(Failed)
    rewind, _, resume = failed.offers[0].commands

    lab.send(rewind, SetKnob("optimizer.lr", 1e-6), Step(steps=5))

    rewound = lab.wait_for(Rewound)
    assert "loss became" in failed.title
    assert lab.wait_for(Paused).step == rewound.step + 5
    assert isinstance(resume, Resume)


def test_the_last_good_state_is_saved_after_a_loss_that_is_not_finite(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_diverging_experiment()))
    failed = lab.wait_for(Failed)

    lab.send(Stop())

    assert lab.wait_for(Finished).step == failed.step
    assert load_weights(lab.run.checkpoint).isfinite().all()


def test_a_failed_run_keeps_its_history_until_it_goes_on(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_diverging_experiment()))
    failed = lab.wait_for(Failed)
    lab.send(Stop())
    lab.wait_for(Finished)

    stored = run_store.read_run(run_store.run_dir("run-1"))
    assert (stored.step, stored.failure) == (failed.step, failed)
    assert not stored.series["loss/train"].is_finite
    assert [d.name for d in diagnose(stored)] == [d.name for d in diagnose(lab.run)]

    lab.send(SetKnob("optimizer.lr", 1e-6), Step(steps=1))
    resumed = lab.wait_for(Resumed)
    assert lab.wait_for(Paused).step == resumed.step + 1 < failed.step
    assert lab.run.series["loss/train"].is_finite


def test_an_error_in_a_view_is_logged_once_and_does_not_stop_the_run(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_paused(lab)

    with monkeypatch.context() as library:
        library.setattr(torch, "meshgrid", _fail)
        for _ in range(2):
            lab.send(Inspect(ResultRequest()), Save())
            lab.wait_for(Saved)

    assert [event.text for event in lab.events_of(Logged)] == [
        "The view could not be drawn: a library error"
    ]
    assert lab.run.state == "paused"


def fail_as_a_full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_does_not_stop_the_run_and_what_is_lost_is_named(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_store.run_dir("run-1")
    path.mkdir(parents=True)
    (path / run_store.LOG).symlink_to("/dev/full")
    monkeypatch.setattr(checkpoint_store, "RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(checkpoint_store, "write_atomically", fail_as_a_full_disk)

    lab.send(Start("run-1", make_long_experiment(epochs=3)))

    finished = lab.wait_for(Finished)
    assert (finished.reason, finished.step) == ("done", 9)
    notes = [event.text for event in lab.events_of(Logged)]
    assert len(notes) == 2
    assert "the log cannot be written (No space left on device)" in notes[0]
    assert notes[1] == finished.lost
    assert finished.lost == (
        f"The weights of step 9 are lost: they could not be written to {path} "
        "(No space left on device). It has no checkpoint."
    )


def test_rewinding_needs_no_failure(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Step(steps=4), Rewind())

    assert lab.wait_for(Rewound).step <= 4
    assert lab.run.state == "paused"
