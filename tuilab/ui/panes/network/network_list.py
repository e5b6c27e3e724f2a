"""A network line by line: the tree, the text, the output shape and the parameters."""

from dataclasses import dataclass

from rich.cells import cell_len
from textual.message import Message

from tuilab.core.network.plan import LinePath
from tuilab.ui.panes.network.network_lines import (
    ADD,
    MIN_TEXT_WIDTH,
    Columns,
    NetworkDisplay,
    NetworkLine,
    build_lines,
    fit_columns,
    shorten_shape,
)
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.line_list import LineList, Span, fit_text, glyph_or_ascii


class NetworkList(LineList[NetworkLine]):
    """The lines of a network, with a cursor."""

    @dataclass
    class FoldPressed(Message):
        """The triangle of the block at a path was clicked."""

        path: LinePath

    def __init__(self) -> None:
        super().__init__()
        self._display: NetworkDisplay | None = None
        self._columns = Columns()

    def show(self, display: NetworkDisplay) -> None:
        """Shows the lines of a network."""
        self._display = display
        lines = list(build_lines(display, self.line_width))
        self._columns = fit_columns(lines, self.line_width)
        self.set_lines(lines)

    def on_resize(self) -> None:
        """Wraps notes and fits columns to the new width."""
        if self._display is not None:
            self.show(self._display)
        super().on_resize()

    def _text_room(self, line: NetworkLine) -> int:
        """Returns the cells for the text of a line."""
        columns = 0 if line.is_note else self._columns.shape + self._columns.count
        return self.line_width - columns - line.start - 1

    def locate_text(self, index: int) -> tuple[int, int]:
        """Returns where to type over the text of a line, and in how many cells.

        Where there is little room, it covers the columns too.
        """
        line = self.lines[index]
        room = self._text_room(line)
        is_roomy = room >= MIN_TEXT_WIDTH + 8
        return line.start, room if is_roomy else self.line_width - line.start - 1

    def is_cut(self, text: str) -> bool:
        """Returns whether the line at the cursor has no room for all of its text."""
        line = self.current_line
        return line is not None and cell_len(text) > self._text_room(line)

    def handle_click_inside(self, line: NetworkLine, x: int) -> bool:
        """Folds or opens a block on a click on its triangle; adds a line below the last."""
        if line.key == ADD:
            self.cursor = ADD
            self.post_message(self.Selected(self))
            return True
        if line.is_folded is None or not line.start - 2 <= x < line.start:
            return False
        assert isinstance(line.key, tuple), "a block has a path"
        self.post_message(self.FoldPressed(line.key))
        return True

    def draw_line(self, line: NetworkLine, width: int) -> list[Span]:
        """Returns cursor, tree, text, shape and parameters."""
        is_at_cursor = line.key is not None and line.key == self.cursor
        spans = [
            (glyph_or_ascii("›", ">") if is_at_cursor else " ", "line-list--glyph"),
            ("~" if line.differs else " ", "line-list--changed"),
            ((get_glyphs().vertical + " ") * line.depth, "line-list--muted"),
        ]
        if line.is_folded is not None:
            triangle = glyph_or_ascii("▸ ", "> ") if line.is_folded else glyph_or_ascii("▾ ", "v ")
            spans.append((triangle, "line-list--glyph"))
        spans.append((fit_text(line.text, self._text_room(line)), line.style))
        if not line.is_note:
            shape = shorten_shape(line.shape) if self._columns.is_tight else line.shape
            spans.append((fit_text(" " + shape, self._columns.shape), "line-list--muted"))
            if self._columns.count or line.key == ADD:
                spans.append((line.count.rjust(self._columns.count), line.count_style))
        return spans
