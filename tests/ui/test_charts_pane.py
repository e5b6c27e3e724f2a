"""The charts of a run: which there are, how to choose one, and the list of layers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import nan

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Footer

from tests.support.lab_pilot import open_lab, screen_text
from tests.support.sample_runs import knob_changed, layer_stats, trained_run
from tests.ui.test_chart import STYLES
from tuilab.core.catalogue.tasks import Regression
from tuilab.core.protocol.events import LayerStatsReported
from tuilab.core.protocol.records import LayerStats
from tuilab.core.run.run import Run
from tuilab.ui.panes.charts.charts_pane import ChartsPane
from tuilab.ui.panes.charts.layer_list import (
    LayerList,
    build_layer_rows,
    draw_sparkline,
    judge_layer,
    pick_evenly,
)


class ChartsApp(App[None]):
    """The pane, and a footer with its keys."""

    CSS_PATH = STYLES

    def compose(self) -> ComposeResult:
        yield ChartsPane()
        yield Footer()

    @property
    def pane(self) -> ChartsPane:
        return self.query_one(ChartsPane)


@asynccontextmanager
async def open_charts(
    run: Run, size: tuple[int, int] = (70, 20)
) -> AsyncIterator[tuple[ChartsApp, Pilot[None]]]:
    app = ChartsApp()
    async with app.run_test(size=size) as pilot:
        app.pane.show(run)
        app.pane.upper.chart.focus()
        await pilot.pause()
        yield app, pilot


async def test_before_a_run_the_pane_shows_what_to_press() -> None:
    async with open_charts(Run()) as (app, _):
        assert "Press space to start training: the loss appears here. C" in screen_text(app)


async def test_a_short_pane_has_one_chart_and_a_tall_one_two() -> None:
    async with open_charts(trained_run(), (70, 20)) as (app, pilot):
        assert "validation" in screen_text(app)
        assert not app.pane.lower.display

        await pilot.resize_terminal(70, 45)
        await pilot.pause()
        assert app.pane.lower.display
        assert "1 Linear" in screen_text(app)


async def test_arrow_keys_go_through_the_charts() -> None:
    async with open_charts(trained_run()) as (app, pilot):
        for words in ("train 0.5", "1 Linear", "1e-3 is usual", "rate 0.001", "train 0.0498"):
            await pilot.press("down")
            await pilot.pause()
            assert words in screen_text(app)
        await pilot.press("up")
        assert app.pane.upper.kind.name == "Rate"


async def test_a_click_on_its_name_shows_a_chart() -> None:
    async with open_charts(trained_run()) as (app, pilot):
        column = screen_text(app).splitlines()[0].index("Updates")
        await pilot.click(offset=(column + 2, 0))
        await pilot.pause()

        assert app.pane.upper.kind.name == "Updates"


async def test_the_metric_has_the_tasks_own_name() -> None:
    async with open_charts(trained_run(0, task=Regression())) as (app, _):
        assert "R²" in screen_text(app)
    async with open_charts(trained_run()) as (app, _):
        assert "Accuracy" in screen_text(app)


async def test_gradients_and_updates_are_logarithmic_from_the_start() -> None:
    async with open_charts(trained_run()) as (app, pilot):
        await pilot.press("down", "down")
        await pilot.pause()

        assert "log" in screen_text(app)
        assert app.pane.upper.chart.options.is_log


async def test_each_chart_keeps_how_it_is_shown() -> None:
    async with open_charts(trained_run()) as (app, pilot):
        await pilot.press("l", "z", "down", "up")
        app.pane.show(trained_run(320))
        await pilot.pause()

        assert "log, last 10k" in screen_text(app)


async def test_a_change_of_a_knob_is_a_mark_on_the_charts() -> None:
    run = trained_run()
    run.apply(knob_changed(150, "optimizer.lr", 0.01))
    async with open_charts(run) as (app, _):
        assert "┊lr 0.01" in screen_text(app)


async def test_a_loss_that_is_not_finite_is_marked() -> None:
    async with open_charts(trained_run(losses={200: nan})) as (app, _):
        assert "✕ 1 not finite" in screen_text(app)


async def test_nothing_is_drawn_without_new_data() -> None:
    run = trained_run()
    async with open_charts(run) as (app, pilot):
        before = app.pane.upper.chart.draw_count
        app.pane.show(run)
        run.version += 1
        app.pane.show(run)
        await pilot.pause()

        assert app.pane.upper.chart.draw_count == before


async def test_a_hidden_pane_does_no_work_and_catches_up_when_it_is_shown() -> None:
    run = trained_run(100)
    async with open_charts(run) as (app, pilot):
        app.pane.display = False
        await pilot.pause()
        before = app.pane.upper.chart.draw_count
        later = trained_run(300)
        app.pane.show(later)
        await pilot.pause()
        assert app.pane.upper.chart.draw_count == before

        app.pane.display = True
        for _ in range(100):
            if "train 0.0498" not in screen_text(app):
                await pilot.pause(0.02)
        assert "train 0.0498" in screen_text(app)


async def test_a_rewound_run_loses_its_end_on_the_chart() -> None:
    run = trained_run(300)
    async with open_charts(run) as (app, pilot):
        run._rewind(100)
        app.pane.show(run)
        app.pane.upper.chart.redraw()
        await pilot.pause()

        assert "train 0.368" in screen_text(app)


async def test_the_layers_are_beside_or_below_their_chart() -> None:
    for size in ((120, 20), (60, 20)):
        async with open_charts(trained_run(layers=3), size) as (app, pilot):
            await pilot.press("down", "down")
            await pilot.pause()
            lines = [line for line in screen_text(app).splitlines() if "healthy" in line]
            assert [line.count("Linear") for line in lines] == [1, 1, 1]


async def test_of_many_layers_six_are_lines_and_all_are_rows() -> None:
    run = trained_run(layers=12)
    async with open_charts(run, (120, 20)) as (app, pilot):
        await pilot.press("down", "down")
        await pilot.pause()

        rows = app.pane.upper.query_one(LayerList)._rows
        assert len(rows) == 12
        assert [row.name.split()[0] for row in rows if row.marker] == [
            "1",
            "3",
            "5",
            "8",
            "10",
            "12",
        ]
        assert len({row.marker for row in rows if row.marker}) == 6
        assert screen_text(app).count("healthy") == 12


async def test_a_layer_far_from_the_others_is_marked() -> None:
    run = trained_run(layers=3)
    layers = [
        layer_stats(1),
        layer_stats(2),
        layer_stats(3, gradient=1e-6),
        layer_stats(4, gradient=nan),
        layer_stats(5, 0.0),
    ]
    run.apply(LayerStatsReported("a", 310, layers))
    async with open_charts(run, (120, 20)) as (app, pilot):
        await pilot.press("down", "down")
        await pilot.pause()

        verdicts = {row.name: row.verdict for row in app.pane.upper.query_one(LayerList)._rows}
        assert verdicts == {
            "1 Linear": "healthy", "2 Linear": "healthy", "3 Linear": "small?",
            "4 Linear": "not finite", "5 Linear": "zero",
        }  # fmt: skip
        assert "small?" in screen_text(app)


@pytest.mark.parametrize(
    ("family", "value", "verdict"),
    [
        ("update", 1e-3, "healthy"), ("update", 1e-7, "small?"), ("update", 0.5, "large?"),
        ("gradient", 1.0, "healthy"), ("gradient", 500.0, "large?"),
        ("gradient", nan, "not finite"),
    ],
)  # fmt: skip
def test_a_layer_is_judged_in_plain_words(family: str, value: float, verdict: str) -> None:
    assert judge_layer(family, value, middle=1.0) == verdict


def test_layers_are_chosen_evenly() -> None:
    assert pick_evenly(range(20), 6) == [0, 4, 8, 11, 15, 19]
    assert pick_evenly(range(3), 6) == [0, 1, 2]


def test_sparklines_share_a_logarithmic_scale() -> None:
    assert draw_sparkline([1e-4, 1e-2, 1.0], 5, 1e-4, 1.0, "▁▂▃▄▅▆▇█") == "  ▁▅█"
    assert draw_sparkline([nan, 0.0, 1.0], 3, 1.0, 1.0, "▁▂▃▄▅▆▇█") == "!▁▅"


async def test_two_charts_are_reached_by_a_key() -> None:
    async with open_charts(trained_run(), (70, 45)) as (app, pilot):
        await pilot.press("o", "down")
        assert app.pane.lower.kind.name == "Updates"
        await pilot.press("o", "down")
        assert app.pane.upper.kind.name == ""


async def test_keys_of_the_focused_chart_are_in_the_footer() -> None:
    async with open_charts(trained_run(), (100, 20)) as (app, pilot):
        await pilot.pause()
        footer = screen_text(app).splitlines()[-1]
        for words in ("l Log", "m Smooth", "z Zoom", "←→ Read values", "↑↓ Chart"):
            assert words in footer


async def test_every_key_has_an_id_and_a_tooltip() -> None:
    async with open_charts(trained_run()) as (app, _):
        chart = app.pane.upper.chart
        for node in (chart, app.pane.upper, app.pane):
            bindings = [binding for _, binding in node._bindings]
            assert bindings
            assert all(binding.id and binding.tooltip for binding in bindings)


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (40, 12), (200, 60)])
async def test_the_pane_survives_any_size_and_comes_back(size: tuple[int, int]) -> None:
    async with open_charts(trained_run(layers=9), (100, 40)) as (app, pilot):
        before = screen_text(app)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.resize_terminal(100, 40)
        await pilot.pause()
        await pilot.pause()

        assert screen_text(app) == before


def frozen_run() -> Run:
    """Returns a run in which only the last of three layers is trained."""
    run = trained_run(60, layers=0, network=("Linear 4 frozen=true", "Linear 4", "Linear 2"))
    frozen = [LayerStats(f"{n} Linear", 0.0, 0.0, 1.0) for n in (1, 2)]
    run.apply(LayerStatsReported("a", 60, [*frozen, layer_stats(3)]))
    return run


def test_frozen_layers_come_last_and_are_called_frozen() -> None:
    rows = list(build_layer_rows(frozen_run(), "gradient"))

    assert [(row.name, row.verdict, bool(row.marker)) for row in rows] == [
        ("3 Linear", "healthy", True), ("1 Linear", "frozen", False), ("2 Linear", "frozen", False),
    ]  # fmt: skip


async def test_small_and_large_layers_are_explained() -> None:
    run = trained_run(60)
    run.apply(LayerStatsReported("a", 61, [layer_stats(1, 1e-9), layer_stats(2), layer_stats(3)]))
    async with open_charts(run, (90, 50)) as (app, _):
        assert "small? large?: 100 times the middle layer" in screen_text(app)


async def test_the_list_of_layers_never_has_a_horizontal_scrollbar() -> None:
    async with open_charts(trained_run(layers=30), (70, 45)) as (app, pilot):
        for width in (60, 90, 50):
            await pilot.resize_terminal(width, 45)
            await pilot.pause()
            assert not app.pane.lower.layer_list.show_horizontal_scrollbar


async def test_the_footer_begins_with_how_to_reach_the_other_charts() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("3")
        await lab.wait_for_text("↑↓ chart")


async def test_a_run_without_values_says_why() -> None:
    run = trained_run(1)
    run.series.clear()
    async with open_charts(run) as (app, pilot):
        assert "The first values appear in a moment." in screen_text(app)
        run.state = "finished"
        app.pane.show(run)
        await pilot.pause()
        assert "The run ended before this was measured." in screen_text(app)
