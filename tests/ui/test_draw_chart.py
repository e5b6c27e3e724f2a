"""A chart is drawn of any data: nothing that is not finite reaches plotext."""

from dataclasses import replace
from math import inf, isfinite, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style
from textual.color import Color
from textual.geometry import Region

from tuilab.core.run.run import Mark
from tuilab.core.run.series import Series
from tuilab.engine.schedule import is_measured
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.plot import draw_chart as draw_chart_module
from tuilab.ui.plot.axes import place_linear_ticks
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.draw_chart import ChartDrawing, draw_chart
from tuilab.ui.plot.figure import Axes, PlotArea, Stroke, draw_figure
from tuilab.ui.plot.traces import Limits, Trace, filter_trace, fit_limits
from tuilab.ui.terminal.glyphs import ASCII, UNICODE, GlyphMode

STYLE = DrawStyle(Color(0, 0, 0), Color(255, 255, 255), has_color=True)

any_float = st.floats(width=64)
histories = st.lists(
    st.tuples(any_float, any_float, any_float, any_float), max_size=400
) | st.lists(st.sampled_from([0.0, 5e-324, 1e308, -1e308, nan, inf, 1.0]), max_size=90).map(
    lambda ys: [(float(x), y, y, y) for x, y in enumerate(ys)]
)


def chart(
    data: ChartData,
    options: ChartOptions | None = None,
    size: tuple[int, int] = (60, 16),
    glyph_mode: GlyphMode = "braille",
    has_color: bool = True,
) -> ChartDrawing:
    glyphs = ASCII if glyph_mode == "ascii" else UNICODE
    style = replace(STYLE, glyphs=glyphs, glyph_mode=glyph_mode, has_color=has_color)
    return draw_chart(data, options or ChartOptions(), size, style)


def text(drawing: ChartDrawing) -> str:
    return "\n".join(strip.text for strip in drawing.cells.strips())


def trace_of(*ys: float, label: str = "train") -> Trace:
    return Trace(
        label, [(float(x), y, y, y) for x, y in enumerate(ys)], latest=ys[-1] if ys else None
    )


