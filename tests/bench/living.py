"""The lab at work in a real terminal: what it costs the training, the keys and the line."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import Row, at_least, at_most, ratio, spread
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Progressed
from tuilab.host.discovery import list_hosts, stop_run
from tuilab.host.link import Link, spawn_host

SIZE = (120, 40)
WINDOW = 5.0
"""Seconds that one window of training is watched."""

REPEATS = 5

SETTLE = 3.0
"""Seconds until the lab has painted its first frames, which are not counted."""

TUILAB = [sys.executable, "-m", "tuilab"]


def mlp() -> Experiment:
    """784-128-10 on pictures, batch 128, without an end."""
    return experiment_from_dict(
        {
            "network": ["Flatten", "Linear 128", "ReLU", "Linear 10"],
            "data": {"name": "glyphs", "batch_size": 128, "samples": 12_800},
            "training": {"epochs": 1_000_000, "device": "cpu"},
        }
    )


def tiny() -> Experiment:
    """2-8-8-2, batch 10, without an end."""
    return experiment_from_dict(
        {
            "network": ["Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 2"],
            "data": {"name": "spiral", "batch_size": 10},
            "training": {"epochs": 10_000_000, "device": "cpu"},
        }
    )


@contextmanager
def home() -> Iterator[Path]:
    """A user's folders of our own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TUILAB_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["TUILAB_HOME"]


@contextmanager
def training(experiment: Experiment, run: str) -> Iterator[Link]:
    """A host that trains, watched through a link."""
    link = spawn_host()
    link.send(Start(run, experiment))
    _wait(link, lambda event: isinstance(event, Progressed) and event.seconds > 2)
    try:
        yield link
    finally:
        stop_run(run)
        link.close()


def _wait(link: Link, condition: object) -> object:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for event in link.events():
            if condition(event):  # type: ignore[operator]
                return event
        time.sleep(0.005)
    raise TimeoutError("the host does not train")


def speed(link: Link, window: float = WINDOW) -> float:
    """Steps a second over one window."""
    link.events()
    first = _wait(link, lambda event: isinstance(event, Progressed))
    start = time.perf_counter()
    last, deadline = first, start + window
    while time.perf_counter() < deadline:
        for event in link.events():
            if isinstance(event, Progressed):
                last, end = event, time.perf_counter()
        time.sleep(0.02)
    return (last.step - first.step) / (end - start)  # type: ignore[attr-defined]


def attached_rows() -> Iterator[Row]:
    """Training with the lab attached and charts live, against the same host alone."""
    for name, experiment in (("784-128-10 MLP", mlp()), ("2-8-8-2, batch 10", tiny())):
        with home(), training(experiment, "bench-run") as link:
            alone, watched, rates = [], [], []
            for _ in range(REPEATS):
                alone.append(speed(link))
                terminal = PseudoTerminal([*TUILAB, "attach", "bench-run"], SIZE, **_home())
                terminal.wait_for_text("train")
                time.sleep(SETTLE)
                before, start = len(terminal.raw), time.perf_counter()
                watched.append(speed(link))
                rates.append((len(terminal.raw) - before) / (time.perf_counter() - start) / 1000)
                terminal.close()
            yield at_least(
                f"lab attached / headless, {name}", ratio(watched, alone), 0.9,
                f"{spread(watched)} / {spread(alone)} steps/s", "×",
            )  # fmt: skip
            yield at_most(
                f"to the terminal at 120×40 while training, {name}", statistics.median(rates), 25,
                spread(rates, 1), " KB/s",
            )  # fmt: skip


def crowded_rows() -> Iterator[Row]:
    """Training beside one program that takes all of a core."""
    alone, crowded = [], []
    with home(), training(mlp(), "bench-run") as link:
        for _ in range(REPEATS):
            alone.append(speed(link, 2.0))
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            crowded.append(speed(link, 2.0))
            busy.kill()
            busy.wait()
    yield at_least(
        "beside a busy program / alone, 784-128-10 MLP", ratio(crowded, alone), 0.15,
        f"{spread(crowded)} / {spread(alone)} steps/s", "×",
    )  # fmt: skip


def _home() -> dict[str, str]:
    return {"TUILAB_HOME": os.environ["TUILAB_HOME"]}


# --- keys ---------------------------------------------------------------------------------------

LETTERS = "αβγδεζηθικλμνξοπρστυφχψω"


def echoes(terminal: PseudoTerminal) -> list[float]:
    """Milliseconds from each key to its letter on the screen, in a layer that is being written."""
    times = []
    for _ in range(3):
        terminal.type("a")
        time.sleep(0.5)
        for letter in LETTERS:
            mark, start = len(terminal.raw), time.perf_counter()
            terminal.type(letter)
            wanted = letter.encode()
            while wanted not in terminal.raw[mark:]:
                if time.perf_counter() - start > 5:
                    raise TimeoutError(f"no {letter}:\n{terminal.text}")
                time.sleep(0.0005)
            times.append(1000 * (time.perf_counter() - start))
            time.sleep(0.03)
        terminal.type("\x1b")
        time.sleep(0.5)
    return times


def p95(values: list[float]) -> float:
    """The value that one in twenty exceeds."""
    return statistics.quantiles(values, n=20)[-1]


def key_rows() -> Iterator[Row]:
    """Key to screen, idle and while training, each in a fresh lab, in turns."""
    idle, busy = [], []
    for _ in range(3):
        with home() as folder:
            path = folder / "bench.toml"
            toml_file.write(path, mlp())
            terminal = PseudoTerminal([*TUILAB, str(path)], SIZE, TUILAB_HOME=str(folder))
            terminal.wait_for_text("add a layer", "idle")
            time.sleep(12)
            idle.append(echoes(terminal))
            terminal.type(" ")
            terminal.wait_for_text("validation 0")
            busy.append(echoes(terminal))
            terminal.close()
            for host in list_hosts():
                stop_run(host.run)
    above = [p95(b) - p95(a) for a, b in zip(idle, busy, strict=True)]
    yield at_most(
        "key to screen, p95 while training above idle", statistics.median(above), 25,
        f"idle {spread([p95(a) for a in idle], 1)}, training {spread([p95(b) for b in busy], 1)}",
        " ms",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """The part of the table on what the lab costs the training and the line."""
    yield from attached_rows()
    yield from crowded_rows()
