"""Whatever comes in, a chart is drawn: nothing that is not finite reaches plotext."""

from dataclasses import replace
from math import inf, isfinite, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from tuilab.core.run.run import Mark
from tuilab.core.run.series import Series
from tuilab.ui.plot.chart import plotted
from tuilab.ui.plot.chart_layout import Frame, Stroke, draw
from tuilab.ui.plot.scene import Look, Scene, Settings
from tuilab.ui.plot.traces import Trace, passed, view_of
from tuilab.ui.terminal.glyphs import ASCII, UNICODE, Glyphs

PLAIN = Style()
LOOK = Look(PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN)

anything = st.floats(width=64)
histories = st.lists(st.tuples(anything, anything, anything, anything), max_size=400) | st.lists(
    st.sampled_from([0.0, 5e-324, 1e308, -1e308, nan, inf, 1.0]), max_size=90
).map(lambda ys: [(float(x), y, y, y) for x, y in enumerate(ys)])


def chart(
    scene: Scene,
    how: Settings | None = None,
    size: tuple[int, int] = (60, 16),
    glyphs: Glyphs = "braille",
) -> Frame:
    look = replace(LOOK, signs=ASCII if glyphs == "ascii" else UNICODE, glyphs=glyphs)
    return draw(scene, how or Settings(), size, look, plotted)


def text(frame: Frame) -> str:
    return "\n".join(strip.text for strip in frame.grid.strips())


def of(*ys: float, label: str = "train") -> Trace:
    return Trace(
        label, [(float(x), y, y, y) for x, y in enumerate(ys)], newest=ys[-1] if ys else None
    )


