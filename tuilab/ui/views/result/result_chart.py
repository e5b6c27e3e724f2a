"""The results that are charts: a fitted curve, predictions against targets, generated points."""

from collections.abc import Sequence

from tuilab.core.protocol.inspect.result_messages import (
    Curve,
    GeneratedPoints,
    Picture,
    Scatter,
)
from tuilab.ui.plot.chart_data import ChartData
from tuilab.ui.plot.traces import Trace, to_points
from tuilab.ui.terminal.glyphs import get_glyphs

CHARTS = (Curve, Scatter, GeneratedPoints)
"""The pictures that are drawn as charts."""


def build_result_chart(picture: Picture | None) -> ChartData | None:
    """Returns the chart of a picture; None if it is drawn otherwise."""
    match picture:
        case Curve():
            line = to_points(zip(picture.x, picture.y, strict=False))
            return _build_chart("examples", picture.points, Trace("network", line, 1), "x")
        case Scatter():
            targets = [target for target, _ in picture.points] or [0.0]
            diagonal = to_points((end, end) for end in (min(targets), max(targets)))
            trace = Trace("correct", diagonal, 1)
            return _build_chart("prediction", picture.points, trace, "target")
        case GeneratedPoints():
            label = "generated"
            if picture.total_modes:
                label += f", {picture.covered_modes} of {picture.total_modes} modes"
            points = to_points(sorted(picture.generated))
            trace = Trace(label, points, 1, get_glyphs().bullet, is_line=False)
            return _build_chart("data", picture.real, trace, "x1", marker=get_glyphs().dot)
    return None


def _build_chart(
    label: str, points: Sequence[tuple[float, float]], other: Trace, x_name: str, marker: str = ""
) -> ChartData:
    """Returns a chart of points with a line or with other points."""
    cloud = Trace(label, to_points(sorted(points)), 2, marker or get_glyphs().bullet, is_line=False)
    return ChartData([cloud, other], x_name=x_name, is_integer_x=False)
