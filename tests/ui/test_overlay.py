"""Other runs over the present one: which, in which colors, aligned by what, and their table."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from math import nan

import pytest

from tests.support.lab_pilot import Lab, open_lab, screen_text
from tests.support.sample_runs import trained_run
from tests.support.stored_runs import append_events, epoch_events, store_run
from tests.ui.test_charts_pane import ChartsApp, open_charts
from tuilab.core.protocol.events import EpochEnded
from tuilab.core.run.baseline import save_baseline
from tuilab.core.run.run import Run
from tuilab.core.run.run_summary import RunSummary
from tuilab.host.run_lock import RunLock
from tuilab.host.run_store import LOG, run_dir
from tuilab.ui.controllers import overlay as overlay_controller
from tuilab.ui.panes.charts.overlay_traces import OverlayTraces
from tuilab.ui.run_overlay import MAX_RUNS, RunOverlay
from tuilab.ui.screens.runs.differences_screen import DifferencesScreen
from tuilab.ui.screens.runs.runs_screen import RunsScreen


def run_with(run: str, losses: Iterable[float], seconds: float = 2.0) -> Run:
    """Returns a run with these validation losses, one after each epoch of ten steps."""
    state = Run()
    for epoch, loss in enumerate(losses, 1):
        for event in epoch_events(run, epoch, 1 - loss):
            if not state.id:
                state.id = run
            state.apply(event)
    return state


def overlay_of(*runs: Run, **fields: str) -> RunOverlay:
    overlay = RunOverlay()
    overlay.put((RunSummary(id=run.id, name=run.id, **fields), run) for run in runs)  # type: ignore[arg-type]
    return overlay


# --- which runs -------------------------------------------------------------------------------


def test_twenty_runs_have_twenty_pairs_of_color_and_marker() -> None:
    overlay = overlay_of(*(Run(id=f"r{number}") for number in range(MAX_RUNS)))
    assert len({(run.color, run.marker) for run in overlay.runs}) == MAX_RUNS
    assert overlay.put([(RunSummary(id="one more"), Run())]) == 1


def test_a_run_keeps_its_color_when_others_go_and_new_ones_take_the_free_places() -> None:
    overlay = overlay_of(Run(id="a"), Run(id="b"), Run(id="c"))
    before = {run.id: run.slot for run in overlay.runs}
    overlay.remove({"a"})
    overlay.put([(RunSummary(id="d"), Run())])
    assert {run.id: run.slot for run in overlay.runs} == {
        "b": before["b"], "c": before["c"], "d": before["a"],
    }  # fmt: skip


def test_a_name_that_several_runs_have_gives_way_to_their_ids() -> None:
    overlay = RunOverlay()
    overlay.put((RunSummary(id=run, name=name), Run())
                for run, name in (("a", "Spiral"), ("b", "Spiral"), ("c", "wide")))  # fmt: skip
    assert [run.label for run in overlay.runs] == ["a", "b", "wide"]


def test_the_pinned_run_stays_when_the_others_are_removed() -> None:
    overlay = overlay_of(Run(id="a"), Run(id="b"))
    overlay.pinned = "b"
    assert overlay.clear() == 1
    assert overlay.ids == {"b"}


# --- their lines ------------------------------------------------------------------------------


def test_lines_are_those_of_held_out_examples_in_the_unit_of_the_overlay() -> None:
    overlay = overlay_of(run_with("a", [0.5, 0.4]))
    traces = OverlayTraces()
    names = ["loss/validation", "loss/train"]
    (line,) = traces.build(overlay, "", names)[0].traces
    assert line.series is not None
    assert [point[:2] for point in line.series.points()] == [(10, 0.5), (20, 0.4)]
    by_unit = {}
    for _ in range(3):
        unit = overlay.next_unit()
        (line,) = traces.build(overlay, "", names)[0].traces
        by_unit[unit] = [point[:2] for point in line.points]
    assert by_unit == {
        "epoch": [(1.0, 0.5), (2.0, 0.4)],
        "examples": [(1.0, 0.5), (2.0, 0.4)],  # of a run that does not say how many it has
        "seconds": [(2.0, 0.5), (4.0, 0.4)],
    }


def test_lines_are_built_again_only_when_a_run_has_changed() -> None:
    overlay, traces = overlay_of(run_with("a", [0.5])), OverlayTraces()
    first = traces.build(overlay, "", ["loss/validation"])[0]
    assert traces.build(overlay, "", ["loss/validation"])[0] is first
    overlay.put([(RunSummary(id="a"), run_with("a", [0.5, 0.4]))])
    again = traces.build(overlay, "", ["loss/validation"])[0]
    assert again is not first
    assert again.traces[0].latest == pytest.approx(0.4)


def test_a_branch_has_a_mark_where_it_branched_off_in_any_unit() -> None:
    overlay = RunOverlay()
    run = run_with("b", [0.5, 0.4])
    run.parent, run.parent_step = "a", 15
    overlay.put([(RunSummary(id="b", name="b"), run)])
    traces = OverlayTraces()
    assert traces.build(overlay, "", ["loss/validation"])[1] == [(15.0, "b branches")]
    overlay.unit = "seconds"
    overlay.version += 1
    assert traces.build(overlay, "", ["loss/validation"])[1] == [(3.0, "b branches")]


def test_the_present_run_is_not_drawn_twice_and_one_without_the_series_not_at_all() -> None:
    overlay = overlay_of(run_with("a", [0.5]), Run(id="b"), run_with("c", [0.3]))
    backdrop, _ = OverlayTraces().build(overlay, "a", ["loss/validation"])
    assert [trace.label for trace in backdrop.traces] == ["c"]


# --- in the charts ----------------------------------------------------------------------------


@asynccontextmanager
async def open_overlaid(
    overlay: RunOverlay, size: tuple[int, int] = (90, 26)
) -> AsyncIterator[tuple[ChartsApp, object]]:
    async with open_charts(trained_run(), size) as (app, pilot):
        app.pane.show(trained_run(), overlay=overlay)
        await pilot.pause()
        yield app, pilot


async def test_the_legend_has_all_runs_with_their_last_and_their_best_values() -> None:
    overlay = overlay_of(run_with("deep", [0.5, 0.2, 0.3]), run_with("wide", [0.9, 0.8, 0.7]))
    async with open_overlaid(overlay) as (app, pilot):
        text = screen_text(app)
        assert "★ deep 0.3" in text
        assert "▼ wide 0.7" in text
        await pilot.press("b")  # type: ignore[attr-defined]
        text = screen_text(app)
        assert "★ deep 0.2 at 20" in text
        assert "▼ wide 0.7 at 30" in text


async def test_the_cursor_reads_all_runs() -> None:
    overlay = overlay_of(run_with("deep", [0.5, 0.2, 0.3]), run_with("wide", [0.9, 0.8, 0.7]))
    async with open_overlaid(overlay) as (app, _):
        app.pane.upper.chart._set_cursor(20)
        text = screen_text(app)
        assert "step 20" in text
        assert "★ deep 0.2" in text
        assert "▼ wide 0.8" in text


async def test_one_key_aligns_all_runs_and_the_axis_says_by_what() -> None:
    async with open_overlaid(overlay_of(run_with("deep", [0.5, 0.2]))) as (app, pilot):
        for unit in ("epoch", "examples", "seconds", "step"):
            await pilot.press("a")  # type: ignore[attr-defined]
            await pilot.pause()  # type: ignore[attr-defined]
            assert app.pane.upper.chart.data.x_name == unit
            assert f"{unit}" in screen_text(app).splitlines()[-3]


async def test_of_layers_one_is_compared_and_a_key_shows_the_next() -> None:
    other = trained_run()
    other.id = "other"
    async with open_overlaid(overlay_of(other, run_with("none", [0.5]))) as (app, pilot):
        await pilot.press("down", "down")  # type: ignore[attr-defined]
        text = screen_text(app)
        assert "1 Linear" in text
        assert "★ other" in text
        assert "not in 1 run · 1 of 3 · t 2 Linear" in text
        await pilot.press("t")  # type: ignore[attr-defined]
        await pilot.pause()  # type: ignore[attr-defined]
        assert "2 of 3 · t 3 Linear" in screen_text(app)
        assert len(app.pane.upper.chart.data.traces) == 1


@pytest.mark.parametrize("mode", ["ascii", "block"])
async def test_lines_differ_without_color_and_without_unicode(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("TUILAB_GLYPHS", mode)
    monkeypatch.setenv("NO_COLOR", "1")
    overlay = overlay_of(run_with("deep", [0.5, 0.2, 0.3]), run_with("wide", [0.9, 0.8, 0.7]))
    async with open_overlaid(overlay) as (app, _):
        text = screen_text(app)
        markers = [overlay.markers[run] for run in ("deep", "wide")]
        assert len(set(markers)) == 2
        for marker, run in zip(markers, ("deep", "wide"), strict=True):
            assert f"{marker} {run}" in text
            assert sum(line.count(marker) for line in text.splitlines()[3:]) > 0


async def test_values_that_are_not_finite_are_gaps() -> None:
    run = run_with("broken", [0.5, 0.4])
    run.apply(EpochEnded("broken", 30, 3, {}, {"loss": nan}))
    async with open_overlaid(overlay_of(run)) as (app, _):
        assert "1 not finite" in screen_text(app)


# --- from the screen of runs ------------------------------------------------------------------


async def open_list(lab: Lab) -> RunsScreen:
    await lab.press("R")
    await lab.wait_until(lambda: isinstance(lab.app.screen, RunsScreen))
    screen = lab.app.screen
    assert isinstance(screen, RunsScreen)
    await lab.wait_until(lambda: screen._is_loaded)
    return screen


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (80, 24)])
async def test_marked_runs_are_drawn_and_removed_again(size: tuple[int, int]) -> None:
    store_run("spiral-1", [0.5, 0.9])
    store_run("spiral-2", [0.5, 0.7], time=1_700_000_100)
    async with open_lab(size=size) as lab:
        overlay = lab.workspace.overlay
        await open_list(lab)
        await lab.press("space", "space", "o")
        await lab.wait_until(lambda: overlay.ids == {"spiral-1", "spiral-2"})
        await lab.wait_for_text("spiral-1", "spiral-2")
        screen = await open_list(lab)
        assert all(row.marker for row in screen._list.lines)
        await lab.press("o")  # the one at the cursor, which is drawn
        await lab.wait_until(lambda: len(overlay.ids) == 1)
        await lab.press("O")
        await lab.wait_until(lambda: not overlay.ids)


async def test_the_pinned_run_is_drawn_from_the_start_and_follows_the_pin() -> None:
    store_run("spiral-1", [0.5, 0.9])
    store_run("spiral-2", [0.5, 0.7], time=1_700_000_100)
    save_baseline("spiral-1")
    async with open_lab() as lab:
        await lab.wait_until(lambda: lab.workspace.overlay.ids == {"spiral-1"})
        await open_list(lab)
        await lab.press("p", "escape")  # spiral-2
        await lab.wait_until(lambda: lab.workspace.overlay.ids == {"spiral-2"})
        await lab.press("O")
        assert lab.workspace.overlay.ids == {"spiral-2"}


async def test_a_pinned_run_that_is_gone_is_no_matter() -> None:
    save_baseline("gone")
    async with open_lab() as lab:
        await lab.wait_until(lambda: lab.workspace.overlay.pinned == "gone")
        assert not lab.workspace.overlay.runs
        assert "gone" not in lab.text


async def test_a_run_that_cannot_be_read_is_named_and_the_others_are_drawn() -> None:
    store_run("spiral-1", [0.5, 0.9])
    store_run("broken", [0.5], time=1_700_000_100)
    (run_dir("broken") / LOG).write_text("no event\n")
    async with open_lab() as lab:
        await open_list(lab)
        await lab.press("space", "space", "o")
        await lab.wait_until(lambda: lab.workspace.overlay.ids == {"spiral-1"})
        await lab.wait_for_text("it holds no run")


async def test_a_run_in_progress_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay_controller, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(overlay_controller, "REST_FACTOR", 0)
    store_run("live", [0.5], end="")
    lock = RunLock.acquire(run_dir("live"))
    try:
        async with open_lab() as lab:
            await open_list(lab)
            await lab.press("o")
            overlay = lab.workspace.overlay
            await lab.wait_until(lambda: overlay.runs)
            append_events("live", epoch_events("live", 2, 0.75))
            await lab.wait_until(lambda: overlay.runs[0].run.step == 20)
            await lab.wait_for_text("Spiral 0.25")
    finally:
        lock.close()


async def test_differences_are_shown_and_copied() -> None:
    store_run("spiral-1", [0.5, 0.9], optimizer__lr=0.03)
    store_run("spiral-2", [0.5, 0.7], time=1_700_000_100)
    async with open_lab() as lab:
        await open_list(lab)
        await lab.press("space", "space", "d")
        await lab.wait_until(lambda: isinstance(lab.app.screen, DifferencesScreen))
        await lab.wait_for_text("optimizer.lr", "0.03", "validation.accuracy", "against spiral-2")
        await lab.press("y")
        assert lab.app.clipboard.startswith("|  | spiral-2 | spiral-1 |")
        await lab.press("escape")
        await lab.wait_until(lambda: isinstance(lab.app.screen, RunsScreen))
