"""The file of the queue: order, positions, concurrent changes, and what is left by a crash."""

import os
import subprocess
import sys
from contextlib import closing

import pytest
from msgspec.structs import replace

from tests.support.stored_runs import store_run
from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start
from tuilab.host import run_queue
from tuilab.host.run_lock import RunLock

ADD_MANY = """
import sys
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start
from tuilab.host import run_queue
for number in range(25):
    run_queue.add_runs([Start(f"{sys.argv[1]}-{number}", Experiment())])
    if number % 5 == 4:
        run_queue.move_entry(f"{sys.argv[1]}-{number}", 1)
        run_queue.remove_entries([f"{sys.argv[1]}-{number - 1}"])
"""


def add(*runs: str) -> None:
    run_queue.add_runs(Start(run, Experiment(title=run)) for run in runs)


def set_state(run: str, state: str) -> None:
    def change(queue: run_queue.QueueFile) -> run_queue.QueueFile:
        entry = run_queue.find_entry(queue.entries, run)
        return queue.with_entry(replace(entry, state=state))

    run_queue.edit_queue(change)


def order() -> list[str]:
    return [entry.run for entry in run_queue.load_queue().unfinished]


def test_processes_that_change_the_queue_at_once_lose_nothing() -> None:
    names = ["a", "b", "c"]
    processes = [subprocess.Popen([sys.executable, "-c", ADD_MANY, name]) for name in names]
    assert [process.wait(60) for process in processes] == [0, 0, 0]

    expected = {f"{name}-{n}" for name in names for n in range(25) if n % 5 != 3}
    assert len(order()) == len(set(order())) == len(expected)
    assert set(order()) == expected


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [("3", 1, "c a b d"), ("1", 4, "b c d a"), ("2", 2, "a b c d"), ("d", 2, "a d b c")],
)
def test_an_entry_is_moved_to_a_position(name: str, position: int, expected: str) -> None:
    add("a", "b", "c", "d")
    run_queue.move_entry(name, position)
    assert order() == expected.split()


def test_positions_count_only_what_is_not_over() -> None:
    add("a", "b", "c", "d")
    set_state("a", "failed")
    run_queue.move_entry("3", 1)
    assert order() == ["d", "b", "c"]
    assert [entry.run for entry in run_queue.list_entries()] == ["a", "d", "b", "c"]
    run_queue.remove_entries(["1", "a"])
    assert order() == ["b", "c"]
    assert run_queue.clear_finished() == 0


@pytest.mark.parametrize(
    ("name", "position", "problem"),
    [
        ("9", 1, "no run of the queue is at this position"),
        ("0", 1, "no run of the queue is at this position"),
        ("x", 1, "no run of the queue has this in its id"),
        ("a", 1, "several runs match: ab, ac"),
        ("1", 3, "the positions are 1 to 2"),
        ("1", 0, "the positions are 1 to 2"),
    ],
)
def test_what_is_impossible_is_said_and_changes_nothing(
    name: str, position: int, problem: str
) -> None:
    add("ab", "ac")
    with pytest.raises(InputError, match=problem):
        run_queue.move_entry(name, position)
    assert order() == ["ab", "ac"]


def test_two_runs_with_the_same_id_get_different_ones() -> None:
    add("spiral-1")
    add("spiral-1")
    first, second = order()
    assert first == "spiral-1" and second.startswith("spiral-1-")


def test_a_run_that_goes_on_is_in_the_queue_once() -> None:
    start = Start("spiral-1", Experiment(), checkpoint="x")
    run_queue.add_runs([start])
    with pytest.raises(InputError, match="in the queue already"):
        run_queue.add_runs([start])
    set_state("spiral-1", "done")
    run_queue.add_runs([start])
    assert [entry.state for entry in run_queue.list_entries()] == ["waiting"]


def test_an_entry_in_progress_cannot_be_removed_and_one_without_a_process_is_cut_off() -> None:
    store_run("spiral-1", end="")
    add("spiral-1")
    set_state("spiral-1", "training")
    with closing(RunLock.acquire(paths.runs_dir() / "spiral-1")):
        assert [entry.state for entry in run_queue.list_entries()] == ["training"]
        with pytest.raises(InputError, match="tuilab stop spiral-1"):
            run_queue.remove_entries(["1"])
    assert [entry.state for entry in run_queue.list_entries()] == ["cut off"]
    run_queue.remove_entries(["1"])
    assert order() == []


def test_the_oldest_finished_entries_are_dropped() -> None:
    count = run_queue.MAX_FINISHED + 5
    add(*(f"run-{number:03}" for number in range(count)))
    run_queue.edit_queue(
        lambda queue: replace(queue, entries=tuple(replace(e, state="done") for e in queue.entries))
    )
    add("last")
    runs = [entry.run for entry in run_queue.list_entries()]
    assert len(runs) == run_queue.MAX_FINISHED + 1 and runs[0] == "run-005" and runs[-1] == "last"


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"{}", b"\x81"])
def test_a_damaged_file_is_named_and_not_replaced(content: bytes) -> None:
    add("a")
    file = paths.queue_dir() / run_queue.FILE
    file.write_bytes(content)
    with pytest.raises(InputError, match="queue is damaged") as caught:
        add("b")
    assert str(file) in str(caught.value) and file.read_bytes() == content


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named() -> None:
    add("a")
    paths.queue_dir().chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be"):
            add("b")
    finally:
        paths.queue_dir().chmod(0o700)
    assert order() == ["a"]
