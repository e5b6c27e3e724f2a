"""The view of a layer: what the keys ask for, and what is drawn of the answer."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from textual.color import Color

from tests.support.fakes import SIZES, Lab, history, lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.histograms import BINS
from tuilab.core.protocol.inspect.layer_messages import (
    STEPS,
    ZERO,
    HeatMap,
    Histogram,
    HistogramRow,
    History,
    LayerRequest,
    LayerResponse,
    Plane,
    Statistics,
    Tiles,
)
from tuilab.ui.app import TuilabApp
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.terminal.glyphs import ASCII, UNICODE, Signs
from tuilab.ui.views.layer.draw_heat_grid import turned, values
from tuilab.ui.views.layer.draw_layer import LayerPicture
from tuilab.ui.views.layer.draw_projection import letters
from tuilab.ui.views.layer.layer_view import LayerView

LAYERS = ["1 Linear", "Tanh after 1 Linear", "2 Linear"]
COLOURS = (Color(255, 128, 0), Color(0, 0, 255), Color(0, 255, 0))
BLENDED = Hues(Color(0, 0, 0), Color(255, 255, 255), COLOURS, Style(), Style(), True)
BARE = replace(BLENDED, is_blended=False)


@pytest.fixture(autouse=True)
def _no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TuilabApp, "_beat", lambda *_: None)


def heat(rows: int, columns: int, **more: Any) -> HeatMap:
    """Numbers from -1 up to 1, row by row."""
    count = rows * columns
    numbers = [2 * place / max(1, count - 1) - 1 for place in range(count)]
    exact = numbers if count <= 64 else []
    bytes_ = bytes(round(number * STEPS) + ZERO for number in numbers)
    more = {"of": (rows, columns), "exact": exact, "down": "units", "across": "inputs", **more}
    return HeatMap(columns, rows, bytes_, 1.0, **more)


STATISTICS = Statistics(
    [16, 8], 2.5, 0.125, 0.5, -1.0, 1.0, 0.25, units=16, silent=3, rank=5.5, full=8
)

POINTS = [(x / 10, (x * 7 % 20) / 10, x % 3) for x in range(20)]

PICTURES: dict[str, Any] = {
    "map": heat(16, 8),
    "filters": Tiles([heat(3, 3, caption=str(n)) for n in range(8)], 8, "filter"),
    "histogram": Histogram([n % 12 for n in range(BINS)], -1.5, 2.5),
    "time": History([HistogramRow(n, n, -1.0, 1.0 + n, [1 / BINS] * BINS) for n in range(1, 30)]),
    "attention": Tiles(
        [heat(6, 6, caption=f"head {n}", is_share=True, names=list("attend"), heads=list("attend"))
         for n in range(2)], 2, "head",
    ),
    "plane": Plane(POINTS, ["cat", "dog", "cow"], (0.7, 0.2), "examples"),
}  # fmt: skip


def seen(kind: str = "map", run: str = "a", step: int = 100, **more: Any) -> LayerResponse:
    """An answer of a layer in the middle."""
    return LayerResponse(
        run, step,
        **{
            "layer": "1 Linear", "what": "weights", "kind": kind, "layers": LAYERS,
            "kinds": ["map", "histogram", "time"] if kind in ("map", "histogram", "time")
            else [kind, "map"],
            "tensor": "weight", "tensors": ["weight", "bias"], "statistics": STATISTICS,
            "picture": PICTURES.get(kind), **more,
        },
    )  # fmt: skip


def text(grid: CellBuffer) -> str:
    """A drawing without its colours."""
    return "\n".join("".join(sign for sign, _ in row) for row in grid.cells)


def drawn(
    answer: LayerResponse,
    size: tuple[int, int] = (74, 24),
    hues: Hues = BARE,
    signs: Signs = UNICODE,
) -> str:
    return text(LayerPicture(answer, Brush(hues, signs)).draw(*size))


async def opened(it: Lab) -> LayerView:
    """A run that is paused, with the view in focus."""
    await it.press("space")
    run = it.link.run
    await it.play(*history(run, it.desk.experiment, 100), Paused(run, 100))
    await it.press("6")
    view = it.app.lab.inside.view
    assert isinstance(view, LayerView)
    await it.play(seen(run=run))
    return view


def asked(it: Lab) -> LayerRequest:
    """What was asked for last."""
    wanted = it.link.commands(Inspect)[-1].request
    assert isinstance(wanted, LayerRequest)
    return wanted


# --- keys


async def test_arrows_choose_the_layer_and_what_and_v_the_picture() -> None:
    async with lab() as it:
        await opened(it)
        await it.press("down", "right", "v")
        await it.play()
        wanted = asked(it)
        assert (wanted.layer, wanted.what, wanted.kind) == (
            "Tanh after 1 Linear", "gradients", "histogram",
        )  # fmt: skip

        await it.press("up", "up", "left", "left")
        await it.play()
        assert (asked(it).layer, asked(it).what) == ("2 Linear", "activations")


async def test_w_chooses_the_bias_and_another_layer_begins_with_its_weight() -> None:
    async with lab() as it:
        await opened(it)
        await it.press("w")
        await it.play()
        assert asked(it).tensor == 1
        await it.press("end")
        await it.play()
        assert (asked(it).tensor, asked(it).layer) == (0, "2 Linear")


async def test_comma_and_full_stop_go_through_the_examples() -> None:
    async with lab() as it:
        view = await opened(it)
        answer = seen(run=it.link.run, what="activations", example=0, examples=64, most=100)
        await it.play(answer)
        await it.shows("examples 1–64 of 100")
        await it.press("full_stop")
        assert view.choice.example == 64
        await it.press("full_stop")
        assert view.choice.example == 0
        await it.press("comma")
        assert view.choice.example == 64


async def test_keys_that_would_do_nothing_are_not_offered() -> None:
    async with lab(size=(160, 45)) as it:
        await opened(it)
        await it.shows("Weight or bias")
        assert ", . Example" not in it.text
        await it.play(seen(run=it.link.run, tensors=[], what="activations", examples=1, most=9))
        await it.shows("Example")
        assert "Weight or bias" not in it.text


async def test_a_layer_of_the_list_is_chosen_by_the_mouse() -> None:
    async with lab(size=(160, 45)) as it:
        view = await opened(it)
        await it.press("f")
        await it.play(seen(run=it.link.run, step=101))
        await it.pilot.click(LayerView, offset=(8, 2))
        assert view.choice.layer == "2 Linear"


async def test_the_map_is_asked_for_in_the_size_of_the_view() -> None:
    async with lab() as it:
        view = await opened(it)
        assert (asked(it).width, asked(it).height) == (view.size.width, 2 * view.size.height)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["map", "plane"])
async def test_the_screen(kind: str, size: tuple[int, int], screens: SnapshotAssertion) -> None:
    async with lab(size=size) as it:
        view = await opened(it)
        await it.play(seen(kind, run=it.link.run))
        lines = [strip.text.rstrip() for strip in view._strips]
        assert "\n".join(lines) + "\n" == screens


# --- what is drawn


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("hues", [BLENDED, BARE], ids=["colour", "bare"])
@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_picture_is_drawn_in_every_size(kind: str, hues: Hues, signs: Signs) -> None:
    for size in ((36, 10), (38, 20), (78, 20), (95, 30), (150, 45), (20, 6), (5, 3), (1, 1)):
        found = drawn(seen(kind), size, hues, signs)
        if signs is ASCII and hues is BARE:
            assert found.isascii(), [sign for sign in found if not sign.isascii()]
        if size[0] >= 36:
            assert "1 Linear" in found and "norm 2.5" in found.replace("\n", " ")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 90), st.integers(1, 120), st.integers(1, 45))
def test_a_map_of_any_shape_fits_any_size(rows: int, columns: int, width: int, height: int) -> None:
    answer = seen(picture=heat(rows, columns, names=["x"] * rows, heads=["y"] * columns))
    for hues in (BLENDED, BARE):
        drawn(answer, (width, height), hues)


def test_statistics_stand_in_words() -> None:
    found = drawn(seen(what="activations", tensors=[]), (74, 30))
    for words in ("16×8", "zeros 25.0%", "dead units 3 of 16", "effective rank 5.5 of 8"):
        assert words in found
    assert "units without gradient 3 of 16" in drawn(seen(what="gradients"), (74, 30))
    ratio = replace_statistics(ratio=0.002, silent=0)
    assert "update/weights 0.002" in drawn(seen(what="updates", statistics=ratio), (74, 30))


def replace_statistics(**changes: Any) -> Statistics:
    """The statistics of these tests, with some changed."""
    return msgspec.structs.replace(STATISTICS, **changes)


def test_numbers_stand_in_cells_that_are_large_enough() -> None:
    found = drawn(seen(picture=heat(2, 3)), (74, 24))
    for number in ("-1", "-0.6", "0.2", "0.6"):
        assert number in found


def test_below_zero_is_told_without_colour() -> None:
    shaded = drawn(seen(picture=heat(30, 60, exact=[])), (74, 40)).splitlines()
    body = [line for line in shaded if set(line) & set("░▒▓█=-") and "norm" not in line][1:-1]
    assert set(body[0]) <= set("=- ") and set(body[-1]) <= set("░▒▓█ ")
    coloured = drawn(seen(picture=heat(30, 60, exact=[])), (74, 40), BLENDED)
    assert "+" in coloured and " - " in coloured.replace("▀", " ")


def test_numbers_that_are_none_are_marked() -> None:
    broken = HeatMap(2, 1, bytes([0, 255]), 1.0, (1, 2))
    assert UNICODE.gap in drawn(seen(picture=broken), hues=BLENDED)
    assert ASCII.gap in drawn(seen(picture=broken), hues=BARE, signs=ASCII)


def test_a_block_shows_the_number_farthest_from_zero() -> None:
    numbers = bytes([ZERO, 255, ZERO, 1, ZERO, ZERO, ZERO, 0])
    assert values(numbers, 4, 2, 2) == ((1.0, -1.0), (0.0, None))


def test_a_tall_narrow_map_is_laid_on_its_side() -> None:
    tall = heat(32, 2, heads=["x1", "x2"])
    flat = turned(tall, (74, 15), is_blended=True)
    assert (flat.width, flat.height, flat.names, flat.down) == (32, 2, ["x1", "x2"], "inputs")
    assert values(flat.values, 32, 32, 2)[1][3] == values(tall.values, 2, 2, 32)[3][1]
    assert turned(heat(4, 8), (74, 15), is_blended=True).width == 8


def test_letters_are_the_first_of_the_name_where_no_two_share_one() -> None:
    assert letters(["cat", "dog", "cow"]) == ["a", "b", "c"]
    assert letters(["cat", "dog"]) == ["c", "d"]
    found = drawn(seen("plane"))
    assert "a cat" in found and "c cow" in found and "70% of the spread across" in found


def test_one_look_says_how_more_come_and_a_note_is_said() -> None:
    one = History([HistogramRow(1, 1, 0.0, 1.0, [1 / BINS] * BINS)])
    assert "One look so far" in drawn(seen("time", picture=one))
    bare = seen(picture=None, statistics=None, kinds=[], kind="", note="It has no weights.")
    assert "It has no weights." in drawn(bare)


def test_a_history_leaves_out_the_outermost_numbers() -> None:
    shares = [0.001] + [0.0] * (BINS - 3) + [0.5, 0.499]
    one = HistogramRow(1, 1, -float(BINS), 0.0, shares)
    found = drawn(seen("time", picture=History([one, one])))
    assert " -2 " in found and "-48" not in found