@given(
    st.lists(histories, max_size=3), st.booleans(), st.sampled_from([0.0, 0.9]),
    st.sampled_from([None, 100.0, 10_000.0]), st.integers(5, 300), st.integers(3, 60),
    st.sampled_from(["braille", "block", "ascii"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=80)
def test_every_chart_is_drawn_and_fits(
    raw: list[list[tuple[float, float, float, float]]], is_log: bool, smoothing: float,
    last: float | None, width: int, height: int, glyphs: Glyphs, is_line: bool,
) -> None:  # fmt: skip
    traces = [
        Trace(f"line {number}", points, number + 1, "●", is_line)
        for number, points in enumerate(raw)
    ]
    scene = Scene(traces, [Mark(3, "lr 0.1"), Mark(10**9, "late")], [(1e-3, "usual")])

    frame = chart(scene, Settings(is_log, smoothing, last), (width, height), glyphs)

    strips = frame.grid.strips()
    assert len(strips) == height
    assert all(strip.cell_length == width for strip in strips)
    assert all(sum(segment.cell_length for segment in strip) == width for strip in strips)


@given(histories, st.booleans(), st.integers(1, 80))
def test_only_finite_points_of_the_view_reach_plotext(
    points: list[tuple[float, float, float, float]], is_log: bool, columns: int
) -> None:
    part = passed(Trace("loss", sorted(points)), 0.0, is_log)
    view = view_of([part], [], is_log, (6, 6))

    drawn = [point for piece in part.pieces(view, columns) for point in piece]

    assert len(drawn) <= 2 * columns
    assert all(isfinite(x) and 0 <= x <= 1 and 0 <= y <= 1 for x, y in drawn)


def test_plotext_is_given_two_points_a_column_however_long_the_run() -> None:
    seen: list[Stroke] = []

    def plot(strokes: list[Stroke], width: int, height: int, is_line: bool) -> str:
        seen.extend(strokes)
        return ""

    long = of(*(n % 7 for n in range(100_000)))
    draw(Scene([long]), Settings(), (80, 20), LOOK, plot)

    assert sum(len(points) for points, _, _ in seen) <= 160


def test_a_line_is_broken_where_a_value_is_not_finite() -> None:
    part = passed(of(1.0, 2.0, nan, 3.0, inf, 4.0), 0.0, False)
    view = view_of([part], [], False, (6, 6))

    assert [len(piece) for piece in part.pieces(view, 50)] == [2, 1, 1]


def test_a_value_that_is_not_finite_is_marked_and_counted() -> None:
    frame = chart(Scene([of(*[1.0] * 50, nan, *[0.5] * 50)]))

    column = frame.column(50.0)
    lines = text(frame).splitlines()
    assert lines[frame.top][column] == "✕"
    assert lines[frame.top + frame.height - 1][column] == "✕"
    assert "✕ 1 not finite" in text(frame)


def test_a_logarithmic_axis_leaves_out_what_is_not_positive_and_says_so() -> None:
    frame = chart(Scene([of(1.0, 0.0, -1.0, 0.01, 100.0)]), Settings(is_log=True))

    assert "2 not above 0: left out" in text(frame)
    assert "100 ┤" in text(frame)


@pytest.mark.parametrize("ys", [(), (0.5,), (0.0,), (3.0,) * 100, (nan,), (1e308, -1e308)])
def test_odd_histories_have_a_chart(ys: tuple[float, ...]) -> None:
    frame = chart(Scene([of(*ys)], empty="nothing yet"))

    assert ("nothing yet" in text(frame)) == (not ys)


def test_a_single_point_is_seen() -> None:
    frame = chart(Scene([of(0.5)]))

    dots = [sign for row in frame.grid.cells for sign, _ in row if "\u2801" <= sign <= "\u28ff"]
    assert len(dots) == 1


def test_marks_stand_at_their_steps_with_their_texts() -> None:
    frame = chart(Scene([of(*[0.1] * 100)], [Mark(25, "lr 0.01"), Mark(70, "batch_size 64")]))

    lines = text(frame).splitlines()
    for step, words in ((25, "lr 0.01"), (70, "batch_size 64")):
        row = next(line for line in lines if words in line)
        assert row[frame.column(step)] == "┊"
        assert abs(row.index(words) - frame.column(step)) in (1, len(words))


def test_the_legend_tells_lines_apart_without_colour() -> None:
    validation = Trace("validation", of(0.2, 0.1).points, 2, "●", newest=0.063)

    frame = chart(Scene([of(0.3, 0.041), validation]))

    assert "─── train 0.041  ─●─ validation 0.063" in text(frame)
    assert "●" in text(frame).split("validation")[1]


def test_zooming_shows_only_the_last_steps() -> None:
    frame = chart(Scene([of(*range(1001))]), Settings(last=100))

    assert frame.view.left >= 900
    assert frame.view.high >= 1000
    assert "last 100" in text(frame)


def test_zooming_into_a_long_history_shows_every_step_of_its_end() -> None:
    history = Series()
    for x in range(200_000):
        history.append(float(x), float(x % 10))

    frame = chart(Scene([Trace("train", history=history)]), Settings(last=1000))

    assert len(frame.traces[0].points) == 1001


def test_smoothing_is_over_steps_not_over_points() -> None:
    dense, sparse = of(*range(1000)), Trace("validation", [(0.0, 0, 0, 0), (999.0, 999, 999, 999)])

    frame = chart(Scene([dense, sparse]), Settings(smoothing=0.9))

    assert frame.view.high >= 999
    assert "smooth 0.9" in text(frame)


def test_labels_cannot_carry_control_characters() -> None:
    nasty = "\x1b[31mred\n\x07"

    frame = chart(Scene([of(1.0, 2.0, label=nasty)], [Mark(1, nasty)]))

    assert all(line.isprintable() for line in text(frame).splitlines())


def test_wide_signs_in_labels_keep_the_width() -> None:
    frame = chart(Scene([of(1.0, 2.0, label="損失")]))

    assert "損失 2" in text(frame)
    assert all(strip.cell_length == 60 for strip in frame.grid.strips())


def test_an_ascii_chart_is_ascii() -> None:
    scene = Scene([of(1.0, nan, 0.2, 0.1)], [Mark(2, "lr 1")], [(0.5, "usual")])

    frame = chart(scene, Settings(is_log=True, smoothing=0.6, last=100), glyphs="ascii")

    assert text(frame).isascii()
