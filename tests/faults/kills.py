"""Kills runs at random moments and resumes them: each must end as an undisturbed one."""

import os
import random
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.faults.fork_server import CALLS, start_server
from tests.faults.stored_results import (
    SHORT,
    Reference,
    compare_history,
    find_folder,
    is_same,
    read_reference,
)
from tests.faults.tally import Tally
from tuilab.core.run import run_files
from tuilab.host import run_store

FEW_STEPS = (*SHORT, "--set", "training.epochs=2")
"""A run with a report and a checkpoint after each of its few steps."""

FEW = 10
"""Kills that a short run is enough for."""


def kill_runs(count: int, seed: int = 1) -> Tally:
    """Kills processes this many times, each run until it ends."""
    killer = Killer(count, seed)
    with tempfile.TemporaryDirectory() as folder:
        killer.prepare(Path(folder) / "undisturbed")
        number = 0
        while killer.tally.outcomes["kills"] < count and not killer.tally.failure_count:
            number += 1
            killer.kill_until_done(Path(folder) / str(number))
            shutil.rmtree(Path(folder) / str(number), ignore_errors=True)
    return killer.tally


def kill_at_calls(count: int, seed: int = 1) -> Tally:
    """Kills a process in each of its calls to the disk, or evenly in this many of them."""
    tally, server = Tally(), start_server()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "undisturbed"
        ended = server.run(home, *FEW_STEPS, last_call=-1)
        assert ended.code == 0, ended.text
        reference, calls = read_reference(home), int((home / CALLS).read_text())
        for number in range(count):
            call = 1 + (seed + number * calls // count) % calls
            home = Path(folder) / str(number)
            server.run(home, *FEW_STEPS, last_call=call)
            _resume(home, call, tally, reference)
            shutil.rmtree(home)
    return tally


def _resume(home: Path, call: int, tally: Tally, reference: Reference) -> None:
    """Resumes a run that was killed, and compares its end with that of an undisturbed one."""
    folder = find_folder(home)
    if folder is None or run_files.find_checkpoint(folder) is None:
        tally.add("before the first checkpoint")
        return
    code, text = start_server().run(home, "train", "--json", "--resume", folder.name)
    if code not in (0, 2) or (code == 2 and "it is done after epoch" not in text):
        tally.fail(f"killed in call {call}, resumed: exit code {code}: {text[-500:]}")
    else:
        _check_end(folder, tally, reference, f"killed in call {call}: ")


class Killer:
    """Starts processes and kills them."""

    def __init__(self, count: int, seed: int) -> None:
        self.tally = Tally()
        self._count, self._rng = count, random.Random(seed)
        self._command = (*SHORT, "--set", f"training.epochs={40 if count < FEW else 500}")
        self._patience = 0.0
        "Longest time until a process is killed."

    def prepare(self, home: Path) -> None:
        """Trains without a fault."""
        start = time.monotonic()
        ended = start_server().run(home, *self._command)
        self._patience = max(0.5, (time.monotonic() - start) / 4)
        assert ended.code == 0, ended.text
        self._reference = read_reference(home)

    def kill_until_done(self, home: Path) -> None:
        """Kills one run again and again until it ends by itself."""
        while self._is_killed(home):
            self.tally.add("kills")

    def _is_killed(self, home: Path) -> bool:
        """Starts or resumes a run; returns whether it was killed."""
        server, folder = start_server(), find_folder(home)
        command: tuple[object, ...] = self._command
        if folder is not None and run_files.find_checkpoint(folder) is not None:
            command = ("train", "--json", "--resume", folder.name)
        elif folder is not None:
            self._check_refusal(home, folder)
            shutil.rmtree(home)
        process = server.start(home, *command)
        if self.tally.outcomes["kills"] < self._count:
            time.sleep(self._rng.uniform(0.02, self._patience))
            with suppress(ProcessLookupError):  # it has ended by then
                os.kill(process, signal.SIGKILL)
        code, text = server.wait()
        if code == -signal.SIGKILL:
            return True
        folder = find_folder(home)
        had_ended = code == 2 and "it is done after epoch" in text  # before it was killed
        if folder is None or not (code == 0 or had_ended):
            self.tally.fail(f"exit code {code}: {text[-500:]}")
        else:
            _check_end(folder, self.tally, self._reference)
        return False

    def _check_refusal(self, home: Path, folder: Path) -> None:
        """Checks what is said of a run that was killed before its first checkpoint."""
        code, text = start_server().run(home, "train", "--json", "--resume", folder.name)
        if code != 2 or "tuilab" not in text or "Traceback" in text:
            self.tally.fail(f"resumed without a checkpoint: exit code {code}: {text[-500:]}")


def _check_end(folder: Path, tally: Tally, reference: Reference, where: str = "") -> None:
    parts = sorted(path.name for path in folder.glob(".*.part"))
    if not is_same(folder, reference):
        tally.fail(f"{where}the weights differ from those of an undisturbed run")
    elif parts:
        tally.fail(f"{where}incomplete files are left: {parts}")
    elif run_store.read_run(folder).finished is None:
        tally.fail(f"{where}the run is over, and its log does not say so")
    elif difference := compare_history(folder, reference):
        tally.fail(f"{where}the history differs from that of an undisturbed run: {difference}")
    else:
        tally.add("runs ended bit for bit as undisturbed, with the same history")
