"""Which lines of an edited network are lines of the network before."""

from collections.abc import Sequence

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse

Pair = tuple[int | None, int | None]
"""The index of a line before and after; None where it is inserted or removed."""

CHANGED = 1.0
"""Cost of a line that is changed, inserted or removed."""

LIVE = 0.1
"""Cost of a line whose live knobs are changed."""


MAX_COMPARED = 100_000
"""Pairs of lines; of longer networks equal lines at the end are not compared with others."""


def align(before: Sequence[Line], after: Sequence[Line]) -> list[Pair]:
    """Pairs the lines of two networks so that as few as possible are changed.

    Equal lines at the beginning are pairs, and of several ways to pair lines it is the one with the
    earliest pairs; removed lines come before those inserted in their place.
    """
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    is_long = (len(before) - start) * (len(after) - start) > MAX_COMPARED
    shorter = min(len(before), len(after)) - start
    while is_long and end < shorter and before[-1 - end] == after[-1 - end]:
        end += 1
    middle = _align(before[start : len(before) - end], after[start : len(after) - end])
    pairs: list[Pair] = [(index, index) for index in range(start)]
    pairs += [
        (None if old is None else start + old, None if new is None else start + new)
        for old, new in middle
    ]
    return pairs + [(len(before) - n, len(after) - n) for n in range(end, 0, -1)]


def _align(before: Sequence[Line], after: Sequence[Line]) -> list[Pair]:
    """Finds the cheapest pairs by dynamic programming, from the end to the beginning."""
    rows, columns = len(before), len(after)
    costs = [[CHANGED * (rows - i + columns - j) for j in range(columns + 1)]
             for i in range(rows + 1)]  # fmt: skip
    pair_costs = [[_cost(old, new) for new in after] for old in before]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            costs[i][j] = min(
                costs[i + 1][j + 1] + pair_costs[i][j],
                costs[i + 1][j] + CHANGED,
                costs[i][j + 1] + CHANGED,
            )
    pairs: list[Pair] = []
    i = j = 0
    while i < rows or j < columns:
        is_pair = i < rows and j < columns
        if is_pair and costs[i][j] == costs[i + 1][j + 1] + pair_costs[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < rows and costs[i][j] == costs[i + 1][j] + CHANGED:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _cost(old: Line, new: Line) -> float:
    """Returns the cost of making one line of another; more than two lines if it cannot be."""
    if old == new:
        return 0.0
    if isinstance(old, tuple) != isinstance(new, tuple):
        return 3 * CHANGED
    try:
        first, second = (parse(line if isinstance(line, str) else line[0]) for line in (old, new))
    except InputError:
        return 3 * CHANGED
    if type(first) is type(second):
        is_live = isinstance(old, str) and not changed_arguments(first, second)
        return LIVE if is_live else CHANGED
    are_activations = first.family == second.family == "activation"
    return CHANGED if are_activations else 3 * CHANGED


def changed_arguments(before: Layer, after: Layer) -> list[str]:
    """Returns the arguments in which two layers of one type differ, live knobs left out."""
    return [
        name
        for name, knob in default_knobs(type(before)).items()
        if not knob.is_live and getattr(before, name) != getattr(after, name)
    ]
