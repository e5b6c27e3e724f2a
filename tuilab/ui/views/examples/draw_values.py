"""One example that is not an image: its numbers, its series or its tokens, with attributions."""

from textual.geometry import Region

from tuilab.core.format import format_compact
from tuilab.core.protocol.inspect.examples_messages import Example
from tuilab.core.protocol.inspect.quantization import dequantize
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.examples.draw_bars import (
    GAP,
    MAX_BARS_WIDTH,
    MIN_BARS_WIDTH,
    draw_bars,
    format_bar,
)
from tuilab.ui.views.result.draw_samples import name_class

MAX_NAME_WIDTH, MAX_FEATURES = 14, 3


def draw_values(cells: StyledCells, region: Region, example: Example) -> int:
    """Draws numbers or tokens at the left and bars at the right, and returns the row below."""
    x, y, columns, rows = region
    has_bars = bool(example.probabilities) and columns >= 2 * MIN_BARS_WIDTH
    bars_width = min(MAX_BARS_WIDTH, columns // 2) + GAP if has_bars else 0
    width = columns - bars_width
    draw = {"series": _draw_series, "tokens": _draw_tokens}.get(example.kind, _draw_numbers)
    bottom = draw(cells, Region(x, y, width, rows), example)
    bottom = _draw_predictions(cells, Region(0, bottom, width, region.bottom - bottom), example)
    if has_bars:
        right = Region(width + GAP, y, bars_width - GAP, rows)
        draw_bars(cells, right, example)
        bottom = max(bottom, y + len(example.probabilities))
    elif example.probabilities and region.bottom - bottom >= 2:
        below = Region(0, bottom, width, region.bottom - bottom)
        draw_bars(cells, below, example)
        bottom += len(example.probabilities)
    return min(region.bottom, bottom + 1)


def _attribution(example: Example, number: int) -> float | None:
    """Returns the attribution of a number or token, from -1 to 1; None if there is none."""
    if number >= len(example.heat) or (example.heat_shape or [0])[0] != 1:
        return None
    return dequantize(example.heat[number])


def _draw_numbers(cells: StyledCells, region: Region, example: Example) -> int:
    style = cells.style
    x, y, columns, rows = region
    names = min(MAX_NAME_WIDTH, max((len(name) for name in example.names), default=2))
    bar_room = max(0, columns - names - 12)
    visible = min(len(example.numbers), max(1, rows))
    if len(example.numbers) > visible:
        visible = max(1, visible - 1)
    for index, number in enumerate(example.numbers[:visible]):
        name = example.names[index] if index < len(example.names) else f"x{index + 1}"
        cells.write_truncated(x, y + index, name, names)
        cells.write(x + names + 1, y + index, format_compact(number).rjust(8), style.strong)
        if (heat := _attribution(example, index)) is not None and bar_room > 3:
            text = f"{'+' if heat > 0 else '-'}{format_bar(abs(heat), bar_room - 2, style)}"
            text_style = style.class_style(0 if heat > 0 else 1)
            cells.write(x + names + 11, y + index, text if heat else "0", text_style)
    omitted = len(example.numbers) - visible + example.omitted
    if omitted > 0:
        cells.write(x, y + visible, f"and {omitted} more", room=columns)
    return y + visible + (omitted > 0)


def _draw_series(cells: StyledCells, region: Region, example: Example) -> int:
    """Draws numbers as small bars over time, with the attribution of each step below them."""
    style = cells.style
    x, y, columns, _ = region
    features = (example.shape or [0, 1])[-1]
    bars = style.glyphs.bars
    for feature in range(min(features, MAX_FEATURES)):
        numbers = example.numbers[feature::features][:columns]
        low, high = min(numbers, default=0.0), max(numbers, default=0.0)
        span = (high - low) or 1.0
        line = "".join(bars[int((n - low) / span * (len(bars) - 1) + 0.5)] for n in numbers)
        cells.write(x, y, line, style.strong, columns)
        y += 1
    steps = len(example.numbers) // max(1, features)
    if example.heat:
        each = len(example.heat) // max(1, steps) or 1
        heats = (
            [abs(dequantize(byte)) for byte in example.heat[step * each : (step + 1) * each]]
            for step in range(min(steps, columns))
        )
        line = "".join(style.shade(max(heat, default=0.0)) for heat in heats)
        cells.write(x, y, line, style.class_style(0))
        y += 1
    numbers = example.numbers[: 8 * features]
    text = ", ".join(format_compact(number) for number in numbers)
    cells.write_truncated(x, y, text, columns)
    return y + 2


def _draw_tokens(cells: StyledCells, region: Region, example: Example) -> int:
    """Draws a text; the more a token matters, the darker the shade below it."""
    style = cells.style
    x, y, _, _ = region
    for number, token in enumerate(example.names):
        text = token if token.isprintable() else style.glyphs.dot
        if x + len(text) > region.right:
            x, y = region.x, y + 2
        if y + 1 >= region.bottom:
            break
        shade = style.shade(abs(_attribution(example, number) or 0.0))
        is_important = style.glyphs.shades.index(shade) > 1
        cells.write(x, y, text, style.strong if is_important else style.muted)
        cells.write(x, y + 1, shade * len(text), style.class_style(0))
        x += len(text)
    return y + 2


def _draw_predictions(cells: StyledCells, region: Region, example: Example) -> int:
    """Draws targets and predictions of a network with an output at every position."""
    (x, y, columns, rows), dot = region, cells.style.glyphs.dot
    if not example.labels or len(example.predictions) < 2 or rows < 1:
        return y
    for title, numbers in (("target", example.targets), ("output", example.predictions)):
        if numbers and y < region.bottom:
            names = [name_class(example.labels, n) if n >= 0 else dot for n in numbers]
            gap = "" if all(len(name) == 1 for name in names) else " "
            line = "".join(c if c.isprintable() else dot for c in gap.join(names))
            cells.write_truncated(x, y, f"{title} {line}", columns)
            y += 1
    return y
