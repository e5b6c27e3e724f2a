"""One example in full: the input, its heat map, the probabilities as bars."""

import textwrap
from dataclasses import dataclass

from rich.style import Style
from textual.geometry import Region

from tuilab.core.format import format_compact, format_count
from tuilab.core.protocol.inspect.examples_messages import Example
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.half_blocks import count_image_rows, draw_image
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.examples.draw_bars import (
    GAP,
    MAX_BARS_WIDTH,
    MIN_BARS_WIDTH,
    draw_bars,
)
from tuilab.ui.views.examples.draw_heat_map import draw_heat_map
from tuilab.ui.views.examples.draw_values import draw_values
from tuilab.ui.views.result.draw_samples import name_class

IMAGE_WIDTHS = (84, 56, 42, 28, 20, 14, 10, 8, 6)
"""Columns that an image may take."""

MIN_PAIR_WIDTH = 14
"""Columns of an image below which its heat map is drawn over it instead of beside it."""


@dataclass(frozen=True, slots=True)
class ExampleDrawing:
    """A drawing of one example."""

    cells: CellBuffer
    rows: int
    "Rows from the top that are drawn on."
    image: Region | None = None
    "Where its image is."


def draw_example(
    example: Example, size: tuple[int, int], style: DrawStyle, title: str = "", hint: str = ""
) -> ExampleDrawing:
    """Draws one example, with a title before everything else and a hint after it."""
    width, height = size
    cells = StyledCells(size, style)
    y = _draw_heading(cells, example, title)
    lines = _caption_lines(example, hint, size)
    region = Region(0, y, width, max(1, height - len(lines) - y))
    image = None
    if example.kind == "picture" and example.pixels:
        image, y = _draw_images(cells, region, example)
    else:
        y = draw_values(cells, region, example)
    y = min(y, height - len(lines))
    y = cells.write_lines(0, y, (style.truncate(line, width) for line in lines))
    return ExampleDrawing(cells, y, image)


def _caption_lines(example: Example, hint: str, size: tuple[int, int]) -> list[str]:
    """Returns what the heat map shows, and the note: one line if there is little room."""
    caption = example.heat_caption
    if example.heat:
        caption += f" (peak {format_compact(example.heat_max_abs)})"
    text = ". ".join(filter(None, (caption.rstrip("."), example.note)))
    if size[1] < 12:
        return [text or hint]
    return textwrap.wrap(text, max(10, size[0]))[:2] + ([hint] if hint else [])


def _draw_heading(cells: StyledCells, example: Example, title: str) -> int:
    """Draws target, prediction and loss, and returns the row below them."""
    style = cells.style
    pieces, heading_style = [title] if title else [], style.strong
    if example.labels:
        verdict, heading_style = _describe_verdict(example, style)
        pieces += verdict
    else:
        if example.targets:
            pieces.append(f"target {_format_few(example.targets, style)}")
        if example.predictions:
            pieces.append(f"prediction {_format_few(example.predictions, style)}")
    if example.loss is not None:
        name = "error" if example.reconstruction else "loss"
        pieces.append(f"{name} {format_compact(example.loss)}")
    if example.number >= 0:
        pieces.append(f"no. {format_count(example.number)}")
    text = f" {style.glyphs.dot} ".join(pieces)
    cells.write_truncated(0, 0, text, cells.width, heading_style)
    return 1 if cells.height < 12 else 2


def _describe_verdict(example: Example, style: DrawStyle) -> tuple[list[str], Style]:
    """Returns which class was predicted and whether that is correct, and in which style."""
    if len(example.predictions) != 1:
        return [], style.strong
    predicted = name_class(example.labels, example.predictions[0])
    if not example.targets:
        return [f"predicted {predicted}"], style.strong
    target = name_class(example.labels, example.targets[0])
    is_correct = example.targets[0] == example.predictions[0]
    mark = style.glyphs.check if is_correct else style.glyphs.cross
    verdict_style = style.strong if is_correct else style.error + Style(bold=True)
    return [f"{mark} target {target}, predicted {predicted}"], verdict_style


def _format_few(numbers: list[float], style: DrawStyle) -> str:
    text = ", ".join(format_compact(number) for number in numbers[:3])
    return text + (f", {style.glyphs.ellipsis}" if len(numbers) > 3 else "")


# --- images ---------------------------------------------------------------------------------------


def _draw_images(cells: StyledCells, region: Region, example: Example) -> tuple[Region, int]:
    """Draws the image, its reconstruction, its heat map, and the bars if there are classes.

    Returns: where the image is, and the row below all of them.
    """
    x, y, width, height = region
    bars = MIN_BARS_WIDTH if example.probabilities else 0
    count = 1 + bool(example.reconstruction) + bool(example.heat)
    columns = _image_width(region, example, count, bars)
    if columns < MIN_PAIR_WIDTH and example.heat and count == 2:  # no room beside it: over it
        count, columns = 1, _image_width(region, example, 1, bars)
    rows = count_image_rows(columns, example.shape)
    image = slot = Region(x, y, columns, rows)
    step = (columns + GAP, 0)
    for pixels in filter(None, (example.pixels, example.reconstruction)):
        draw_image(cells, slot, pixels, example.shape)
        slot = slot.translate(step)
    if example.heat:
        slot = slot if count > 1 else image
        draw_heat_map(cells, slot, example)
        slot = slot.translate(step)
    if bars:
        right = Region(slot.x, y, min(MAX_BARS_WIDTH, width - slot.x), height)
        draw_bars(cells, right, example)
    used_rows = max(rows, min(height, len(example.probabilities)))
    return image, y + used_rows + (height > used_rows)


def _image_width(region: Region, example: Example, count: int, bars: int) -> int:
    """Returns the columns of each image so that all of them and the bars fit."""
    for columns in IMAGE_WIDTHS:
        is_too_high = count_image_rows(columns, example.shape) > region.height
        room = region.width if bars else region.width + GAP
        if not is_too_high and count * (columns + GAP) + bars <= room:
            return columns
    return IMAGE_WIDTHS[-1]
