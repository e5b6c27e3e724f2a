"""The lab in a pseudo-terminal: its cost for training, key latency and output rate."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import Row, at_least, at_most, ratio, summarize
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Progressed
from tuilab.host.discovery import list_hosts, stop_run
from tuilab.host.link import Link, spawn_host

SIZE = (120, 40)
WINDOW = 5.0
"""Seconds of one measurement of training."""

REPEATS = 5

SETTLE = 3.0
"""Seconds until the lab has drawn its first frames, which are not counted."""

TUILAB = [sys.executable, "-m", "tuilab"]


def make_mlp() -> Experiment:
    """Builds a 784-128-10 MLP on images, batch 128, that trains endlessly."""
    return experiment_from_dict(
        {
            "network": ["Flatten", "Linear 128", "ReLU", "Linear 10"],
            "data": {"name": "glyphs", "batch_size": 128, "samples": 12_800},
            "training": {"epochs": 1_000_000, "device": "cpu"},
        }
    )


def make_tiny() -> Experiment:
    """Builds a 2-8-8-2 MLP, batch 10, that trains endlessly."""
    return experiment_from_dict(
        {
            "network": ["Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 2"],
            "data": {"name": "spiral", "batch_size": 10},
            "training": {"epochs": 10_000_000, "device": "cpu"},
        }
    )


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Sets a temporary folder as the home of all files."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TUILAB_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["TUILAB_HOME"]


@contextmanager
def host_training(experiment: Experiment, run: str) -> Iterator[Link]:
    """Starts a host that trains, and yields a link to it."""
    link = spawn_host()
    try:
        link.send(Start(run, experiment))
        _wait_for_progress(link, seconds=2.0)
        yield link
    finally:
        stop_run(run)
        link.close()


def _wait_for_progress(link: Link, seconds: float = 0.0) -> Progressed:
    """Returns the next report after this many seconds of training."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for event in link.events():
            if isinstance(event, Progressed) and event.seconds > seconds:
                return event
        time.sleep(0.005)
    raise TimeoutError("the host does not train")


def measure_speed(link: Link, window: float = WINDOW) -> float:
    """Returns the steps per second over one window."""
    link.events()
    first = _wait_for_progress(link)
    start = end = time.perf_counter()
    last, deadline = first, start + window
    while time.perf_counter() < deadline:
        for event in link.events():
            if isinstance(event, Progressed):
                last, end = event, time.perf_counter()
        time.sleep(0.02)
    return (last.step - first.step) / (end - start)


def attached_rows() -> Iterator[Row]:
    """Yields training with the lab attached and live charts, against the host without a lab."""
    for name, experiment in (("784-128-10 MLP", make_mlp()), ("2-8-8-2, batch 10", make_tiny())):
        with temporary_home(), host_training(experiment, "bench-run") as link:
            headless, attached, rates = [], [], []
            for _ in range(REPEATS):
                headless.append(measure_speed(link))
                terminal = PseudoTerminal([*TUILAB, "attach", "bench-run"], SIZE, **_home())
                terminal.wait_for_text("train")
                time.sleep(SETTLE)
                before, start = len(terminal.raw), time.perf_counter()
                attached.append(measure_speed(link))
                rates.append((len(terminal.raw) - before) / (time.perf_counter() - start) / 1000)
                terminal.close()
            yield at_least(
                f"lab attached / headless, {name}", ratio(attached, headless), 0.9,
                f"{summarize(attached)} / {summarize(headless)} steps/s", "×",
            )  # fmt: skip
            yield at_most(
                f"output to the terminal at 120×40 while training, {name}",
                statistics.median(rates), 25, summarize(rates, 1), " KB/s",
            )  # fmt: skip


def crowded_rows() -> Iterator[Row]:
    """Yields training together with a program that uses a whole core."""
    headless, crowded = [], []
    with temporary_home(), host_training(make_mlp(), "bench-run") as link:
        for _ in range(REPEATS):
            headless.append(measure_speed(link, 2.0))
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            crowded.append(measure_speed(link, 2.0))
            busy.kill()
            busy.wait()
    yield at_least(
        "with a busy program / without, 784-128-10 MLP", ratio(crowded, headless), 0.15,
        f"{summarize(crowded)} / {summarize(headless)} steps/s", "×",
    )  # fmt: skip


def _home() -> dict[str, str]:
    return {"TUILAB_HOME": os.environ["TUILAB_HOME"]}


# --- keys ---------------------------------------------------------------------------------------

LETTERS = "αβγδεζηθικλμνξοπρστυφχψω"


@contextmanager
def lab_with_experiment(experiment: Experiment) -> Iterator[PseudoTerminal]:
    """Opens the lab with an experiment; ends it and its run."""
    with temporary_home() as folder:
        path = folder / "bench.toml"
        toml_file.write(path, experiment)
        terminal = PseudoTerminal([*TUILAB, str(path)], SIZE, TUILAB_HOME=str(folder))
        try:
            yield terminal
        finally:
            terminal.close()
            for host in list_hosts():
                stop_run(host.run)


def measure_echoes(terminal: PseudoTerminal) -> list[float]:
    """Returns the milliseconds from each key to its letter on the screen, in a layer's input."""
    times = []
    for _ in range(3):
        terminal.type("a")
        time.sleep(0.5)
        for letter in LETTERS:
            mark, start = len(terminal.raw), time.perf_counter()
            terminal.type(letter)
            expected = letter.encode()
            while expected not in terminal.raw[mark:]:
                if time.perf_counter() - start > 5:
                    raise TimeoutError(f"no {letter}:\n{terminal.text}")
                time.sleep(0.0005)
            times.append(1000 * (time.perf_counter() - start))
            time.sleep(0.03)
        terminal.type("\x1b")
        time.sleep(0.5)
    return times


def p95(values: list[float]) -> float:
    """Returns the value that one in twenty exceeds."""
    return statistics.quantiles(values, n=20)[-1]


def key_rows() -> Iterator[Row]:
    """Yields key to screen, idle and while training, each in a new lab, interleaved."""
    idle, busy = [], []
    for _ in range(3):
        with lab_with_experiment(make_mlp()) as terminal:
            terminal.wait_for_text("add a layer", "idle")
            time.sleep(12)
            idle.append(measure_echoes(terminal))
            terminal.type(" ")
            terminal.wait_for_text("validation 0")
            busy.append(measure_echoes(terminal))
    differences = [p95(b) - p95(a) for a, b in zip(idle, busy, strict=True)]
    detail = (
        f"idle {summarize([p95(values) for values in idle], 1)}, "
        f"training {summarize([p95(values) for values in busy], 1)}"
    )
    yield at_most(
        "key to screen, p95 while training above idle", statistics.median(differences), 25,
        detail, " ms",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """Yields the rows on the cost of an attached lab."""
    yield from attached_rows()
    yield from crowded_rows()
