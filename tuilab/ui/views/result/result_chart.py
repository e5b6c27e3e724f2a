"""The results that are charts: a fitted curve, predictions against targets."""

from collections.abc import Sequence

from tuilab.core.protocol.inspect.result_messages import Curve, Picture, Scatter
from tuilab.ui.plot.chart_data import ChartData
from tuilab.ui.plot.traces import Trace, to_points
from tuilab.ui.terminal.glyphs import get_glyphs

CHARTS = (Curve, Scatter)
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
            return _build_chart("prediction", picture.points, trace, "target", is_fine=True)
    return None


def _build_chart(
    label: str, points: Sequence[tuple[float, float]], line: Trace, x_name: str, *,
    is_fine: bool = False,
) -> ChartData:  # fmt: skip
    """Returns a chart of points with a line."""
    cloud = Trace(
        label, to_points(sorted(points)), 2, get_glyphs().bullet, is_line=False, is_fine=is_fine
    )
    return ChartData([cloud, line], x_name=x_name, is_integer_x=False)
