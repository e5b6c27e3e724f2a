"""Statistics and explanations of a layer as text."""

from tuilab.core.format import format_compact, format_count, format_counted, format_percent
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    LayerResponse,
    Quantity,
    TensorStats,
    Tiles,
)

KIND_TITLES = {
    "map": "heat map", "histogram": "histogram", "time": "over time", "filters": "filters",
    "maps": "feature maps", "attention": "attention", "states": "states", "plane": "PCA",
    "": "",
}  # fmt: skip
"""The kinds of plot, as the screen calls them."""

ZERO_UNITS: dict[Quantity, str] = {
    "weights": "all-zero units", "gradients": "units without gradient",
    "updates": "unchanged units", "activations": "dead units",
}  # fmt: skip
"""What units are called whose numbers are all zero."""

TYPICAL_RATIO = "near 1e-3 is typical"


def describe_subject(response: LayerResponse) -> str:
    """Returns what the numbers are of: the parameter, or the examples."""
    if response.quantity != "activations":
        return response.parameter
    if not response.total_examples:
        return ""
    first, last = response.example + 1, response.example + response.examples
    total = format_count(response.total_examples)
    if response.examples < 2:
        return f"example {first} of {total}"
    return f"examples {first}–{last} of {total}"


def describe_statistics(response: LayerResponse) -> list[str]:
    """Returns the statistics, one piece of text each."""
    stats = response.statistics
    if stats is None:
        return []
    pieces = [
        "×".join(str(size) for size in stats.shape) or "1 number",
        f"norm {format_compact(stats.norm)}",
        *_describe_units(response.quantity, stats),
        f"mean {format_compact(stats.mean)}",
        f"std {format_compact(stats.std)}",
        f"from {format_compact(stats.min)} to {format_compact(stats.max)}",
        f"zeros {format_percent(stats.zero_fraction, 1)}",
    ]
    if stats.nonfinite_count:
        pieces.insert(0, f"{format_count(stats.nonfinite_count)} not finite")
    if stats.effective_rank is not None:
        rank = format_compact(stats.effective_rank)
        pieces.append(f"effective rank {rank} of {stats.max_rank}")
    elif stats.rank_note:
        pieces.append(f"no effective rank: {stats.rank_note}")
    return pieces


def _describe_units(quantity: Quantity, stats: TensorStats) -> list[str]:
    pieces = []
    if stats.update_ratio is not None:
        pieces.append(f"update/weights {format_compact(stats.update_ratio)} ({TYPICAL_RATIO})")
    if stats.zero_units is not None and (stats.zero_units or quantity == "activations"):
        pieces.append(f"{ZERO_UNITS[quantity]} {stats.zero_units} of {stats.total_units}")
    if stats.saturated_fraction is not None:
        pieces.append(f"saturated {format_percent(stats.saturated_fraction, 1)}")
        pieces.append(f"saturated units {stats.saturated_units or 0} of {stats.total_units}")
    return pieces


def describe_cells(response: LayerResponse, tiles_shown: int = 0) -> list[str]:
    """Returns what one cell of a heat map stands for, for the line under the plot: long, short."""
    match response.picture:
        case HeatMap() as heat_map:
            pieces, blocks = _describe_axes(heat_map), _describe_blocks(heat_map)
        case Tiles() as tiles:
            pieces = _describe_tiles(response, tiles, tiles_shown)
            blocks = _describe_blocks(tiles.tiles[-1]) if tiles.tiles else []
        case _:
            return []
    texts = [[*pieces, *blocks[:1]], [*pieces, *blocks[1:]], blocks[1:] or pieces[-1:]]
    return [", ".join(text) for text in texts]


def _describe_tiles(response: LayerResponse, tiles: Tiles, visible_count: int) -> list[str]:
    last = tiles.tiles[-1] if tiles.tiles else None
    count = visible_count - (len(tiles.tiles) > tiles.total)  # the first of them is the input
    text = format_counted(tiles.total, tiles.name)
    if count < tiles.total:
        text = f"{count} of {text}"
    pieces = [text]
    if response.kind == "attention":
        pieces.append("rows attend to columns")
    elif last is not None and ">" in last.caption:
        pieces.append("input>output channel")
    return pieces


def _describe_axes(heat_map: HeatMap) -> list[str]:
    if heat_map.row_axis:
        return [f"{heat_map.row_axis} down, {heat_map.column_axis} across"]
    return [heat_map.column_axis] if heat_map.column_axis else []


def _describe_blocks(heat_map: HeatMap) -> list[str]:
    """Returns how many values a cell stands for, in a long and a short form; empty for one."""
    if heat_map.is_whole:
        return []
    rows, columns = heat_map.full_size
    down, across = -(-rows // max(1, heat_map.height)), -(-columns // max(1, heat_map.width))
    return [f"a cell is the largest of {down}×{across}", f"largest of {down}×{across}"]
