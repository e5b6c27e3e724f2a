"""`tuilab diagnose`: text and JSON, for runs with a history, without one, and unknown ones."""

import json

from tests.support.shell import Says
from tuilab.cli.output.lines import describe_event
from tuilab.core.diagnosis.finding import Diagnosis, DiagnosisChanged, Fix
from tuilab.core.diagnosis.watch import DiagnosisReporter
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.protocol.events import (
    AnyEvent,
    Finished,
    LayerStatsReported,
    Paused,
    Progressed,
    Started,
)
from tuilab.core.protocol.records import LayerStats
from tuilab.core.run.run import Run
from tuilab.host import run_store


def store(run: str, losses: list[float]) -> None:
    """Stores a run with these losses."""
    of = experiment_from_dict(
        {"network": ["Linear 8", "ReLU", "Linear 2"], "training": {"epochs": 20}}
    )
    started = Started(run, of, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
    events: list[AnyEvent] = [started]
    for number, loss in enumerate(losses, 1):
        step = 10 * number
        events.append(
            Progressed(run, step, number, loss, loss, loss, {}, 0.01, 1.0, 1.0, 1.0, None)
        )
        events.append(LayerStatsReported(run, step, [LayerStats("1 Linear", 0.5, 0.005, 3.0)]))
    path = run_store.run_dir(run)
    path.mkdir(parents=True)
    (path / run_store.LOG).write_bytes(b"".join(map(run_store.encode_event, events)))


def test_a_stored_run_is_diagnosed_as_text(says: Says) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])

    code, out, err = says("diagnose", "wild")

    assert (code, err) == (0, "")
    assert out.startswith("The learning rate is too high (97% confidence)\n")
    assert "started at 0.7, rose to 9.5 and is" in out
    assert "→ learning rate 0.0001: optimizer.lr = 0.0001 (during training)" in out


def test_the_diagnosis_is_printed_as_json(says: Says) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])

    (diagnosis,) = json.loads(says("diagnose", "wild", "--json")[1])

    assert diagnosis["name"] == "learning_rate_too_high"
    assert diagnosis["fixes"][0] == {
        "label": "learning rate 0.0001", "key": "optimizer.lr", "value": 1e-4, "live": True
    }  # fmt: skip
    assert diagnosis["points"][0] == [10.0, 0.7]


def test_a_healthy_run_has_no_problems(says: Says) -> None:
    store("good-1", [0.7 * 0.8**n for n in range(20)])

    assert says("diagnose", "good")[1] == ("No problems found in good-1 up to step 200.\n")
    assert says("diagnose", "good", "--json")[1] == "[]\n"


def test_a_run_without_history_cannot_be_diagnosed(says: Says) -> None:
    store("new-1", [])

    assert says("diagnose", "new")[:2] == (
        0, "new-1 has no history yet: nothing was measured.\n"
    )  # fmt: skip


def test_an_unknown_run_is_bad_input(says: Says) -> None:
    store("new-1", [])

    code, out, err = says("diagnose", "old")

    assert (code, out) == (2, "")
    assert "old: no stored run has this in its id" in err


def wild(step: int) -> list[AnyEvent]:
    """Returns the events of a diverging run at a step."""
    loss = 0.7 + step / 20
    return [
        Progressed("wild-1", step, step / 10, loss, loss, loss, {}, 0.01, 1.0, 1.0, 1.0, None),
        LayerStatsReported("wild-1", step, [LayerStats("1 Linear", 0.5, 0.005, 3.0)]),
    ]


def report(events: list[AnyEvent]) -> list[AnyEvent]:
    """Returns the events that are shown without the lab."""
    run, reporter, shown = Run(), DiagnosisReporter(), list[AnyEvent]()
    for event in events:
        run.apply(event)
        shown += reporter.add_diagnosis(event, run)
    return shown


def test_a_problem_is_reported_before_the_end_of_the_run() -> None:
    of = experiment_from_dict(
        {"network": ["Linear 8", "ReLU", "Linear 2"], "training": {"epochs": 20}}
    )
    started = Started("wild-1", of, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
    events = [started, *(event for step in range(10, 210, 10) for event in wild(step))]
    end = Finished("wild-1", "done", 200, 20, 1.0, {})

    *_, found, last = report([*events, end])

    assert last is end
    assert isinstance(found, DiagnosisChanged)
    assert (found.run, found.step, found.new, found.resolved) == (
        "wild-1", 200, ["learning_rate_too_high"], []
    )  # fmt: skip
    assert found.diagnoses[0].fixes


def test_a_reported_problem_is_not_reported_again() -> None:
    of = experiment_from_dict({"network": ["Linear 2", "Softmax"], "training": {"epochs": 20}})
    started = Started("wild-1", of, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
    paused = [Paused("wild-1", step) for step in (30, 40)]
    events = [started, *wild(10), *wild(20), paused[0], *wild(30), paused[1]]

    news = [event for event in report(events) if isinstance(event, DiagnosisChanged)]

    assert [event.new for event in news] == [["softmax_before_cross_entropy"]]


def test_plain_lines_report_new_and_resolved_problems() -> None:
    fix = Fix("learning rate 0.1", "optimizer.lr", 0.1, True)
    fault = Diagnosis("too_high", "The learning rate is too high", ["9"], "why", 0.97, [fix])

    assert [*describe_event(DiagnosisChanged("a", 50, [fault], ["too_high"], []))] == [
        "! step 50: The learning rate is too high (97% confidence); try learning rate 0.1"
    ]
    assert [*describe_event(DiagnosisChanged("a", 90, [], [], [fault.title]))] == [
        "step 90: resolved: The learning rate is too high"
    ]
