"""A run accumulates its events into state and history."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Failed,
    Finished,
    KnobChanged,
    LayerStatsReported,
    Loading,
    Logged,
    NetworkChanged,
    Paused,
    Progressed,
    Ready,
    Resumed,
    Rewound,
    Saved,
    Started,
)
from tuilab.core.protocol.records import ActivationStats, Device, LayerStats
from tuilab.core.run.run import (
    MAX_LOG_LINES,
    MAX_MARKS,
    MAX_MATRICES,
    Mark,
    Run,
    Snapshot,
    make_run_id,
)
from tuilab.core.run.series import Series

READY = Ready([Device("cpu", "a processor")], {"torch": "2.13"})


def started(run: str = "a", **fields: Any) -> Started:
    return Started(
        run, Experiment(), "cpu", 42, 10, {"train": 80, "validation": 20, "test": 20}, **fields
    )


def progressed(step: int, loss: float = 1.0, run: str = "a") -> Progressed:
    return Progressed(
        run, step, step / 10, loss, loss - 0.5, loss + 0.5, {"accuracy": 0.5},
        1e-3, 100.0, 3200.0, 1.0, 2.0,
    )  # fmt: skip


def run_of(*events: AnyEvent) -> Run:
    run = Run()
    for event in events:
        run.apply(event)
    return run


def test_a_run_goes_from_idle_through_training_to_finished() -> None:
    run = Run()
    states = [run.state]

    for event in (
        READY, started(), progressed(1), Paused("a", 1), Resumed("a", 1),
        Finished("a", "done", 2, 1, 0.1, {}),
    ):  # fmt: skip
        run.apply(event)
        states.append(run.state)

    assert states == ["idle", "idle", "training", "training", "paused", "training", "finished"]


def test_a_late_event_of_another_run_is_ignored() -> None:
    run = run_of(started("b"), progressed(5, run="b"))
    before = msgspec.json.encode(run)

    assert not run.apply(progressed(99, run="a"))
    assert not run.apply(Finished("a", "stopped", 99, 1, 0.1, {}))
    assert not run.apply(Failed("a", "It fell over"))
    assert msgspec.json.encode(run) == before


def test_a_failure_without_a_run_is_shown() -> None:
    run = run_of(started(), Failed("", "The host fell over", "Start it again"))

    assert run.state == "failed"
    assert run.failure is not None and run.failure.title == "The host fell over"


def test_a_new_run_begins_with_empty_curves_and_keeps_the_log() -> None:
    run = run_of(started("a"), progressed(1), Logged("hello"), started("b"))

    assert (run.id, run.state, run.step) == ("b", "training", 0)
    assert run.series == {}
    assert run.progress is None
    assert run.log == ["hello"]


def test_measurements_become_curves() -> None:
    run = run_of(
        started(),
        progressed(10, 2.0),
        EpochEnded("a", 10, 1, {"loss": 2.0}, {"loss": 2.5, "accuracy": 0.4}),
        LayerStatsReported("a", 10, [LayerStats("1 Linear", 0.5, 1e-3, 3.0)]),
    )

    last = {name: series.last for name, series in run.series.items()}
    assert last == {
        "loss/train": (10, 2.0, 1.5, 2.5),
        "accuracy/train": (10, 0.5, 0.5, 0.5),
        "lr": (10, 1e-3, 1e-3, 1e-3),
        "loss/validation": (10, 2.5, 2.5, 2.5),
        "accuracy/validation": (10, 0.4, 0.4, 0.4),
        "gradient/1 Linear": (10, 0.5, 0.5, 0.5),
        "update/1 Linear": (10, 1e-3, 1e-3, 1e-3),
        "weight/1 Linear": (10, 3.0, 3.0, 3.0),
    }


def test_a_live_change_updates_the_experiment_and_leaves_a_mark() -> None:
    run = run_of(started(), progressed(7), KnobChanged("a", 7, "optimizer.lr", 0.01))

    assert run.experiment is not None and run.experiment.optimizer.lr == 0.01
    assert run.marks == [Mark(7, "lr 0.01")]


def test_a_run_that_is_resumed_with_other_knobs_marks_them() -> None:
    longer = with_value(Experiment(title="another"), "training.epochs", 700)
    longer = with_value(with_value(longer, "schedule.name", "one_cycle"), "training.pace", 3.0)
    resumed = msgspec.structs.replace(started(step=10), experiment=longer)

    run = run_of(started(), progressed(10), KnobChanged("a", 10, "loss.label_smoothing", 0.1),
                 resumed)  # fmt: skip

    assert [(mark.step, mark.text) for mark in run.marks] == [
        (10, "label_smoothing 0.1"), (10, "label_smoothing 0"), (10, "schedule.name one_cycle"),
        (10, "epochs 700"),
    ]  # fmt: skip
    assert run.experiment == longer
    run.apply(msgspec.structs.replace(resumed, step=0, run="b"))
    assert run.marks == []


def test_rewinding_truncates_curves_and_marks_and_pauses() -> None:
    run = run_of(
        started(),
        progressed(10),
        KnobChanged("a", 15, "optimizer.lr", 0.1),
        progressed(20),
        Failed("a", "The loss became infinite", recoverable=True, step=20),
        Rewound("a", 10),
    )

    assert (run.state, run.step, run.failure) == ("paused", 10, None)
    assert [point[0] for point in run.series["loss/train"].points()] == [10]
    assert run.marks == []


def test_a_run_with_work_to_lose_is_active() -> None:
    assert not run_of(READY).is_active
    assert run_of(started()).is_active
    assert run_of(started(), Paused("a", 0)).is_active
    assert run_of(started(), Failed("a", "NaN", recoverable=True)).is_active
    assert not run_of(started(), Failed("a", "Broken")).is_active
    assert not run_of(started(), Finished("a", "done", 1, 1, 0.1, {})).is_active


def test_loading_is_shown_until_it_is_done() -> None:
    assert run_of(Loading("PyTorch")).loading == Loading("PyTorch")
    assert run_of(Loading("PyTorch"), Loading("PyTorch", 1)).loading is None
    assert run_of(Loading("PyTorch"), READY).loading is None


def test_log_and_marks_are_bounded() -> None:
    run = run_of(started())
    for step in range(3000):
        run.apply(Logged(f"line {step}"))
        run.apply(KnobChanged("a", step, "optimizer.lr", 0.1))

    assert (len(run.log), run.log[-1]) == (MAX_LOG_LINES, "line 2999")
    assert (len(run.marks), run.marks[-1].step) == (MAX_MARKS, 2999)


EVENTS = st.lists(
    st.one_of(
        st.builds(started, st.sampled_from("ab")),
        st.builds(progressed, st.integers(0, 100), st.floats(-9, 9), st.sampled_from("ab")),
        st.builds(Paused, st.sampled_from("ab"), st.integers(0, 100)),
        st.builds(Resumed, st.sampled_from("ab"), st.integers(0, 100)),
        st.builds(Rewound, st.sampled_from("ab"), st.integers(0, 100)),
        st.builds(Saved, st.sampled_from("ab"), st.integers(0, 100), st.just("x.pt")),
        st.builds(Failed, st.sampled_from("ab"), st.just("no"), recoverable=st.booleans()),
        st.builds(Logged, st.text(max_size=5)),
        st.just(READY),
    ),
    max_size=30,
)


@given(EVENTS, EVENTS)
def test_a_client_that_connects_late_has_the_same_run(
    before: list[AnyEvent], after: list[AnyEvent]
) -> None:
    first = run_of(*before)
    frame = msgspec.msgpack.encode(Snapshot(first, "0.1", 1))
    late = msgspec.msgpack.decode(frame, type=Snapshot).run

    for event in after:
        assert first.apply(event) == late.apply(event)

    assert late == first


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Spiral", "spiral"),
        ("Fashion-MNIST, again!", "fashion-mnist-again"),
        ("日本", "run"),
        ("", "spiral"),
    ],
)
def test_an_id_contains_the_title_and_never_repeats(title: str, slug: str) -> None:
    names = {make_run_id(Experiment(title=title)) for _ in range(20)}

    assert len(names) > 15
    for name in names:
        assert name.rpartition("-")[0] == slug and len(name.rpartition("-")[2]) == 4


def test_a_requested_run_is_starting() -> None:
    run = run_of(started("a"), progressed(3))

    run.begin("b", Experiment(title="next"))

    assert (run.id, run.state, run.step, run.series) == ("b", "starting", 0, {})


def test_confusion_matrices_are_thinned_evenly_and_dropped_by_a_rewind() -> None:
    run = Run()
    run.begin("a", Experiment())
    for epoch in range(1, 1001):
        run.apply(EpochEnded("a", 10 * epoch, epoch, {}, {}, [[epoch, 0], [0, 1]]))
    assert len(run.confusion_history) <= MAX_MATRICES
    assert run.confusion_history[0][0] <= 200 and run.confusion_history[-1] == (
        10_000,
        [[1000, 0], [0, 1]],
    )
    run.apply(Rewound("a", 5000))
    assert run.confusion_history[-1][0] <= 5000
    run.begin("b", Experiment())
    assert run.confusion_history == []


def test_curves_of_layers_go_on_when_their_labels_get_roles() -> None:
    def stats(step: int, role: str) -> LayerStatsReported:
        layers = [LayerStats(f"1 Linear{role}", 0.5, 0.1, 1.0), LayerStats("2 Linear", 0.5, 0.1, 1)]
        relu = ActivationStats(f"ReLU after 1 Linear{role}", 0.1, 0.2, 0.0, 0.0, 0.0, 0.0)
        return LayerStatsReported("a", step, layers, [relu])

    run = run_of(started(), stats(1, ""), stats(2, " (mlp 1)"))

    names = ["gradient/1 Linear (mlp 1)", "gradient/2 Linear", "dead/ReLU after 1 Linear (mlp 1)"]
    for name in names:
        assert [point[0] for point in run.series[name].points()] == [1, 2]
    assert [name for name in run.series if name.startswith("gradient/")] == names[:2]
    assert run.find_series("gradient/1 Linear") is run.series[names[0]], "as lessons call it"
    assert run.find_series("gradient/9 Linear") is None


def test_curves_of_layers_go_on_under_new_labels_when_the_network_changes() -> None:
    experiment = Experiment(network=("Linear 8", "ReLU", "Linear 2"))
    run = Run()
    run.begin("a", experiment)
    for label in ("1 Linear", "2 Linear"):
        run.series[f"gradient/{label}"] = Series()
    run.series["loss/train"] = Series()
    second = run.series["gradient/2 Linear"]
    lines = ("Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 2")
    labels = {"2 Linear": "3 Linear"}
    run.apply(NetworkChanged("a", 7, lines, ["ReLU is inserted"], 90, 0.0, labels))
    assert list(run.series) == ["gradient/3 Linear", "loss/train"]
    assert run.series["gradient/3 Linear"] is second
    assert run.experiment is not None
    assert run.experiment.network == lines
    assert [mark.text for mark in run.marks] == ["network: ReLU is inserted"]
