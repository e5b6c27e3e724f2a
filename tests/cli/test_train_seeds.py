"""`tuilab train --seeds`: lines, JSON, exit codes and what is wrong with a list of seeds."""

import json
import signal

import pytest

from tests.support.shell import RunCommand, start_process, wait_for_exit
from tuilab.host import run_store

QUICK = ("--set", "training.epochs=2", "--set", "data.samples=90", "--device", "cpu")


def test_seeds_have_a_line_each_and_a_mean_with_standard_deviation(
    run_command: RunCommand,
) -> None:
    code, out, err = run_command("train", "moons", "--seeds", "3", *QUICK)

    assert (code, err) == (0, "")
    note, *lines = out.splitlines()
    assert note == "3 seeds, trained together"
    assert [line.split()[1] for line in lines[:3]] == ["0", "1", "2"]
    assert lines[4].startswith("test.accuracy") and " ± " in lines[4] and "n = 3" in lines[4]
    assert len(run_store.list_runs()) == 3 and "stored in" in lines[-1]


def test_a_list_names_the_seeds_and_json_has_every_event() -> None:
    process = start_process("train", "moons", "--seeds", "5,2", "--json", *QUICK)
    code, out, err = wait_for_exit(process)

    assert (code, err) == (0, "")
    *events, report = map(json.loads, out.splitlines())
    starts = [event for event in events if event["event"] == "started"]
    assert [start["experiment"]["seed"] for start in starts] == [5, 2]
    assert {start["group"] for start in starts} == {report["group"]}
    assert report["event"] == "seeds_reported" and report["is_over"]
    values = [run["metrics"]["test.loss"] for run in report["runs"]]
    assert report["summary"]["test.loss"]["mean"] == pytest.approx(sum(values) / 2)
    assert report["summary"]["test.loss"]["n"] == 2


def test_failed_seeds_are_named_and_end_with_1(run_command: RunCommand) -> None:
    sets = ("optimizer.name=sgd", "optimizer.lr=100", "loss.name=mse", 'network[1]="Identity"')
    words = [word for text in sets for word in ("--set", text)]
    code, _, err = run_command("train", "moons", "--seeds", "2", *QUICK, *words)
    assert code == 1 and "seed 0: The loss became" in err


def test_an_interrupt_stores_every_seed() -> None:
    endless = ("--set", "training.epochs=100000", "--device", "cpu")
    process = start_process("train", "moons", "--seeds", "2", "--json", *endless)
    assert process.stdout is not None
    while '"progressed"' not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    code, out, _ = wait_for_exit(process)

    report = json.loads(out.splitlines()[-1])
    assert code == 130 and [run["state"] for run in report["runs"]] == ["interrupted"] * 2
    for folder in run_store.list_runs():
        run = run_store.read_run(folder)
        assert run.finished is not None and run.finished.reason == "interrupted"
        assert run.checkpoint and run.finished.step > 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("moons", "--seeds", "0"), "--seeds 0: enter from 1 to 256 seeds"),
        (("moons", "--seeds", "few"), "--seeds few: enter how many seeds, such as 5"),
        (("moons", "--seeds", "3,3"), "the seed 3 is there twice"),
        (("moons", "--seeds", "5000"), "from 1 to 256"),
        (("--resume", "moons", "--seeds", "3"), "leave out --resume or --seeds"),
        (("nothing", "--seeds", "3"), "there is no preset or file of this name"),
    ],
)
def test_wrong_arguments_are_explained(
    run_command: RunCommand, words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run_command("train", *words)
    assert (code, out) == (2, "") and sentence in err
