"""The view of the landscape: the map, the scan, their marks and numbers, and the keys."""

import re
from math import inf, nan
from typing import Any

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from tests.support.draw_styles import COLORED
from tests.support.fake_link import training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.landscape_messages import (
    LandscapeRequest,
    LandscapeResponse,
    Scan,
    Slice,
)
from tuilab.ui.canvas.height_map import LEVELS, HeightMap
from tuilab.ui.views.landscape.draw_landscape import draw_slice
from tuilab.ui.views.landscape.draw_line_scan import describe_scan, summarize_scan
from tuilab.ui.views.landscape.landscape_view import LandscapeView


def valley(size: int = 9, stride: int = 1, **fields: Any) -> Slice:
    """A bowl whose lowest point is right of the middle; every `stride`-th point is measured."""
    half = size // 2
    losses = [
        0.05 + 3 * (((column - half) / half - 0.5) ** 2 + ((half - row) / half) ** 2)
        if row % stride == column % stride == 0
        else nan
        for row in range(size)
        for column in range(size)
    ]
    path = fields.pop("path", [(0, -0.8, 0.4), (60, -0.5, 0.5), (100, 0.0, 0.0)])
    return Slice(
        size, fields.pop("span", 1.0), fields.pop("losses", losses), path, 0.03, "random", 0
    )


def make_response(run: str, **fields: Any) -> LandscapeResponse:
    slice_ = fields.get("slice")
    total = slice_.size**2 if slice_ else 66
    evaluations = fields.pop("evaluations", total)
    return LandscapeResponse(
        run, 100, fields.pop("present", 100), evaluations, total, 512, **fields
    )


def scan(**fields: Any) -> Scan:
    """Rates from 1e-6 to 100; the loss falls until 0.1 and passes 1 again between 0.1 and 1."""
    rates = [10.0**power for power in range(-6, 3)]
    losses = fields.pop("losses", [1, 1, 1, 0.99, 0.9, 0.5, 3, 80, inf])
    return Scan("optimizer", "adam", fields.pop("lr", 1e-2), rates, losses, losses, 1, 1, 0.9, 32)


