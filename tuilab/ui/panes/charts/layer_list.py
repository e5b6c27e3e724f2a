"""One row a layer: its latest value, its recent history as a sparkline, and a verdict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, log10
from statistics import median
from typing import Any, ClassVar, TypeVar

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuilab.core.format import format_compact
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer, truncate
from tuilab.ui.canvas.draw_style import LINE_COLORS, DrawStyle, read_draw_style
from tuilab.ui.panes.network.network_lines import FROZEN
from tuilab.ui.terminal.glyphs import get_glyphs

T = TypeVar("T")

MAX_LINES = len(LINE_COLORS)
"""Layers that are drawn as lines; the list has all of them."""

GRADIENT_RATIO = 100.0
"""A gradient this many times smaller or larger than the median layer's is pointed out."""

HEALTHY_UPDATE = (1e-5, 1e-1)
"""A step outside of this, relative to the weights, is pointed out as small or large."""

SPARKLINE_POINTS = 240
"""Points that a sparkline looks back on."""

VERDICT_NOTES = {
    "gradient": f"small? large?: {GRADIENT_RATIO:.0f} times the middle layer",
    "update": f"small? large?: outside of {format_compact(HEALTHY_UPDATE[0])} to "
              f"{format_compact(HEALTHY_UPDATE[1])} of the weights",
}  # fmt: skip
"""What `small?` and `large?` mean, by family."""

VERDICTS = ("healthy", "small?", "large?", "zero", "frozen", "not finite")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer as the list shows it."""

    name: str
    latest: float
    recent: tuple[float, ...]
    verdict: str
    marker: str = ""
    "The marker on its line; empty for a layer that the chart leaves out."
    color: int = 0


def build_layer_rows(run: Run, family: str) -> Iterator[LayerRow]:
    """Yields the layers of a run in order, frozen ones last; evenly chosen ones carry the marker of
    their line.

    Args:
        family: `gradient` or `update`.
    """
    values_by_name = {
        name: tuple(point[1] for point in series.recent[-SPARKLINE_POINTS:])
        for name, series in run.series.items()
        if name.startswith(f"{family}/") and series.recent
    }
    frozen = _find_frozen(run, values_by_name)
    trained = {name: values for name, values in values_by_name.items() if name not in frozen}
    latest = [values[-1] for values in trained.values()]
    middle = median([value for value in latest if isfinite(value)] or [0.0])
    line_names = pick_evenly(list(trained), MAX_LINES)
    for name, values in trained.items():
        index = line_names.index(name) if name in line_names else -1
        marker = get_glyphs().line_markers[index] if index >= 0 else ""
        verdict = judge_layer(family, values[-1], middle)
        yield LayerRow(name.partition("/")[2], values[-1], values, verdict, marker, index + 1)
    for name in frozen:
        yield LayerRow(name.partition("/")[2], 0.0, values_by_name[name], "frozen")


def _find_frozen(run: Run, values_by_name: Mapping[str, Sequence[float]]) -> list[str]:
    """Returns the layers that do not change in a network with frozen lines.

    A line may be several layers, so that the lines alone do not show which ones they are.
    """
    if run.experiment is None or not _has_frozen_line(run.experiment.network):
        return []
    return [name for name, values in values_by_name.items() if not any(values)]


def _has_frozen_line(lines: Iterable[Any]) -> bool:
    return any(
        FROZEN.search(line) is not None if isinstance(line, str) else _has_frozen_line(line)
        for line in lines
    )


def pick_evenly(items: Sequence[T], max_count: int) -> list[T]:
    """Returns at most `max_count` of the items, the first and the last among them.

    >>> pick_evenly("abcdefghi", 3)
    ['a', 'e', 'i']
    """
    if len(items) <= max_count:
        return list(items)
    return [items[round(n * (len(items) - 1) / (max_count - 1))] for n in range(max_count)]


def judge_layer(family: str, value: float, middle: float) -> str:
    """Returns a verdict on a layer's gradient (against the median layer's) or its update."""
    if not isfinite(value):
        return "not finite"
    if value == 0:
        return "zero"
    low, high = HEALTHY_UPDATE
    if family == "gradient":
        low, high = middle / GRADIENT_RATIO, middle * GRADIENT_RATIO
    return "small?" if value < low else "large?" if value > high else "healthy"


def draw_sparkline(values: Sequence[float], width: int, low: float, high: float, bars: str) -> str:
    """Returns the last values, one column each, on a logarithmic scale from low to high."""
    last = list(values)[-width:] if width > 0 else []
    return "".join(_choose_bar(value, low, high, bars) for value in last).rjust(max(0, width))


def _choose_bar(value: float, low: float, high: float, bars: str) -> str:
    if not isfinite(value):
        return "!"
    if value <= 0 or low <= 0 or high <= low:
        return bars[0] if value <= 0 else bars[len(bars) // 2]
    fraction = (log10(value) - log10(low)) / (log10(high) - log10(low))
    return bars[min(len(bars) - 1, max(0, int(fraction * len(bars))))]


class LayerList(ScrollView, can_focus=True):
    """The layers of a network under or beside their chart; scrolls where they do not fit."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"layer-list--warning"}

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[LayerRow] = []
        self._range = (0.0, 0.0)

    @cached_property
    def draw_style(self) -> DrawStyle:
        """The styles and colors of the rows."""
        return read_draw_style(self)

    def notify_style_update(self) -> None:
        """Draws in the colors of a new theme."""
        super().notify_style_update()
        vars(self).pop("draw_style", None)

    @property
    def has_question(self) -> bool:
        """Whether a layer is called small or large."""
        return any(row.verdict.endswith("?") for row in self._rows)

    def show(self, rows: list[LayerRow]) -> None:
        """Shows layers; the sparklines have one scale, so that layers can be compared."""
        if rows == self._rows:
            return
        self._rows = rows
        positive = [v for row in rows for v in row.recent if isfinite(v) and v > 0]
        self._range = (min(positive, default=0.0), max(positive, default=0.0))
        self.virtual_size = Size(self.size.width, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Returns one layer."""
        cells = CellBuffer(self.size.width, 1, self.rich_style)
        index = y + self.scroll_offset.y
        if index < len(self._rows):
            self._write(cells, self._rows[index])
        return cells.strips()[0]

    def _write(self, cells: CellBuffer, row: LayerRow) -> None:
        muted = self.draw_style.muted
        line_style = self.draw_style.line(row.color) if row.color else muted
        longest = max(len(other.name) for other in self._rows)
        name_width = min(longest, max(6, cells.width - 20))
        cells.write(0, 0, row.marker, line_style)
        cells.write(2, 0, truncate(row.name, name_width, get_glyphs().ellipsis), line_style)
        value = format_compact(row.latest)
        x = 2 + name_width + 1 + max(0, 7 - len(value))
        x = cells.write(x, 0, value, self.rich_style) + 1
        room = cells.width - x - max(map(len, VERDICTS)) - 1
        if room >= 4:
            sparkline = draw_sparkline(row.recent, min(40, room), *self._range, get_glyphs().bars)
            x = cells.write(x, 0, sparkline, line_style) + 1
        is_fine = row.verdict in ("healthy", "frozen")
        style = muted if is_fine else self.get_component_rich_style("layer-list--warning")
        cells.write(x, 0, row.verdict, style)
