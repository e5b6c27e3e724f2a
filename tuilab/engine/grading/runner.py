"""The process in which the learner's code is tried: `python -m … FILE NAME`, with limits.

It is apart from the host so that a loop without end, a fault or a huge tensor costs nothing.
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

SEEDS = 3
"""Draws of random inputs: one that is always the same, so that numbers can be followed, and new."""


def main() -> None:
    """Check a file and report on a pipe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("--report", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--mebibytes", type=int, default=1024)
    run(parser.parse_args())


def run(asked: argparse.Namespace) -> None:
    """Import what is needed, set the limits, judge, report."""
    import torch

    from tuilab.core.exercises import exercise, learner_files
    from tuilab.core.exercises.check_result import Ready, Working
    from tuilab.engine.grading.grade import judge

    torch.set_num_threads(1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    task, source = exercise.find(asked.name), learner_files.read(asked.file)
    report = _Report(asked)
    report.send(Ready())
    report.limit()
    seeds = (0, *(random.SystemRandom().randrange(1, 1 << 31) for _ in range(SEEDS - 1)))

    def working(function: str) -> None:
        report.function = function
        report.send(Working(function))

    result = judge(task, source, str(asked.file), seeds, working)
    report.finish(result)


class _Report:
    """The pipe to who asked, and the limits whose passing is told there."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self.function = ""

    def send(self, word: msgspec.Struct) -> None:
        """Say one word, as a line of JSON."""
        data = msgspec.json.encode(word) + b"\n"
        while data:
            data = data[os.write(self._asked.report, data) :]

    def finish(self, word: msgspec.Struct) -> None:
        """Say the last word and end at once, whatever the learner's code left running."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        self.send(word)
        os._exit(0)

    def limit(self) -> None:
        """Processor time by a timer that tells the line; memory, and the rest, by the system."""
        seconds: float = self._asked.seconds
        signal.signal(signal.SIGPROF, self._too_long)
        signal.signal(signal.SIGALRM, self._too_long)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, 3 * seconds)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        whole = int(usage.ru_utime + usage.ru_stime + seconds) + 3
        _lower(resource.RLIMIT_CPU, whole)
        if sys.platform == "linux":  # elsewhere the parent watches the resident memory alone
            used = psutil.Process().memory_info().vms
            _lower(resource.RLIMIT_AS, used + (self._asked.mebibytes << 20))

    def _too_long(self, _: int, frame: types.FrameType | None) -> None:
        from tuilab.core.exercises.check_result import Result
        from tuilab.core.exercises.run_check import too_long

        line = 0
        while frame is not None and not line:
            if frame.f_code.co_filename == str(self._asked.file):
                line = frame.f_lineno
            frame = frame.f_back
        where = f"line {line}: " if line else ""
        name = f"{self.function}: " if self.function else ""
        says = f"{name}{where}{too_long(self._asked.seconds)}"
        self.finish(
            Result(
                exercise=self._asked.name,
                kind="time",
                message=says,
                function=self.function,
                line=line,
            )
        )


def _lower(limit: int, value: int) -> None:
    """Set a limit of the system, where it has it."""
    _, most = resource.getrlimit(limit)
    if most != resource.RLIM_INFINITY:
        value = min(value, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
