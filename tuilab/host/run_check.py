"""The check of the learner's code, in a process of its own and within limits."""

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

from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files, process_tree
from tuilab.core.exercises.check_result import (
    AnyMessage,
    Kind,
    Ready,
    Result,
    Working,
    describe_memory_limit,
    describe_timeout,
)

MAX_CPU_SECONDS = 10.0
"""Processor time for the learner's code, after torch is imported."""

MAX_MEBIBYTES = 1024
"""Memory for the learner's code and the processes that it starts, besides torch."""

MEASURE_SECONDS = 0.1
"""Seconds between two measurements of the memory."""

MAX_LOADING_SECONDS = 120.0
"""Time to import torch, from the slowest disk."""

MAX_PRINTED_BYTES = 16_384
"""How much of what the learner's code prints is kept."""

RUNNER = "tuilab.engine.grading.runner"
"""The module that the process runs; not imported here, because it loads torch."""


def check(
    name: str,
    file: Path | None = None,
    seconds: float = MAX_CPU_SECONDS,
    mebibytes: int = MAX_MEBIBYTES,
) -> Result:
    """Checks the learner's file of an exercise, or another file; this takes seconds."""
    exercise.find(name)
    path = file or learner_files.path_of(name)
    try:
        source = learner_files.read(path)
    except InputError as error:
        return Result(exercise=name, kind="missing", message=str(error))
    result = _Check(name, path, seconds, mebibytes).run()
    is_learner_file = path.resolve() == learner_files.path_of(name).resolve()
    if result.is_passed and is_learner_file and learner_files.read(path) == source:
        learner_files.mark_passed(name, source)
    return result


class _Check:
    """One checking process from its start to its end."""

    def __init__(self, name: str, path: Path, seconds: float, mebibytes: int) -> None:
        self._name, self._seconds, self._mebibytes = name, seconds, mebibytes
        read_end, write_end = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", RUNNER, str(path), name,
             "--report", str(write_end), "--seconds", str(seconds), "--mebibytes", str(mebibytes)],
            pass_fds=[write_end],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )  # fmt: skip
        os.close(write_end)
        self._report = os.fdopen(read_end, "rb", buffering=0)
        self._printed, self._partial_line = bytearray(), b""
        self._deadline = time.monotonic() + MAX_LOADING_SECONDS
        self._max_memory, self._measure_at = sys.maxsize, 0.0
        self._function, self._is_ready = "", False
        self._result: Result | None = None

    def run(self) -> Result:
        """Waits for the result, or ends the process when it exceeds a limit."""
        try:
            exceeded = self._read_until_end()
        finally:
            self._end_process()
        result = exceeded or self._result or self._explain_exit()
        printed = self._printed.decode(errors="replace")
        message = result.message if result.message.strip() else f"it failed: {result.kind}"
        return msgspec.structs.replace(result, message=message, printed=printed)

    def _read_until_end(self) -> Result | None:
        """Reads both pipes to their end; returns a result only where a limit was exceeded."""
        output = self._process.stdout
        assert output is not None
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(self._report, selectors.EVENT_READ)
            while selector.get_map() and self._result is None:
                ready = selector.select(timeout=0.05)
                if not ready and self._process.poll() is not None:
                    return None  # it ended, and a process that it started holds the pipes
                for key, _ in ready:
                    data = os.read(key.fd, 65_536)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._report:
                        self._read_messages(data)
                    else:
                        self._keep_printed(data)
                if self._result is None and (exceeded := self._exceeded_limit()):
                    return exceeded
        if self._result is not None:
            self._read_rest(output)
        return None

    def _read_rest(self, output: IO[bytes]) -> None:
        """Reads what was printed before the result came."""
        os.set_blocking(output.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(output.fileno(), 65_536):
                self._keep_printed(data)
                if len(self._printed) >= MAX_PRINTED_BYTES:
                    return

    def _keep_printed(self, data: bytes) -> None:
        if len(self._printed) < MAX_PRINTED_BYTES:
            self._printed += data[: MAX_PRINTED_BYTES - len(self._printed)]
            if len(self._printed) == MAX_PRINTED_BYTES:
                self._printed += "\n… and more".encode()

    def _read_messages(self, data: bytes) -> None:
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        for line in lines:
            try:
                message = msgspec.json.decode(line, type=AnyMessage)
            except msgspec.DecodeError:
                continue  # the learner's code may write to any file descriptor
            if isinstance(message, Ready):
                # The process counts its processor time itself; this is for when it cannot.
                self._deadline = time.monotonic() + 3 * self._seconds + 5
                used = process_tree.memory_of_descendants(self._process.pid)
                self._max_memory = used + (self._mebibytes << 20)
                self._is_ready = True
            elif isinstance(message, Working):
                self._function = message.function
            else:
                self._result = message

    def _exceeded_limit(self) -> Result | None:
        """Returns the failure where the process exceeds a limit, else None."""
        now = time.monotonic()
        if self._is_ready and now >= self._measure_at:
            self._measure_at = now + MEASURE_SECONDS
            if process_tree.memory_of_descendants(self._process.pid) > self._max_memory:
                return self._failure("memory", describe_memory_limit(self._mebibytes))
        if now < self._deadline:
            return None
        if not self._is_ready:
            message = f"torch was not imported after {MAX_LOADING_SECONDS:.0f} s; try again"
            return self._failure("died", message)
        return self._failure("time", describe_timeout(self._seconds))

    def _explain_exit(self) -> Result:
        """Returns the failure of a process that ended without a result."""
        code = self._process.returncode
        if -code in (signal.SIGXCPU, signal.SIGKILL) and self._is_ready:
            return self._failure("time", describe_timeout(self._seconds))
        if not self._is_ready:
            return self._failure("died", f"the checking process did not start (exit code {code})")
        how = f"by {_name_signal(-code)}" if code < 0 else f"with exit code {code}"
        return self._failure("died", f"your code ended the whole process {how}")

    def _failure(self, kind: Kind, problem: str) -> Result:
        return Result(
            exercise=self._name,
            kind=kind,
            function=self._function,
            message=f"{self._function}: {problem}" if self._function else problem,
        )

    def _end_process(self) -> None:
        """Ends the process and every process that it started, as it does itself at its end."""
        if self._result is None:
            process_tree.end_descendants(self._process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        process_tree.end_descendants(self._process.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._report.close()
        if self._process.stdout:
            self._process.stdout.close()


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"
