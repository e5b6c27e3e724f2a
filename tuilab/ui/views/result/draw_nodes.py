"""A graph in character cells: nodes by their predicted class, edges as faint lines behind them."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.core.format import format_count, format_percent
from tuilab.core.protocol.inspect.result_messages import NodeGraph
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle
from tuilab.ui.canvas.lines import DOT_ROWS, Line, draw_lines
from tuilab.ui.canvas.styled_cells import StyledCells

EDGE_CELLS = 0.7
"""Cells of edges for each cell of the drawing, at most: more would hide the groups."""

FREE_CELLS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1), (2, 0))
"""Where a node is drawn, the first that is free of other nodes; else over one."""


def draw_nodes(graph: NodeGraph, size: tuple[int, int], style: DrawStyle) -> CellBuffer:
    """Draws a graph with a title and a legend."""
    cells = StyledCells(size, style)
    region = Region(0, 1, cells.width, max(0, cells.height - 2))
    if not region.area:
        return cells
    node_cells = list(_locate_nodes(graph, region))
    edges = list(_select_edges(graph.edges, node_cells, EDGE_CELLS * region.area))
    lines = [_make_line(node_cells[first], node_cells[second], style) for first, second in edges]
    draw_lines(cells, lines, is_braille=not style.is_ascii)
    # What says most is drawn last, so that it is never hidden.
    for node in sorted(range(len(node_cells)), key=lambda node: _importance(graph, node)):
        cells.put(*node_cells[node], *_node_glyph(graph, node, style))
    cells.write(0, 0, style.fit(_titles(graph, len(edges)), cells.width), style.strong)
    _draw_legend(cells, graph)
    return cells


def _locate_nodes(graph: NodeGraph, region: Region) -> Iterator[tuple[int, int]]:
    """Yields the cell of each node: one that is free, if there is one nearby."""
    occupied: set[tuple[int, int]] = set()
    for x, y in graph.positions:
        column = region.x + min(region.width - 1, max(0, int(x * region.width)))
        row = region.y + min(region.height - 1, max(0, int(y * region.height)))
        near = [(column + dx, row + dy) for dx, dy in FREE_CELLS]
        cell = next((at for at in near if region.contains(*at) and at not in occupied), near[0])
        occupied.add(cell)
        yield cell


def _select_edges(
    edges: list[tuple[int, int]], node_cells: list[tuple[int, int]], max_cells: float
) -> Iterator[tuple[int, int]]:
    """Yields edges of all lengths, evenly chosen: as many as fit into a number of cells."""
    lengths = [
        max(
            1,
            abs(node_cells[first][0] - node_cells[second][0]),
            abs(node_cells[first][1] - node_cells[second][1]),
        )
        for first, second in edges
    ]
    share = min(1.0, max_cells / max(1, sum(lengths)))
    for number, edge in enumerate(edges):
        if int((number + 1) * share) > int(number * share):
            yield edge


def _make_line(one: tuple[int, int], other: tuple[int, int], style: DrawStyle) -> Line:
    (x0, y0), (x1, y1) = sorted((one, other))
    middle = DOT_ROWS // 2
    return Line(
        x0, y0 * DOT_ROWS + middle, x1, y1 * DOT_ROWS + middle, 0.0, False, _edge_style(style)
    )


def _edge_style(style: DrawStyle) -> Style:
    if not style.has_color:
        return style.axis
    return style.muted + Style(color=style.background.blend(style.foreground, 0.25).rich_color)


def _is_wrong(graph: NodeGraph, node: int) -> bool:
    return graph.targets[node] not in (-1, int(graph.values[node]))


def _importance(graph: NodeGraph, node: int) -> tuple[bool, bool]:
    return graph.is_labeled[node], _is_wrong(graph, node)


def _node_glyph(graph: NodeGraph, node: int, style: DrawStyle) -> tuple[str, Style]:
    """Returns the marker of the predicted class, paler where it is less certain."""
    number, probability = divmod(graph.values[node], 1)
    is_held_out = not graph.is_labeled[node]
    marker = _marker(graph, int(number), style, is_held_out=is_held_out)
    if _is_wrong(graph, node):
        marker = style.glyphs.cross
    if not style.has_color:
        return marker, style.class_style(int(number))
    baseline = 1 / max(2, len(graph.matrix.classes))
    certainty = min(1.0, max(0.0, (probability - baseline) / (1 - baseline)))
    color = style.background.blend(style.class_color(int(number)), 0.4 + 0.6 * certainty)
    return marker, style.muted + Style(color=color.rich_color) + BOLD


def _marker(graph: NodeGraph, number: int, style: DrawStyle, *, is_held_out: bool) -> str:
    markers = style.glyphs.class_markers
    if len(graph.matrix.classes) <= len(markers):
        return markers[number % len(markers)][is_held_out]
    letter = chr(ord("A") + number % 26)
    return letter.lower() if is_held_out else letter


def _titles(graph: NodeGraph, edges: int) -> Iterator[str]:
    """Yields how many nodes are predicted well, and what is left out, from long to short."""
    matrix = graph.matrix
    score = f"{format_percent(matrix.accuracy)} of {format_count(matrix.total)}"
    nodes = f"{format_count(len(graph.positions))} of {format_count(graph.total_nodes)} nodes"
    counts = [nodes] if len(graph.positions) < graph.total_nodes else []
    if edges < len(graph.edges):
        counts.append(f"{format_count(edges)} of {format_count(len(graph.edges))} edges")
    scores = f"{score} held-out nodes right"
    yield f"{scores}; {' and '.join(counts)} shown" if counts else scores
    yield f"{scores}; {', '.join(counts)}" if counts else scores
    yield scores
    yield f"{score} right"


def _draw_legend(cells: StyledCells, graph: NodeGraph) -> None:
    """Draws which marker is which class, and what the others mean."""
    style, classes, row = cells.style, graph.matrix.classes, cells.height - 1
    hollow = [_marker(graph, number, style, is_held_out=True) for number in range(len(classes))]
    cross = style.glyphs.cross if any(_is_wrong(graph, n) for n in range(len(graph.values))) else ""
    tails = (
        f"{''.join(hollow[:2])} unlabeled" + (f"  {cross} wrong" if cross else ""),
        f"{cross} wrong" if cross else "",
        "",
    )
    length = sum(cell_len(name) + 4 for name in classes)
    tail = next(tail for tail in tails if not tail or length + cell_len(tail) <= cells.width)
    x = max(0, (cells.width - length - cell_len(tail)) // 2)
    for number, name in enumerate(classes):
        if x + 2 + cell_len(name) > cells.width:
            return
        marker = _marker(graph, number, style, is_held_out=False)
        x = cells.write(x, row, f"{marker} ", style.class_style(number) + BOLD)
        x = 2 + cells.write(x, row, name)
    cells.write(x, row, tail)
