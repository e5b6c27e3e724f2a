"""Runs that were stored before events and their fields had today's names can be read and resumed.

`tests/fixtures/runs/old-7f3a` was written by an earlier version: one epoch of training with a
changed knob, a weight set by hand, a learning rate search and a cross-validation on the way.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.shell import RunCommand
from tuilab.core import paths
from tuilab.core.diagnosis.finding import DiagnosisChanged
from tuilab.core.lessons.quantities import read_quantity
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Paused
from tuilab.core.run.run import Run
from tuilab.host import run_store
from tuilab.host.event_aliases import decode_old_event
from tuilab.host.host import Host

STORED = Path(__file__).resolve().parent.parent / "fixtures" / "runs" / "old-7f3a"

FINAL_LOSS = 0.372250
"""Validation loss after the last epoch, as the version that wrote the run resumed it."""


@pytest.fixture
def old_run(home: Path) -> Path:
    """The stored run among those of the user."""
    return Path(shutil.copytree(STORED, paths.runs_dir() / STORED.name))


def last_values(run: Run) -> dict[str, float]:
    return {name: series.last[1] for name, series in run.series.items() if series.last}


def test_an_old_log_is_read_with_its_whole_history(old_run: Path) -> None:
    run = run_store.read_run(old_run)

    assert (run.id, run.state, run.step) == ("old-7f3a", "finished", 13)
    assert run.experiment is not None and run.experiment.optimizer.lr == 0.01
    assert run.checkpoint == str(old_run / "checkpoint.pt")
    assert [mark.text for mark in run.marks] == ["lr 0.01", "1 Linear weight[1,2] 1.5"]
    assert run.weight_edits == 1
    assert run.confusion_history == [(13, [[39, 3], [2, 56]])]
    values = last_values(run)
    assert values["loss/train"] == pytest.approx(0.54888, abs=1e-5)
    assert values["accuracy/validation"] == 0.95
    assert values["gradient/2 Linear"] == pytest.approx(0.38351, abs=1e-5)
    assert values["update/1 Linear"] == pytest.approx(0.01162, abs=1e-5)
    assert values["weight/1 Linear"] == pytest.approx(2.00653, abs=1e-5)
    assert values["zeros/ReLU after 1 Linear"] == 0.46875
    assert values["dead/ReLU after 1 Linear"] == 0.0
    assert values["input/max_abs_mean"] == pytest.approx(0.25902, abs=1e-5)
    assert values["input/max_std"] == pytest.approx(0.84123, abs=1e-5)
    assert values["input/min_std"] == pytest.approx(0.74493, abs=1e-5)
    assert len(run.series["gradient/1 Linear"].points()) == 2


def test_the_results_of_old_studies_are_read(old_run: Path) -> None:
    run = run_store.read_run(old_run)

    assert run.finder_report is not None and run.finder_report.what == "lr"
    assert run.finder_report.suggestion == pytest.approx(0.216556, rel=1e-4)
    assert run.cross_validation is not None
    assert (run.cross_validation.total, len(run.cross_validation.results)) == (2, 2)
    assert run.cross_validation.mean["accuracy"] == pytest.approx(0.924)
    assert run.cross_validation.std["accuracy"] == pytest.approx(0.01131, abs=1e-5)


def test_every_line_of_an_old_log_is_understood(old_run: Path) -> None:
    lines = [line for line in (old_run / run_store.LOG).read_bytes().splitlines() if line]

    assert run_store.read_run(old_run).version == len(lines)


def test_an_old_diagnosis_is_understood() -> None:
    line = {
        "event": "diagnosed", "run": "a", "step": 13, "come": ["dead_relus"], "gone": ["Noise"],
        "found": [{
            "name": "dead_relus", "title": "Dead units", "evidence": ["Half are dead."],
            "why": "They do not learn.", "confidence": 0.5, "points": [[1, 0.5]], "curve": "dead",
            "fixes": [{"label": "Leaky", "key": "network", "value": "LeakyReLU", "live": True}],
        }],
    }  # fmt: skip

    event = decode_old_event(json.dumps(line).encode())

    assert isinstance(event, DiagnosisChanged)
    [diagnosis] = event.diagnoses
    assert (event.new, event.resolved) == (["dead_relus"], ["Noise"])
    assert diagnosis.explanation == "They do not learn." and diagnosis.fixes[0].is_live
    assert (diagnosis.curve_points, diagnosis.curve_name) == ([(1, 0.5)], "dead")


def test_metrics_have_todays_names(old_run: Path) -> None:
    log = old_run / run_store.LOG
    log.write_bytes(log.read_bytes().replace(b'"accuracy"', b'"told_apart"'))

    run = run_store.read_run(old_run)

    assert run.series["discriminator_accuracy/validation"].last[1] == 0.95  # type: ignore[index]
    assert run.epoch is not None and "discriminator_accuracy" in run.epoch.validation
    old, new = (read_quantity(f"highest {name}/validation", run)
                for name in ("told_apart", "discriminator_accuracy"))  # fmt: skip
    assert old == new == 0.95


def test_old_runs_are_listed(old_run: Path, run_command: RunCommand) -> None:
    code, out, err = run_command("runs")

    assert (code, err) == (0, "")
    assert all(word in out for word in ("old-7f3a", "XOR of an older version", "stopped", "13"))


def test_an_old_run_is_resumed_from_its_checkpoint(old_run: Path, run_command: RunCommand) -> None:
    assert run_command("train", "--resume", "old-7f3a")[0] == 0

    run = run_store.read_run(old_run)
    assert run.finished is not None
    assert (run.finished.reason, run.finished.epoch, run.step) == ("done", 3, 39)
    assert run.finished.results["validation"]["loss"] == pytest.approx(FINAL_LOSS, rel=1e-4)
    steps = [point[0] for point in run.series["loss/train"].points()]
    assert steps[:2] == [7, 13] and steps[-1] == 39


def test_the_host_shows_the_history_of_an_old_run_that_continues(old_run: Path) -> None:
    stored = run_store.read_run(old_run)
    assert stored.experiment is not None
    start = Start("old-7f3a", stored.experiment, paused=True, checkpoint=stored.checkpoint)

    with Host() as host:
        host.submit(start)
        next(event for event in host.events() if isinstance(event, Paused))

        assert (host.run.step, host.run.state) == (13, "paused")
        assert host.run.series == stored.series
        assert host.run.confusion_history == stored.confusion_history
        assert host.run.marks == stored.marks
