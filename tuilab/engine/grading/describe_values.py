"""Arguments and results of a learner's function as text of a few lines."""

from typing import Any

from torch import Tensor

MAX_ROWS, MAX_COLUMNS = 6, 8
"""How much of a tensor is shown."""

MAX_LINES = 14
"""Lines for all arguments together."""


def format_number(value: float | bool) -> str:
    """Returns a number with four digits, as Python reads them."""
    return str(value) if isinstance(value, (bool, int)) else f"{value:.4g}"


def format_value(value: Any) -> str:
    """Returns a tensor, a number or a list of them as text."""
    if isinstance(value, Tensor):
        return _format_tensor(value.detach())
    if isinstance(value, (bool, int, float)):
        return format_number(value)
    if isinstance(value, (list, tuple)):
        parts = [format_value(part) for part in value]
        separator = ",\n " if any("\n" in part for part in parts) else ", "
        return "[" + separator.join(part.replace("\n", "\n ") for part in parts) + "]"
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _format_tensor(value: Tensor) -> str:
    if value.dim() == 0:
        return format_number(value.item())
    if value.dim() == 1:
        numbers = [format_number(number.item()) for number in value[:MAX_COLUMNS]]
        more = ["…"] if len(value) > MAX_COLUMNS else []
        return "[" + ", ".join(numbers + more) + "]"
    rows = [_format_tensor(row).replace("\n", "\n ") for row in value[:MAX_ROWS]]
    if len(value) > MAX_ROWS:
        rows.append("…")
    return "[" + ",\n ".join(rows) + "]"


def format_tuple(value: Tensor) -> str:
    """Returns the shape of a tensor of any shape as Python prints it; `()` is one number."""
    return str(tuple(value.shape)) if value.dim() else "() (one number)"


def format_arguments(arguments: dict[str, Any]) -> str:
    """Returns all arguments by name, in at most MAX_LINES lines."""
    lines: list[str] = []
    for name, value in arguments.items():
        first, *rest = format_value(value).split("\n")
        lines.append(f"{name} = {first}")
        lines += [" " * (len(name) + 3) + line for line in rest]
    if len(lines) > MAX_LINES:
        tensors = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in tensors.items())
        lines = [*lines[: MAX_LINES - 1], f"… (shapes: {shapes})"]
    return "\n".join(lines)
