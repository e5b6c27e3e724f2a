"""Trains on disks that fail or are full: the end of a run is stored, or its loss is named."""

import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.faults.fork_server import Ended, start_server
from tests.faults.stored_results import (
    SHORT,
    Reference,
    find_folder,
    has_same_weights,
    has_weights,
    is_same,
    read_reference,
)
from tests.faults.tally import Tally

EPOCHS = ("--set", "training.epochs=8")


def fail_calls(count: int, seed: int = 1, rate: float = 0.02) -> Tally:
    """Trains on disks where a share of all calls fails."""
    rng = random.Random(seed)
    return _train(count, lambda _: {"rate": rate, "seed": rng.getrandbits(32)})


def fill_disks(count: int, seed: int = 1) -> Tally:
    """Trains on disks with little space: from none to enough."""
    rng = random.Random(seed)
    return _train(count, lambda size: {"capacity": int(size * rng.uniform(0, 1.2))})


def _train(count: int, draw_faults: Any) -> Tally:
    tally, server = Tally(), start_server()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server.run(home / "undisturbed", *SHORT, *EPOCHS)
        reference = read_reference(home / "undisturbed")
        stored = find_folder(home / "undisturbed")
        assert stored is not None
        size = sum(file.stat().st_size for file in stored.iterdir())
        for number in range(count):
            faults = draw_faults(size)
            ended = server.run(home / str(number), *SHORT, *EPOCHS, **faults)
            outcome = _judge(home / str(number), ended, reference)
            if outcome:
                tally.add(outcome)
            else:
                tally.fail(f"{faults}: exit code {ended.code}: {ended.text[-600:]}")
            shutil.rmtree(home / str(number))
    return tally


def _judge(home: Path, ended: Ended, reference: Reference) -> str:
    """Returns what was kept; empty if something was lost in silence, or with a traceback."""
    folder = find_folder(home)
    if "Traceback" in ended.text:
        return ""
    if ended.code == 0 and folder is not None:
        if is_same(folder, reference):
            return "stored"
        if has_weights(folder, reference) and "has the weights of step" in ended.text:
            return "weights stored in the checkpoint before, and said so"
        if has_same_weights(folder, reference) and "are kept in" in ended.text:
            return "weights stored, and said so"
    if ended.code == 1 and "are lost" in ended.text:
        return "exit code 1, the loss named"
    if ended.code in (1, 2) and "tuilab: " in ended.text:
        return "refused at the start"
    return ""
