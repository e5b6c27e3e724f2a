"""A layer as a drawing: which layer, its statistics, and its values."""

import msgspec
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.core.protocol.inspect.layer_messages import (
    QUANTITIES,
    HeatMap,
    Histogram,
    HistogramHistory,
    LayerResponse,
    Projection,
    Tiles,
)
from tuilab.ui.canvas.cell_buffer import CellBuffer, find_first_visible, truncate
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells, draw_note
from tuilab.ui.views.layer.draw_heat_grid import draw_heat_grid, draw_heat_scale, orient
from tuilab.ui.views.layer.draw_histograms import draw_histogram, draw_history
from tuilab.ui.views.layer.draw_projection import draw_legend, draw_projection
from tuilab.ui.views.layer.draw_tiles import draw_tiles
from tuilab.ui.views.layer.layer_text import (
    KIND_TITLES,
    describe_cells,
    describe_statistics,
    describe_subject,
)

LISTED_FROM = (92, 14)
"""From this size on, a list at the left has all layers."""

MAX_LIST_WIDTH = 28

FIRST_HISTOGRAM = "One histogram so far: each step adds another (space trains, s takes one step)."

HISTOGRAM_LEGEND = "height: fraction of the values; across: value"

HISTORY_LEGEND = "stronger: more of the values; up: value, without the outermost 0.5%"


def draw_layer(
    response: LayerResponse, size: tuple[int, int], style: DrawStyle
) -> tuple[CellBuffer, list[str]]:
    """Draws a response in a size.

    Returns: the drawing, and the layers in the rows of its list, to click on.
    """
    cells = StyledCells(size, style)
    if cells.width < LISTED_FROM[0] or cells.height < LISTED_FROM[1]:
        _draw_subject(cells, response, is_listed=False)
        return cells, []
    list_width = measure_list(response)
    layer = StyledCells((cells.width - list_width - 1, cells.height), style)
    _draw_subject(layer, response, is_listed=True)
    cells.paste(list_width + 1, 0, layer)
    return cells, _draw_list(cells, response, list_width)


def measure_list(response: LayerResponse) -> int:
    """Returns the columns of the list of layers, with the line at its right."""
    longest = max((cell_len(_list_label(label)) for label in response.layers), default=0)
    return min(MAX_LIST_WIDTH, longest + 4)


def _draw_subject(cells: StyledCells, response: LayerResponse, *, is_listed: bool) -> None:
    """Draws all but the list."""
    style, y = cells.style, 0
    if not is_listed:
        layers = response.layers
        number = layers.index(response.layer) + 1 if response.layer in layers else 0
        position = f"  {number} of {len(layers)}"
        label = style.truncate(response.layer, cells.width - len(position))
        cells.write(cells.write(0, y, label, style.title), y, position)
        y += 1
    subject = describe_subject(response)
    _draw_choices(cells, y, list(QUANTITIES), response.quantity, "" if is_listed else subject)
    y += 1
    if response.kinds:
        titles, title = [KIND_TITLES[k] for k in response.kinds], KIND_TITLES[response.kind]
        _draw_choices(cells, y, titles, title, subject if is_listed else "")
        y += 1
    y = _draw_statistics(cells, y, response)
    if response.picture is None:
        size = (cells.width, cells.height - y)
        cells.paste(0, y, draw_note(style.spell(response.note), size, style))
    else:
        _draw_body(cells, y, response)


# --- choices --------------------------------------------------------------------------------------


def _draw_list(cells: StyledCells, response: LayerResponse, width: int) -> list[str]:
    """Draws the layers around the chosen one, and returns them."""
    layers, style, rows = response.layers, cells.style, cells.height
    selected = layers.index(response.layer) if response.layer in layers else 0
    first = find_first_visible(selected, rows, len(layers))
    visible = layers[first : first + rows]
    for row, label in enumerate(visible):
        is_chosen = first + row == selected
        text = f"{style.glyphs.arrow if is_chosen else ' '} {_list_label(label)}"
        label_style = style.title if is_chosen else style.muted
        cells.write_truncated(0, row, text, width - 2, label_style)
    cells.write_lines(width - 1, 0, [style.glyphs.vertical] * rows)
    return visible


def _draw_choices(cells: StyledCells, y: int, names: list[str], selected: str, tail: str) -> None:
    """Draws all choices, the current one in reverse; only that one in a narrow drawing."""
    is_alone = sum(cell_len(name) + 2 for name in names) > cells.width
    x = 0
    for number, name in enumerate(names, 1):
        if name == selected:
            position = f" {number}/{len(names)}" if is_alone else ""
            x = cells.write(x, y, f" {name} ", cells.style.title + Style(reverse=True))
            x = cells.write(x, y, position, cells.style.title)
        elif not is_alone:
            x = cells.write(x, y, f" {name} ")
    tail = cells.style.spell(tail)
    if x + 1 + cell_len(tail) <= cells.width:
        cells.write_left_of(cells.width, y, tail)


def _draw_statistics(cells: StyledCells, y: int, response: LayerResponse) -> int:
    """Draws lines of statistics, and returns the row after them."""
    last = y + (1 if cells.height < 14 else 2 if cells.height < 22 else 4)
    x = 0
    for piece in describe_statistics(response):
        text = cells.style.spell(piece)
        if x and x + cell_len(text) > cells.width:
            x, y = 0, y + 1
        if y >= last:
            return last
        x = cells.write(x, y, truncate(text, cells.width, "")) + 3
    return y + bool(x)


# --- values ---------------------------------------------------------------------------------------


def _draw_body(cells: StyledCells, top: int, response: LayerResponse) -> None:
    style, bottom = cells.style, cells.height - 1
    picture = response.picture
    is_first = isinstance(picture, HistogramHistory) and len(picture.rows) < 2
    note = style.spell(FIRST_HISTOGRAM if is_first else response.note)
    if note and cells.height >= 12:
        bottom -= 1
        cells.write_truncated(0, bottom, note, cells.width)
    gap = bottom - top > 12
    region = Region(0, top + gap, cells.width, max(1, bottom - top - gap))
    if isinstance(picture, HeatMap) and response.quantity != "activations":
        picture = orient(picture, region.size, has_color=style.has_color)
        response = msgspec.structs.replace(response, picture=picture)
    _draw_picture(cells, region, response)


def _draw_picture(cells: StyledCells, region: Region, response: LayerResponse) -> None:
    """Draws the values, and below them what their colors and letters mean."""
    y = cells.height - 1
    match response.picture:
        case HeatMap() as heat_map:
            draw_heat_grid(cells, region, heat_map)
            draw_heat_scale(cells, y, heat_map, describe_cells(response))
        case Tiles() as tiles:
            count = draw_tiles(cells, region, tiles)
            if tiles.tiles:
                draw_heat_scale(cells, y, tiles.tiles[-1], describe_cells(response, count))
        case Histogram() as histogram:
            draw_histogram(cells, region, histogram)
            cells.write(0, y, HISTOGRAM_LEGEND)
        case HistogramHistory() as history:
            draw_history(cells, region, history)
            cells.write(0, y, HISTORY_LEGEND)
        case Projection() as projection:
            draw_projection(cells, region, projection)
            draw_legend(cells, y, projection)


def _list_label(label: str) -> str:
    """Returns a label for the list, where the layer above shows what it comes after."""
    name, after, _ = label.partition(" after ")
    if not after:
        return label
    number = label.rpartition(" #")[2] if " #" in label else ""
    return f"  {name}{f' #{number}' if number else ''}"
