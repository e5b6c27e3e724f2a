"""The words of a chart: its legend, what stands at the cursor, what could not be drawn."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.style import Style

from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.plot.axes import exact, short
from tuilab.ui.plot.scene import Look, Scene, Settings
from tuilab.ui.plot.traces import Passed, Trace, nearest
from tuilab.ui.terminal.glyphs import Signs


def legend(grid: CellBuffer, left: int, scene: Scene, settings: Settings, look: Look) -> None:
    """Lines with their newest values, and at the right what is not as usual."""
    x = left
    words = fitted(settings.words, grid.width - x, look.signs.ellipsis)
    end = grid.write(grid.width - cell_len(words), 0, words, look.label)
    end -= cell_len(words) + 2 if words else 0
    entries = list(_entries(scene, look.signs, 3))
    if x + _length(entries) > end:
        x, entries = 0, list(_entries(scene, look.signs, 1))
    for key, trace, value in entries:
        if x + _length([(key, trace, value)]) > end:
            grid.write(x, 0, look.signs.ellipsis, look.label)
            break
        x = grid.write(x, 0, f"{key} {trace.label}", look.line(trace))
        x = grid.write(x, 0, value, look.line(trace) + Style(bold=True)) + 2


Entry = tuple[str, Trace, str]


def _entries(scene: Scene, signs: Signs, width: int) -> Iterator[Entry]:
    """For each line its key, so many cells wide, and its newest value."""
    for trace in scene.traces:
        value = "" if trace.newest is None else f" {short(trace.newest)}"
        sign = trace.sign or signs.horizontal
        key = sign.center(width, signs.horizontal) if trace.is_line else sign
        yield key, trace, value


def _length(entries: Sequence[Entry]) -> int:
    lengths = [len(key) + 1 + cell_len(trace.label + value) for key, trace, value in entries]
    return sum(lengths) + 2 * (len(entries) - 1)


def reading(
    scene: Scene, traces: Sequence[Trace], x: float, is_brief: bool
) -> list[tuple[str, Trace | None]]:
    """What stands at x, as pieces of text and the trace each belongs to.

    Args:
        traces: those of the scene, as far as they are shown.
        is_brief: without the range that a point stands for.
    """
    pieces: list[tuple[str, Trace | None]] = [(f"{scene.x_name} {exact(x)}", None)]
    for trace in traces:
        point = nearest(trace.points, x)
        if point is None or not trace.is_line:
            continue
        at, value, low, high = point
        text = f"{trace.sign or ''}{' ' if trace.sign else ''}{trace.label} {exact(value)}"
        text += f" ({exact(low)} to {exact(high)})" if low < high and not is_brief else ""
        text += f" at {exact(at)}" if at != x else ""
        pieces.append((text, trace))
    pieces += [(mark.text, None) for mark in scene.marks if mark.step == x]
    return pieces


def note(parts: Sequence[Passed], signs: Signs) -> str:
    """What could not be drawn, in words."""
    gaps, left_out = sum(len(p.gaps) for p in parts), sum(p.left_out for p in parts)
    words = []
    if gaps:
        words.append(f"{signs.gap} {gaps} not finite")
    if left_out:
        words.append(f"{left_out} not above 0: left out")
    return ", ".join(words)


def say(grid: CellBuffer, text: str, style: Style) -> None:
    """A few words in the middle."""
    lines = textwrap.wrap(text, max(8, min(56, grid.width - 2)))[: grid.height]
    for number, line in enumerate(lines):
        x, y = (grid.width - cell_len(line)) // 2, (grid.height - len(lines)) // 2
        grid.write(max(0, x), y + number, line, style)
