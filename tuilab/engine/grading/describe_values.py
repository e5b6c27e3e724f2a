"""Inputs and results as text of a few lines."""

from typing import Any

from torch import Tensor

ROWS, COLUMNS = 6, 8
"""Of a tensor that are shown at most."""

MOST_LINES = 14
"""Of all inputs together."""


def number(value: float | bool) -> str:
    """Four digits, as Python reads them."""
    return str(value) if isinstance(value, (bool, int)) else f"{value:.4g}"


def show(value: Any) -> str:
    """A tensor, a number or a list of them."""
    if isinstance(value, Tensor):
        return _tensor(value.detach())
    if isinstance(value, (bool, int, float)):
        return number(value)
    if isinstance(value, (list, tuple)):
        parts = [show(part) for part in value]
        joint = ",\n " if any("\n" in part for part in parts) else ", "
        return "[" + joint.join(part.replace("\n", "\n ") for part in parts) + "]"
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _tensor(value: Tensor) -> str:
    if value.dim() == 0:
        return number(value.item())
    if value.dim() == 1:
        shown = [number(one.item()) for one in value[:COLUMNS]]
        more = ["…"] if len(value) > COLUMNS else []
        return "[" + ", ".join(shown + more) + "]"
    rows = [_tensor(row).replace("\n", "\n ") for row in value[:ROWS]]
    if len(value) > ROWS:
        rows.append("…")
    return "[" + ",\n ".join(rows) + "]"


def shape(value: Tensor) -> str:
    """A shape as Python writes it; () is one number."""
    return str(tuple(value.shape)) if value.dim() else "() (one number)"


def inputs(values: dict[str, Any]) -> str:
    """All arguments by name, within a few lines."""
    lines: list[str] = []
    for name, value in values.items():
        first, *rest = show(value).split("\n")
        lines.append(f"{name} = {first}")
        lines += [" " * (len(name) + 3) + line for line in rest]
    if len(lines) > MOST_LINES:
        shapes = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        told = ", ".join(f"{name} {tuple(value.shape)}" for name, value in shapes.items())
        lines = [*lines[: MOST_LINES - 1], f"… (shapes: {told})"]
    return "\n".join(lines)
