"""Pictures of digits and letters, drawn here so that images need no files and no network.

Only the font inside Pillow is used, so that a seed means the same pictures on every machine.
Each character is drawn once a weight at twice the size; every picture then is a random view of
one of these masters, hundreds at a time.
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from tuilab.core.catalogue.data_sets import Glyphs
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.points import TEST_EXAMPLES
from tuilab.engine.data.rng import rng_for

SIDE = 28
"""Pixels of a picture, each way."""

MASTER = 56
"""Pixels of a master, each way: two for each of a picture's."""

FONT_SIZE = 46
"""Draws a digit about 33 pixels high: between half and two thirds of a picture."""

WEIGHTS = (0, 1, 2)
"""Pixels that the pen adds to the outline of a master."""

REACH = SIDE / 2 - 1
"""Pixels from the middle that ink may reach: a pixel at the edge stays free."""

AT_ONCE = 500
"""Pictures drawn together: few enough for the cache and for a quick answer to cancel."""


def glyphs(data: Glyphs, seed: int, report: Report) -> Source:
    """Characters in equal numbers, each shifted, turned, slanted, scaled and noisy by chance."""
    masters = _masters(data.classes)
    return Source(
        _drawn(data, masters, data.samples, rng_for(seed, "training"), report),
        _drawn(data, masters, TEST_EXAMPLES, rng_for(seed, "test"), report),
    )


def _masters(characters: tuple[str, ...]) -> Tensor:
    """Every character in every weight, [characters, weights, MASTER, MASTER], from 0 to 1."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT_SIZE)
    pictures = []
    for character in characters:
        for weight in WEIGHTS:
            sheet = Image.new("L", (2 * MASTER, 2 * MASTER))
            middle = (MASTER, MASTER)
            ImageDraw.Draw(sheet).text(middle, character, 255, font, "mm", stroke_width=weight)
            ink = sheet.crop(sheet.getbbox())
            canvas = Image.new("L", (MASTER, MASTER))
            canvas.paste(ink, ((MASTER - ink.width) // 2, (MASTER - ink.height) // 2))
            pictures.append(torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8))
    stacked = torch.stack(pictures).float() / 255
    return stacked.view(len(characters), len(WEIGHTS), MASTER, MASTER)


def _drawn(data: Glyphs, masters: Tensor, count: int, chance: Generator, report: Report) -> Part:
    classes = (torch.arange(count) % len(masters))[torch.randperm(count, generator=chance)]
    pictures = torch.empty(count, 1, SIDE, SIDE, dtype=torch.uint8)
    what = f"Drawing {count:,} glyphs"
    for start in range(0, count, AT_ONCE):
        report(what, start / count)
        some = classes[start : start + AT_ONCE]
        weights = torch.randint(len(WEIGHTS), some.shape, generator=chance)
        pictures[start : start + AT_ONCE] = _views(data, masters[some, weights], chance)
    report(what, 1.0)
    return Part(pictures, classes)


def _views(data: Glyphs, masters: Tensor, chance: Generator) -> Tensor:
    """A random view of each master, as bytes [n, 1, SIDE, SIDE]."""
    count = len(masters)
    hand, reach = _hand(data, _half_sizes(masters), chance)
    room = (REACH - reach).clamp(min=0, max=data.shift)
    shift = room * _between(-1, 1, (count, 2), chance)
    ink = avg_pool2d(grid_sample(masters[:, None], _grid(hand, shift), align_corners=False), 2)
    ink = ink * _between(0.75, 1, (count, 1, 1, 1), chance)
    grey = data.noise * torch.randn(ink.shape, generator=chance)
    return ((ink + grey).clamp(0, 1) * 255).round().byte()


def _grid(hand: Tensor, shift: Tensor) -> Tensor:
    """Where on its master each half pixel of a picture looks, as `grid_sample` takes it."""
    pixels = (torch.arange(MASTER) + 0.5 - MASTER / 2) / 2
    across, down = pixels - shift[:, :1], pixels - shift[:, 1:]
    inverse: Tensor = torch.linalg.inv(hand)[..., None] / (SIDE / 2)
    by_column, by_row = inverse[:, :, 0] * across[:, None], inverse[:, :, 1] * down[:, None]
    return (by_column[:, :, None, :] + by_row[:, :, :, None]).permute(0, 2, 3, 1)


def _hand(data: Glyphs, sizes: Tensor, chance: Generator) -> tuple[Tensor, Tensor]:
    """How each picture was written: a matrix [n, 2, 2], and how far its ink reaches, [n, 2]."""
    count = len(sizes)
    angle = _between(-1, 1, (count,), chance) * math.radians(data.rotation)
    width, height = _between(0.8, 1.1, (2, count), chance)
    slant = _between(-0.15, 0.15, (count,), chance)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
    shape = torch.stack([width, slant * height, torch.zeros(count), height], dim=1)
    hand = turn.view(-1, 2, 2) @ shape.view(-1, 2, 2)
    reach = (hand.abs() * sizes[:, None]).sum(dim=2)
    fit = (REACH / reach.amax(dim=1)).clamp(max=1)
    return hand * fit[:, None, None], reach * fit[:, None]


def _half_sizes(masters: Tensor) -> Tensor:
    """Half the width and half the height of the ink, in pixels of a picture, [n, 2]."""
    columns = (masters.amax(dim=1) > 0).sum(dim=1)
    rows = (masters.amax(dim=2) > 0).sum(dim=1)
    return torch.stack([columns, rows], dim=1) / 4


def _between(least: float, most: float, shape: tuple[int, ...], chance: Generator) -> Tensor:
    return least + (most - least) * torch.rand(shape, generator=chance)
