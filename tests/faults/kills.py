"""Kills runs at random moments and resumes them: each must end as an undisturbed one."""

import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.faults.fork_server import ForkServer
from tests.faults.stored_results import (
    SHORT,
    Reference,
    find_folder,
    is_same,
    read_losses,
    read_reference,
)
from tests.faults.tally import Tally
from tuilab.core.run import run_files

EPOCHS = ("--set", "training.epochs=150")

MAX_SECONDS = 1.2
"""Longest time until a process is killed."""


def kill_runs(count: int, seed: int = 1) -> Tally:
    """Kills processes this many times, each run until it ends."""
    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as folder, ForkServer() as server:
        home = Path(folder)
        server.run(home / "undisturbed", *SHORT, *EPOCHS)
        reference = read_reference(home / "undisturbed")
        number = 0
        while tally.outcomes["kills"] < count and not tally.failure_count:
            number += 1
            _kill_until_done(server, home / str(number), rng, tally, reference, count)
            shutil.rmtree(home / str(number), ignore_errors=True)
    return tally


def _kill_until_done(
    server: ForkServer,
    home: Path,
    rng: random.Random,
    tally: Tally,
    reference: Reference,
    count: int,
) -> None:
    """Kills one run again and again until it ends by itself."""
    while True:
        folder = find_folder(home)
        has_checkpoint = folder is not None and run_files.find_checkpoint(folder) is not None
        if folder is not None and not has_checkpoint:
            _check_refusal(server, home, folder, tally)
            shutil.rmtree(home)
        words = ("train", "--json", "--resume", folder.name) if has_checkpoint and folder else ()
        process = server.start(home, *(words or (*SHORT, *EPOCHS)))
        if tally.outcomes["kills"] < count:
            time.sleep(rng.uniform(0.02, MAX_SECONDS))
            os.kill(process, signal.SIGKILL)
        code, text = server.wait()
        if code == -signal.SIGKILL:
            tally.add("kills")
            continue
        folder = find_folder(home)
        if code == 2 and "it is done after epoch" in text and folder is not None:
            code = 0  # it had ended before it was killed
        if code or folder is None:
            tally.fail(f"exit code {code}: {text[-500:]}")
        else:
            _check_end(folder, tally, reference)
        return


def _check_refusal(server: ForkServer, home: Path, folder: Path, tally: Tally) -> None:
    """Checks what is said of a run that was killed before its first checkpoint."""
    code, text = server.run(home, "train", "--json", "--resume", folder.name)
    if code != 2 or "tuilab" not in text or "Traceback" in text:
        tally.fail(f"resumed without a checkpoint: exit code {code}: {text[-500:]}")


def _check_end(folder: Path, tally: Tally, reference: Reference) -> None:
    parts = sorted(path.name for path in folder.glob(".*.part"))
    if not is_same(folder, reference):
        tally.fail("the weights differ from those of an undisturbed run")
    elif parts:
        tally.fail(f"incomplete files are left: {parts}")
    else:
        same = "with the same history" if read_losses(folder) == reference.losses else "with gaps"
        tally.add(f"runs ended bit for bit as undisturbed, {same}")
