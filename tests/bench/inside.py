"""What each view of the inside costs the training while it is open, and when it is closed again."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.living import SETTLE, SIZE, TUILAB, _home, home, mlp, speed, tiny, training
from tests.bench.measure import Row, at_least, ratio, spread
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment.experiment import Experiment
from tuilab.ui.views.registry import VIEWS

REPEATS = 7

WINDOW = 2.5
"""Seconds of one window: short, so that the neighbours of a slow moment meet it too."""

PANE = "6"

RIGHT = "\x1b[C"

KEYS = {
    name: [PANE, *((place - 1) % len(VIEWS) * ">")] for place, name in enumerate(VIEWS)
}  # fmt: skip
"""What is typed to come to each view; the pane opens with the second."""

OVER_TIME = [*KEYS["layer"], RIGHT, "v", "v"]

CLOSED = [*KEYS["layer"], "3"]


@contextmanager
def _opened(keys: list[str]) -> Iterator[PseudoTerminal]:
    """A lab that watches the run with a view open."""
    terminal = PseudoTerminal([*TUILAB, "attach", "bench-run"], SIZE, **_home())
    terminal.wait_for_text("train")
    for key in keys:
        terminal.type(key)
        time.sleep(0.5)
    time.sleep(SETTLE)
    try:
        yield terminal
    finally:
        terminal.close()


def _row(name: str, keys: list[str], experiment: Experiment, bound: float) -> Row:
    """Training watched, against the same with the lab held still: then nobody asks and draws."""
    alone, watched = [], []
    with home(), training(experiment, "bench-run") as link, _opened(keys) as terminal:
        for _ in range(REPEATS):
            os.kill(terminal.process.pid, signal.SIGSTOP)
            alone.append(speed(link, WINDOW))
            os.kill(terminal.process.pid, signal.SIGCONT)
            time.sleep(1)
            watched.append(speed(link, WINDOW))
    return at_least(
        f"view open / headless, {name}", ratio(watched, alone), bound,
        f"{spread(watched)} / {spread(alone)} steps/s", "×",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """The part of the table on the views."""
    yield _row("none, 784-128-10 MLP", CLOSED, mlp(), 0.9)
    for name, keys in KEYS.items():
        yield _row(f"{name}, 784-128-10 MLP", keys, mlp(), 0.85)
    yield _row("histograms over time, 784-128-10 MLP", OVER_TIME, mlp(), 0.7)
    yield _row("units, 2-8-8-2, batch 10", KEYS["units"], tiny(), 0.85)
