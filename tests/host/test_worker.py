"""The worker executes commands between two batches."""

from pathlib import Path

import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment, start_paused
from tests.support.not_none import not_none
from tuilab.core.protocol.commands import Inspect, Pause, Resume, Save, SetKnob, Start, Step
from tuilab.core.protocol.events import (
    EpochEnded,
    Finished,
    KnobChanged,
    LayerStatsReported,
    Loading,
    Logged,
    Paused,
    Progressed,
    Ready,
    Resumed,
    Saved,
    SnapshotsListed,
    Started,
)
from tuilab.core.protocol.inspect.layer_messages import LayerRequest, LayerResponse
from tuilab.core.protocol.inspect.result_messages import (
    DecisionSurface,
    ResultRequest,
    ResultResponse,
)
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse
from tuilab.engine.inspect.dispatch import Dispatcher
from tuilab.host import run_store


def test_a_run_goes_from_start_to_finish_and_is_on_the_disk(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment(epochs=3)))
    finished = lab.wait_for(Finished)

    kinds = list(dict.fromkeys(type(event) for event in lab.events))
    assert kinds[:3] == [Loading, Ready, Started]
    assert set(kinds[3:-2]) == {Progressed, LayerStatsReported, EpochEnded, SnapshotsListed}
    assert kinds[-2:] == [Saved, Finished]
    assert (finished.reason, finished.step, finished.epoch) == ("done", 9, 3)
    assert set(finished.results) == {"train", "validation", "test"}
    path = Path(not_none(lab.run.started).folder)
    assert path == run_store.run_dir("run-1")
    assert sorted(file.name for file in path.iterdir()) == [
        "checkpoint.pt", "events.jsonl", "experiment.toml", "host.json", "snapshots",
    ]  # fmt: skip
    assert run_store.read_run(path).finished == finished


def test_a_paused_start_has_not_trained(lab: LinkWatcher) -> None:
    start_paused(lab)

    assert lab.run.state == "paused"
    assert (lab.run.step, lab.events_of(Progressed)) == (0, [])


def test_a_paused_run_sends_no_events(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment()))
    lab.wait_for(Progressed)

    lab.send(Pause())
    paused = lab.wait_for(Paused)
    count = len(lab.events)
    lab.send(SetKnob("optimizer.lr", 0.5), Save())

    saved = lab.wait_for(Saved)
    assert [type(event) for event in lab.events[count:]] == [KnobChanged, Saved]
    assert saved.step == paused.step == lab.run.step


def test_a_resumed_run_continues_from_its_step(lab: LinkWatcher) -> None:
    start_paused(lab)

    lab.send(Step(steps=4))
    lab.wait_for(Paused)
    lab.send(Resume())
    lab.wait_for(Resumed)

    assert lab.events_of(Resumed) == [Resumed("run-1", 0), Resumed("run-1", 4)]
    lab.wait_until(lambda: lab.run.step > 50)


@pytest.mark.parametrize("steps", [1, 7])
def test_the_requested_number_of_steps_is_taken_and_reported(lab: LinkWatcher, steps: int) -> None:
    start_paused(lab)

    for step in (steps, 2 * steps):
        lab.send(Step(steps=steps))
        assert lab.wait_for(Paused).step == step
        assert lab.events_of(Progressed)[-1].step == step


def test_one_epoch_is_trained_and_measured(lab: LinkWatcher) -> None:
    start_paused(lab)

    lab.send(Step(epochs=1))
    assert lab.wait_for(EpochEnded).epoch == 1
    assert lab.wait_for(Paused).step == 3  # 96 examples in batches of 32

    lab.send(Step(epochs=2))
    assert lab.wait_for(Paused).step == 9
    assert not_none(lab.run.epoch).epoch == 3


def test_stepping_over_the_last_epoch_finishes_the_run(lab: LinkWatcher) -> None:
    start_paused(lab, make_long_experiment(epochs=1))

    lab.send(Step(epochs=1))

    assert lab.wait_for(Finished).reason == "done"


