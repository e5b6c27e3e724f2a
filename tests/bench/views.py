"""The cost of each view for training while it is open, and after it is closed."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.attached import (
    SETTLE,
    SIZE,
    TUILAB,
    _home,
    host_training,
    make_mlp,
    make_tiny,
    measure_speed,
    temporary_home,
)
from tests.bench.measure import Row, at_least, ratio, summarize
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment.experiment import Experiment
from tuilab.ui.views.registry import VIEWS

REPEATS = 7

WINDOW = 2.5
"""Seconds of one window: short, so that a slow moment affects its neighbors too."""

PANE = "6"

RIGHT = "\x1b[C"

KEYS = {
    name: [PANE, *((index - 1) % len(VIEWS) * ">")] for index, name in enumerate(VIEWS)
}  # fmt: skip
"""The keys that open each view; the pane opens with the second."""

OVER_TIME = [*KEYS["layer"], RIGHT, "v", "v"]

CLOSED = [*KEYS["layer"], "3"]


@contextmanager
def _open_view(keys: list[str]) -> Iterator[PseudoTerminal]:
    """Attaches a lab to the run and opens a view."""
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


def _measure_row(name: str, keys: list[str], experiment: Experiment, bound: float) -> Row:
    """Measures training with an open view, against the same with a stopped lab process."""
    headless, with_view = [], []
    with (
        temporary_home(),
        host_training(experiment, "bench-run") as link,
        _open_view(keys) as terminal,
    ):
        for _ in range(REPEATS):
            os.kill(terminal.process.pid, signal.SIGSTOP)
            headless.append(measure_speed(link, WINDOW))
            os.kill(terminal.process.pid, signal.SIGCONT)
            time.sleep(1)
            with_view.append(measure_speed(link, WINDOW))
    return at_least(
        f"view open / headless, {name}", ratio(with_view, headless), bound,
        f"{summarize(with_view)} / {summarize(headless)} steps/s", "×",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """Yields the rows on the views."""
    yield _measure_row("none, 784-128-10 MLP", CLOSED, make_mlp(), 0.9)
    for name, keys in KEYS.items():
        yield _measure_row(f"{name}, 784-128-10 MLP", keys, make_mlp(), 0.85)
    yield _measure_row("histograms over time, 784-128-10 MLP", OVER_TIME, make_mlp(), 0.7)
    yield _measure_row("units, 2-8-8-2, batch 10", KEYS["units"], make_tiny(), 0.85)
