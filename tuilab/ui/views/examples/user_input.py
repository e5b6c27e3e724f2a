"""The page of the view of examples on which an input of the user is drawn, typed or opened."""

from msgspec.structs import replace
from textual.geometry import Offset, Region

from tuilab.core.protocol.inspect.examples_messages import Example, ExamplesResponse, UserInput
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells, draw_note
from tuilab.ui.views.examples.draw_detail import draw_example
from tuilab.ui.views.examples.prompts import PROMPTS
from tuilab.ui.views.examples.sketch import Sketch

DRAWING_HINTS = (
    "arrows move, space: pen down or up, c clears, esc ends; the mouse draws too",
    "arrows move, space: pen down or up, c clears, esc ends",
    "space: pen, c clears, esc ends",
)
"""Shown while the user draws, the longest one that fits."""


class UserInputPage:
    """An input of the user, and what the network predicts for it."""

    def __init__(self) -> None:
        self.value: UserInput | None = None
        self.sketch = Sketch(0, 0)
        "Without pixels until the user draws."
        self.is_drawing = False
        self._image: Region | None = None
        "Where the image is, in cells."

    # --- drawing on cells ---------------------------------------------------------------------

    def draw(
        self, response: ExamplesResponse, size: tuple[int, int], style: DrawStyle, *,
        is_compared: bool,
    ) -> CellBuffer:  # fmt: skip
        """Draws the input, and what the network predicts for it.

        Args:
            is_compared: two responses are side by side, and nothing can be drawn by the user.
        """
        width, height = size
        prompt = PROMPTS[response.input_kind]
        example = self._example(response, is_compared=is_compared)
        if example is None:
            return draw_note(response.note or prompt.invitation, size, style)
        cells = StyledCells(size, style)
        hints = DRAWING_HINTS if self.is_drawing else (response.note or prompt.hint,)
        drawing = draw_example(example, (width, height - 1), style, "your own")
        cells.paste(0, 0, drawing.cells)
        cells.write(0, min(drawing.rows + 1, height - 1), style.fit(hints, width))
        if drawing.image is not None and not is_compared:
            self._image = drawing.image
            if not style.has_color:
                _draw_corners(cells, drawing.image)
            if self.is_drawing:
                self._draw_cursor(cells, drawing.image)
        return cells

    def _example(self, response: ExamplesResponse, *, is_compared: bool) -> Example | None:
        """Returns the example of a response with the current sketch, which may be newer."""
        example = response.example if response.page == "user_input" else None
        if not self.accepts_mouse or is_compared:
            return example
        shape = [1, self.sketch.height, self.sketch.width]
        return replace(example or Example(), kind="picture", pixels=self.sketch.pixels, shape=shape)

    def _draw_cursor(self, cells: CellBuffer, image: Region) -> None:
        column, row = self.sketch.position
        x = image.x + column * image.width // self.sketch.width
        cells.draw_cursor(x, image.y + row * image.height // self.sketch.height)

    # --- what the user draws ------------------------------------------------------------------

    @property
    def accepts_mouse(self) -> bool:
        """Whether the image is a sketch of the user, not a file."""
        return bool(self.sketch.pixels) and not (self.value is not None and self.value.path)

    def _take_sketch(self) -> None:
        self.value = UserInput(pixels=self.sketch.pixels)

    def begin_drawing(self, width: int, height: int) -> None:
        """Begins to draw, or continues with a sketch of the same size."""
        if (self.sketch.width, self.sketch.height) != (width, height):
            self.sketch = Sketch(width, height)
        self.is_drawing = True
        self._take_sketch()

    def end_drawing(self) -> None:
        """Ends drawing and lifts the pen."""
        self.is_drawing = self.sketch.is_down = False

    def move(self, across: int, down: int) -> None:
        """Moves the pen by a number of pixels."""
        x, y = self.sketch.position
        self.sketch.move(x + across, y + down)
        self._take_sketch()

    def switch_pen(self) -> None:
        """Puts the pen down or lifts it."""
        self.sketch.is_down = not self.sketch.is_down
        if self.sketch.is_down:
            self.sketch.draw()
            self._take_sketch()

    def clear(self) -> None:
        """Clears the sketch."""
        if self.sketch.pixels:
            self.sketch.clear()
            self._take_sketch()

    def draw_at(self, offset: Offset, *, is_line: bool) -> None:
        """Draws at a cell, if it is on the image.

        Args:
            is_line: the pen draws on its way there, too.
        """
        image, sketch = self._image, self.sketch
        if image is None or not image.contains_point(offset):
            return
        across, down = offset - image.offset
        x = int((across + 0.5) * sketch.width / image.width)
        y = int((down + 0.5) * sketch.height / image.height)
        sketch.move(x, y, is_drawing=is_line)
        sketch.draw()
        self._take_sketch()


def _draw_corners(cells: StyledCells, image: Region) -> None:
    """Shows how large the image is where black is the color of everything."""
    for x in (image.x, image.right - 1):
        for y in (image.y, image.bottom - 1):
            if cells.is_blank(x, y):
                cells.put(x, y, cells.style.glyphs.dot, cells.style.muted)
