"""`tuilab diagnose`: text and JSON, for runs with a history, without one, and unknown ones."""

import json

import pytest

from tests.support.shell import RunCommand
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
    experiment = experiment_from_dict(
        {"network": ["Linear 8", "ReLU", "Linear 2"], "training": {"epochs": 20}}
    )
    started = Started(run, experiment, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0})
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


def test_a_stored_run_is_diagnosed_as_text(run_command: RunCommand) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])

    code, out, err = run_command("diagnose", "wild")

    assert (code, err) == (0, "")
    assert out.startswith("The learning rate is too high (95% confidence)\n")
    assert "started at 0.7 and rose to 9.5; the median of the last steps is" in out
    assert "→ learning rate 0.0001: optimizer.lr = 0.0001 (during training)" in out


def test_of_a_run_that_has_ended_no_fix_is_for_its_training(run_command: RunCommand) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])
    end = run_store.encode_event(Finished("wild-1", "done", 100, 10, 1.0, {}))
    with (run_store.run_dir("wild-1") / run_store.LOG).open("ab") as log:
        log.write(end)

    out = run_command("diagnose", "wild")[1]

    assert "→ learning rate 0.0001: optimizer.lr = 0.0001 (after a restart)" in out
    assert "during training" not in out


def test_the_diagnosis_is_printed_as_json(run_command: RunCommand) -> None:
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])

    (diagnosis,) = json.loads(run_command("diagnose", "wild", "--json")[1])

    assert diagnosis["name"] == "learning_rate_too_high"
    assert diagnosis["fixes"][0] == {
        "label": "learning rate 0.0001", "key": "optimizer.lr", "value": 1e-4, "live": True
    }  # fmt: skip
    assert diagnosis["points"][0] == [10.0, 0.7]


def test_a_healthy_run_has_no_problems(run_command: RunCommand) -> None:
    store("good-1", [0.7 * 0.8**n for n in range(20)])

    assert run_command("diagnose", "good")[1] == ("No problems found in good-1 up to step 200.\n")
    assert run_command("diagnose", "good", "--json")[1] == "[]\n"


def test_of_a_short_run_it_is_too_early_to_say(run_command: RunCommand) -> None:
    store("short-1", [0.7, 0.69, 0.68])

    assert run_command("diagnose", "short")[1] == (
        "Too early to say what is wrong with short-1: 30 steps and 3 epochs so far; most faults "
        "show after 100 steps and 4 epochs.\n"
    )
    (note,) = json.loads(run_command("diagnose", "short", "--json")[1])
    assert (note["name"], note["confidence"]) == ("too_early_to_say", 0.0)
    assert "30 steps" in note["evidence"][0]


def test_a_run_without_history_cannot_be_diagnosed(run_command: RunCommand) -> None:
    store("new-1", [])

    assert run_command("diagnose", "new")[:2] == (
        0, "new-1 has no history yet: nothing was measured.\n"
    )  # fmt: skip


def test_an_unknown_run_is_bad_input(run_command: RunCommand) -> None:
    store("new-1", [])

    code, out, err = run_command("diagnose", "old")

    assert (code, out) == (2, "")
    assert "old: no stored run has this in its id" in err