def test_a_finished_run_continues_when_there_are_more_epochs(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment(epochs=1)))
    lab.wait_for(Finished)

    lab.send(Resume())
    assert "raise training.epochs" in lab.wait_for(Logged).text
    lab.send(SetKnob("training.epochs", 2), Resume())

    lab.wait_for(Resumed)
    assert lab.wait_for(Finished).epoch == 2


def test_a_knob_changes_during_training(lab: LinkWatcher) -> None:
    lab.send(Start("run-1", make_long_experiment(optimizer={"name": "sgd", "lr": 0.1})))
    lab.wait_for(Progressed)

    lab.send(SetKnob("optimizer.lr", 0.025))

    event = lab.wait_for(KnobChanged)
    assert lab.wait_until(lambda: [e for e in lab.events_of(Progressed) if e.lr == 0.025])
    assert not_none(lab.run.experiment).optimizer.lr == 0.025
    assert [mark.step for mark in lab.run.marks] == [event.step]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("optimizer.lr", "fast", "expected a number"),
        ("optimizer.speed", 1, "speed"),
        ("data.samples", 7, "needs a restart"),
    ],
)
def test_a_knob_that_cannot_be_changed_changes_nothing(
    lab: LinkWatcher, key: str, value: object, problem: str
) -> None:
    start_paused(lab)

    lab.send(SetKnob(key, value), Step(steps=2))

    note = lab.wait_for(Logged).text
    assert note.startswith("Nothing was changed: ") and problem in note
    assert lab.wait_for(Paused).step == 2
    assert lab.run.experiment == make_long_experiment()


def test_the_result_view_gets_a_response_while_paused_and_after_the_end(lab: LinkWatcher) -> None:
    start_paused(lab, make_long_experiment(epochs=2))

    lab.send(Inspect(ResultRequest(width=8, height=4)))
    first = lab.wait_for(ResultResponse)
    lab.send(Resume())
    lab.wait_for(Finished)
    lab.send(Inspect(ResultRequest(width=6, height=4)))
    last = lab.wait_for(ResultResponse)

    for response, step, size in ((first, 0, 32), (last, 6, 24)):
        assert isinstance(response.picture, DecisionSurface)
        assert (response.step, len(response.picture.values)) == (step, size)
        assert response.cost > 0


def test_of_several_requests_of_one_view_only_the_last_gets_a_response(lab: LinkWatcher) -> None:
    requests = [
        *(Inspect(ResultRequest(width, 2)) for width in (2, 3, 4)),
        Inspect(UnitsRequest()),
        Inspect(LayerRequest()),
    ]

    # They arrive while the run is being loaded.
    lab.send(Start("run-1", make_long_experiment(), paused=True), *requests, Step(steps=1))
    lab.wait_for(LayerResponse)

    [result] = lab.events_of(ResultResponse)
    assert isinstance(result.picture, DecisionSurface) and result.picture.width == 4
    assert len(lab.events_of(UnitsResponse)) == len(lab.events_of(LayerResponse)) == 1


def test_views_get_responses_while_the_run_is_paused_and_while_it_trains(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Inspect(LayerRequest()))
    assert lab.wait_for(LayerResponse).step == 0

    lab.send(Resume())
    lab.wait_for(Progressed)
    lab.send(Inspect(UnitsRequest()))

    assert lab.wait_for(UnitsResponse).run == "run-1"


def test_an_error_in_a_view_is_logged_and_the_run_continues(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(dispatcher: Dispatcher, request: object) -> None:
        raise ValueError("no such number")

    start_paused(lab)
    monkeypatch.setattr(Dispatcher, "inspect", fail)
    lab.send(Inspect(LayerRequest()))
    assert "no such number" in lab.wait_for(Logged).text

    lab.send(Resume())
    lab.wait_for(Progressed)
