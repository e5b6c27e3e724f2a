"""Reads files that were changed at random: a good one, or an error in plain words."""

import random
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.faults.mutations import mutate
from tests.faults.tally import Tally
from tests.support.fuzz_data_files import fuzz_data_files
from tests.support.sample_runs import trained_run
from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file, validation, warnings
from tuilab.core.lessons import lesson_validation, library
from tuilab.core.lessons.attempt import Attempt
from tuilab.core.run.run import Run

MAX_SECONDS = 5.0
"""Longest time to read one text."""


def fuzz_experiments(count: int, seed: int = 1) -> Tally:
    """Reads this many changed experiments, checks them and writes them again."""
    rng, tally = random.Random(seed), Tally()
    originals = [
        path.read_bytes() for path in sorted((paths.presets_dir() / "experiments").glob("*.toml"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.toml"
        for _ in range(count):
            content = mutate(rng.choice(originals), rng, originals)
            path.write_bytes(content)
            _record(tally, lambda: _check_experiment(path), content)
    return tally


def fuzz_lessons(count: int, seed: int = 1) -> Tally:
    """Reads this many changed lessons, checks them and tries their goals on a run."""
    rng, tally = random.Random(seed), Tally()
    folders = sorted(
        file.parent for file in (paths.presets_dir() / "lessons").glob("*/lesson.toml")
    )
    tables, prose = ([(path / name).read_bytes() for path in folders]
                     for name in (library.FILE, library.PROSE))  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(count):
            number = rng.randrange(len(folders))
            texts = [tables[number], prose[number]]
            changed = rng.choice((0, 0, 0, 1))
            texts[changed] = mutate(texts[changed], rng, (tables, prose)[changed])
            (folder / library.FILE).write_bytes(texts[0])
            (folder / library.PROSE).write_bytes(texts[1])
            _record(tally, lambda: _check_lesson(folder), texts[changed])
    return tally


def fuzz_data(count: int, seed: int = 1) -> Tally:
    """Loads this many data files of all formats, most of them damaged."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes, failures = fuzz_data_files(count, seed, Path(folder))
    tally = Tally()
    for outcome, number in outcomes.items():
        tally.outcomes["refused" if outcome == "InputError" else "loaded"] += number
    for failure in failures:
        tally.fail(failure)
    return tally


def _record(tally: Tally, check: Callable[[], str], content: bytes) -> None:
    start = time.process_time()  # not of the clock: other processes may have the CPU
    try:
        outcome = check()
    except InputError as error:
        outcome = "refused" if str(error).strip() else ""
    except Exception:
        tally.fail(f"{traceback.format_exc(limit=-4)}\n{content[:3000]!r}")
        return
    if not outcome:
        tally.fail(f"an error without words: {content[:3000]!r}")
    elif (seconds := time.process_time() - start) > MAX_SECONDS:
        tally.fail(f"it took {seconds:.0f} s: {content[:3000]!r}")
    else:
        tally.add(outcome)


def _check_experiment(path: Path) -> str:
    experiment = toml_file.read(path)
    errors = validation.find_errors(experiment)
    if not errors:
        warnings.find_warnings(experiment)
    toml_file.write(path, experiment)
    return "refused" if errors else "good"


@cache
def _make_run() -> Run:
    return trained_run(100)


def _check_lesson(folder: Path) -> str:
    loaded = library.read_lesson(folder)
    errors = lesson_validation.validate_lesson(loaded)
    if errors:
        return "refused"
    Attempt(loaded).measure_goals(_make_run())
    for prediction in loaded.lesson.predictions:
        prediction.build_experiment(loaded.lesson.start)
    return "good"
