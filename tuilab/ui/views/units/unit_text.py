"""What there is to read of a unit or of an edge."""

from math import isfinite

from tuilab.core.protocol.inspect.units_messages import Column, UnitsResponse
from tuilab.ui.plot.axes import short
from tuilab.ui.views.units.unit_positions import Spot

MOST_WEIGHTS = 12
"""Weights that are listed of a unit, the largest first."""


TIED = "\u00a0"
"""Between words that stay on one line."""


def signed(value: float) -> str:
    """A number with its sign, such as `+0.53`."""
    return short(value) if value < 0 or value == 0 or not isfinite(value) else f"+{short(value)}"


def name_of(column: Column, unit: int) -> str:
    """What a unit is called."""
    return column.names[unit] if unit < len(column.names) else f"unit {unit + 1}"


def _called(column: Column, unit: int) -> str:
    """What a unit is called in a sentence: a name that is no word, such as `0`, with its number."""
    name = name_of(column, unit)
    return name if name[:1].isalpha() else f"unit {unit + 1} ({name})"


def title(seen: UnitsResponse, spot: Spot) -> str:
    """What is chosen."""
    column = seen.columns[spot.column]
    name = _called(column, spot.unit)
    if spot.source is None:
        after = f", after {column.after}" if column.after else ""
        return f"{column.label}, {name}{after}"
    source = seen.columns[spot.column - 1]
    return f"{_called(source, spot.source)} of {source.label} > {name} of {column.label}"


def value_of(seen: UnitsResponse, spot: Spot) -> float | None:
    """The weight of the edge that is chosen, or the bias of the unit."""
    column = seen.columns[spot.column]
    if spot.source is not None:
        row = column.weights[spot.unit] if spot.unit < len(column.weights) else []
        return row[spot.source] if spot.source < len(row) else None
    return column.biases[spot.unit] if spot.unit < len(column.biases) else None


def words(seen: UnitsResponse, spot: Spot, around: str = "±") -> list[str]:
    """All there is to read of what is chosen, a sentence each.

    Args:
        around: stands between a mean and its spread.
    """
    return _edge(seen, spot) if spot.source is not None else _unit(seen, spot, around)


def _edge(seen: UnitsResponse, spot: Spot) -> list[str]:
    value = value_of(seen, spot)
    if value is None:
        return ["This weight is not told of."]
    column = seen.columns[spot.column]
    sizes = [abs(weight) for row in column.weights for weight in row]
    finite = [size for size in sizes if isfinite(size)]
    mean = sum(finite) / len(finite) if finite else 0.0
    rank = sum(size > abs(value) for size in finite) + 1
    place = "the largest" if rank == 1 else f"number {rank} by size"
    return [
        f"weight {signed(value)}",
        f"{place} of {len(sizes)} drawn into {column.label}; their mean size is {short(mean)}",
    ]


def _unit(seen: UnitsResponse, spot: Spot, around: str) -> list[str]:
    column, unit = seen.columns[spot.column], spot.unit
    mean, spread, active = column.means[unit], column.spreads[unit], column.active[unit]
    lines = []
    if unit < len(column.biases):
        lines.append(f"bias {signed(column.biases[unit])}")
    elif spot.column:
        lines.append("no bias")
    if not isfinite(mean):
        lines.append("Its answers are not finite any more: the view Diagnosis says why.")
        return [*lines, _weights(seen, spot)] if spot.column else lines
    lines.append(
        f"mean {signed(mean)} {around} {short(spread)}, "
        f"above 0 on {round(100 * active)}% of {seen.examples} examples"
    )
    if spot.column and active == 0 and "ReLU" in column.after:
        lines.append("It never fires: a dead unit, as far as these examples go.")
    if unit < len(column.reaches):
        over = "the plane" if len(seen.bounds) > 2 else "the line"
        reach = short(column.reaches[unit])
        far = f"farthest from 0 over {over}: {reach}"
        lines.append(far if column.reaches[unit] else f"It answers 0 everywhere on {over}.")
    if spot.column:
        lines.append(_weights(seen, spot))
    return lines


def _weights(seen: UnitsResponse, spot: Spot) -> str:
    """The weights into a unit, the largest first."""
    source, row = seen.columns[spot.column - 1], seen.columns[spot.column].weights[spot.unit]
    order = sorted(range(len(row)), key=lambda place: -abs(row[place]))[:MOST_WEIGHTS]
    listed = [
        f"{name_of(source, place).removeprefix('unit ')}{TIED}{signed(row[place])}"
        for place in order
    ]
    hidden = ":" if source.names else ", by unit:"
    more = len(row) - len(listed)
    return f"weights in{hidden} {', '.join(listed)}{f' and {more} smaller' if more else ''}"
