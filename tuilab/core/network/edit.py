"""Edits of a network's lines; each returns a new network."""

from collections.abc import Container, Iterator
from typing import Any

from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.errors import InputError
from tuilab.core.network.line import Line
from tuilab.core.network.parse import WORD_PATTERN, parse
from tuilab.core.network.plan import LinePath
from tuilab.core.network.registry import BLOCKS, LAYERS
from tuilab.core.network.torch_code import read_code

Network = tuple[Line, ...]


def parse_typed_line(text: str, before: Line = "") -> Line:
    """Returns the line or block that typed text turns an existing one into."""
    if (code := read_code(text)) is not None and not isinstance(before, tuple):
        return code
    name, _, rest = text.strip().partition(" ")
    known = {layer.lower(): layer for layer in LAYERS}
    name = known.get(name.lower(), name)
    text = f"{name} {rest.strip()}".strip()
    if isinstance(before, tuple):
        return (text, *before[1:])
    return (text,) if name in BLOCKS else text


def path_below(path: LinePath) -> LinePath:
    """Returns the path right below a line or block, at the same depth."""
    return (*path[:-1], path[-1] + 1)


def duplicate_line(network: Network, path: LinePath) -> Network:
    """Returns the network with the line or block at a path twice in a row."""
    return insert_line(network, path_below(path), get_line(network, path))


def unwrap_block(network: Network, path: LinePath) -> Network:
    """Returns the network with a block replaced by its contents."""
    block = get_line(network, path)
    network = remove_line(network, path)
    for line in reversed(block[1:]):
        network = insert_line(network, path, line)
    return network


def toggle_frozen(network: Network, path: LinePath) -> Network:
    """Freezes or unfreezes a layer or block; raises InputError where there are no weights."""
    line = get_line(network, path)
    head = str(line[0] if isinstance(line, tuple) else line)
    words = [word for word in WORD_PATTERN.findall(head) if not word.startswith("frozen=")]
    if not parse(head).frozen:
        words.append("frozen=true")
    text = " ".join(words)
    parse(text)
    return replace_line(network, path, (text, *line[1:]) if isinstance(line, tuple) else text)


def move_line(
    network: Network, path: LinePath, direction: int, folded: Container[LinePath] = ()
) -> tuple[Network, LinePath]:
    """Moves a line one row down (1) or up (-1), into open blocks and out of them.

    Moving it back returns the same network. At the ends nothing changes.
    """
    parent, index = path[:-1], path[-1]
    siblings: Any = get_line(network, parent)
    line, first = siblings[index], 1 if parent else 0
    beside = index + direction
    if first <= beside < len(siblings):
        neighbor = (*parent, beside)
        if isinstance(siblings[beside], tuple) and siblings[beside] and neighbor not in folded:
            target = (*parent, index, 1) if direction > 0 else (*neighbor, len(siblings[beside]))
        else:
            target = neighbor
    elif parent:
        target = path_below(parent) if direction > 0 else parent
    else:
        return network, path
    return insert_line(remove_line(network, path), target, line), target


def iter_blocks(network: Network, path: LinePath = ()) -> Iterator[tuple[LinePath, Line]]:
    """Yields every block with its path, outer ones first."""
    for index, line in enumerate(network):
        if isinstance(line, tuple):
            yield (*path, index), line
            yield from iter_blocks(line, (*path, index))


def dropout_probabilities(network: Network) -> list[float]:
    """Returns the probability of every valid Dropout line, from top to bottom."""
    probabilities: list[float] = []
    for line in network:
        layer = _parse_dropout(line)
        if isinstance(line, tuple):
            probabilities.extend(dropout_probabilities(line))
        elif layer is not None:
            probabilities.append(layer.p)
    return probabilities


def set_dropout(network: Network, p: float) -> Network:
    """Returns the network with a new probability in every Dropout line."""
    return tuple(
        set_dropout(line, p)
        if isinstance(line, tuple)
        else f"Dropout {p!r}"
        if _parse_dropout(line) is not None
        else line
        for line in network
    )


def _parse_dropout(line: Line) -> Dropout | None:
    try:
        layer = parse(line) if isinstance(line, str) else None
    except InputError:
        return None
    return layer if isinstance(layer, Dropout) else None


def get_line(network: tuple[Line, ...], path: LinePath) -> Line:
    """Returns the line or block at a path."""
    line: Line = network
    for index in path:
        line = line[index]
    return line


def replace_line(network: tuple[Line, ...], path: LinePath, line: Line) -> tuple[Line, ...]:
    """Returns the network with another line at a path."""
    return _splice(network, path, 1, (line,))


def insert_line(network: tuple[Line, ...], path: LinePath, line: Line) -> tuple[Line, ...]:
    """Returns the network with a line inserted before a path."""
    return _splice(network, path, 0, (line,))


def remove_line(network: tuple[Line, ...], path: LinePath) -> tuple[Line, ...]:
    """Returns the network without the line or block at a path."""
    return _splice(network, path, 1, ())


def _splice(
    network: tuple[Line, ...], path: LinePath, count: int, lines: tuple[Line, ...]
) -> tuple[Line, ...]:
    index, *deeper = path
    if not deeper:
        return network[:index] + lines + network[index + count :]
    inner = network[index]
    assert isinstance(inner, tuple), "a path leads through blocks"
    return (*network[:index], _splice(inner, tuple(deeper), count, lines), *network[index + 1 :])
