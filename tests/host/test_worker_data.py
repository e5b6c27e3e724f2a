"""The user's own data in a run: what is told of it, and that a changed file is read anew."""

from pathlib import Path

import pytest

from tests.support.watching import Watcher
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Finished, Logged, Started


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "some.csv"
    write(path, 40)
    return path


def write(path: Path, count: int) -> None:
    rows = [f"{i},{i * i % 7},{'yes' if i % 4 else 'no'}" for i in range(count)]
    path.write_text("\n".join(["id,x,y", *rows]))


def experiment(path: Path) -> Experiment:
    return experiment_from_dict(
        {
            "network": ["Linear 2"],
            "data": {"name": "table", "path": str(path), "test": 0.1},
            "training": {"epochs": 1, "device": "cpu"},
        }
    )


def test_what_was_made_of_the_data_is_in_the_log(lab: Watcher, table: Path):
    lab.send(Start("run-1", experiment(table)))
    lab.wait(Finished)

    told = [event.text for event in lab.all(Logged) if event.source == "data"]
    assert told[0] == 'Inputs: 1 number from 1 column (1 of numbers, 0 of categories); target: "y".'
    assert told[1] == '"id" is left out: it only numbers the rows.'
    assert told[2].startswith("Classes in the training set: no ")
    assert told[0] in lab.run.log


def test_a_file_that_has_changed_is_read_anew(lab: Watcher, table: Path):
    lab.send(Start("run-1", experiment(table)))
    first = lab.wait(Started)
    lab.wait(Finished)

    write(table, 80)
    lab.send(Start("run-2", experiment(table)))
    lab.until(lambda: len(lab.all(Started)) == 2, "the second run")

    assert sum(first.examples.values()) == 40
    assert sum(lab.all(Started)[1].examples.values()) == 80
