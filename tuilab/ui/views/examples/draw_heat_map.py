"""The attribution of an image as a heat map, in colors over the darkened image or in shades."""

from textual.geometry import Region

from tuilab.core.protocol.inspect.examples_messages import Example
from tuilab.core.protocol.inspect.quantization import dequantize
from tuilab.ui.canvas.draw_style import Pixel
from tuilab.ui.canvas.half_blocks import draw_field, resize_image
from tuilab.ui.canvas.styled_cells import StyledCells

BRIGHTNESS = 0.45
"""Of an image under its heat map."""

SIGNED_BELOW = -0.3
"""Without color, `-` stands where the attribution is below this."""

Point = tuple[Pixel, float]
"""A pixel of the image and its attribution, from -1 to 1."""


def draw_heat_map(cells: StyledCells, region: Region, example: Example) -> None:
    """Draws the heat map of an example over its image."""

    def sample(columns: int, rows: int) -> list[list[Point]]:
        image = resize_image(example.pixels, tuple(example.shape), columns, rows)
        height, width = example.heat_shape
        across = [min(width - 1, x * width // columns) for x in range(columns)]
        down = [min(height - 1, y * height // rows) for y in range(rows)]
        return [
            [
                (pixel, dequantize(example.heat[y * width + x]))
                for x, pixel in zip(across, line, strict=True)
            ]
            for y, line in zip(down, image, strict=True)
        ]

    def blend(point: Point) -> Pixel:
        pixel, value = point
        color, part = cells.style.class_color(0 if value >= 0 else 1).rgb, min(1.0, abs(value))
        red, green, blue = (
            round(channel * BRIGHTNESS * (1 - part) + other * part)
            for channel, other in zip(pixel, color, strict=True)
        )
        return red, green, blue

    def glyph(point: Point) -> str:
        return "-" if point[1] < SIGNED_BELOW else cells.style.shade(abs(point[1]))

    draw_field(cells, region, sample, blend, glyph)
