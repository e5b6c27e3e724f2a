"""A drawing of the user: pixels, a pen, and its position."""


class Sketch:
    """Gray pixels that a pen draws on; black is empty."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.position = (width // 2, height // 2)
        self.is_down = False
        "The pen draws as it moves."
        self._pixels = bytearray(width * height)

    @property
    def pixels(self) -> bytes:
        """Rows from the top, one byte a pixel."""
        return bytes(self._pixels)

    @property
    def pen_size(self) -> int:
        """Pixels that the pen is wide and high: as wide as the strokes of a written digit."""
        return max(1, min(self.width, self.height) // 12)

    def clear(self) -> None:
        """Clears all pixels and lifts the pen."""
        self._pixels = bytearray(self.width * self.height)
        self.is_down = False

    def draw(self) -> None:
        """Draws at the position of the pen."""
        x, y = self.position
        half = (self.pen_size - 1) // 2
        for row in range(max(0, y - half), min(self.height, y - half + self.pen_size)):
            for column in range(max(0, x - half), min(self.width, x - half + self.pen_size)):
                self._pixels[row * self.width + column] = 255

    def move(self, x: int, y: int, *, is_drawing: bool | None = None) -> None:
        """Moves the pen to a pixel.

        Args:
            is_drawing: whether a line is drawn there; None: if the pen is down.
        """
        x, y = max(0, min(self.width - 1, x)), max(0, min(self.height - 1, y))
        left, top = self.position
        steps = max(abs(x - left), abs(y - top), 1)
        for step in range(1, steps + 1):
            part = step / steps
            self.position = round(left + (x - left) * part), round(top + (y - top) * part)
            if self.is_down if is_drawing is None else is_drawing:
                self.draw()
