"""The lock of a run folder: one process trains a run, and others are refused by name."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.not_none import not_none
from tests.support.shell import RunCommand, start_process, wait_for_exit
from tests.support.wait_until import wait_until
from tuilab.core.errors import InputError
from tuilab.host import discovery, run_lock, run_store
from tuilab.host.process_identity import ProcessIdentity, this_process
from tuilab.host.run_lock import LOCK, Holder, RunLock

HOLD = """
import sys, time
from pathlib import Path
from tuilab.core.errors import InputError
from tuilab.host import run_lock
run_lock.LOCK_SECONDS = 0.0
sys.stdin.readline()
try:
    lock = run_lock.RunLock.acquire(Path(sys.argv[1]))
except InputError:
    print("refused", flush=True)
else:
    print("locked", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "LOCK_SECONDS", 0.2)


@contextlib.contextmanager
def holders(folder: Path, count: int = 1) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that try to lock a folder at the same time, once each was sent a line."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(count)
    ]  # fmt: skip
    try:
        for process in processes:
            not_none(process.stdin).write("\n")
            not_none(process.stdin).flush()
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def answers(processes: list["subprocess.Popen[str]"]) -> list[str]:
    return [not_none(process.stdout).readline().strip() for process in processes]


@pytest.fixture
def folder() -> Path:
    return run_store.run_dir("spiral-1")


def test_a_run_is_locked_once_and_its_folder_is_left_as_it_was(folder: Path) -> None:
    lock = RunLock.acquire(folder, Path("/tmp/a.sock"))

    holder = not_none(run_lock.find_holder(folder))
    assert (holder.process, holder.socket) == (this_process(), "/tmp/a.sock")
    assert holder.process.is_alive
    with pytest.raises(InputError, match=f"spiral-1: process {os.getpid()} trains it; join it"):
        RunLock.acquire(folder)
    lock.close()

    assert run_lock.find_holder(folder) is None
    assert not folder.exists(), "nothing was stored in it"
    RunLock.acquire(folder).close()


def test_of_many_processes_one_gets_the_lock(folder: Path) -> None:
    with holders(folder, 4) as processes:
        assert sorted(answers(processes)) == ["locked", "refused", "refused", "refused"]


def test_the_lock_of_a_killed_process_is_free_and_that_of_a_suspended_one_is_not(
    folder: Path,
) -> None:
    with holders(folder) as (process,):
        assert answers([process]) == ["locked"]
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(InputError, match=f"`kill -CONT {process.pid}` lets it go on"):
            RunLock.acquire(folder)

        process.kill()
        process.wait()

        assert not run_lock.read_holder(folder).process.is_alive
        assert list(run_lock.living_holders()) == []
        RunLock.acquire(folder).close()


@pytest.mark.parametrize(
    ("process", "sentence"),
    [
        (this_process(), "join it with: tuilab attach spiral-1"),
        (ProcessIdentity(12, 5.0, "other", "b"), "process 12 on other trains it; end that one"),
        (ProcessIdentity(), "another process trains it"),
    ],
)
def test_a_holder_is_described(process: ProcessIdentity, sentence: str) -> None:
    assert sentence in Holder(process, "/a.sock").describe("spiral-1")


def test_a_process_of_another_start_or_machine_is_not_alive() -> None:
    here = this_process()

    assert here.is_alive
    for change in ({"start": here.start + 1}, {"machine": "other"}, {"boot": "x"}, {"start": 0.0}):
        assert not msgspec.structs.replace(here, **change).is_alive


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 5000, b"{}", b'{"process": 5}', b"x" * 100_000]
)
def test_a_damaged_lock_is_not_in_the_way(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / LOCK).write_bytes(content)

    assert list(run_lock.living_holders()) == [] and run_lock.find_holder(folder) is None
    with contextlib.closing(RunLock.acquire(folder)):
        assert run_lock.read_holder(folder).process == this_process()


def test_a_lock_whose_file_was_deleted_is_taken_again_or_given_up(folder: Path) -> None:
    lock = RunLock.acquire(folder, Path("/tmp/a.sock"))
    (folder / LOCK).unlink()

    assert lock.keep(Path("/tmp/b.sock")) == ""

    holder = not_none(run_lock.find_holder(folder))
    assert (holder.process, holder.socket) == (this_process(), "/tmp/b.sock")
    (folder / LOCK).unlink()
    other = RunLock.acquire(folder)
    assert "was deleted while it trains. Now process" in lock.keep(Path("/tmp/b.sock"))
    assert lock.keep(Path("/tmp/b.sock")) == "", "said once"
    lock.close()
    assert run_lock.find_holder(folder) is not None, "that of the other one stays"
    other.close()
    assert lock.keep(None) == "" and not folder.exists()


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_lock_that_is_not_a_file_is_not_followed(folder: Path, kind: str) -> None:
    folder.mkdir(parents=True)
    target = folder / "precious.txt"
    target.write_text("mine")
    match kind:
        case "folder":
            (folder / LOCK).mkdir()
        case "link":
            (folder / LOCK).symlink_to(target)
        case "pipe":
            os.mkfifo(folder / LOCK)

    with contextlib.suppress(OSError):
        RunLock.acquire(folder).close()

    assert target.read_text() == "mine"
    assert run_lock.find_holder(folder) is None


# --- training -------------------------------------------------------------------------------------


def start_training() -> "subprocess.Popen[str]":
    return start_process("train", "xor", "--json", "--set", "training.epochs=1000000")


@pytest.mark.slow
def test_a_run_is_not_trained_twice(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start_training()
    host = wait_until(lambda: next((h for h in discovery.list_hosts() if h.step > 0), None))
    process.terminate()  # with a checkpoint
    wait_for_exit(process)
    folder = run_store.run_dir(host.run)
    both = [start_process("train", "--resume", host.run, "--json") for _ in range(2)]
    try:
        wait_until(lambda: any(each.poll() is not None for each in both))
        (refused,) = (each for each in both if each.poll() is not None)
        (trains,) = (each for each in both if each is not refused)
        code, out, err = wait_for_exit(refused)
        assert code == 2 and host.run in err and '"failed"' in out
        assert f"process {trains.pid} trains it" in err.lower() or "it is in progress" in err

        os.kill(trains.pid, signal.SIGSTOP)
        monkeypatch.setattr(discovery, "ANSWER_SECONDS", 0.2)
        code, _, err = run_command("train", "--resume", host.run)
        assert code == 2 and f"`kill -CONT {trains.pid}` lets it go on" in err
        assert "not answering" in run_command("runs")[1]
    finally:
        for each in both:
            each.kill()
            each.communicate()
    assert run_lock.find_holder(folder) is None
