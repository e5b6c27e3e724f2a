"""What each view of the inside costs the training while it is open, and when it is closed again."""

import time
from collections.abc import Iterator

from tests.bench.living import SETTLE, SIZE, TUILAB, _home, home, mlp, speed, tiny, training
from tests.bench.measure import Row, at_least, ratio, spread
from tests.terminal.real import Terminal
from tuilab.lab.experiment import Experiment
from tuilab.ui.panes.inside import KINDS

REPEATS = 3

KEYS: dict[str, str] = {
    kind.name: ">" * ((place - 1) % len(KINDS)) for place, kind in enumerate(KINDS)
}
"""What is typed in the pane to come to each view; it opens with the second."""


def _opened(keys: str) -> Terminal:
    """A lab that watches the run with a view open."""
    terminal = Terminal([*TUILAB, "attach", "bench-run"], SIZE, **_home())
    terminal.shows("train")
    terminal.type("6")
    for key in keys:
        time.sleep(0.3)
        terminal.type(key)
    time.sleep(SETTLE)
    return terminal


def _row(name: str, keys: str, experiment: Experiment, bound: float) -> Row:
    with home(), training(experiment, "bench-run") as link:
        alone, watched = [], []
        for _ in range(REPEATS):
            alone.append(speed(link))
            terminal = _opened(keys)
            watched.append(speed(link))
            terminal.close()
    return at_least(
        f"view open / headless, {name}", ratio(watched, alone), bound,
        f"{spread(watched)} / {spread(alone)} steps/s", "×",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """The part of the table on the views."""
    for name, keys in KEYS.items():
        yield _row(f"{name}, 784-128-10 MLP", keys, mlp(), 0.85)
    yield _row("units, 2-8-8-2, batch 10", KEYS["units"], tiny(), 0.85)