@given(
    st.lists(histories, max_size=3), st.booleans(), st.sampled_from([0.0, 0.9]),
    st.sampled_from([None, 100.0, 10_000.0]), st.integers(5, 300), st.integers(3, 60),
    st.sampled_from(["braille", "block", "ascii"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=80)
def test_every_chart_is_drawn_and_fits(
    raw: list[list[tuple[float, float, float, float]]], is_log: bool, smoothing: float,
    last: float | None, width: int, height: int, glyph_mode: GlyphMode, is_line: bool,
) -> None:  # fmt: skip
    traces = [
        Trace(f"line {number}", points, number + 1, "●", is_line)
        for number, points in enumerate(raw)
    ]
    data = ChartData(traces, [Mark(3, "lr 0.1"), Mark(10**9, "late")], [(1e-3, "usual")])

    drawing = chart(data, ChartOptions(is_log, smoothing, last), (width, height), glyph_mode)

    strips = drawing.cells.strips()
    assert len(strips) == height
    assert all(strip.cell_length == width for strip in strips)
    assert all(sum(segment.cell_length for segment in strip) == width for strip in strips)


@given(histories, st.booleans(), st.integers(1, 80))
def test_only_dots_of_the_plot_reach_plotext(
    points: list[tuple[float, float, float, float]], is_log: bool, columns: int
) -> None:
    trace = filter_trace(Trace("loss", sorted(points)), 0.0, is_log)
    limits = fit_limits([trace], [], is_log, (6, 6))
    area = PlotArea(Region(0, 0, columns, 10), limits, "braille")

    points_drawn = [point for segment in trace.segments(limits, columns) for point in segment]
    dots = [area.dot(x, y) for x, mean, low, high in points_drawn for y in (mean, low, high)]

    assert len(points_drawn) <= columns
    assert all(isfinite(value) for point in points_drawn for value in point)
    assert all(0 <= column < 2 * columns and 0 <= row < 40 for column, row in dots)


def test_plotext_is_given_two_points_a_column_and_a_shade_however_long_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strokes: list[Stroke] = []
    monkeypatch.setattr(draw_chart_module, "draw_figure", lambda *args: strokes.extend(args[2]))

    chart(ChartData([trace_of(*(n % 7 for n in range(100_000)))]), size=(80, 20), has_color=False)

    assert 0 < sum(len(stroke.dots) for stroke in strokes if stroke.is_line) <= 160
    assert 0 < sum(len(stroke.dots) for stroke in strokes if not stroke.is_line) <= 80 * 20


def test_the_line_is_the_mean_and_the_range_a_shade_behind_it() -> None:
    points = [(float(x), 0.5, 0.0, 1.0) for x in range(1, 60)]

    data = ChartData([Trace("loss", points)], guides=[(0.0, ""), (1.0, "")])
    drawing = chart(data, has_color=False)

    region, rows = drawing.area.region, text(drawing).splitlines()
    middle = rows[drawing.area.row(0.5)][region.x : region.right]
    assert all("\u2801" <= glyph <= "\u28ff" for glyph in middle[1:-1])
    for value in (0.2, 0.8):  # no line goes there, but the shade does
        row = rows[drawing.area.row(value)][region.x : region.right]
        assert set(row.strip()) == {"░"} and len(row.strip()) > region.width - 6


def test_a_loss_that_falls_in_one_step_is_drawn_on_the_floor() -> None:
    points = [(1.0, 50.0, 50.0, 50.0), *((float(x), 0.0, 0.0, 0.0) for x in range(2, 200))]

    drawing = chart(ChartData([Trace("loss", points)]))

    region, rows = drawing.area.region, text(drawing).splitlines()
    floor = rows[drawing.area.row(0.0)][region.x : region.right]
    half = rows[drawing.area.row(25.0)][region.x : region.right]
    assert all("\u2801" <= glyph <= "\u28ff" for glyph in floor[1:-1])
    assert half[2:].strip() == ""


@given(
    st.integers(1, 90), st.integers(1, 40), st.floats(0, 1), st.floats(0, 1),
    st.sampled_from(["braille", "block", "ascii"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=80)
def test_plotext_draws_every_point_in_the_cell_that_the_plot_area_computes(
    width: int, height: int, x: float, y: float, mode: GlyphMode, is_line: bool
) -> None:
    area = PlotArea(Region(0, 0, width, height), Limits(0, 1, 0, 1), mode)
    marker = area.line_marker if is_line and area.line_marker else "*"
    dot = area.dot(x, y) if marker != "*" else area.cell(x, y)
    cells = CellBuffer(width, height, STYLE.text)

    stroke = Stroke([dot], marker, STYLE.line(1), is_line)
    axes = Axes(STYLE.axis, STYLE.muted, has_x_line=False, has_y_line=False)
    draw_figure(cells, area.region, [stroke], axes, UNICODE)

    filled = [
        (column, row)
        for row, line in enumerate(cells.rows)
        for column, (glyph, _) in enumerate(line)
        if glyph != " "
    ]
    assert filled == [(area.column(x), area.row(y))]


@pytest.mark.parametrize("mode", ["braille", "block", "ascii"])
def test_ticks_are_beside_their_values(mode: GlyphMode) -> None:
    tick = ASCII.tick_left if mode == "ascii" else UNICODE.tick_left
    for height in range(8, 40):
        drawing = chart(ChartData([trace_of(0.0, 1.0)]), size=(60, height), glyph_mode=mode)
        area, lines = drawing.area, text(drawing).splitlines()

        count = max(2, area.region.height // 3)
        ticks = place_linear_ticks(area.limits.low, area.limits.high, count)

        assert len(ticks) >= 2
        for value, label in ticks:
            assert lines[area.row(value)].startswith(f"{label} {tick}".rjust(area.region.x))


def test_a_line_is_broken_where_a_value_is_not_finite() -> None:
    trace = filter_trace(trace_of(1.0, 2.0, nan, 3.0, inf, 4.0), 0.0, False)
    limits = fit_limits([trace], [], False, (6, 6))

    assert [len(segment) for segment in trace.segments(limits, 50)] == [2, 1, 1]


def test_a_value_that_is_not_finite_is_marked_and_counted() -> None:
    drawing = chart(ChartData([trace_of(*[1.0] * 50, nan, *[0.5] * 50)]))

    column = drawing.area.column(50.0)
    lines = text(drawing).splitlines()
    assert lines[drawing.area.region.y][column] == "✕"
    assert lines[drawing.area.region.bottom - 1][column] == "✕"
    assert "✕ 1 not finite" in text(drawing)


def test_a_logarithmic_axis_reports_values_that_are_not_positive() -> None:
    drawing = chart(ChartData([trace_of(1.0, 0.0, -1.0, 0.01, 100.0)]), ChartOptions(is_log=True))

    assert "2 not above 0: left out" in text(drawing)
    assert "100 ┤" in text(drawing)


@pytest.mark.parametrize("ys", [(), (0.5,), (0.0,), (3.0,) * 100, (nan,), (1e308, -1e308)])
def test_unusual_histories_have_a_chart(ys: tuple[float, ...]) -> None:
    drawing = chart(ChartData([trace_of(*ys)], empty_message="nothing yet"))

    assert ("nothing yet" in text(drawing)) == (not ys)


def test_a_single_point_is_visible() -> None:
    drawing = chart(ChartData([trace_of(0.5)]))

    dots = [
        glyph for row in drawing.cells.rows for glyph, _ in row if "\u2801" <= glyph <= "\u28ff"
    ]
    assert len(dots) == 1


def test_marks_are_at_their_steps_with_their_texts() -> None:
    drawing = chart(
        ChartData([trace_of(*[0.1] * 100)], [Mark(25, "lr 0.01"), Mark(70, "batch_size 64")])
    )

    lines = text(drawing).splitlines()
    for step, words in ((25, "lr 0.01"), (70, "batch_size 64")):
        row = next(line for line in lines if words in line)
        assert row[drawing.area.column(step)] == "┊"
        assert abs(row.index(words) - drawing.area.column(step)) in (1, len(words))


def test_the_legend_distinguishes_lines_without_color() -> None:
    validation = Trace("validation", trace_of(0.2, 0.1).points, 2, "●", latest=0.063)

    drawing = chart(ChartData([trace_of(0.3, 0.041), validation]))

    assert "─── train 0.041  ─●─ validation 0.063" in text(drawing)
    assert "●" in text(drawing).split("validation")[1]


def test_zooming_shows_only_the_last_steps() -> None:
    drawing = chart(ChartData([trace_of(*range(1001))]), ChartOptions(last_steps=100))

    assert drawing.area.limits.left >= 900
    assert drawing.area.limits.high >= 1000
    assert "last 100" in text(drawing)


def test_zooming_into_a_long_history_shows_every_step_of_its_end() -> None:
    history = Series()
    for x in range(200_000):
        history.append(float(x), float(x % 10))

    drawing = chart(ChartData([Trace("train", series=history)]), ChartOptions(last_steps=1000))

    assert len(drawing.traces[0].points) == 1001


def test_smoothing_is_over_steps_not_over_points() -> None:
    dense, sparse = (
        trace_of(*range(1000)),
        Trace("validation", [(0.0, 0, 0, 0), (999.0, 999, 999, 999)]),
    )

    drawing = chart(ChartData([dense, sparse]), ChartOptions(smoothing=0.9))

    assert drawing.area.limits.high >= 999
    assert "smooth 0.9" in text(drawing)


def test_a_fall_in_one_step_is_seen_in_a_line_that_is_smoothed_and_rarely_measured() -> None:
    """As the gradient of a bowl whose floor is one step away, measured as layers are."""
    steps = [step for step in range(1, 301) if is_measured(step)]
    points = [(float(step), y, y, y) for step in steps for y in (1.0 if step == 1 else 1e-15,)]
    trace = Trace("1 Linear", points, marker="●")

    drawing = chart(ChartData([trace]), ChartOptions(is_log=True, smoothing=0.6))

    smoothed = {x: y for x, y, *_ in drawing.filtered_traces[0].points}
    assert smoothed[16] < 1e-13
    floor = drawing.area.row(1e-15)
    marked = [y for y, line in enumerate(text(drawing).splitlines()[1:], 1) if "●" in line]
    assert marked == [drawing.area.row(1.0), floor]


def test_labels_cannot_carry_control_characters() -> None:
    label = "\x1b[31mred\n\x07"

    drawing = chart(ChartData([trace_of(1.0, 2.0, label=label)], [Mark(1, label)]))

    assert all(line.isprintable() for line in text(drawing).splitlines())


def test_wide_characters_in_labels_keep_the_width() -> None:
    drawing = chart(ChartData([trace_of(1.0, 2.0, label="損失")]))

    assert "損失 2" in text(drawing)
    assert all(strip.cell_length == 60 for strip in drawing.cells.strips())


def test_an_ascii_chart_is_ascii() -> None:
    data = ChartData([trace_of(1.0, nan, 0.2, 0.1)], [Mark(2, "lr 1")], [(0.5, "usual")])

    drawing = chart(
        data, ChartOptions(is_log=True, smoothing=0.6, last_steps=100), glyph_mode="ascii"
    )

    assert text(drawing).isascii()


def test_a_line_is_seen_where_another_crosses_it() -> None:
    style = replace(STYLE, lines={1: Style(color="blue"), 2: Style(color="yellow")})
    train = replace(trace_of(*[1.0] * 60), color=1)
    validation = replace(trace_of(*[1.0] * 60, label="validation"), color=2, marker="●")
    drawing = draw_chart(ChartData([train, validation]), ChartOptions(), (60, 16), style)

    region = drawing.area.region
    row = drawing.cells.rows[drawing.area.row(1.0)][region.x : region.right]
    colors = [cell_style.color.name for glyph, cell_style in row if cell_style.color]
    assert {"blue", "yellow"} == set(colors) and colors.count("blue") > 20
    assert [glyph for glyph, _ in row].count("●") > 2


def test_the_range_is_the_background_of_the_line() -> None:
    style = replace(STYLE, lines={1: Style(color="blue")})
    points = [(float(x), 1.0, 0.0, 2.0) for x in range(60)]
    drawing = draw_chart(ChartData([Trace("train", points)]), ChartOptions(), (60, 16), style)
    y = drawing.area.row(1.0)

    tinted = [cell for cell in drawing.cells.rows[y] if cell[1].bgcolor is not None]
    assert len(tinted) > 40 and any(ord(glyph) > 0x2800 for glyph, _ in tinted)
    assert "░" not in text(drawing)


def test_a_band_of_several_runs_is_shaded_beside_any_number_of_lines() -> None:
    style = replace(STYLE, lines={n: Style(color="blue") for n in range(1, 5)})
    points = [(float(x), 1.0, 0.0, 2.0) for x in range(60)]
    lines = [Trace(f"line {n}", points, n) for n in (1, 2, 3)]
    for is_band in (False, True):
        traces = [*lines, Trace("band", points, 4, is_band=is_band)]
        drawing = draw_chart(ChartData(traces), ChartOptions(), (60, 16), style)
        row = drawing.cells.rows[drawing.area.row(1.0)]
        assert (sum(cell[1].bgcolor is not None for cell in row) > 40) == is_band


def test_the_legend_keeps_its_names_before_its_values_and_options() -> None:
    traces = [replace(trace_of(0.5, label=f"{number} Linear"), color=number) for number in range(4)]
    options = ChartOptions(is_log=True, smoothing=0.6)

    for width in range(46, 90):
        first = text(chart(ChartData(traces), options, (width, 12))).splitlines()[0]
        assert all(f"{number} Linear" in first for number in range(4))
        assert "log, smooth 0.6" in first or "log" not in first
