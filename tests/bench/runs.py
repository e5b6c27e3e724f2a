"""The list of thousands of stored runs: with its index, and without."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.measure import Row, at_most, interleaved, ratio, summarize
from tests.support.stored_runs import store_run
from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.run.run_filter import parse_filter
from tuilab.core.run.run_settings import describe_changes
from tuilab.host import run_index
from tuilab.host.run_library import RunLibrary

RUNS = 5_000

REPEATS = 5

PADDING = 200
"""Evaluations in the log of each run: about as many bytes as those of a short run of the lab."""


def _milliseconds(measure: Callable[[], object]) -> float:
    start = time.perf_counter()
    measure()
    return 1000 * (time.perf_counter() - start)


def _scan_folders() -> int:
    """Looks at the folder and the log of each run, as any list of them must."""
    with os.scandir(paths.runs_dir()) as entries:
        return sum(
            bool(os.stat(entry.path).st_mtime_ns and os.stat(f"{entry.path}/events.jsonl").st_size)
            for entry in entries
            if not entry.name.startswith(".")
        )


def _list_and_describe() -> int:
    library = RunLibrary()
    runs = library.list_summaries()
    return sum(len(describe_changes(run.settings, library.base_settings(run))) for run in runs)


def _store_runs() -> None:
    accuracies = [0.5 + (n % 40) / 100 for n in range(PADDING)]
    preset = toml_file.read(toml_file.find("spiral"))
    for number in range(RUNS):
        store_run(
            f"spiral-{number:04x}", accuracies, time=1.7e9 + number, experiment=preset, seed=number,
            optimizer__lr=(1 + number % 9) / 1000,
        )  # fmt: skip


def rows() -> Iterator[Row]:
    """Yields the rows on the list of runs."""
    home, before = Path(tempfile.mkdtemp(prefix="tuilab-bench-")), os.environ.get("TUILAB_HOME")
    os.environ["TUILAB_HOME"] = str(home)
    try:
        _store_runs()
        yield from _measure()
    finally:
        os.environ.pop("TUILAB_HOME")
        if before is not None:
            os.environ["TUILAB_HOME"] = before
        shutil.rmtree(home)


def _measure() -> Iterator[Row]:
    size = sum(path.stat().st_size for path in paths.runs_dir().glob("*/*")) / 2**20
    detail = f"{RUNS} runs, {size:.0f} MiB"
    cold = _milliseconds(lambda: RunLibrary().list_summaries())
    yield Row("list without an index", cold / 1000, "", None, detail, " s")
    warm, scan = interleaved(
        REPEATS,
        lambda: _milliseconds(lambda: RunLibrary().list_summaries()),
        lambda: _milliseconds(_scan_folders),
    )
    yield at_most("list with an index", statistics.median(warm) / 1000, 0.5, detail, " s")
    both = f"{summarize(warm)} / {summarize(scan)} ms"
    yield Row("list with an index / a look at the folders", ratio(warm, scan), "", None, both, "×")
    described = [_milliseconds(_list_and_describe) for _ in range(REPEATS)]
    yield Row("the same with what differs", statistics.median(described), "", None, "", " ms")
    library = RunLibrary()
    runs = library.list_summaries()
    again = [_milliseconds(library.refresh) for _ in range(REPEATS)]
    yield Row("refresh while nothing changes", statistics.median(again), "", None, "", " ms")
    run_filter = parse_filter("lr>0.003 validation.accuracy>0.6 -tag:bad spiral")
    filtered = [
        _milliseconds(lambda: [run for run in runs if run_filter.matches(run)])
        for _ in range(REPEATS)
    ]
    yield Row("filter of four terms", statistics.median(filtered), "", None, "", " ms")
    index = paths.runs_dir() / run_index.INDEX
    yield Row("index on the disk", index.stat().st_size / 2**20, "", None, detail, " MiB")
