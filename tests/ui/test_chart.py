"""A chart: exact values under the cursor, keys for how it is drawn, no work while it is hidden."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

import tuilab.ui
from tests.support.lab_pilot import screen_text
from tuilab.core.run.run import Mark
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.chart_data import ChartData
from tuilab.ui.plot.traces import Trace

STYLES = Path(tuilab.ui.__file__).parent / "tuilab.tcss"


class ChartApp(App[None]):
    """A chart and nothing else."""

    CSS_PATH = STYLES

    def compose(self) -> ComposeResult:
        yield Chart()

    @property
    def chart(self) -> Chart:
        return self.query_one(Chart)


def falling_loss(steps: int = 1000, **data: Any) -> ChartData:
    """A training loss at every step from 1 on, and a validation loss at every hundredth."""
    train = [(float(x), 1 / x, 0.5 / x, 2 / x) for x in range(1, steps + 1)]
    validation = [(float(x), 2 / x, 2 / x, 2 / x) for x in range(100, steps + 1, 100)]
    traces = [
        Trace("train", train, 1, latest=train[-1][1]),
        Trace("validation", validation, 2, "●", latest=validation[-1][1]),
    ]
    return ChartData(traces, **data)


@asynccontextmanager
async def open_chart(
    data: ChartData, size: tuple[int, int] = (80, 20)
) -> AsyncIterator[tuple[ChartApp, Pilot[None]]]:
    app = ChartApp()
    async with app.run_test(size=size) as pilot:
        app.chart.show(data)
        app.chart.focus()
        await pilot.pause()
        yield app, pilot


async def test_without_data_the_chart_shows_what_to_press() -> None:
    async with open_chart(ChartData(empty_message="Press space to start training.")) as (app, _):
        assert "Press space to start training." in screen_text(app)


async def test_lines_are_named_with_their_newest_values() -> None:
    async with open_chart(falling_loss()) as (app, _):
        assert "─── train 0.001  ─●─ validation 0.002" in screen_text(app)


async def test_the_cursor_begins_at_the_newest_point_and_reads_all_lines() -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        await pilot.press("left")
        await pilot.pause()

        first = screen_text(app).splitlines()[0]
        assert "step 1,000" in first
        assert "train 0.001 (0.0005 to 0.002)" in first
        assert "validation 0.002" in first


async def test_the_cursor_goes_to_points_and_reads_them_exactly() -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        await pilot.press("left", "left", "left")
        await pilot.pause()

        x = app.chart.cursor
        assert x is not None and x == int(x) and x < 1000
        assert f"train {1 / x:.6g}" in screen_text(app)
        assert "validation 0.002 at 1,000" in screen_text(app)


async def test_the_cursor_passes_every_point_of_a_sparse_line() -> None:
    sparse = ChartData([Trace("loss", [(x, x, x, x) for x in (0.0, 1.0, 500.0, 1000.0)])])
    async with open_chart(sparse) as (app, pilot):
        positions = []
        for _ in range(5):
            await pilot.press("left")
            positions.append(app.chart.cursor)
        await pilot.press("right")

        assert positions == [1000, 500, 1, 0, 0]
        assert app.chart.cursor == 1


async def test_the_cursor_shows_what_was_changed_there() -> None:
    async with open_chart(falling_loss(marks=[Mark(1000, "lr 0.01")])) as (app, pilot):
        await pilot.press("left")
        await pilot.pause()

        assert "lr 0.01" in screen_text(app).splitlines()[0]


async def test_escape_removes_the_cursor_and_is_then_left_to_others() -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        assert app.chart.check_action("cursor_off", ()) is False
        await pilot.press("left")
        assert app.chart.check_action("cursor_off", ()) is True
        await pilot.press("escape")
        await pilot.pause()

        assert app.chart.cursor is None
        assert "train 0.001" in screen_text(app).splitlines()[0]


async def test_the_mouse_reads_values_and_a_click_keeps_the_cursor() -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        await pilot.hover(Chart, (40, 10))
        await pilot.pause()
        x = app.chart.read_x
        assert x is not None and 300 < x < 700
        assert f"step {int(x)}" in screen_text(app)

        await pilot.click(Chart, (40, 10))
        await pilot.pause()
        assert app.chart.cursor == x


async def test_keys_switch_the_scale_smoothing_and_zoom() -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        await pilot.press("l", "m", "z", "z")
        await pilot.pause()

        assert "log, smooth 0.6, last 1k" in screen_text(app)
        await pilot.press("l", "m", "m", "m", "z", "z")
        await pilot.pause()
        assert app.chart.options == type(app.chart.options)()


async def test_an_update_repaints_only_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        repainted: list[int] = []
        original = app.chart.refresh

        def refresh(*regions: Any, **options: Any) -> Chart:
            repainted.append(len(regions))
            return original(*regions, **options)

        monkeypatch.setattr(app.chart, "refresh", refresh)
        app.chart.show(falling_loss())
        await pilot.pause()
        assert repainted == []

        app.chart.show(falling_loss(marks=[Mark(10**9, "out of view")]))
        await pilot.pause()
        assert repainted == []


async def test_a_hidden_chart_is_not_drawn_until_it_is_shown() -> None:
    async with open_chart(falling_loss(500)) as (app, pilot):
        app.chart.display = False
        await pilot.pause()
        before = app.chart.draw_count

        app.chart.show(falling_loss(1000))
        await pilot.pause()
        assert app.chart.draw_count == before

        app.chart.display = True
        await pilot.pause()
        assert app.chart.draw_count == before + 1
        assert "train 0.001" in screen_text(app)


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (300, 60), (12, 24)])
async def test_a_chart_survives_any_size_and_comes_back(size: tuple[int, int]) -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        before = screen_text(app)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [size[0]] * size[1]

        await pilot.resize_terminal(80, 20)
        await pilot.pause()
        assert screen_text(app) == before


async def test_another_theme_recolors_the_chart() -> None:
    async with open_chart(falling_loss()) as (app, pilot):
        before = list(app.chart._strips)
        app.theme = "textual-light"
        await pilot.pause()
        await pilot.pause()

        after = app.chart._strips
        assert [strip.text for strip in after] == [strip.text for strip in before]
        assert after != before


async def test_an_ascii_locale_gets_an_ascii_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUILAB_GLYPHS", "ascii")
    async with open_chart(ChartData(falling_loss().traces[:1])) as (app, pilot):
        await pilot.press("left", "m", "l")
        await pilot.pause()

        assert screen_text(app).isascii()
        assert "train 0.001" in screen_text(app)
