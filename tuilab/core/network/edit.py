"""Edits of a network that move or wrap whole lines; each gives a new network."""

from collections.abc import Container, Iterator
from typing import Any

from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.errors import InputError
from tuilab.core.network.parse import WORDS, parse
from tuilab.core.network.plan import Line, Path
from tuilab.core.network.registry import BLOCKS, LAYERS

Network = tuple[Line, ...]


def typed(text: str, before: Line = "") -> Line:
    """What a typed line makes of the line or block that stands there."""
    name, _, rest = text.strip().partition(" ")
    known = {layer.lower(): layer for layer in LAYERS}
    name = known.get(name.lower(), name)
    text = f"{name} {rest.strip()}".strip()
    if isinstance(before, tuple):
        return (text, *before[1:])
    return (text,) if name in BLOCKS else text


def after(path: Path) -> Path:
    """The place right below a line or block, at the same depth."""
    return (*path[:-1], path[-1] + 1)


def duplicated(network: Network, path: Path) -> Network:
    """The network with the line or block at a path twice in a row."""
    return inserted(network, after(path), line_at(network, path))


def wrapped(network: Network, path: Path, block: str = "Residual") -> Network:
    """The network with a block around the line at a path."""
    return replaced(network, path, (block, line_at(network, path)))


def unwrapped(network: Network, path: Path) -> Network:
    """The network with the inside of a block in its place."""
    block = line_at(network, path)
    network = removed(network, path)
    for line in reversed(block[1:]):
        network = inserted(network, path, line)
    return network


def refrozen(network: Network, path: Path) -> Network:
    """The network with a layer or block frozen, or thawed; InputError where nothing learns."""
    line = line_at(network, path)
    head = str(line[0] if isinstance(line, tuple) else line)
    words = [word for word in WORDS.findall(head) if not word.startswith("frozen=")]
    if not parse(head).frozen:
        words.append("frozen=true")
    text = " ".join(words)
    parse(text)
    return replaced(network, path, (text, *line[1:]) if isinstance(line, tuple) else text)


def moved(
    network: Network, path: Path, direction: int, folded: Container[Path] = ()
) -> tuple[Network, Path]:
    """Move a line one row down (1) or up (-1), into open blocks and out of them.

    Moving back gives the same network again. At the ends nothing changes.
    """
    parent, index = path[:-1], path[-1]
    siblings: Any = line_at(network, parent)
    line, first = siblings[index], 1 if parent else 0
    beside = index + direction
    if first <= beside < len(siblings):
        there = (*parent, beside)
        if isinstance(siblings[beside], tuple) and siblings[beside] and there not in folded:
            target = (*parent, index, 1) if direction > 0 else (*there, len(siblings[beside]))
        else:
            target = there
    elif parent:
        target = after(parent) if direction > 0 else parent
    else:
        return network, path
    return inserted(removed(network, path), target, line), target


def blocks(network: Network, path: Path = ()) -> Iterator[tuple[Path, Line]]:
    """Every block with its place, outer ones first."""
    for index, line in enumerate(network):
        if isinstance(line, tuple):
            yield (*path, index), line
            yield from blocks(line, (*path, index))


def dropouts(network: Network) -> list[float]:
    """The chances of every Dropout line that can be read, from top to bottom."""
    found: list[float] = []
    for line in network:
        layer = _dropout(line)
        if isinstance(line, tuple):
            found.extend(dropouts(line))
        elif layer is not None:
            found.append(layer.p)
    return found


def with_dropout(network: Network, p: float) -> Network:
    """The network with another chance in every Dropout line."""
    return tuple(
        with_dropout(line, p)
        if isinstance(line, tuple)
        else f"Dropout {p!r}"
        if _dropout(line) is not None
        else line
        for line in network
    )


def _dropout(line: Line) -> Dropout | None:
    try:
        layer = parse(line) if isinstance(line, str) else None
    except InputError:
        return None
    return layer if isinstance(layer, Dropout) else None


def line_at(network: tuple[Line, ...], path: Path) -> Line:
    """The line or block at a path."""
    line: Line = network
    for index in path:
        line = line[index]
    return line


def replaced(network: tuple[Line, ...], path: Path, line: Line) -> tuple[Line, ...]:
    """The network with another line at a path."""
    return _spliced(network, path, 1, (line,))


def inserted(network: tuple[Line, ...], path: Path, line: Line) -> tuple[Line, ...]:
    """The network with a line put in before a path."""
    return _spliced(network, path, 0, (line,))


def removed(network: tuple[Line, ...], path: Path) -> tuple[Line, ...]:
    """The network without the line or block at a path."""
    return _spliced(network, path, 1, ())


def _spliced(
    network: tuple[Line, ...], path: Path, count: int, lines: tuple[Line, ...]
) -> tuple[Line, ...]:
    index, *deeper = path
    if not deeper:
        return network[:index] + lines + network[index + count :]
    inner = network[index]
    assert isinstance(inner, tuple), "a path leads through blocks"
    return (*network[:index], _spliced(inner, tuple(deeper), count, lines), *network[index + 1 :])
