"""The user's data in a run: remarks on it, and that a changed file is read again."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.link_watcher import LinkWatcher
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Failed, Finished, Logged, Saved, Started


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "some.csv"
    write_table(path, 40)
    return path


def write_table(path: Path, count: int) -> None:
    rows = [f"{i},{i * i % 7},{'yes' if i % 4 else 'no'}" for i in range(count)]
    path.write_text("\n".join(["id,x,y", *rows]))


def make_experiment(path: Path) -> Experiment:
    return experiment_from_dict(
        {
            "network": ["Linear 2"],
            "data": {"name": "table", "path": str(path), "test": 0.1},
            "training": {"epochs": 1, "device": "cpu"},
        }
    )


def test_remarks_on_the_data_are_in_the_log(lab: LinkWatcher, table: Path) -> None:
    lab.send(Start("run-1", make_experiment(table)))
    lab.wait_for(Finished)

    remarks = [event.text for event in lab.events_of(Logged) if event.source == "data"]
    assert remarks[0] == 'Inputs: 1 number from 1 column (1 numeric, 0 categorical); target: "y".'
    assert remarks[1] == '"id" is left out: it only numbers the rows.'
    assert remarks[2].startswith("Classes in the training set: no ")
    assert remarks[0] in lab.run.log


def test_a_changed_file_is_read_again(lab: LinkWatcher, table: Path) -> None:
    lab.send(Start("run-1", make_experiment(table)))
    first = lab.wait_for(Started)
    lab.wait_for(Finished)

    write_table(table, 80)
    lab.send(Start("run-2", make_experiment(table)))
    lab.wait_until(lambda: len(lab.events_of(Started)) == 2, "the second run")

    assert sum(first.examples.values()) == 40
    assert sum(lab.events_of(Started)[1].examples.values()) == 80


def test_a_run_goes_on_with_changed_data_only_if_the_user_insists(
    lab: LinkWatcher, table: Path
) -> None:
    start = Start("run-1", make_experiment(table))
    lab.send(start)
    lab.wait_for(Finished)
    again = replace(start, checkpoint=lab.events_of(Saved)[-1].path, paused=True)

    write_table(table, 80)
    lab.send(again)
    failed = lab.wait_for(Failed)

    assert str(table) in failed.hint and failed.run == "run-1"
    (retry,), (new_run,), (insisting,) = (offer.commands for offer in failed.offers)
    assert isinstance(new_run, Start) and new_run.run != "run-1" and not new_run.checkpoint
    assert retry == again
    lab.send(insisting)
    lab.wait_until(lambda: len(lab.events_of(Started)) == 2, "the resumed run")
    lab.send(again)  # its data is now what it went on with
    lab.wait_until(lambda: len(lab.events_of(Started)) == 3, "the run without a question")
    assert len(lab.events_of(Failed)) == 1
