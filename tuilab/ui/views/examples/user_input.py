"""The part of the view of examples where an input of one's own is drawn, typed or opened."""

from typing import Any

from msgspec.structs import replace
from rich.style import Style
from textual import events

from tuilab.core.protocol.inspect.examples_messages import (
    Example,
    ExamplesResponse,
    Page,
    UserInput,
)
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.plot.legend import say
from tuilab.ui.views.examples.draw_bars import Box, Pencil
from tuilab.ui.views.examples.draw_detail import draw_example
from tuilab.ui.views.examples.draw_user_input import Sketch
from tuilab.ui.views.examples.prompts import PROMPTS, checked
from tuilab.ui.views.view import View

DRAWING = (
    "arrows move, space: pen down or up, c clears, esc ends; the mouse draws too",
    "arrows move, space: pen down or up, c clears, esc ends",
    "space: pen, c clears, esc ends",
)
"""What is said while somebody draws, as long as there is room for."""


class OwnInput(View):
    """Takes an input from somebody and shows what the network says of it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.page: Page = "matrix"
        self.sketch: Sketch | None = None
        self.own: UserInput | None = None
        self.is_drawing = False
        self._box: Box | None = None

    @property
    def shown(self) -> ExamplesResponse | None:
        """The newest answer."""
        return self.seen if isinstance(self.seen, ExamplesResponse) else None

    def changed(self) -> None:
        """Offer the keys of the page, and draw it."""
        self.refresh_bindings()
        self.redraw()

    def own_page(self, seen: ExamplesResponse, size: tuple[int, int], pencil: Pencil) -> CellBuffer:
        """What is drawn or typed, and what the network says of it."""
        grid = CellBuffer(*size, pencil.label)
        example = seen.example if seen.page == "own" else None
        if self.sketch is not None and not (self.own and self.own.path) and self.kept is None:
            shape = [1, self.sketch.height, self.sketch.width]
            example = replace(example or Example(kind="picture"), pixels=self.sketch.pixels,
                              shape=shape, kind="picture")  # fmt: skip
        if example is None:
            say(grid, seen.note or PROMPTS[seen.accepts or ""].invitation, pencil.label)
            return grid
        words = seen.note or PROMPTS[seen.accepts or ""].hint
        if self.is_drawing:
            words = next((each for each in DRAWING if len(each) <= size[0]), DRAWING[-1])
        drawn = draw_example(example, (size[0], size[1] - 1), pencil, "your own")
        grid.place(0, 0, drawn.grid)
        y = min(drawn.used + 1, size[1] - 1)
        grid.write(0, y, fitted(words, size[0], pencil.signs.ellipsis), pencil.label)
        if (box := drawn.box) is not None and self.kept is None:
            self._box = box
            if not pencil.hues.is_blended:
                _corners(grid, box, pencil)
            if self.is_drawing and self.sketch is not None:
                x = box.x + self.sketch.at[0] * box.columns // self.sketch.width
                y = box.y + self.sketch.at[1] * box.rows // self.sketch.height
                if x < grid.width and y < grid.height:
                    sign, style = grid.cells[y][x]
                    mark = "+" if sign in (" ", "▀") else sign
                    grid.put(x, y, mark, style + Style(reverse=True, bold=True))
        return grid

    def action_own(self) -> None:
        """Go to an input of one's own: draw it, or type it."""
        if (seen := self.shown) is None:
            return
        if not seen.accepts:
            self.notify("This task has no input to draw or to type.")
            return
        self.page = "own"
        if seen.accepts == "picture":
            _, height, width = seen.own_shape
            if self.sketch is None or (self.sketch.width, self.sketch.height) != (width, height):
                self.sketch = Sketch(width, height)
            self.is_drawing = True
            self.drew()
        else:
            self._type(seen)
        self.changed()

    def _type(self, seen: ExamplesResponse) -> None:
        from tuilab.ui.screens.dialogs import Prompt

        words = PROMPTS[seen.accepts]

        def take(answer: Any) -> None:
            if answer is not None:
                self.own = UserInput(text=answer)
                self.changed()

        before = self.own.text if self.own else ""
        text = words.text(seen)
        self.app.push_screen(Prompt(words.title, text, before, check=checked(seen)), take)

    def action_file(self) -> None:
        """Ask for a picture on the disk."""
        from tuilab.ui.screens.dialogs import Prompt

        def take(answer: Any) -> None:
            if answer:
                self.own, self.page, self.is_drawing = UserInput(path=answer.strip()), "own", False
                self.changed()

        text = "PNG, JPEG, GIF, BMP, WebP or TIFF; its middle is cut out and resized to fit."
        self.app.push_screen(Prompt("Open a picture", text, "~/"), take)

    def drew(self) -> None:
        if self.sketch is not None:
            self.own = UserInput(pixels=self.sketch.pixels)

    def action_pen(self) -> None:
        """Put the pen down or lift it."""
        if self.sketch is not None:
            self.sketch.is_down = not self.sketch.is_down
            if self.sketch.is_down:
                self.sketch.ink()
                self.drew()
            self.redraw()

    def action_clear(self) -> None:
        """Begin the drawing again."""
        if self.sketch is not None:
            self.sketch.clear()
            self.drew()
            self.redraw()

    def _paint(self, event: events.MouseEvent, *, is_drawn: bool) -> None:
        """Draw where the mouse is."""
        offset, box, sketch = event.get_content_offset(self), self._box, self.sketch
        if offset is None or box is None or sketch is None:
            return
        across, down = offset.x - box.x, offset.y - box.y
        if 0 <= across < box.columns and 0 <= down < box.rows:
            x = int((across + 0.5) * sketch.width / box.columns)
            y = int((down + 0.5) * sketch.height / box.rows)
            sketch.move(x, y, is_drawn=is_drawn)
            sketch.ink()
            self.drew()
            self.redraw()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to draw."""
        if self.page == "own" and self.sketch is not None and not (self.own and self.own.path):
            self.is_drawing = True
            self._paint(event, is_drawn=False)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draw a line while a button is down."""
        if self.page == "own" and self.is_drawing and event.button:
            self._paint(event, is_drawn=True)


def _corners(grid: CellBuffer, box: Box, pencil: Pencil) -> None:
    """Show how large the picture is where black is the colour of everything."""
    for x in (box.x, box.x + box.columns - 1):
        for y in (box.y, box.y + box.rows - 1):
            if grid.is_blank(x, y):
                grid.put(x, y, pencil.signs.dot, pencil.label)
