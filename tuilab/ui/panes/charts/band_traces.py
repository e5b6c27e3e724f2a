"""The bands of several seeds as lines of a chart: the median, minimum and maximum behind it."""

from collections.abc import Iterator, Sequence

from tuilab.core.protocol.events import SeedsReported
from tuilab.core.run.run import Run
from tuilab.ui.panes.charts.chart_metrics import label_series
from tuilab.ui.plot.traces import Trace
from tuilab.ui.terminal.glyphs import get_glyphs

FIRST_COLOR = 3
"""The color of the first band beside the lines of a run."""


def band_trace(report: SeedsReported, name: str, color: int, label: str = "") -> Trace:
    """Returns the band of one series.

    Args:
        label: that of the series; empty for the last part of its name.
    """
    label, band = label or name.rpartition("/")[2], report.bands[name]
    points = [(one.step, one.median, one.low, one.high) for one in band]
    markers = get_glyphs().line_markers
    marker = markers[(color - 2) % len(markers)] if color > 1 else ""
    seeds = max(one.n for one in band)
    return Trace(
        f"{label}, {seeds} seeds", points, color, marker, latest=points[-1][1],
        short_label=f"{label[:5]} x{seeds}", is_band=True,
    )  # fmt: skip


def trace_bands(run: Run, families: Sequence[str]) -> Iterator[Trace]:
    """Yields the bands of the series of these families, if the lab has trained several seeds."""
    report = run.seeds
    if report is None:
        return
    labels = label_series(report.bands, tuple(families))
    for color, (name, label) in enumerate(labels.items(), FIRST_COLOR):
        yield band_trace(report, name, color, label)
