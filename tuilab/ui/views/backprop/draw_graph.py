"""The computational graph of a step, node by node, from the loss back."""

from math import isnan, nan

from textual.geometry import Region

from tuilab.core.protocol.inspect.backprop_messages import BackpropResponse, Edge, Node
from tuilab.ui.canvas.cell_buffer import find_first_visible
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.backprop.draw_table import (
    NO_NUMBER,
    NUMBER_WIDTH,
    draw_column_names,
    draw_numbers,
    draw_row_name,
    fit_formula,
    format_to_column,
)

NAME_WIDTH = 22
"""Cells of an operation's name."""

LAYER_WIDTH = 16
"""Cells of the layer that it belongs to, where there is room."""

COLUMNS = ("value", "upstream", "local", "product")


def draw_graph(
    cells: StyledCells, region: Region, response: BackpropResponse, node: int, row: int
) -> None:
    """Draws the nodes around the chosen one, and below them what the chosen one computes.

    Args:
        row: which element of every node; of one that has fewer, the last.
    """
    style, nodes = cells.style, response.nodes
    if not nodes:
        cells.write_centered("No gradient flows here, so autograd has kept no graph.")
        return
    x, y, width, height = region
    node = max(0, min(node, len(nodes) - 1))
    detail = min(2 + len(nodes[node].edges), max(0, height // 2 - 1))
    rows = max(0, height - detail - 2)
    columns = list(COLUMNS)
    is_wide = width >= NAME_WIDTH + LAYER_WIDTH + NUMBER_WIDTH * len(columns)
    names = NAME_WIDTH + LAYER_WIDTH * is_wide
    while len(columns) > 1 and names + NUMBER_WIDTH * len(columns) > width:
        if names > NAME_WIDTH - 8:
            names -= 4
        else:
            columns.pop(0)
    cells.write_truncated(x, y, f"element {row + 1}", names - 1, style.strong)
    draw_column_names(cells, x + names, y, columns)
    first = find_first_visible(node, rows, len(nodes))
    last = min(len(nodes), first + rows)
    for line, at in enumerate(range(first, last), y + 1):
        is_chosen = at == node
        name = Region(x, line, min(names, NAME_WIDTH) - 1, 1)
        draw_row_name(cells, name, name_node(nodes[at]), is_chosen)
        if is_wide:
            layer = fit_formula(nodes[at].layer or nodes[at].description, LAYER_WIDTH - 1, style)
            cells.write(x + NAME_WIDTH, line, layer, style.strong if is_chosen else style.muted)
        numbers = _numbers(nodes[at], row)[-len(columns) :]
        missing = [NO_NUMBER] * len(columns)
        draw_numbers(cells, x + names, line, numbers, missing, is_chosen)
    lines = (fit_formula(text, width, style) for text in _describe_node(response, node, row))
    cells.write_lines(x, region.bottom - detail, list(lines)[:detail])


def name_node(node: Node) -> str:
    """Returns an operation's short name; a parameter's own name."""
    name = node.name.rpartition("::")[2]
    if name == "AccumulateGrad":
        return node.description or "parameter"
    return name.removesuffix("0").removesuffix("1").removesuffix("Backward")


def _numbers(node: Node, row: int) -> list[float]:
    """Returns the numbers in the row of a node, by `COLUMNS`."""
    edge = _main_edge(node)
    local, product = ([], []) if edge is None else (edge.local, edge.product)
    return [_element(values, row) for values in (node.value, node.upstream, local, product)]


def _main_edge(node: Node) -> Edge | None:
    """Returns the edge whose numbers are shown: to an operation rather than to a parameter."""
    edges = [edge for edge in node.edges if edge.product]
    weighted = [edge for edge in edges if edge.weights]
    return next(iter(weighted or edges), None)


def _element(values: list[float], row: int) -> float:
    return values[min(row, len(values) - 1)] if values else nan


def _describe_node(response: BackpropResponse, index: int, row: int) -> list[str]:
    """Returns lines about the chosen node: where each of its products goes."""
    node = response.nodes[index]
    shape = "×".join(map(str, node.shape)) or "one number"
    title = f"{node.name.rpartition('::')[2]}  {shape}"
    if node.layer:
        title += f", the output of {node.layer}"
    if not node.edges:
        gradient = format_to_column(_element(node.upstream, row))
        return [title, f"The gradient arrives here: {gradient}."]
    lines = [title]
    for edge in node.edges:
        if edge.to < 0 and not edge.product:
            continue
        target = name_node(response.nodes[edge.to]) if edge.to >= 0 else "an input not shown"
        lines.append(f"→ {target}: {_describe_edge(node, edge, row)}")
    return lines


def _describe_edge(node: Node, edge: Edge, row: int) -> str:
    product = _element(edge.product, row)
    upstream = format_to_column(_element(node.upstream, row))
    if edge.weights:
        weights = edge.weights[min(row, len(edge.weights) - 1)]
        weights_text = " ".join(format_to_column(weight) for weight in weights[:4])
        first = format_to_column(_element(edge.product, 0))
        return f"{upstream} goes back along the weights {weights_text} …; with all units {first} …"
    local = _element(edge.local, row)
    if not isnan(local):
        return f"{upstream} · {format_to_column(local)} = {format_to_column(product)}"
    return "nothing comes back" if isnan(product) else f"product {format_to_column(product)}"
