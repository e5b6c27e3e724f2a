"""Damages the files of a run, bit by bit and cut anywhere: what is read is whole, or an error."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch

from tests.faults.tally import Tally
from tests.support.bitwise import find_differences
from tests.support.tiny_sessions import make_session
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.lessons import progress_file
from tuilab.core.lessons.progress import Progress
from tuilab.core.protocol.events import Finished, Started
from tuilab.core.run import run_files
from tuilab.engine import checkpoint, checkpoint_file
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.train import train
from tuilab.host import run_store
from tuilab.host.run_log import RunLog

Read = Callable[[Path], object]

OLD_CHECKPOINT = "old.pt"


class WrittenFiles(NamedTuple):
    """The files of a run that has ended."""

    readers: dict[str, Read]
    "How each is read, by its name."
    started: Started
    finished: Finished


def flip_bits(count: int, seed: int = 1) -> Tally:
    """Flips one bit of a file of a run, this many times; most of them in its checkpoint."""
    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        readers = write_files(folder).readers
        good = checkpoint_file.read(folder / run_files.CHECKPOINT)
        contents = {file: (folder / file).read_bytes() for file in readers}
        for _ in range(count):
            file = rng.choice([run_files.CHECKPOINT] * 4 + list(readers))
            damaged = bytearray(contents[file])
            bit = rng.randrange(8 * len(damaged))
            damaged[bit // 8] ^= 1 << bit % 8
            (folder / file).write_bytes(damaged)
            outcome = _read(folder / file, readers[file], good)
            if outcome == "unnoticed" or (outcome != "noticed" and file == run_files.CHECKPOINT):
                outcome = f"Traceback: {file} with bit {bit} flipped: {outcome}"
            if outcome.startswith("Traceback"):
                tally.fail(outcome)
            else:
                tally.add(f"{outcome} in {file}")
            (folder / file).write_bytes(contents[file])
            for path in folder.iterdir():
                if path.name not in contents:
                    path.unlink()  # what was moved aside
    return tally


def cut_logs(count: int, seed: int = 1) -> Tally:
    """Cuts the log of a run at a random byte and goes on with it, this many times."""
    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_files(folder)
        path = folder / run_files.LOG
        content = path.read_bytes()
        for _ in range(count):
            size = rng.randrange(len(content))
            path.write_bytes(content[:size])
            try:
                tally.add(_go_on(folder, files))
            except Exception as error:
                tally.fail(f"cut at {size}: {error!r}")
    return tally


def _go_on(folder: Path, files: WrittenFiles) -> str:
    """Reads a log that was cut, goes on with it and reads it again."""
    try:
        run_store.read_run(folder)
        run_store.read_run(folder, ends_only=True)
        outcome = "read"
    except InputError:
        outcome = "refused, with nothing in it"
    log = RunLog()
    log.record(files.started)
    log.record(files.finished)
    log.close()
    run = run_store.read_run(folder)
    assert run.finished == files.finished, "the end of a run that went on is not read"
    return outcome


def _read(path: Path, read: Read, good: dict[str, Any]) -> str:
    try:
        value = read(path)
    except InputError:
        return "noticed"
    except Exception as error:
        return f"Traceback: {error!r}"
    if path.suffix == ".pt":
        return "harmless" if find_differences(value, good) == [] else "unnoticed"
    return "read or noticed"


def write_files(folder: Path) -> WrittenFiles:
    """Writes the files of a run that has ended."""
    session = make_session("Linear 12", "BatchNorm1d", "Tanh", "Linear 3", epochs=3)
    log, store = RunLog(), CheckpointStore(folder / run_files.CHECKPOINT)
    started = msgspec.structs.replace(session.started_event(), folder=str(folder))
    log.record(started)
    for event in train(session):
        if event is not None:
            log.record(event)
    finished = session.finished_event("done")
    log.record(finished)
    log.close()
    store.save(session)
    state = {**checkpoint.capture_state(session), "format": 2}
    torch.save(state, folder / OLD_CHECKPOINT)
    learner = Progress()
    learner.record_goal("perceptron", "reach", 3.0)
    learner.record_answer("perceptron", "sum", is_correct=False)
    progress_file.save_progress(learner, folder / "progress.json")
    readers: dict[str, Read] = {
        run_files.CHECKPOINT: checkpoint_file.read,
        OLD_CHECKPOINT: lambda path: {**checkpoint_file.read(path), "format": 3},
        run_files.LOG: lambda path: run_store.read_run(path.parent),
        run_files.EXPERIMENT: toml_file.read,
        "progress.json": progress_file.load_progress,
    }
    return WrittenFiles(readers, started, finished)