def test_a_stored_run_is_checked_from_its_checkpoint(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MEMORIZE_STEPS", "MIN_MEMORIZE_STEPS", "PERMUTATION_STEPS", "RATE_STEPS"):
        monkeypatch.setattr(f"tuilab.engine.studies.checks.{name}", 10)
    quick = ("training.epochs=2", "data.samples=200", "optimizer.lr=30", "optimizer.name=sgd")
    sets = [word for text in quick for word in ("--set", text)]
    assert run_command("train", "moons", *sets, "--plain")[0] == 0

    code, out, err = run_command("diagnose", "moons", "--check")

    assert (code, err) == (0, "")
    checks = out.partition("\nChecks\n")[2].splitlines()
    assert [line.split()[0] for line in checks] == [
        "Constant", "One", "Learning", "Learning-rate", "Labels:"
    ]  # fmt: skip
    assert run_command("diagnose", "moons")[1] == out, "the results are stored"
    assert isinstance(json.loads(run_command("diagnose", "moons", "--check", "--json")[1]), list)


def test_a_run_without_a_checkpoint_cannot_be_checked(run_command: RunCommand) -> None:
    store("good-1", [0.7 * 0.8**n for n in range(20)])

    code, out, err = run_command("diagnose", "good", "--check")

    assert (code, out) == (2, "") and "it has no checkpoint" in err


def diverge(step: int) -> list[AnyEvent]:
    """Returns the events of a diverging run at a step."""
    loss = 0.7 + step / 20
    return [
        Progressed("wild-1", step, step / 10, loss, loss, loss, {}, 0.01, 1.0, 1.0, 1.0, None),
        LayerStatsReported("wild-1", step, [LayerStats("1 Linear", 0.5, 0.005, 3.0)]),
    ]


def report(events: list[AnyEvent]) -> list[AnyEvent]:
    """Returns the events that are shown without the lab."""
    run, reporter, reported = Run(), DiagnosisReporter(), list[AnyEvent]()
    for event in events:
        run.apply(event)
        reported += reporter.add_diagnosis(event, run)
    return reported


def test_a_problem_is_reported_before_the_end_of_the_run() -> None:
    experiment = experiment_from_dict(
        {"network": ["Linear 8", "ReLU", "Linear 2"], "training": {"epochs": 20}}
    )
    started = Started(
        "wild-1", experiment, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0}
    )
    events = [started, *(event for step in range(10, 210, 10) for event in diverge(step))]
    end = Finished("wild-1", "done", 200, 20, 1.0, {})

    *_, change, last = report([*events, end])

    assert last is end
    assert isinstance(change, DiagnosisChanged)
    assert (change.run, change.step, change.new, change.resolved) == (
        "wild-1", 200, ["learning_rate_too_high"], []
    )  # fmt: skip
    assert change.diagnoses[0].fixes


def test_a_reported_problem_is_not_reported_again() -> None:
    experiment = experiment_from_dict(
        {"network": ["Linear 2", "Softmax"], "training": {"epochs": 20}}
    )
    started = Started(
        "wild-1", experiment, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0}
    )
    paused = [Paused("wild-1", step) for step in (30, 40)]
    events = [started, *diverge(10), *diverge(20), paused[0], *diverge(30), paused[1]]

    changes = [event for event in report(events) if isinstance(event, DiagnosisChanged)]

    assert [event.new for event in changes] == [["softmax_before_cross_entropy"]]


def test_a_run_that_ends_too_early_says_so() -> None:
    experiment = experiment_from_dict({"network": ["Linear 8", "ReLU", "Linear 2"]})
    started = Started(
        "calm-1", experiment, "cpu", 42, 10, {"train": 320, "validation": 80, "test": 0}
    )
    calm = Progressed("calm-1", 20, 2, 0.6, 0.6, 0.6, {}, 0.01, 1.0, 1.0, 1.0, None)

    *_, change, _ = report([started, calm, Finished("calm-1", "done", 20, 2, 1.0, {})])

    assert isinstance(change, DiagnosisChanged) and not change.diagnoses
    assert change.too_early.startswith("20 steps and 2 epochs so far")
    assert [*describe_event(change)] == [
        f"step 20: too early to say whether something is wrong: {change.too_early}"
    ]


def test_plain_lines_report_new_and_resolved_problems() -> None:
    fix = Fix("learning rate 0.1", "optimizer.lr", 0.1, True)
    fault = Diagnosis("too_high", "The learning rate is too high", ["9"], "why", 0.97, [fix])

    assert [*describe_event(DiagnosisChanged("a", 50, [fault], ["too_high"], []))] == [
        "! step 50: The learning rate is too high (97% confidence); try learning rate 0.1"
    ]
    assert [*describe_event(DiagnosisChanged("a", 90, [], [], [fault.title]))] == [
        "step 90: resolved: The learning rate is too high"
    ]
