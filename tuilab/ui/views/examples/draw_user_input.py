"""A drawing of somebody's own: pixels, a pen, and where it stands."""


class Sketch:
    """Grey pixels that a pen draws on; black is nothing."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.at = (width // 2, height // 2)
        self.is_down = False
        "The pen draws as it moves."
        self._pixels = bytearray(width * height)

    @property
    def pixels(self) -> bytes:
        """Rows from the top, one byte a pixel."""
        return bytes(self._pixels)

    @property
    def pen(self) -> int:
        """How many pixels wide and high the pen is: as those of a written digit."""
        return max(1, min(self.width, self.height) // 12)

    def clear(self) -> None:
        """Begin again with nothing."""
        self._pixels = bytearray(self.width * self.height)
        self.is_down = False

    def ink(self) -> None:
        """Draw where the pen stands."""
        x, y = self.at
        half = (self.pen - 1) // 2
        for row in range(max(0, y - half), min(self.height, y - half + self.pen)):
            for column in range(max(0, x - half), min(self.width, x - half + self.pen)):
                self._pixels[row * self.width + column] = 255

    def move(self, x: int, y: int, *, is_drawn: bool | None = None) -> None:
        """Move the pen to a pixel; a line is drawn there if it is down."""
        x, y = max(0, min(self.width - 1, x)), max(0, min(self.height - 1, y))
        (left, top), draws = self.at, self.is_down if is_drawn is None else is_drawn
        steps = max(abs(x - left), abs(y - top), 1)
        for step in range(1, steps + 1):
            part = step / steps
            self.at = round(left + (x - left) * part), round(top + (y - top) * part)
            if draws:
                self.ink()
