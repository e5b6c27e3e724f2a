"""The view of a layer: what the keys request, and what is drawn of the response."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from textual.geometry import Size

from tests.support.draw_styles import ASCII_COLORED, ASCII_ONLY, COLORED, COLORLESS
from tests.support.fake_link import training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.histograms import BINS
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    Histogram,
    HistogramHistory,
    HistogramRow,
    LayerRequest,
    LayerResponse,
    Projection,
    TensorStats,
    Tiles,
)
from tuilab.core.protocol.inspect.quantization import STEPS, ZERO
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.terminal.glyphs import ASCII, UNICODE
from tuilab.ui.views.layer.draw_heat_grid import _format_to_fit, merge_blocks, orient
from tuilab.ui.views.layer.draw_layer import draw_layer
from tuilab.ui.views.layer.draw_projection import choose_letters
from tuilab.ui.views.layer.layer_view import LayerView

LAYERS = ["1 Linear", "Tanh after 1 Linear", "2 Linear"]


pytestmark = pytest.mark.usefixtures("no_lag")


def heat(rows: int, columns: int, **fields: Any) -> HeatMap:
    """Numbers from -1 up to 1, row by row."""
    count = rows * columns
    numbers = [2 * index / max(1, count - 1) - 1 for index in range(count)]
    exact = numbers if count <= 64 else []
    bytes_ = bytes(round(number * STEPS) + ZERO for number in numbers)
    axes = {"row_axis": "units", "column_axis": "inputs"}
    fields = {"full_size": (rows, columns), "exact_values": exact, **axes, **fields}
    return HeatMap(columns, rows, bytes_, 1.0, **fields)


STATISTICS = TensorStats(
    [16, 8],
    2.5,
    0.125,
    0.5,
    -1.0,
    1.0,
    0.25,
    total_units=16,
    zero_units=3,
    effective_rank=5.5,
    max_rank=8,
)

POINTS = [(x / 10, (x * 7 % 20) / 10, x % 3) for x in range(20)]

PICTURES: dict[str, Any] = {
    "map": heat(16, 8),
    "filters": Tiles([heat(3, 3, caption=str(n)) for n in range(8)], 8, "filter"),
    "histogram": Histogram([n % 12 for n in range(BINS)], -1.5, 2.5),
    "time": HistogramHistory(
        [HistogramRow(n, n, -1.0, 1.0 + n, [1 / BINS] * BINS) for n in range(1, 30)]
    ),
    "attention": Tiles(
        [heat(6, 6, caption=f"head {n}", is_fraction=True, row_names=list("attend"),
              column_names=list("attend"))
         for n in range(2)], 2, "head",
    ),
    "plane": Projection(POINTS, ["cat", "dog", "cow"], (0.7, 0.2), "examples"),
}  # fmt: skip


def make_response(
    kind: str = "map", run: str = "a", step: int = 100, **fields: Any
) -> LayerResponse:
    """Builds a response for the first layer."""
    return LayerResponse(
        run, step,
        **{
            "layer": "1 Linear", "quantity": "weights", "kind": kind, "layers": LAYERS,
            "kinds": ["map", "histogram", "time"] if kind in ("map", "histogram", "time")
            else [kind, "map"],
            "parameter": "weight", "parameters": ["weight", "bias"], "statistics": STATISTICS,
            "picture": PICTURES.get(kind), **fields,
        },
    )  # fmt: skip


def text(cells: CellBuffer) -> str:
    """Returns a drawing without its colors."""
    return "\n".join("".join(glyph for glyph, _ in row) for row in cells.rows)


def draw_text(
    response: LayerResponse, size: tuple[int, int] = (74, 24), style: DrawStyle = COLORLESS
) -> str:
    return text(draw_layer(response, size, style)[0])


async def open_view(lab: Lab) -> LayerView:
    """Opens the view of a paused run, with a response."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6")
    view = lab.app.main_screen.panes.inspect.view
    assert isinstance(view, LayerView)
    await lab.play(make_response(run=run))
    return view


def last_request(lab: Lab) -> LayerRequest:
    """Returns the last request."""
    request = lab.link.commands(Inspect)[-1].request
    assert isinstance(request, LayerRequest)
    return request


# --- keys


