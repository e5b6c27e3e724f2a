"""The computational graph of a step, node by node, from the loss back."""

from math import isnan, nan

from rich.cells import cell_len

from tuilab.core.protocol.inspect.backprop_messages import BackpropResponse, Edge, Node
from tuilab.ui.plot.legend import say
from tuilab.ui.views.backprop.draw_table import NO_NUMBER, NUMBER, Box, Pen, number

NAME = 22
"""Cells of an operation's name."""

LAYER = 16
"""Cells of the layer that it belongs to, where there is room."""

COLUMNS = ("value", "upstream", "local", "product")


def draw_graph(pen: Pen, seen: BackpropResponse, node: int, row: int, box: Box) -> None:
    """Draw the nodes around the chosen one, and below them what the chosen one does.

    Args:
        row: which element of every node; of one that has fewer, the last.
    """
    if not seen.nodes:
        say(pen.grid, "No gradient flows here, so autograd has kept no graph.", pen.label)
        return
    node = max(0, min(node, len(seen.nodes) - 1))
    detail = min(2 + len(seen.nodes[node].edges), max(0, box.height // 2 - 1))
    rows = max(0, box.height - detail - 2)
    columns = list(COLUMNS)
    is_wide = box.width >= NAME + LAYER + NUMBER * len(columns)
    names = NAME + (LAYER if is_wide else 0)
    while len(columns) > 1 and names + NUMBER * len(columns) > box.width:
        names, columns = (names - 4, columns) if names > NAME - 8 else (names, columns[1:])
    for place, name in enumerate(columns):
        x = box.x + names + NUMBER * place + NUMBER - 1 - cell_len(name)
        pen.write(x, box.y, name, pen.label, NUMBER)
    pen.write(box.x, box.y, f"element {row + 1}", pen.strong, names - 1)
    first = max(0, min(node - rows // 2, len(seen.nodes) - rows))
    for line, at in enumerate(range(first, min(len(seen.nodes), first + rows))):
        one, y, is_here = seen.nodes[at], box.y + 1 + line, at == node
        style = pen.strong if is_here else pen.label
        pen.name(box.x, y, called(one), style, min(names, NAME) - 1, is_here=is_here)
        if is_wide:
            about = one.layer or one.about
            pen.write(box.x + NAME, y, about, style, LAYER - 1)
        found = numbers(one, row)
        for place, name in enumerate(columns):
            value = found[name]
            text = NO_NUMBER if isnan(value) else number(value)
            x = box.x + names + NUMBER * place
            pen.number(x, y, 0.0 if isnan(value) else value, text, is_here=is_here)
    below = Box(box.x, box.y + box.height - detail, box.width, detail)
    for line, text in enumerate(explained(seen, node, row)[:detail]):
        pen.write(below.x, below.y + line, text, pen.label, below.width)


def called(node: Node) -> str:
    """An operation's short name; a parameter by its own."""
    name = node.name.rpartition("::")[2]
    if name == "AccumulateGrad":
        return node.about or "parameter"
    return name.removesuffix("0").removesuffix("1").removesuffix("Backward")


def numbers(node: Node, row: int) -> dict[str, float]:
    """What stands in its row."""
    edge = main(node)
    return {
        "value": _at(node.value, row),
        "upstream": _at(node.upstream, row),
        "local": nan if edge is None else _at(edge.local, row),
        "product": nan if edge is None else _at(edge.product, row),
    }


def main(node: Node) -> Edge | None:
    """The way on that the numbers take: to what is computed rather than to a parameter."""
    ways = [edge for edge in node.edges if edge.product]
    weighed = [edge for edge in ways if edge.weights]
    return next(iter(weighed or ways), None)


def _at(values: list[float], row: int) -> float:
    return values[min(row, len(values) - 1)] if values else nan


def explained(seen: BackpropResponse, place: int, row: int) -> list[str]:
    """Lines on the chosen node: where each of its products goes."""
    node = seen.nodes[place]
    shape = "×".join(map(str, node.shape)) or "one number"
    what = f"{node.name.rpartition('::')[2]}  {shape}"
    if node.layer:
        what += f", the output of {node.layer}"
    if not node.edges:
        return [what, f"Here the gradient arrives: {number(_at(node.upstream, row))}."]
    lines = [what]
    for edge in node.edges:
        if edge.to < 0 and not edge.product:
            continue
        target = called(seen.nodes[edge.to]) if edge.to >= 0 else "what is not told"
        lines.append(f"→ {target}: {_way(node, edge, row)}")
    return lines


def _way(node: Node, edge: Edge, row: int) -> str:
    up, product = _at(node.upstream, row), _at(edge.product, row)
    if edge.weights:
        weights = edge.weights[min(row, len(edge.weights) - 1)]
        told = " ".join(number(weight) for weight in weights[:4])
        first = number(_at(edge.product, 0))
        return f"{number(up)} goes back along the weights {told} …; with all units {first} …"
    local = _at(edge.local, row)
    if not isnan(local):
        return f"{number(up)} · {number(local)} = {number(product)}"
    return "nothing comes back" if isnan(product) else f"product {number(product)}"
