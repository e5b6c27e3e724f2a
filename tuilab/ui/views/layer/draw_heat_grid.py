"""Heat maps around zero in character cells, with names and numbers where there is room."""

from functools import lru_cache
from math import isfinite, sqrt

import msgspec
from rich.cells import cell_len
from rich.style import Style

from tuilab.core.protocol.inspect.layer_messages import STEPS, ZERO, HeatMap
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.half_blocks import Pixel, two_pixels
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.plot.axes import short

Box = tuple[int, int, int, int]
"""First column and row, columns and rows."""

Rows = tuple[tuple[float | None, ...], ...]
"""Values from -1 to 1, from the top; None: no number."""

WIDEST, NAMED = 9, 10
"""Cells that a number may be wide, and that a name may take."""

SURE = 0.25
"""From this part of the farthest number on, a sign tells below from above zero."""

EVERY = (4, 2)
"""Where numbers stand close, a sign has so many columns and rows to itself."""


@lru_cache(256)
def values(map_: bytes, width: int, columns: int, rows: int) -> Rows:
    """Numbers in at most so many columns and rows: of each block the one farthest from zero."""
    height = len(map_) // max(1, width)
    columns, rows = min(columns, width), min(rows, height)
    across = [_covered(x, columns, width) for x in range(columns)]
    down = [_covered(y, rows, height) for y in range(rows)]
    return tuple(tuple(_farthest(map_, width, y, x) for x in across) for y in down)


