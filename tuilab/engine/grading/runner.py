"""The process that runs the learner's code within limits: `python -m … FILE NAME`.

It is separate from the host, so that an endless loop, a crash or a huge tensor does no harm.
"""

import argparse
import contextlib
import os
import random
import resource
import signal
import sys
import types
from pathlib import Path

import msgspec
import psutil

from tuilab.core.exercises.process_tree import fork_supervised

SEED_COUNT = 3
"""How often inputs are drawn: first with seed 0, so that the learner can follow the numbers."""


def main() -> None:
    """Checks a file and reports to a pipe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("--report", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--mebibytes", type=int, default=1024)
    arguments = parser.parse_args()
    fork_supervised()
    run(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Imports torch, sets the limits, grades the file and reports."""
    import torch

    from tuilab.core.exercises import exercise, learner_files
    from tuilab.core.exercises.check_result import Ready, Working
    from tuilab.engine.grading.grade import grade

    torch.set_num_threads(1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    task, source = exercise.find(arguments.name), learner_files.read(arguments.file)
    report = _Reporter(arguments)
    report.send(Ready())
    report.set_limits()
    seeds = (0, *(random.SystemRandom().randrange(1, 1 << 31) for _ in range(SEED_COUNT - 1)))

    def on_function(function: str) -> None:
        report.function = function
        report.send(Working(function))

    result = grade(task, source, str(arguments.file), seeds, on_function)
    report.finish(result)


class _Reporter:
    """Writes messages to the pipe, and reports there when a limit is exceeded."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self.function = ""

    def send(self, message: msgspec.Struct) -> None:
        """Writes one message as a line of JSON."""
        data = msgspec.json.encode(message) + b"\n"
        while data:
            data = data[os.write(self._arguments.report, data) :]

    def finish(self, message: msgspec.Struct) -> None:
        """Writes the last message and ends at once, whatever the learner's code left running."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        self.send(message)
        os._exit(0)

    def set_limits(self) -> None:
        """Limits processor time by a timer, which knows the line, and memory by the system."""
        seconds: float = self._arguments.seconds
        signal.signal(signal.SIGPROF, self._on_timeout)
        signal.signal(signal.SIGALRM, self._on_timeout)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, 3 * seconds)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(usage.ru_utime + usage.ru_stime + seconds) + 3
        _lower(resource.RLIMIT_CPU, limit)
        if sys.platform == "linux":  # elsewhere the parent watches the resident memory alone
            used_memory = psutil.Process().memory_info().vms
            _lower(resource.RLIMIT_AS, used_memory + (self._arguments.mebibytes << 20))

    def _on_timeout(self, _: int, frame: types.FrameType | None) -> None:
        from tuilab.core.exercises.check_result import Result, describe_timeout

        line = 0
        while frame is not None and not line:
            if frame.f_code.co_filename == str(self._arguments.file):
                line = frame.f_lineno
            frame = frame.f_back
        where = f"line {line}: " if line else ""
        name = f"{self.function}: " if self.function else ""
        message = f"{name}{where}{describe_timeout(self._arguments.seconds)}"
        result = Result(
            exercise=self._arguments.name, kind="time", message=message,
            function=self.function, line=line,
        )  # fmt: skip
        self.finish(result)


def _lower(limit: int, value: int) -> None:
    """Sets a limit of the system, where it has one."""
    _, maximum = resource.getrlimit(limit)
    if maximum != resource.RLIM_INFINITY:
        value = min(value, maximum)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
