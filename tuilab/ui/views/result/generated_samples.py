"""What networks make: text that is written, examples given back, pictures that are drawn."""

import textwrap
from collections.abc import Sequence
from math import isfinite

from rich.style import Style

from tuilab.core.protocol.inspect.result_messages import Drawn, Reconstructed, Written
from tuilab.core.protocol.records import Pair
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.half_blocks import paint, scaled, shade
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import Signs
from tuilab.ui.views.result.sample_images import GAP, fit

BOLD = Style(bold=True)


def draw_written(written: Written, size: tuple[int, int], hues: Hues, signs: Signs) -> CellBuffer:
    """The prompt and what was written after it, wrapped; the end of it where it is too long."""
    grid = CellBuffer(*size, hues.label)
    grid.write(0, 0, f"temperature {short(written.temperature)} (- colder, + wilder)", hues.label)
    wrapper = textwrap.TextWrapper(
        max(1, grid.width), expand_tabs=False, replace_whitespace=False, drop_whitespace=False
    )
    start, place = len(written.prompt), 0
    lines: list[tuple[int, str]] = []
    for line in (written.prompt + written.text).split("\n"):
        for part in wrapper.wrap(line) or [""]:
            lines.append((place, part))
            place += len(part)
        place += 1
    for row, (first, part) in enumerate(lines[-max(1, grid.height - 2) :], 2):
        x = 0
        for number, sign in enumerate(part, first):
            style = hues.label if number >= start else hues.label + BOLD
            x = grid.write(x, row, sign if sign.isprintable() else signs.dot, style)
    return grid


def draw_pairs(
    reconstructed: Reconstructed, size: tuple[int, int], hues: Hues, signs: Signs
) -> CellBuffer:
    """Each example above what the network makes of it, with the error of it."""
    grid = CellBuffer(*size, hues.label)
    pairs = [pair for pair in reconstructed.pairs if pair.input and len(pair.shape) == 3]
    if not pairs:
        return _errors(grid, reconstructed.pairs, hues, signs.levels[3])
    columns = max(8, min(28, grid.height - 2))
    across = max(1, min(len(pairs), (grid.width + GAP) // (columns + GAP)))
    rows = columns // 2
    down = max(1, (grid.height + 1) // (2 * rows + 2))
    left = max(0, (grid.width - across * (columns + GAP) + GAP) // 2)
    for number, pair in enumerate(pairs[: across * down]):
        x = left + number % across * (columns + GAP)
        y = number // across * (2 * rows + 2)
        for offset, pixels in ((0, pair.input), (rows, pair.output)):
            _picture(grid, x, y + offset, columns, pixels, pair.shape, hues, signs)
        grid.write(x, y + 2 * rows, f"{signs.arrow} error {short(pair.error)}", hues.label, columns)
    return grid


def draw_gallery(drawn: Drawn, size: tuple[int, int], hues: Hues, signs: Signs) -> CellBuffer:
    """Pictures side by side."""
    grid = CellBuffer(*size, hues.label)
    columns, across, down = fit(size, len(drawn.pictures))
    left = max(0, (grid.width - across * (columns + GAP) + GAP) // 2)
    for number, sample in enumerate(drawn.pictures[: across * down]):
        x = left + number % across * (columns + GAP)
        y = number // across * (columns // 2 + 1)
        _picture(grid, x, y, columns, sample.pixels, sample.shape, hues, signs)
    return grid


def _picture(
    grid: CellBuffer, x: int, y: int, columns: int, pixels: bytes, shape: Sequence[int], hues: Hues,
    signs: Signs,
) -> None:  # fmt: skip
    """One picture, in colour or in shades."""
    size = (shape[0], shape[1], shape[2])
    rows = columns // 2
    if hues.is_blended:
        paint(grid, x, y, scaled(pixels, size, columns, rows * 2))
        return
    picture = scaled(pixels, size, columns, rows)
    grey = [[sum(pixel) / 765 for pixel in row] for row in picture]
    shade(grid, x, y, grey, signs.shades, hues.label)


def _errors(grid: CellBuffer, pairs: Sequence[Pair], hues: Hues, block: str) -> CellBuffer:
    """The errors alone, as bars, for examples that are no pictures."""
    grid.write(0, 0, "error of each example", hues.label)
    largest = max((pair.error for pair in pairs if isfinite(pair.error)), default=0.0) or 1.0
    room = max(0, grid.width - 16)
    for row, pair in enumerate(pairs, 2):
        part = pair.error / largest if isfinite(pair.error) else 0.0
        bar = block * round(part * room)
        grid.write(0, row, f"{row - 1:>4}  {short(pair.error):<8}  {bar}", hues.label)
    return grid