async def open_view(lab: Lab) -> str:
    """Opens the view of a paused run; returns the run's id."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6")
    lab.app.main_screen.panes.inspect.action_open("landscape")
    await lab.pilot.pause()
    await lab.pilot.pause()
    return run


def choice_of(lab: Lab) -> LandscapeRequest:
    view = lab.app.main_screen.panes.inspect.view
    assert isinstance(view, LandscapeView)
    return view.choice


@pytest.mark.parametrize("size", SIZES)
async def test_the_map_shows_levels_marks_and_numbers(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with open_lab(size=size) as lab:
        run = await open_view(lab)
        await lab.play(make_response(run, slice=valley()))

        await lab.wait_for_text(
            "81 of 81 evaluations", "512", "◆ now 0.8", "▼ lowest 0.05", "log scale"
        )
        view = lab.app.main_screen.panes.inspect.view
        assert view is not None
        marks = "".join(strip.text for strip in view._strips)
        assert all(glyph in marks for glyph in "■•·▼◆")
        assert "\n".join(strip.text.rstrip() for strip in view._strips) + "\n" == snapshot


@pytest.mark.parametrize("size", SIZES)
async def test_weights_that_are_not_finite_are_reported_and_not_marked(
    size: tuple[int, int],
) -> None:
    async with open_lab(size=size) as lab:
        run = await open_view(lab)
        broken = valley(losses=[inf] * 81, path=[(0, nan, 0.0), (100, nan, 0.0)])
        await lab.play(make_response(run, slice=broken))
        await lab.wait_for_text("not finite")
        await lab.play(make_response(run, scan=scan(losses=[nan] * 9)))
        await lab.play(make_response(run, slice=valley(path=[(0, 0.5, 0.5), (100, nan, inf)])))
        await lab.wait_for_text("lowest 0.05")


@pytest.mark.parametrize(
    ("losses", "legend"),
    [
        ([nan] * 40 + [0.5] + [nan] * 40, ["0   0.5"]),
        ([inf] * 81, []),
        ([0.5, *[0.5000001] * 80], ["0   0.5"]),
        ([1.0, *[2.0] * 80], [f"{n}   from 1.{n}" for n in range(9, 0, -1)] + ["0   from 1"]),
    ],
)
def test_the_legend_has_a_line_for_each_loss_that_is_written_differently(
    losses: list[float], legend: list[str]
) -> None:
    response = make_response("a", slice=valley(losses=losses))
    assert response.slice is not None
    wide, narrow = (
        "\n".join(
            "".join(glyph for glyph, _ in row)
            for row in draw_slice(response, response.slice, False, size, COLORED).rows
        )
        for size in ((76, 34), (36, 12))
    )

    lines = re.findall(r"\d   (?:from )?[\d.]+(?=\s*$)", wide, re.MULTILINE)
    assert lines == legend
    assert ("up to" in wide) == ("0123456789" in narrow) == (len(legend) > 1)
    assert ("0 0.5" in narrow) == (len(legend) == 1)


@pytest.mark.parametrize("size", SIZES)
async def test_the_scan_marks_the_present_the_best_and_the_first_harmful_rate(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with open_lab(size=size) as lab:
        run = await open_view(lab)
        await lab.press("v")
        await lab.play(make_response(run, scan=scan()))

        await lab.wait_for_text(
            "from 1 to 0.9", "now 0.01", "best 0.1", "worse 0.16", "1e-3", "rate"
        )
        view = lab.app.main_screen.panes.inspect.view
        assert view is not None
        assert "\n".join(strip.text.rstrip() for strip in view._strips) + "\n" == snapshot


@pytest.mark.parametrize(("width", "height"), [(36, 10), (60, 16), (150, 45), (12, 4), (1, 1)])
async def test_map_and_scan_fit_any_size(width: int, height: int) -> None:
    async with open_lab() as lab:
        run = await open_view(lab)
        view = lab.app.main_screen.panes.inspect.view
        assert view is not None
        for response in (
            make_response(run, slice=valley()),
            make_response(run, scan=scan()),
            make_response(run, note="No."),
        ):
            grid = view.draw_response(response, width, height)
            assert (grid.width, grid.height) == (width, height)
            assert any(glyph.strip() for row in grid.rows for glyph, _ in row) or width < 8


@pytest.mark.parametrize(("width", "height"), [(36, 10), (76, 34)])
async def test_without_colors_digits_draw_the_contours(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUILAB_GLYPHS", "ascii")
    async with open_lab() as lab:
        run = await open_view(lab)
        view = lab.app.main_screen.panes.inspect.view
        assert view is not None
        grid = view.draw_response(make_response(run, slice=valley()), width, height)

        text = "".join(glyph for row in grid.rows for glyph, _ in row)
        assert text.isascii()
        assert all(str(level) in text for level in range(LEVELS))
        assert "% now 0.8" in text and "v lowest 0.05" in text


async def test_keys_request_other_slices_and_only_what_is_displayed() -> None:
    async with open_lab() as lab:
        run = await open_view(lab)
        await lab.press("plus", "plus", "minus", "apostrophe", "d")
        assert choice_of(lab) == LandscapeRequest(span=0.5, size=33, seed=1)
        await lab.press("p", "semicolon", "semicolon", "semicolon", "a")
        assert choice_of(lab) == LandscapeRequest(
            span=0.5, size=9, seed=1, plane="path", refresh_count=1
        )

        await lab.press("o", "v")
        assert choice_of(lab).direction == "optimizer"  # a slice goes along nothing
        await lab.press("o", "plus")
        assert choice_of(lab).direction == "gradient" and choice_of(lab).span == 0.5
        await lab.play(make_response(run, slice=valley()))
        assert lab.link.sent[-1] == Inspect(choice_of(lab))


async def test_requests_are_repeated_until_everything_is_evaluated() -> None:
    async with open_lab() as lab:
        run = await open_view(lab)
        counts = [len(lab.link.commands(Inspect))]
        for evaluations in (25, 49):
            await lab.play(make_response(run, slice=valley(stride=2), evaluations=evaluations))
            await lab.wait_for_text(f"{evaluations} of 81 evaluations")
            counts.append(len(lab.link.commands(Inspect)))
        await lab.play(make_response(run, slice=valley()))
        counts.append(len(lab.link.commands(Inspect)))

        assert counts == [counts[0], counts[0] + 1, counts[0] + 2, counts[0] + 2]


async def test_an_outdated_slice_shows_how_to_refresh_it() -> None:
    async with open_lab() as lab:
        run = await open_view(lab)
        path = [(0, -0.8, 0.4), (100, 0.0, 0.0), (250, 0.4, 0.0)]
        await lab.play(make_response(run, slice=valley(path=path), present=250))

        await lab.wait_for_text("step 100, now at 250 (a: refresh)", "+ middle 0.8")


async def test_a_key_switches_between_linear_and_log_scale() -> None:
    async with open_lab() as lab:
        run = await open_view(lab)
        await lab.play(make_response(run, slice=valley()))
        assert "log scale" in lab.text
        await lab.press("l")
        assert "log scale" not in lab.text
        await lab.press("l")
        assert "log scale" in lab.text


def test_unknown_points_take_the_level_of_the_nearest_known_one() -> None:
    full, coarse = HeightMap(valley(17).losses, 17), HeightMap(valley(17, stride=4).losses, 17)

    assert coarse.level(0.0, 0.0) == full.level(0.0, 0.0) == LEVELS - 1
    assert abs(coarse.level(0.75, 0.5) - full.level(0.75, 0.5)) <= 1
    single = HeightMap([nan] * 40 + [0.5] + [nan] * 40, 9)
    assert {single.level(x / 4, y / 4) for x in range(5) for y in range(5)} == {0}


def test_levels_divide_the_losses_evenly_without_those_that_are_not_finite() -> None:
    losses = [float(number) for number in range(25)]
    losses[4] = inf
    heights = HeightMap(losses, 5, is_log=False)

    assert [heights.level_start(level) for level in (0, 5, 10)] == [0, 12, 24]
    assert heights.level(0, 0) == 0 and heights.level(1, 1) == LEVELS - 1
    assert heights.level(1, 0) == -1 and heights.has_holes
    powers = HeightMap([10.0 ** (index % 3 - 1) for index in range(9)], 3)
    assert powers.is_log and powers.level_start(5) == pytest.approx(1)


def test_a_scan_finds_the_best_rate_and_the_first_harmful_one() -> None:
    summary = summarize_scan(scan())

    assert summary.best == (0.1, 0.5)
    assert summary.harmful_from == pytest.approx(10 ** (-1 + 0.5 / 2.5))
    never = summarize_scan(scan(losses=[1, 1, 1.1, 2, 3, 4, 5, 6, inf]))
    assert never.best is None and never.harmful_from is None
    text = " ".join(
        describe_scan(
            make_response("run", scan=scan(losses=[1.0] * 8 + [inf])), scan(losses=[1.0] * 9)
        )
    )
    assert "No rate lowers the loss" in text


async def test_a_graph_is_no_training_example() -> None:
    async with open_lab(size=(160, 45)) as lab:
        run = await open_view(lab)
        await lab.play(replace(make_response(run, slice=valley()), examples=1))
        await lab.wait_for_text("on the graph")
        assert "1 training example" not in lab.text


async def test_a_view_that_waits_for_its_response_does_not_ask_to_start_training() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await open_view(lab)
        await lab.wait_for_text("It is being computed.")
        assert "Press space to start training" not in lab.text
