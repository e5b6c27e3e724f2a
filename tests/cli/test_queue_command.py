"""`tuilab queue` and `tuilab train A B C`: what they print, exit codes, and bad input."""

import json
import signal

import pytest

from tests.support.shell import RunCommand, start_process, wait_for_exit
from tests.support.stored_runs import store_run
from tests.support.wait_until import wait_until
from tuilab.core import paths
from tuilab.host import run_queue, run_store

QUICK = ("--set", "training.epochs=2", "--set", "data.samples=90", "--device", "cpu")
FAILING = (
    "--set", "optimizer.name=sgd", "--set", "optimizer.lr=100", "--set", "loss.name=mse",
    "--set", 'network[1]="Identity"',
)  # fmt: skip


def order() -> list[str]:
    return [entry.title for entry in run_queue.load_queue().unfinished]


def test_runs_are_added_listed_moved_and_removed(run_command: RunCommand) -> None:
    code, out, _ = run_command("queue")
    assert code == 0 and "empty" in out and "tuilab queue add" in out

    code, out, err = run_command("queue", "add", "spiral", "moons", *QUICK, "--hold")
    assert (code, err) == (0, "") and "at position 1" in out and "at position 2" in out
    assert run_command("queue", "move", "2", "1")[0] == 0
    assert order() == ["Moons", "Spiral"]

    code, out, _ = run_command("queue")
    lines = out.splitlines()
    assert lines[0].split() == ["N", "RUN", "STATE", "PROGRESS", "DEVICE", "TITLE"]
    assert lines[1].split()[0] == "1" and lines[1].endswith("Moons") and "waiting" in lines[1]
    assert "tuilab queue start" in out
    [first, second] = json.loads(run_command("queue", "--json")[1])
    assert (first["position"], first["state"], first["epochs"]) == (1, "waiting", 2)
    assert second["title"] == "Spiral" and first["device"] == "cpu"

    assert run_command("queue", "remove", first["run"])[0] == 0
    assert order() == ["Spiral"]
    assert run_command("queue", "clear") == (0, "removed 0 runs\n", "")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("move", "7", "1"), "no run of the queue is at this position"),
        (("move", "1", "9"), "the positions are 1 to 1"),
        (("remove", "nosuch"), "no run of the queue has this in its id"),
        (("add",), "say what to train"),
        (("add", "nosuch"), "no preset or file of this name"),
        (("add", "xor", "--set", "optimizer.lr=x"), "--set optimizer.lr=x"),
        (("add", "xor", "--jobs", "0"), "--jobs 0: expected a number ≥ 1"),
        (("nosuch",), "nosuch"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    run_command: RunCommand, words: tuple[str, ...], problem: str
) -> None:
    run_command("queue", "add", "xor", *QUICK, "--hold")
    code, _, err = run_command("queue", *words)
    assert code == 2 and problem in err
    assert order() == ["XOR with a hidden layer"]


def test_a_damaged_queue_is_named(run_command: RunCommand) -> None:
    paths.queue_dir().mkdir(parents=True)
    (paths.queue_dir() / run_queue.FILE).write_bytes(b"\xc1")
    code, _, err = run_command("queue")
    assert code == 2 and str(paths.queue_dir()) in err


def test_stop_and_start_say_what_is_there(run_command: RunCommand) -> None:
    assert run_command("queue", "stop") == (0, "No process works the queue off.\n", "")


def test_the_foreground_trains_all_and_the_exit_code_is_the_worst() -> None:
    for words in (("moons",), ("moons", *FAILING), ("xor",)):
        process = start_process("queue", "add", *words, *QUICK, "--hold")
        assert wait_for_exit(process)[0] == 0
    code, out, err = wait_for_exit(start_process("queue", "run"))

    assert code == 1 and "failed" in err and out.count("done after") == 2
    assert [entry.state for entry in run_queue.list_entries()] == ["done", "failed", "done"]


def test_an_interrupt_saves_the_run_and_leaves_it_in_the_queue() -> None:
    endless = ("--set", "training.epochs=100000", "--device", "cpu")
    assert wait_for_exit(start_process("queue", "add", "moons", *endless, "--hold"))[0] == 0
    process = start_process("queue", "run")
    wait_until(lambda: [run for run in run_store.list_runs() if run_store.read_run(run).step])
    process.send_signal(signal.SIGINT)
    code, _, _ = wait_for_exit(process)

    assert code == 130
    [entry] = run_queue.list_entries()
    stored = run_store.read_run(run_store.run_dir(entry.run))
    assert entry.state == "waiting" and stored.checkpoint and stored.finished is not None


# --- several experiments in the foreground ------------------------------------------------------


def test_several_experiments_are_trained_in_order() -> None:
    process = start_process("train", "xor", "moons", "--json", *QUICK)
    code, out, err = wait_for_exit(process)

    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    order = [(event["event"], event["run"].partition("-")[0]) for event in events
             if event["event"] in ("started", "finished")]  # fmt: skip
    assert order == [("started", "xor"), ("finished", "xor"),
                     ("started", "moons"), ("finished", "moons")]  # fmt: skip


def test_one_that_fails_does_not_stop_the_others_and_the_worst_code_counts() -> None:
    words = ("train", "moons", "spiral", "--plain", *QUICK, *FAILING[:6])
    code, out, err = wait_for_exit(start_process(*words))

    assert code == 1 and "the run failed" in err
    assert "Moons:" in out and "Spiral:" in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("xor", "nosuch"), "nosuch"),
        (("xor", "moons", "--seeds", "2"), "for one experiment"),
        (("xor", "--resume", "moons-1"), "say what to train"),
    ],
)
def test_nothing_is_trained_where_one_name_is_wrong(
    run_command: RunCommand, words: tuple[str, ...], problem: str
) -> None:
    store_run("moons-1")
    code, _, err = run_command("train", *words)
    assert code == 2 and problem in err
    assert [path.name for path in run_store.list_runs()] == ["moons-1"]