def _covered(place: int, places: int, numbers: int) -> range:
    return range(place * numbers // places, (place + 1) * numbers // places)


def _farthest(map_: bytes, width: int, rows: range, columns: range) -> float | None:
    block = [map_[row * width + column] for row in rows for column in columns]
    if 0 in block:
        return None
    return (max(block, key=lambda byte: abs(byte - ZERO)) - ZERO) / STEPS


def draw_map(grid: CellBuffer, box: Box, seen: HeatMap, brush: Brush) -> Box:
    """Draw a map with the names of its rows and columns; where it came to stand."""
    x, y, width, height = box
    head = bool(seen.heads) and height > 2
    room = min(NAMED, max((cell_len(name) for name in seen.names), default=0))
    room = room + 1 if room and width > 3 * room else 0
    box = (x + room, y + head, width - room, height - head)
    placed = _paint(grid, box, seen, brush)
    if room:
        _names(grid, x, room, placed, seen, brush)
    if head:
        _heads(grid, y, placed, seen, brush)
    return placed


def share(part: float) -> float:
    """How strongly a share is drawn: small ones are seen beside large ones."""
    return sqrt(max(0.0, part))


def zoom(size: tuple[int, int], room: tuple[int, int], *, is_blended: bool) -> tuple[int, int]:
    """Columns, and rows or half rows, that each number takes."""
    across = min(WIDEST, max(1, room[0] // max(1, size[0])))
    down = max(1, (room[1] * (1 + is_blended)) // max(1, size[1]))
    if is_blended:  # half a row is as high as a column is wide
        return across, min(down, max(2, 2 * across))
    return across, min(down, max(1, across))


def turned(seen: HeatMap, room: tuple[int, int], *, is_blended: bool) -> HeatMap:
    """The map on its side, where each number has more room so."""
    high, wide = (
        zoom(size, room, is_blended=is_blended)
        for size in ((seen.width, seen.height), (seen.height, seen.width))
    )
    hidden = seen.height > room[1] * (1 + is_blended) or seen.width > room[0]
    halves = 1 if is_blended else 2
    if not hidden and min(wide[0], wide[1] * halves) <= min(high[0], high[1] * halves):
        return seen
    if seen.height > room[0] or seen.width > room[1] * (1 + is_blended):
        return seen
    numbers, width = seen.values, seen.width
    return msgspec.structs.replace(
        seen, width=seen.height, height=width, of=(seen.of[1], seen.of[0]),
        values=b"".join(numbers[column::width] for column in range(width)),
        exact=[each for column in range(width) for each in seen.exact[column::width]],
        down=seen.across, across=seen.down, names=seen.heads, heads=seen.names,
    )  # fmt: skip


def _paint(grid: CellBuffer, box: Box, seen: HeatMap, brush: Brush) -> Box:
    x, y, width, height = box
    is_blended = brush.hues.is_blended
    rows = values(seen.values, seen.width, width, height * (1 + is_blended))
    if not rows or not rows[0]:
        return x, y, 0, 0
    if seen.is_share:
        rows = tuple(tuple(None if part is None else share(part) for part in row) for row in rows)
    size = len(rows[0]), len(rows)
    across, down = zoom(size, (width, height), is_blended=is_blended)
    is_even = down > 1 and down % 2 == 0
    if is_blended and down > 1 and not is_even:
        down -= 1  # so that every number begins a row
    if is_blended:
        _blended(grid, (x, y), rows, (across, down), brush, seen)
    else:
        _shaded(grid, (x, y), rows, (across, down), brush)
    cells = -(-size[1] * down // 2) if is_blended else size[1] * down
    each = down // 2 if is_blended else down
    if seen.exact and across >= 6 and each and len(seen.exact) == size[0] * size[1]:
        _write(grid, (x, y), rows, (across, each), brush, seen)
    return x, y, size[0] * across, cells


def _pixel(value: float | None, brush: Brush) -> Pixel:
    if value is not None:
        return brush.colour(value)
    behind = brush.hues.behind
    return behind.r, behind.g, behind.b


def _blended(
    grid: CellBuffer, start: tuple[int, int], rows: Rows, each: tuple[int, int], brush: Brush,
    seen: HeatMap,
) -> None:  # fmt: skip
    """Two numbers above each other in each cell, or cells of one number each."""
    across, down = each
    fine = [row for row in rows for _ in range(down)]
    mixed = brush.hues.front.blend(brush.hues.behind, 0.3)
    for number in range(0, len(fine), 2):
        upper = fine[number]
        lower = fine[number + 1] if number + 1 < len(fine) else (None,) * len(upper)
        y = start[1] + number // 2
        for place, (above, below) in enumerate(zip(upper, lower, strict=True)):
            sign = _sign(place, number // 2, above, below, each, seen, brush)
            first, second = _pixel(above, brush), _pixel(below, brush)
            style = two_pixels(first, second)
            if sign:
                style = two_pixels((mixed.r, mixed.g, mixed.b), first)
            for column in range(across):
                is_middle = column == across // 2
                dot = sign if sign and is_middle else " " if first == second or sign else "▀"
                grid.put(start[0] + place * across + column, y, dot, style)


def _sign(
    place: int, row: int, above: float | None, below: float | None, each: tuple[int, int],
    seen: HeatMap, brush: Brush,
) -> str:  # fmt: skip
    """What tells below from above zero without colour, where it does not hide anything."""
    if above is None:
        return brush.signs.gap if below is None or each[1] > 1 else ""
    if below is None or seen.is_share or above * below <= 0 or min(abs(above), abs(below)) < SURE:
        return ""
    middle = row % max(1, each[1] // 2) == (each[1] // 2) // 2
    if each[1] > 1 and each[0] > 1:
        return ("+" if above > 0 else "-") if middle else ""
    if place % -(-EVERY[0] // each[0]) or row % EVERY[1]:
        return ""
    return "+" if above > 0 else "-"


def _shaded(
    grid: CellBuffer, start: tuple[int, int], rows: Rows, each: tuple[int, int], brush: Brush
) -> None:
    """One number a cell or more, as a shade above zero and as strokes below."""
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            sign = brush.signs.gap if value is None else brush.sign(value)
            for down in range(each[1]):
                for across in range(each[0]):
                    x, y = start[0] + place * each[0] + across, start[1] + number * each[1] + down
                    grid.put(x, y, sign, brush.hues.label)


def _write(
    grid: CellBuffer, start: tuple[int, int], rows: Rows, each: tuple[int, int], brush: Brush,
    seen: HeatMap,
) -> None:  # fmt: skip
    """The numbers themselves, in the middle of their cells."""
    for number, row in enumerate(rows):
        y = start[1] + number * each[1] + (each[1] - 1) // 2
        for place, value in enumerate(row):
            text = _told(seen.exact[number * len(row) + place], each[0] - 1)
            style = brush.hues.label
            if brush.hues.is_blended:
                front = brush.hues.front
                style = two_pixels((front.r, front.g, front.b), _pixel(value, brush))
            grid.write(start[0] + place * each[0], y, text.center(each[0]), style)


def _told(value: float, room: int) -> str:
    """A number in a few cells."""
    if not isfinite(value):
        return short(value)
    for digits in (3, 2, 1):
        if len(text := short(value, digits)) <= room:
            return text.replace("0.", ".") if len(text) == room and abs(value) < 1 else text
    return fitted(short(value, 1), room, "")


def _names(grid: CellBuffer, x: int, room: int, placed: Box, seen: HeatMap, brush: Brush) -> None:
    """Names of rows, each once where the same follow one another."""
    before, last = None, -1
    for number, name in enumerate(seen.names):
        y = placed[1] + number * placed[3] // max(1, len(seen.names))
        if name != before and y > last:
            text = fitted(name, room - 2 if cell_len(name) >= room else room - 1, "~")
            grid.write(x + room - 1 - cell_len(text), y, text, brush.hues.label)
            before, last = name, y


def _heads(grid: CellBuffer, y: int, placed: Box, seen: HeatMap, brush: Brush) -> None:
    each = placed[2] // max(1, len(seen.heads))
    if each * len(seen.heads) != placed[2]:
        return
    for number, name in enumerate(seen.heads):
        text = fitted(name, each, "") if each < 3 else fitted(name, each - 1, "")
        pad = (each - cell_len(text)) // 2 if each > 2 else 0
        grid.write(placed[0] + number * each + pad, y, text, brush.hues.label, each)


def draw_scale(grid: CellBuffer, y: int, seen: HeatMap, brush: Brush, words: str) -> None:
    """A bar from the lowest to the highest colour, and what a cell stands for."""
    style, label = Style(), brush.hues.label
    bar = max(6, min(16, grid.width // 5))
    low, high = ("0", "1") if seen.is_share else (short(-seen.reach), short(seen.reach))
    spare = grid.width - cell_len(f"{low}  {high}  {words}")
    bar = max(6, min(bar, spare))
    x = grid.write(0, y, f"{low} ", label)
    for place in range(bar):
        part = (place + 0.5) / bar
        value = share(part) if seen.is_share else 2 * part - 1
        sign = brush.sign(value)
        if brush.hues.is_blended:
            pixel = brush.colour(value)
            sign, style = " ", two_pixels(pixel, pixel)
        grid.put(x + place, y, sign, style if brush.hues.is_blended else label)
    x = grid.write(x + bar, y, f" {high}", label) + 2
    grid.write(x, y, fitted(words, grid.width - x, brush.signs.ellipsis), label)
