"""A cell buffer that brings the styles, colors and glyphs of its drawing along."""

from rich.style import Style

from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle


class StyledCells(CellBuffer):
    """Cells to draw on in the style of a drawing; text is muted where nothing else is said."""

    def __init__(
        self, size: tuple[int, int], style: DrawStyle, text_style: Style | None = None
    ) -> None:
        super().__init__(*size, style.muted if text_style is None else text_style)
        self.style = style

    def write_truncated(
        self, x: int, y: int, text: str, room: int, style: Style | None = None
    ) -> int:
        """Writes text cut to `room` cells, with an ellipsis, and returns the x after it."""
        return self.write(x, y, self.style.truncate(text, room), style)


def draw_note(text: str, size: tuple[int, int], style: DrawStyle) -> StyledCells:
    """Draws a few words in the middle, where there is nothing else to draw."""
    cells = StyledCells(size, style)
    cells.write_centered(text)
    return cells
