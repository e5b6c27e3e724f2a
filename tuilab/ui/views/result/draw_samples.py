"""Samples in character cells: predictions, reconstructions, generated text, images and points."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import isfinite

from textual.geometry import Region

from tuilab.core.format import format_compact, format_percent
from tuilab.core.protocol.inspect.result_messages import (
    DecisionSurface,
    GeneratedImages,
    GeneratedPoints,
    GeneratedText,
    Reconstructions,
)
from tuilab.core.protocol.records import Reconstruction, Sample
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import draw_surface
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.image_grid import Caption, ImageTile, draw_dense_grid, draw_image_grid
from tuilab.ui.canvas.styled_cells import StyledCells

MAX_PROBABILITY = 0.999
"""Probabilities of a decision surface are below 1."""


def draw_samples(
    samples: Sequence[Sample], classes: Sequence[str], size: tuple[int, int], style: DrawStyle
) -> CellBuffer:
    """Draws images with their targets and predictions, as many as fit."""
    cells = StyledCells(size, style)
    tiles = [
        ImageTile([sample.pixels], sample.shape, _sample_captions(sample, classes, style))
        for sample in samples
    ]
    draw_image_grid(cells, Region(0, 0, *size), tiles)
    return cells


def _sample_captions(sample: Sample, classes: Sequence[str], style: DrawStyle) -> list[Caption]:
    glyphs, is_correct = style.glyphs, sample.target == sample.predicted
    text_style = style.muted if is_correct else style.error
    target, predicted = name_class(classes, sample.target), name_class(classes, sample.predicted)
    return [
        Caption(f"{glyphs.check if is_correct else glyphs.cross} {target}", text_style),
        Caption(f"{glyphs.arrow} {predicted}", text_style, f" {sample.probability:.2f}"),
    ]


def name_class(names: Sequence[str], number: float) -> str:
    """Returns the name of a class; of an unknown one the number."""
    index = int(number)
    return names[index] if 0 <= index < len(names) else str(index)


def draw_reconstructions(
    reconstructions: Reconstructions, size: tuple[int, int], style: DrawStyle
) -> CellBuffer:
    """Draws each example above its reconstruction, with the error."""
    cells = StyledCells(size, style)
    pairs = [pair for pair in reconstructions.pairs if pair.input and len(pair.shape) == 3]
    if not pairs:
        _draw_errors(cells, reconstructions.pairs)
        return cells
    tiles = []
    for pair in pairs:
        caption = Caption(f"{style.glyphs.arrow} error {format_compact(pair.error)}", style.muted)
        tiles.append(ImageTile([pair.input, pair.output], pair.shape, [caption]))
    draw_image_grid(cells, Region(0, 0, *size), tiles, min_tiles=2)
    return cells


def _draw_errors(cells: StyledCells, pairs: Sequence[Reconstruction]) -> None:
    """Draws the errors alone, as bars, for examples that are not images."""
    cells.write(0, 0, "error of each example")
    largest = max((pair.error for pair in pairs if isfinite(pair.error)), default=0.0) or 1.0
    room = max(0, cells.width - 16)
    for row, pair in enumerate(pairs, 2):
        fraction = pair.error / largest if isfinite(pair.error) else 0.0
        bar = cells.style.glyphs.bars[3] * round(fraction * room)
        cells.write(0, row, f"{row - 1:>4}  {format_compact(pair.error):<8}  {bar}")


# --- generated samples ----------------------------------------------------------------------------


def draw_generated(
    generated: GeneratedText | GeneratedImages | GeneratedPoints, size: tuple[int, int],
    style: DrawStyle,
) -> CellBuffer:  # fmt: skip
    """Draws what a network generates; points over the output of the discriminator."""
    match generated:
        case GeneratedText():
            return _draw_text(generated, size, style)
        case GeneratedImages():
            return _draw_images(generated, size, style)
    cells = StyledCells(size, style)
    cells.write(0, 0, style.fit(_points_titles(generated), cells.width), style.strong)
    room = (cells.width, cells.height - 1)
    cells.paste(0, 1, draw_surface(_judged_surface(generated), ("generated", "real"), room, style))
    return cells


def _draw_text(generated: GeneratedText, size: tuple[int, int], style: DrawStyle) -> CellBuffer:
    """Draws the prompt in bold and the text after it, wrapped; of a long text the end."""
    cells = StyledCells(size, style)
    temperature = f"temperature {format_compact(generated.temperature)} (- colder, + hotter)"
    cells.write(0, 0, temperature)
    wrapper = textwrap.TextWrapper(
        max(1, cells.width), expand_tabs=False, replace_whitespace=False, drop_whitespace=False
    )
    position = 0
    lines: list[tuple[int, str]] = []
    for paragraph in (generated.prompt + generated.text).split("\n"):
        for line in wrapper.wrap(paragraph) or [""]:
            lines.append((position, line))
            position += len(line)
        position += 1
    for row, (start, line) in enumerate(lines[-max(1, cells.height - 2) :], 2):
        x = 0
        for index, character in enumerate(line, start):
            text_style = style.strong if index < len(generated.prompt) else style.muted
            glyph = character if character.isprintable() else style.glyphs.dot
            x = cells.write(x, row, glyph, text_style)
    return cells


def _draw_images(generated: GeneratedImages, size: tuple[int, int], style: DrawStyle) -> CellBuffer:
    cells = StyledCells(size, style)
    cells.write_truncated(0, 0, generated.title, cells.width, style.strong)
    tiles = [ImageTile([image], generated.shape) for image in generated.images]
    region = Region(0, 2, cells.width, max(0, cells.height - 2))
    if generated.columns:
        draw_dense_grid(cells, region, tiles, generated.columns)
    else:
        draw_image_grid(cells, region, tiles)
    return cells


def _points_titles(points: GeneratedPoints) -> Iterator[str]:
    """Yields how well the generated points cover the data, from long to short."""
    if points.covered_modes is None:
        yield f"{len(points.generated)} generated points among real ones"
        return
    modes = f"{points.covered_modes} of {points.total_modes} modes"
    share = format_percent(points.precision)
    yield f"{modes} covered, {share} of the generated points lie at a mode"
    yield f"{modes} covered, {share} of points at a mode"
    yield f"{modes}, {share} at a mode"


def _judged_surface(points: GeneratedPoints) -> DecisionSurface:
    """Returns the discriminator's output as a surface between two classes, generated and real."""
    values = [
        1 + min(real, MAX_PROBABILITY) if real >= 0.5 else min(1 - real, MAX_PROBABILITY)
        for real in points.realness
    ]
    generated = [(x, y, 0.0) for x, y in points.generated]
    real = [(x, y, 1.0) for x, y in points.real]
    # The surface shows the first points only: both kinds alternate.
    mixed = [point for pair in zip_longest(generated, real) for point in pair if point]
    return DecisionSurface(points.bounds, points.width, points.height, values, mixed)
