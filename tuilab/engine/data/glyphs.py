"""Images of digits and letters, rendered here so that image data needs no files and no network.

Only the font inside Pillow is used, so that a seed gives the same images on every machine. Each
character is rendered once per stroke weight at twice the size; every image is then a random view
of one of these masters, computed hundreds at a time.
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.format import format_count
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.rng import rng_for, uniform
from tuilab.engine.data.sources import TEST_EXAMPLES, RawDataset, source

SIDE = 28
"""The width and height of an image in pixels."""

MASTER_SIDE = 56
"""The width and height of a master: two pixels for each pixel of an image."""

FONT_SIZE = 46
"""Renders a digit about 33 pixels high: between half and two thirds of an image."""

STROKE_WIDTHS = (0, 1, 2)
"""Pixels added to the outline of a master."""

MAX_REACH = SIDE / 2 - 1
"""Pixels from the center that ink may reach: one pixel at the edge stays free."""

CHUNK_SIZE = 500
"""Images computed together: few enough for the cache and for a quick reaction to cancel."""


@source(Glyphs)
def glyphs(data: Glyphs, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws equally many images of each character, each in a random position and shape."""
    masters = _render_masters(data.classes)
    return RawDataset(
        _draw(data, masters, data.samples, rng_for(seed, "training"), report),
        _draw(data, masters, TEST_EXAMPLES, rng_for(seed, "test"), report),
    )


def _render_masters(characters: tuple[str, ...]) -> Tensor:
    """Renders every character in every weight, [characters, weights, side, side], from 0 to 1."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT_SIZE)
    images = []
    for character in characters:
        for width in STROKE_WIDTHS:
            sheet = Image.new("L", (2 * MASTER_SIDE, 2 * MASTER_SIDE))
            center = (MASTER_SIDE, MASTER_SIDE)
            ImageDraw.Draw(sheet).text(center, character, 255, font, "mm", stroke_width=width)
            ink = sheet.crop(sheet.getbbox())
            master = Image.new("L", (MASTER_SIDE, MASTER_SIDE))
            master.paste(ink, ((MASTER_SIDE - ink.width) // 2, (MASTER_SIDE - ink.height) // 2))
            images.append(torch.frombuffer(bytearray(master.tobytes()), dtype=torch.uint8))
    stacked = torch.stack(images).float() / 255
    return stacked.view(len(characters), len(STROKE_WIDTHS), MASTER_SIDE, MASTER_SIDE)


def _draw(
    data: Glyphs, masters: Tensor, count: int, generator: Generator, report: ProgressCallback
) -> Examples:
    classes = (torch.arange(count) % len(masters))[torch.randperm(count, generator=generator)]
    images = torch.empty(count, 1, SIDE, SIDE, dtype=torch.uint8)
    activity = f"Drawing {format_count(count)} glyphs"
    for start in range(0, count, CHUNK_SIZE):
        report(activity, start / count)
        chunk = classes[start : start + CHUNK_SIZE]
        weights = torch.randint(len(STROKE_WIDTHS), chunk.shape, generator=generator)
        images[start : start + CHUNK_SIZE] = _random_views(data, masters[chunk, weights], generator)
    report(activity, 1.0)
    return Examples(images, classes)


def _random_views(data: Glyphs, masters: Tensor, generator: Generator) -> Tensor:
    """Draws a random view of each master, [n, side, side], as bytes [n, 1, SIDE, SIDE]."""
    count = len(masters)
    matrices, reach = _random_matrices(data, _half_sizes(masters), generator)
    room = (MAX_REACH - reach).clamp(min=0, max=data.shift)
    shift = room * uniform(-1, 1, (count, 2), generator)
    grid = _sampling_grid(matrices, shift)
    ink = avg_pool2d(grid_sample(masters[:, None], grid, align_corners=False), 2)
    ink = ink * uniform(0.75, 1, (count, 1, 1, 1), generator)
    noise = data.noise * torch.randn(ink.shape, generator=generator)
    return ((ink + noise).clamp(0, 1) * 255).round().byte()


def _sampling_grid(matrices: Tensor, shift: Tensor) -> Tensor:
    """Returns where each half pixel of an image samples its master, as `grid_sample` takes it."""
    pixels = (torch.arange(MASTER_SIDE) + 0.5 - MASTER_SIDE / 2) / 2
    x, y = pixels - shift[:, :1], pixels - shift[:, 1:]
    inverse: Tensor = torch.linalg.inv(matrices)[..., None] / (SIDE / 2)
    by_column, by_row = inverse[:, :, 0] * x[:, None], inverse[:, :, 1] * y[:, None]
    return (by_column[:, :, None, :] + by_row[:, :, :, None]).permute(0, 2, 3, 1)


def _random_matrices(data: Glyphs, sizes: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draws how each glyph is written: a matrix [n, 2, 2], and how far its ink reaches, [n, 2]."""
    count = len(sizes)
    angle = uniform(-1, 1, (count,), generator) * math.radians(data.rotation)
    width, height = uniform(0.8, 1.1, (2, count), generator)
    slant = uniform(-0.15, 0.15, (count,), generator)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
    shear = torch.stack([width, slant * height, torch.zeros(count), height], dim=1)
    matrices = rotation.view(-1, 2, 2) @ shear.view(-1, 2, 2)
    reach = (matrices.abs() * sizes[:, None]).sum(dim=2)
    fit = (MAX_REACH / reach.amax(dim=1)).clamp(max=1)
    return matrices * fit[:, None, None], reach * fit[:, None]


def _half_sizes(masters: Tensor) -> Tensor:
    """Returns half the width and height of the ink, in pixels of an image, [n, 2]."""
    columns = (masters.amax(dim=1) > 0).sum(dim=1)
    rows = (masters.amax(dim=2) > 0).sum(dim=1)
    return torch.stack([columns, rows], dim=1) / 4
