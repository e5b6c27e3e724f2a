"""Seconds from Enter to the first frame, and to the first point on the chart."""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from textual.widget import Widget

from tests.bench.attached import SIZE, TUILAB, temporary_home
from tests.bench.measure import Row, at_most, interleaved, ratio, summarize
from tests.support.fake_link import FakeLink
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment import toml_file
from tuilab.ui.app import TuilabApp

FRAMES, POINTS = 9, 5


async def _widget_tree() -> str:
    """Returns an expression that builds the lab's widgets from Textual's own classes."""
    app = TuilabApp(FakeLink(), toml_file.read(toml_file.find("spiral")))
    async with app.run_test(size=SIZE):
        return ", ".join(map(_widget_expression, app.screen.children))


def _widget_expression(widget: Widget) -> str:
    base = next(kind for kind in type(widget).__mro__ if kind.__module__.startswith("textual."))
    inside = ", ".join(map(_widget_expression, widget.children))
    return f"make({base.__module__!r}, {base.__name__!r}, {inside})"


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
    CSS = "Static#text {{ dock: bottom; }}"
    def compose(self):
        yield from ({tree},)
        yield Static("an empty app", id="text")

Empty().run()
"""


def empty_app() -> Path:
    """An empty Textual app with the same widget types, as a script."""
    import asyncio

    path = Path(tempfile.mkdtemp()) / "empty.py"
    path.write_text(EMPTY.format(tree=asyncio.run(_widget_tree())))
    return path


def _measure_first(command: list[str], text: bytes) -> float:
    """Returns the seconds until a terminal has received a text."""
    with temporary_home() as folder:
        start = time.perf_counter()
        terminal = PseudoTerminal(command, SIZE, TUILAB_HOME=str(folder))
        _until(lambda: text in terminal.raw, terminal)
        seconds = time.perf_counter() - start
        terminal.close()
        return seconds


def _until(condition: Callable[[], bool], terminal: PseudoTerminal) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(terminal.text)
        time.sleep(0.002)


def _measure_first_point() -> float:
    """Returns the seconds from `tuilab` to a drawn loss; space is pressed at the first frame."""
    with temporary_home() as folder:
        start = time.perf_counter()
        terminal = PseudoTerminal(TUILAB, SIZE, TUILAB_HOME=str(folder))
        _until(lambda: b"add a layer" in terminal.raw, terminal)
        terminal.type(" ")
        _until(lambda: re.search(r"train \d", terminal.text) is not None, terminal)
        seconds = time.perf_counter() - start
        terminal.type("q")
        terminal.close()
        return seconds


IMPORT = """
import torch
weight = torch.nn.Parameter(torch.zeros(1))
torch.optim.AdamW([weight], fused=True)
"""


def _measure_import() -> float:
    """Returns the seconds to import PyTorch and construct its first optimizer."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORT], check=True)
    return time.perf_counter() - start


def rows() -> Iterator[Row]:
    """Yields the rows on opening."""
    script = [sys.executable, str(empty_app())]
    ours, empty = interleaved(
        FRAMES,
        lambda: _measure_first(TUILAB, b"validation_shift"),
        lambda: _measure_first(script, b"an empty app"),
    )
    yield at_most(
        "first frame, panes filled / empty app with the same widget types", ratio(ours, empty), 1.5,
        f"{summarize(ours, 2)} / {summarize(empty, 2)} s", "×",
    )  # fmt: skip
    point, torch = interleaved(POINTS, _measure_first_point, _measure_import)
    yield at_most(
        "Enter to the first point on the chart / import torch and first optimizer",
        ratio(point, torch), 1.3, f"{summarize(point, 1)} / {summarize(torch, 1)} s", "×",
    )  # fmt: skip
    seconds = statistics.median(ours)
    yield Row("seconds to the first frame", seconds, "", None, summarize(ours, 2), " s")
