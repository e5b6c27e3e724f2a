"""Runs continue from earlier weights, and end with a checkpoint."""

import pytest
import torch

from tests.support.link_watcher import (
    LinkWatcher,
    load_weights,
    make_long_experiment,
    start_paused,
)
from tests.support.not_none import not_none
from tests.support.wait_until import wait_until
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Close, Pause, Save, SetKnob, Start, Step, Stop
from tuilab.core.protocol.events import (
    Finished,
    Loading,
    Logged,
    Paused,
    Progressed,
    Saved,
    Started,
)
from tuilab.host import run_controller, run_store
from tuilab.host.link import _InProcess


def make_glyphs_experiment(**data: object) -> Experiment:
    return make_long_experiment(
        "Flatten", "Linear 10", data={"name": "glyphs", "samples": 300, **data}
    )


def test_a_stopped_run_continues_from_its_checkpoint(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Step(steps=5))
    lab.wait_for(Paused)
    lab.send(Stop())
    finished = lab.wait_for(Finished)
    saved = lab.events_of(Saved)[-1]

    lab.send(Start("run-2", make_long_experiment(), paused=True, checkpoint=saved.path))
    lab.wait_until(lambda: len(lab.events_of(Started)) == 2)

    assert (finished.reason, finished.step, saved.step) == ("stopped", 5, 5)
    started = not_none(lab.run.started)
    assert (started.step, started.note) == (5, "continues from step 5")


def test_a_knob_that_makes_the_learning_rate_jump_says_so(lab: LinkWatcher) -> None:
    start_paused(lab, make_long_experiment(schedule={"name": "one_cycle"}, epochs=9))
    lab.send(Step(steps=3))
    lab.wait_for(Paused)

    lab.send(SetKnob("training.epochs", 500), SetKnob("optimizer.lr", 1e-4), Step(steps=1))
    lab.wait_for(Paused)

    texts = [event.text for event in lab.events_of(Logged) if "learning rate is" in event.text]
    (text,) = texts
    assert text.startswith("Step 3: the learning rate is ") and "here instead of " in text


def test_layers_that_did_not_change_keep_their_weights_on_request(lab: LinkWatcher) -> None:
    start_paused(lab)
    wider = make_long_experiment("Linear 8", "Tanh", "Linear 6", "Linear 3")

    lab.send(Start("run-2", wider, paused=True, keep=True), Save())
    lab.wait_until(lambda: len(lab.events_of(Saved)) == 2)

    assert not_none(lab.run.started).note == "1 of 3 layers keep their weights"
    first, second = (load_weights(event.path) for event in lab.events_of(Saved))
    assert torch.equal(first[:24], second[:24])  # Linear 2 → 8: 16 weights and 8 biases


def test_a_long_run_is_saved_at_intervals(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_controller, "MIN_SAVE_INTERVAL", 0.3)
    monkeypatch.setattr(run_controller, "SAVE_SHARE", 0)
    lab.send(Start("run-1", make_long_experiment()))

    first, second = lab.wait_for(Saved), lab.wait_for(Saved)

    assert lab.run.state == "training"
    seconds = {event.step: event.seconds for event in lab.events_of(Progressed)}
    assert 0.3 <= seconds[first.step] < seconds[second.step] - 0.3


def test_a_new_start_ends_the_run_before_with_a_checkpoint(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment()))
    lab.wait_for(Progressed)

    lab.send(Start("run-2", make_long_experiment(), paused=True))

    assert lab.wait_for(Finished).run == "run-1"
    lab.wait_for(Paused)
    assert run_store.read_run(run_store.run_dir("run-1")).checkpoint


def test_the_same_data_is_loaded_once(lab: LinkWatcher) -> None:
    start_paused(lab, make_glyphs_experiment())
    count = len(lab.events_of(Loading))
    start_paused(lab, make_glyphs_experiment(batch_size=64), run="run-2")
    assert len(lab.events_of(Loading)) == count

    start_paused(lab, make_glyphs_experiment(samples=200), run="run-3")
    assert len(lab.events_of(Loading)) > count


@pytest.mark.parametrize(
    ("command", "reason"), [(Stop(), "stopped"), (Stop("interrupted"), "interrupted")]
)
def test_loading_can_be_canceled(lab: LinkWatcher, command: Stop, reason: str) -> None:
    start_paused(lab)

    lab.send(Start("run-2", make_glyphs_experiment(samples=1_000_000)))
    lab.wait_until(lambda: lab.run.loading and lab.run.loading.fraction)
    lab.send(Pause(), command)

    lab.wait_for(Finished)  # of the run before
    finished = lab.wait_for(Finished)
    assert (finished.run, finished.reason, finished.step) == ("run-2", reason, 0)
    assert start_paused(lab, run="run-3").run.state == "paused"


def test_another_start_cancels_loading(lab: LinkWatcher) -> None:
    start_paused(lab, make_glyphs_experiment(), "run-0")
    lab.send(Start("run-1", make_glyphs_experiment(samples=1_000_000)))
    lab.wait_until(lambda: lab.run.loading and lab.run.loading.fraction)

    start_paused(lab, run="run-2")

    assert [event.run for event in lab.events_of(Finished)] == ["run-0", "run-1"]


def test_closing_interrupts_the_run_and_ends_the_thread(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment()))
    lab.wait_for(Progressed)

    lab.send(Close())

    assert lab.wait_for(Finished).reason == "interrupted"
    assert isinstance(lab.link, _InProcess)
    worker = lab.link._worker
    wait_until(lambda: not worker.is_alive())
    assert lab.events_of(Saved)[-1].step == lab.run.step


def test_warnings_are_logged_before_the_first_step(lab: LinkWatcher) -> None:
    start_paused(lab, make_long_experiment("Linear 4", "Linear 3"))

    assert "Warning: network[1]: two Linear layers" in lab.events_of(Logged)[0].text
