"""Descriptions of a unit or of an edge."""

from math import isfinite

from tuilab.core.format import format_compact, format_counted, format_percent
from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsResponse
from tuilab.ui.views.units.unit_positions import Selection

MAX_WEIGHTS = 12
"""Weights into a unit that are listed, the largest first."""

NO_BREAK = "\u00a0"
"""Between words that stay on one line."""


def format_signed(value: float) -> str:
    """Returns a number with its sign, such as `+0.53`; rounding errors are 0."""
    value = 0.0 if abs(value) < 1e-6 else value
    return f"{'+' if value > 0 and isfinite(value) else ''}{format_compact(value)}"


def name_unit(column: UnitColumn, unit: int) -> str:
    """Returns the name of a unit."""
    return column.names[unit] if unit < len(column.names) else f"unit {unit + 1}"


def _full_name(column: UnitColumn, unit: int) -> str:
    """Returns the name of a unit in a sentence: with its number if it is not a word."""
    name = name_unit(column, unit)
    return name if name[:1].isalpha() else f"unit {unit + 1} ({name})"


def name_selection(response: UnitsResponse, selection: Selection) -> str:
    """Returns the name of what is selected."""
    column = response.columns[selection.column]
    name = _full_name(column, selection.unit)
    if selection.source is None:
        after = f", after {column.activations}" if column.activations else ""
        return f"{column.label}, {name}{after}"
    source = response.columns[selection.column - 1]
    return f"{_full_name(source, selection.source)} of {source.label} > {name} of {column.label}"


def get_selected_value(response: UnitsResponse, selection: Selection) -> float | None:
    """Returns the weight of the selected edge, or the bias of the selected unit."""
    column = response.columns[selection.column]
    if selection.source is not None:
        row = column.weights[selection.unit] if selection.unit < len(column.weights) else []
        return row[selection.source] if selection.source < len(row) else None
    return column.biases[selection.unit] if selection.unit < len(column.biases) else None


def describe_selection(response: UnitsResponse, selection: Selection) -> list[str]:
    """Returns sentences about what is selected."""
    if selection.source is not None:
        return _describe_edge(response, selection)
    return _describe_unit(response, selection)


def _describe_edge(response: UnitsResponse, selection: Selection) -> list[str]:
    value = get_selected_value(response, selection)
    if value is None:
        return ["No value is shown for this weight."]
    column = response.columns[selection.column]
    sizes = [abs(weight) for row in column.weights for weight in row]
    finite = [size for size in sizes if isfinite(size)]
    mean = format_compact(sum(finite) / len(finite) if finite else 0.0)
    rank = sum(size > abs(value) for size in finite) + 1
    rank_text = "the largest" if rank == 1 else f"number {rank} by size"
    return [
        f"weight {format_signed(value)}",
        f"{rank_text} of {len(sizes)} weights shown into {column.label}; their mean size is {mean}",
    ]


def _describe_unit(response: UnitsResponse, selection: Selection) -> list[str]:
    column, unit = response.columns[selection.column], selection.unit
    mean, std, active = column.means[unit], column.stds[unit], column.active_fractions[unit]
    lines = []
    if unit < len(column.biases):
        lines.append(f"bias {format_signed(column.biases[unit])}")
    elif selection.column:
        lines.append("no bias")
    weights = [_describe_weights(response, selection)] if selection.column else []
    if not isfinite(mean):
        lines.append("Its outputs are no longer finite: the Diagnosis view explains why.")
        return lines + weights
    lines.append(
        f"mean {format_signed(mean)} ± {format_compact(std)}, "
        f"above 0 on {format_percent(active)} of {format_counted(response.examples, 'example')}"
    )
    if selection.column and active == 0 and "ReLU" in column.activations:
        lines.append("It never fires: a dead unit on these examples.")
    if unit < len(column.max_abs):
        domain = "the plane" if len(response.bounds) > 2 else "the line"
        max_abs = column.max_abs[unit]
        lines.append(
            f"farthest from 0 over {domain}: {format_compact(max_abs)}"
            if max_abs
            else f"Its output is 0 everywhere on {domain}."
        )
    return lines + weights


def _describe_weights(response: UnitsResponse, selection: Selection) -> str:
    """Returns the weights into a unit, the largest first."""
    source = response.columns[selection.column - 1]
    row = response.columns[selection.column].weights[selection.unit]
    order = sorted(range(len(row)), key=lambda index: -abs(row[index]))[:MAX_WEIGHTS]
    entries = [
        f"{name_unit(source, index).removeprefix('unit ')}{NO_BREAK}{format_signed(row[index])}"
        for index in order
    ]
    by_unit = ":" if source.names else ", by unit:"
    omitted = len(row) - len(entries)
    more = f" and {omitted} smaller" if omitted else ""
    return f"weights in{by_unit} {', '.join(entries)}{more}"