async def test_arrows_choose_the_layer_and_the_quantity_and_v_the_plot() -> None:
    async with open_lab() as lab:
        await open_view(lab)
        await lab.press("down", "right", "v")
        await lab.play()
        request = last_request(lab)
        assert (request.layer, request.quantity, request.kind) == (
            "Tanh after 1 Linear", "gradients", "histogram",
        )  # fmt: skip

        await lab.press("up", "up", "left", "left")
        await lab.play()
        assert (last_request(lab).layer, last_request(lab).quantity) == ("2 Linear", "activations")


async def test_w_chooses_the_bias_and_another_layer_begins_with_its_weight() -> None:
    async with open_lab() as lab:
        await open_view(lab)
        await lab.press("w")
        await lab.play()
        assert last_request(lab).parameter == 1
        await lab.press("end")
        await lab.play()
        assert (last_request(lab).parameter, last_request(lab).layer) == (0, "2 Linear")


async def test_semicolon_and_apostrophe_go_through_the_examples() -> None:
    async with open_lab() as lab:
        view = await open_view(lab)
        response = make_response(
            run=lab.link.run, quantity="activations", example=0, examples=64, total_examples=100
        )
        await lab.play(response)
        await lab.wait_for_text("examples 1–64 of 100")
        await lab.press("apostrophe")
        assert view.choice.example == 64
        await lab.press("apostrophe")
        assert view.choice.example == 0
        await lab.press("semicolon")
        assert view.choice.example == 64


async def test_keys_that_would_do_nothing_are_not_offered() -> None:
    async with open_lab(size=(160, 45)) as lab:
        await open_view(lab)
        await lab.wait_for_text("weight or bias")
        assert ", . example" not in lab.text
        await lab.play(
            make_response(
                run=lab.link.run,
                parameters=[],
                quantity="activations",
                examples=1,
                total_examples=9,
            )
        )
        await lab.wait_for_text("example")
        assert "weight or bias" not in lab.text


async def test_a_layer_of_the_list_is_chosen_by_the_mouse() -> None:
    async with open_lab(size=(160, 45)) as lab:
        view = await open_view(lab)
        await lab.press("f")
        await lab.play(make_response(run=lab.link.run, step=101))
        await lab.pilot.click(LayerView, offset=(8, 2))
        assert view.choice.layer == "2 Linear"


async def test_the_map_is_requested_in_the_size_of_the_view() -> None:
    async with open_lab() as lab:
        view = await open_view(lab)
        assert (last_request(lab).width, last_request(lab).height) == (
            view.size.width,
            2 * view.size.height,
        )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["map", "plane"])
async def test_the_screen(kind: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with open_lab(size=size) as lab:
        view = await open_view(lab)
        await lab.play(make_response(kind, run=lab.link.run))
        lines = [strip.text.rstrip() for strip in view._strips]
        assert "\n".join(lines) + "\n" == snapshot


# --- drawing


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("style", [COLORED, COLORLESS, ASCII_COLORED, ASCII_ONLY])
def test_every_picture_is_drawn_in_every_size(kind: str, style: DrawStyle) -> None:
    for size in ((36, 10), (38, 20), (78, 20), (95, 30), (150, 45), (20, 6), (5, 3), (1, 1)):
        result = draw_text(make_response(kind), size, style)
        if style is ASCII_ONLY:
            assert result.isascii(), [glyph for glyph in result if not glyph.isascii()]
        if size[0] >= 36:
            assert "1 Linear" in result and "norm 2.5" in result.replace("\n", " ")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 90), st.integers(1, 120), st.integers(1, 45))
def test_a_map_of_any_shape_fits_any_size(rows: int, columns: int, width: int, height: int) -> None:
    response = make_response(
        picture=heat(rows, columns, row_names=["x"] * rows, column_names=["y"] * columns)
    )
    for style in (COLORED, COLORLESS):
        draw_text(response, (width, height), style)


def test_statistics_are_written_out() -> None:
    result = draw_text(make_response(quantity="activations", parameters=[]), (74, 30))
    for words in ("16×8", "zeros 25.0%", "dead units 3 of 16", "effective rank 5.5 of 8"):
        assert words in result
    assert "units without gradient 3 of 16" in draw_text(
        make_response(quantity="gradients"), (74, 30)
    )
    ratio = replace_statistics(update_ratio=0.002, zero_units=0)
    assert "update/weights 0.002" in draw_text(
        make_response(quantity="updates", statistics=ratio), (74, 30)
    )


