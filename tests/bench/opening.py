"""From Enter to the first frame, and to the first point on the chart."""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from textual.widget import Widget

from tests.bench.living import SIZE, TUILAB, home
from tests.bench.measure import Row, at_most, interleaved, ratio, spread
from tests.support.fake_link import FakeLink
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment import toml_file
from tuilab.ui.app import TuilabApp

FRAMES, POINTS = 9, 5


async def _tree() -> str:
    """The lab's widgets as an expression over Textual's own classes, empty."""
    app = TuilabApp(FakeLink(), toml_file.read(toml_file.find("spiral")))
    async with app.run_test(size=SIZE):
        return ", ".join(map(_copy, app.screen.children))


def _copy(widget: Widget) -> str:
    own = next(kind for kind in type(widget).__mro__ if kind.__module__.startswith("textual."))
    inside = ", ".join(map(_copy, widget.children))
    return f"make({own.__module__!r}, {own.__name__!r}, {inside})"


EMPTY = """
from importlib import import_module
from textual.app import App
from textual.widgets import Static

def make(module, name, *inside):
    kind = getattr(import_module(module), name)
    widget = kind()
    widget._add_children(*inside)
    return widget

class Empty(App):
    CSS = "Static#seen {{ dock: bottom; }}"
    def compose(self):
        yield from ({tree},)
        yield Static("an empty app", id="seen")

Empty().run()
"""


def empty_app() -> Path:
    """An empty Textual app with the same widget types, as a script."""
    import asyncio

    path = Path(tempfile.mkdtemp()) / "empty.py"
    path.write_text(EMPTY.format(tree=asyncio.run(_tree())))
    return path


def _first(command: list[str], seen: bytes) -> float:
    """Seconds until a terminal has been sent these words."""
    with home() as folder:
        start = time.perf_counter()
        terminal = PseudoTerminal(command, SIZE, TUILAB_HOME=str(folder))
        _until(lambda: seen in terminal.raw, terminal)
        taken = time.perf_counter() - start
        terminal.close()
        return taken


def _until(condition: Callable[[], bool], terminal: PseudoTerminal) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(terminal.text)
        time.sleep(0.002)


def _first_point() -> float:
    """Seconds from `tuilab` to a drawn loss, with the space bar pressed at the first frame."""
    with home() as folder:
        start = time.perf_counter()
        terminal = PseudoTerminal(TUILAB, SIZE, TUILAB_HOME=str(folder))
        _until(lambda: b"add a layer" in terminal.raw, terminal)
        terminal.type(" ")
        _until(lambda: re.search(r"train \d", terminal.text) is not None, terminal)
        taken = time.perf_counter() - start
        terminal.type("q")
        terminal.close()
        return taken


IMPORT = """
import torch
weight = torch.nn.Parameter(torch.zeros(1))
torch.optim.AdamW([weight], fused=True)
"""


def _import() -> float:
    """Seconds to import PyTorch and construct its first optimizer."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORT], check=True)
    return time.perf_counter() - start


def rows() -> Iterator[Row]:
    """The part of the table on opening."""
    script = [sys.executable, str(empty_app())]
    ours, empty = interleaved(
        FRAMES, lambda: _first(TUILAB, b"kaiming_normal"), lambda: _first(script, b"an empty app")
    )
    yield at_most(
        "first frame, panes filled / empty app with the same widget types", ratio(ours, empty), 1.5,
        f"{spread(ours, 2)} / {spread(empty, 2)} s", "×",
    )  # fmt: skip
    point, torch = interleaved(POINTS, _first_point, _import)
    yield at_most(
        "Enter to the first point on the chart / import torch and first optimizer",
        ratio(point, torch), 1.3, f"{spread(point, 1)} / {spread(torch, 1)} s", "×",
    )  # fmt: skip
    seconds = statistics.median(ours)
    yield Row("seconds to the first frame", seconds, "", None, spread(ours, 2), " s")
