"""The index of the stored runs: whatever happens to it, the list is that of the folders."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.stored_runs import append_events, epoch_events, store_run
from tests.support.wait_until import wait_until
from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Finished, Rewound
from tuilab.core.run import run_files, run_labels
from tuilab.core.run.run import make_run_id
from tuilab.core.run.run_summary import RunSummary
from tuilab.host import run_index, run_store
from tuilab.host.run_library import RunLibrary
from tuilab.host.run_lock import RunLock
from tuilab.host.summarize_run import resolve_state, summarize_log


def read_folders() -> dict[str, RunSummary]:
    """Returns the summaries as the folders say them, without an index."""
    folders = run_store.list_runs()
    return {folder.name: resolve_state(summarize_log(folder), folder) for folder in folders}


LONG_AGO = 1_600_000_000.0


def age_files(seconds: float) -> None:
    """Makes what has just been written as old as this, so that the index relies on what it saw."""
    for path in [*paths.runs_dir().glob("*/*"), *paths.runs_dir().glob("*")]:
        if path.stat().st_mtime > LONG_AGO + 1_000_000:
            os.utime(path, (seconds, seconds))


def by_id(summaries: list[RunSummary]) -> dict[str, RunSummary]:
    return {summary.id: summary for summary in summaries}


def run_children(count: int, work: Callable[[int], None]) -> None:
    """Does work in several processes at once, and fails if one of them fails."""
    start, release = os.pipe()
    children = []
    for number in range(count):
        if child := os.fork():
            children.append(child)
            continue
        code = 1
        with suppress(BaseException):
            os.close(release)
            os.read(start, 1)  # all begin at the same moment
            work(number)
            code = 0
        os._exit(code)
    os.close(start)
    os.close(release)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * count


# --- random operations ------------------------------------------------------------------------

RUNS = st.sampled_from(["spiral-1", "spiral-2"])
ACCURACIES = st.lists(st.sampled_from([0.1, 0.4, 0.5, 0.9]), max_size=3)
DAMAGE = st.sampled_from(
    [b"", b"not a log\n", b'{"event":"epoch_ended","run":"spiral-1"', b"\xff\n"]
)
OPERATIONS = st.one_of(
    st.tuples(st.just("create"), RUNS, ACCURACIES, st.sampled_from(["", "done", "stopped"])),
    st.tuples(st.just("append"), RUNS, st.sampled_from([0.2, 0.7])),
    st.tuples(st.just("rewind"), RUNS, st.sampled_from([0, 10])),
    st.tuples(st.just("end"), RUNS),
    st.tuples(st.just("label"), RUNS, st.sampled_from(["a", "b", ""])),
    st.tuples(st.just("delete"), RUNS),
    st.tuples(st.just("restore"), RUNS),
    st.tuples(st.just("damage log"), RUNS, DAMAGE),
    st.tuples(st.just("damage labels"), RUNS, DAMAGE),
    st.tuples(st.just("damage index"), DAMAGE),
    st.tuples(st.just("remove index")),
)


def operate(library: RunLibrary, name: str, *values: object) -> None:
    match name, *values:
        case "create", str(run), list(accuracies), str(end):
            store_run(run, accuracies, end=end)
        case "append", str(run), float(accuracy):
            append_events(run, epoch_events(run, 4, accuracy))
        case "rewind", str(run), int(step):
            append_events(run, [Rewound(run, step)])
        case "end", str(run):
            append_events(run, [Finished(run, "stopped", 20, 2, 4.0, {})])
        case "label", str(run), str(word):
            library.rename(run, word)
        case "delete", str(run):
            library.delete(run)
        case "restore", str(run):
            library.restore(run)
        case "damage log", str(run), bytes(content):
            (run_store.run_dir(run) / run_files.LOG).write_bytes(content)
        case "damage labels", str(run), bytes(content):
            (run_store.run_dir(run) / run_files.LABELS).write_bytes(content)
        case "damage index", bytes(content):
            (paths.runs_dir() / run_index.INDEX).write_bytes(content)
        case "remove index":
            (paths.runs_dir() / run_index.INDEX).unlink()


@given(st.lists(OPERATIONS, max_size=12))
def test_the_list_is_that_of_the_folders_after_anything(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[object, ...]]
) -> None:
    os.environ["TUILAB_HOME"] = str(tmp_path_factory.mktemp("home"))
    library = RunLibrary()
    store_run("spiral-1", end="")
    library.rename("spiral-1", "first")
    for number, (name, *values) in enumerate(operations):
        with suppress(InputError, OSError):  # a run that is not there
            operate(library, str(name), *values)
        age_files(LONG_AGO + number)
        library.list_summaries()

    expected = read_folders()
    assert by_id(library.list_summaries()) == expected
    assert by_id(RunLibrary().list_summaries()) == expected


# --- the file ---------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for run in ("a", "b"):
        store_run(run)
    age_files(LONG_AGO)
    RunLibrary().list_summaries()
    reads: list[str] = []

    def read(folder: object, *rest: object) -> RunSummary:
        reads.append(str(folder))
        return summarize_log(folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(run_index, "summarize_log", read)
    RunLibrary().list_summaries()
    assert reads == []
    append_events("b", epoch_events("b", 4, 0.4))
    assert by_id(RunLibrary().list_summaries())["b"].step == 40
    assert reads == [str(run_store.run_dir("b"))]


def test_an_index_with_a_flipped_byte_is_not_believed() -> None:
    store_run("a")
    age_files(LONG_AGO)
    RunLibrary().list_summaries()
    expected, index = read_folders(), paths.runs_dir() / run_index.INDEX
    content = index.read_bytes()
    for position in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[position] ^= 1
        index.write_bytes(flipped)

        assert by_id(RunLibrary().list_summaries()) == expected, position


def test_an_index_of_another_version_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store_run("a")
    RunLibrary().list_summaries()
    monkeypatch.setattr(run_index, "FORMAT", run_index.FORMAT + 1)
    progress: list[tuple[int, int]] = []

    RunLibrary().list_summaries(lambda done, total: progress.append((done, total)))

    assert progress == [(1, 1)]


def test_a_writer_killed_in_the_middle_leaves_the_old_index(home: object) -> None:
    store_run("a")
    RunLibrary().list_summaries()
    store_run("b")
    child = os.fork()
    if not child:  # it stops where its file is written and not in place yet
        os.replace = lambda *_: time.sleep(60)
        RunLibrary().list_summaries()
        os._exit(0)
    folder = paths.runs_dir()
    wait_until(lambda: bool(list(folder.glob("..index*.part"))))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert by_id(RunLibrary().list_summaries()) == read_folders()
    assert set(read_folders()) == {"a", "b"}
    assert not list(folder.glob("..index*.part"))


def test_a_folder_that_cannot_be_written_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    store_run("a")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(run_index, "write_atomically", fail)

    assert set(by_id(RunLibrary().list_summaries())) == {"a"}


# --- many processes ---------------------------------------------------------------------------


def start_run(number: int) -> None:
    """Starts a run and labels one that all share, as fifty labs at once might."""
    while True:
        run = make_run_id(Experiment(title="Spiral"))
        try:
            lock = RunLock.acquire(run_store.run_dir(run))
            break
        except InputError:  # another process has just taken this id
            continue
    store_run(run, [number / 100], seed=number)
    lock.close()
    run_labels.tag(run_store.run_dir("shared"), [f"t{number}"], [])
    RunLibrary().list_summaries()


def test_fifty_processes_that_start_and_label_runs_lose_none() -> None:
    store_run("shared")

    run_children(50, start_run)

    runs = by_id(RunLibrary().list_summaries())
    assert len(runs) == 51
    assert {run.settings["seed"] for run in runs.values() if "seed" in run.settings} == set(
        range(1, 50)
    )
    assert set(runs["shared"].tags) == {f"t{number}" for number in range(50)}
    assert runs == read_folders()


def test_a_run_that_is_deleted_while_it_is_labeled_leaves_nothing_behind() -> None:
    store_run("a")

    def work(number: int) -> None:
        with suppress(InputError):
            if number == 5:
                RunLibrary().delete("a")
            else:
                run_labels.rename(run_store.run_dir("a"), f"name {number}")

    run_children(10, work)

    assert not run_store.run_dir("a").exists()
    RunLibrary().restore("a")
    assert set(by_id(RunLibrary().list_summaries())) == {"a"}
