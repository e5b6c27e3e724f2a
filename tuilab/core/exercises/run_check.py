"""Run the learner's code in a process of its own, within limits, and hear what came of it."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import msgspec
import psutil

from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
from tuilab.core.exercises.check_result import AnyWord, Kind, Ready, Result, Working

SECONDS = 10.0
"""Of processor time for the learner's code, once torch is there."""

MEBIBYTES = 1024
"""Of memory for the learner's code beside torch."""

LOADING = 120.0
"""Seconds for torch to be imported, on the slowest disk."""

MOST_PRINTED = 16_384
"""Bytes of what the learner's code prints that are kept."""

RUNNER = "tuilab.engine.grading.runner"


def check(
    name: str, file: Path | None = None, seconds: float = SECONDS, mebibytes: int = MEBIBYTES
) -> Result:
    """Check the learner's file of an exercise; it takes seconds, so call it aside from a screen."""
    exercise.find(name)
    path = file or learner_files.path(name)
    try:
        source = learner_files.read(path)
    except InputError as error:
        return Result(exercise=name, kind="missing", message=str(error))
    result = _Check(name, path, seconds, mebibytes).run()
    is_theirs = path.resolve() == learner_files.path(name).resolve()
    if result.is_passed and is_theirs and learner_files.read(path) == source:
        learner_files.remember(name, source)
    return result


class _Check:
    """One checking process from its start to its end."""

    def __init__(self, name: str, path: Path, seconds: float, mebibytes: int) -> None:
        self._name, self._seconds, self._mebibytes = name, seconds, mebibytes
        ours, theirs = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", RUNNER, str(path), name,
             "--report", str(theirs), "--seconds", str(seconds), "--mebibytes", str(mebibytes)],
            pass_fds=[theirs],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._report = os.fdopen(ours, "rb", buffering=0)
        self._printed, self._unread = bytearray(), b""
        self._deadline = time.monotonic() + LOADING
        self._most = sys.maxsize
        self._function, self._is_ready = "", False
        self._result: Result | None = None

    def run(self) -> Result:
        """Wait for the result, or end the process where it goes past its limits."""
        try:
            ended = self._watch()
        finally:
            self._end()
        result = ended or self._result or self._silent()
        printed = self._printed.decode(errors="replace")
        return msgspec.structs.replace(result, printed=printed)

    def _watch(self) -> Result | None:
        """Read until both pipes are at their end; a result means that a limit was passed."""
        output = self._process.stdout
        assert output is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(output, selectors.EVENT_READ)
            waiting.register(self._report, selectors.EVENT_READ)
            while waiting.get_map() and self._result is None:
                news = waiting.select(timeout=0.05)
                if not news and self._process.poll() is not None:
                    return None  # it ended, and something it started holds the pipes
                for key, _ in news:
                    data = os.read(key.fd, 65_536)
                    if not data:
                        waiting.unregister(key.fileobj)
                    elif key.fileobj is self._report:
                        self._hear(data)
                    else:
                        self._print(data)
                if self._result is None and (passed := self._limit()):
                    return passed
        if self._result is not None:
            self._drain(output)
        return None

    def _drain(self, output: IO[bytes]) -> None:
        """Take what was printed before the result was said."""
        os.set_blocking(output.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(output.fileno(), 65_536):
                self._print(data)
                if len(self._printed) >= MOST_PRINTED:
                    return

    def _print(self, data: bytes) -> None:
        if len(self._printed) < MOST_PRINTED:
            self._printed += data[: MOST_PRINTED - len(self._printed)]
            if len(self._printed) == MOST_PRINTED:
                self._printed += "\n… and more".encode()

    def _hear(self, data: bytes) -> None:
        *whole, self._unread = (self._unread + data).split(b"\n")
        for line in whole:
            try:
                word = msgspec.json.decode(line, type=AnyWord)
            except msgspec.DecodeError:
                continue  # the learner's own code may write anywhere
            if isinstance(word, Ready):
                # The process itself counts its processor time; this is for when it cannot.
                self._deadline = time.monotonic() + 3 * self._seconds + 5
                self._most = self._memory() + (self._mebibytes << 20)
                self._is_ready = True
            elif isinstance(word, Working):
                self._function = word.function
            else:
                self._result = word

    def _memory(self) -> int:
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _limit(self) -> Result | None:
        """The limit that has been passed, if one has."""
        if self._memory() > self._most:
            return self._say("memory", too_much(self._mebibytes))
        if time.monotonic() < self._deadline:
            return None
        if not self._is_ready:
            return self._say("died", f"torch was not there after {LOADING:.0f} s; try again")
        return self._say("time", too_long(self._seconds))

    def _silent(self) -> Result:
        """The process ended without a word: killed by a limit, a fault, or by itself."""
        code = self._process.returncode
        if -code in (signal.SIGXCPU, signal.SIGKILL) and self._is_ready:
            return self._say("time", too_long(self._seconds))
        if not self._is_ready:
            return self._say("died", f"the checking process did not start (exit code {code})")
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return self._say("died", f"your code ended the whole process {how}")

    def _say(self, kind: Kind, problem: str) -> Result:
        return Result(
            exercise=self._name,
            kind=kind,
            function=self._function,
            message=f"{self._function}: {problem}" if self._function else problem,
        )

    def _end(self) -> None:
        """Leave nothing behind: the process, and what it may have started."""
        if self._result is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._report.close()
        if self._process.stdout:
            self._process.stdout.close()


def too_long(seconds: float) -> str:
    """What a loop without end is told."""
    return f"still running after {seconds:g} s: is there a loop that never ends?"


def too_much(mebibytes: int) -> str:
    """What asks for too much memory is told."""
    return f"this asks for more than {mebibytes:,} MiB of memory: does a list or a shape grow?"