def replace_statistics(**changes: Any) -> TensorStats:
    """The statistics of these tests, with some changed."""
    return msgspec.structs.replace(STATISTICS, **changes)


def test_numbers_are_written_into_cells_that_are_large_enough() -> None:
    result = draw_text(make_response(picture=heat(2, 3)), (74, 24))
    for number in ("-1", "-0.6", "0.2", "0.6"):
        assert number in result


def test_negative_values_are_distinguished_without_color() -> None:
    shaded = draw_text(make_response(picture=heat(30, 60, exact_values=[])), (74, 40)).splitlines()
    body = [line for line in shaded if set(line) & set("░▒▓█=-") and "norm" not in line][1:-1]
    assert set(body[0]) <= set("=- ") and set(body[-1]) <= set("░▒▓█ ")
    colored = draw_text(make_response(picture=heat(30, 60, exact_values=[])), (74, 40), COLORED)
    assert "+" in colored and " - " in colored.replace("▀", " ")


def test_values_that_are_not_finite_are_marked() -> None:
    broken = HeatMap(2, 1, bytes([0, 255]), 1.0, (1, 2))
    assert UNICODE.gap in draw_text(make_response(picture=broken), style=COLORED)
    assert ASCII.gap in draw_text(make_response(picture=broken), style=ASCII_ONLY)


def test_a_block_shows_its_largest_absolute_value() -> None:
    numbers = bytes([ZERO, 255, ZERO, 1, ZERO, ZERO, ZERO, 0])
    assert merge_blocks(numbers, 4, 2, 2) == ((1.0, -1.0), (0.0, None))


def test_a_tall_narrow_map_is_transposed() -> None:
    tall = heat(32, 2, column_names=["x1", "x2"])
    flat = orient(tall, Size(74, 15), has_color=True)
    assert (flat.width, flat.height, flat.row_names, flat.row_axis) == (
        32,
        2,
        ["x1", "x2"],
        "inputs",
    )
    assert merge_blocks(flat.values, 32, 32, 2)[1][3] == merge_blocks(tall.values, 2, 2, 32)[3][1]
    assert orient(heat(4, 8), Size(74, 15), has_color=True).width == 8


def test_letters_are_initials_where_all_initials_differ() -> None:
    assert choose_letters(["cat", "dog", "cow"]) == ["a", "b", "c"]
    assert choose_letters(["cat", "dog"]) == ["c", "d"]
    result = draw_text(make_response("plane"))
    assert "a cat" in result and "c cow" in result and "70% of the variance across" in result


def test_one_histogram_explains_how_more_come_and_a_note_is_shown() -> None:
    single = HistogramHistory([HistogramRow(1, 1, 0.0, 1.0, [1 / BINS] * BINS)])
    assert "One histogram so far" in draw_text(make_response("time", picture=single))
    empty = make_response(
        picture=None, statistics=None, kinds=[], kind="", note="It has no weights."
    )
    assert "It has no weights." in draw_text(empty)


def test_a_history_omits_outliers() -> None:
    fractions = [0.001] + [0.0] * (BINS - 3) + [0.5, 0.499]
    row = HistogramRow(1, 1, -float(BINS), 0.0, fractions)
    result = draw_text(make_response("time", picture=HistogramHistory([row, row])))
    assert " -2 " in result and "-48" not in result


def test_the_legend_keeps_how_many_values_a_cell_stands_for() -> None:
    big = heat(64, 200, full_size=(640, 2000))
    for width in (40, 60, 74, 120):
        last = draw_text(make_response(picture=big), (width, 24)).rstrip().splitlines()[-1]
        assert "largest of 10×10" in last


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1.48, "-1.5"),
        (-0.0001, "~0"),
        (0.0, "0"),
        (-0.012, "-.01"),
        (-1.5e-9, "~0"),
        (123456, "123k"),
    ],
)
def test_a_number_keeps_its_meaning_in_four_cells(value: float, text: str) -> None:
    assert _format_to_fit(value, 4) == text


def test_all_filters_are_drawn_where_they_fit() -> None:
    tiles = Tiles([heat(3, 3, caption=str(n)) for n in range(16)], 16, "filter")
    assert "16 filters" in draw_text(make_response("filters", picture=tiles), (74, 24))
