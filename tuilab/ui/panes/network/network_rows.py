"""A network line by line: the tree, the text, the output shape and the parameters."""

from rich.cells import cell_len
from textual.message import Message

from tuilab.core.network.plan import Path
from tuilab.ui.panes.network.network_lines import (
    ADD,
    LEAST_TEXT,
    Columns,
    NetworkLine,
    View,
    columns,
    lines,
    narrow,
)
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.widgets.line_list import LineList, Span, fitted, sign


class NetworkList(LineList[NetworkLine]):
    """The lines of a network, with a cursor."""

    class FoldPressed(Message):
        """The triangle of the block at a path was clicked."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self) -> None:
        super().__init__()
        self._view: View | None = None
        self._columns = Columns()

    def show(self, view: View) -> None:
        """Repaint with another network, or other signs on it."""
        self._view = view
        drawn = list(lines(view, self.width))
        self._columns = columns(drawn, self.width)
        self.fill(drawn)

    def on_resize(self) -> None:
        """Fold problems and columns to the new width."""
        if self._view is not None:
            self.show(self._view)
        super().on_resize()

    def _room(self, line: NetworkLine) -> int:
        """Cells for the text of a line."""
        taken = 0 if line.is_note else self._columns.shape + self._columns.count
        return self.width - taken - line.start - 1

    def text_region(self, place: int) -> tuple[int, int]:
        """Where to type over the text of a line; over the columns too where room is little."""
        line = self.lines[place]
        room = self._room(line)
        return line.start, room if room >= LEAST_TEXT + 8 else self.width - line.start - 1

    def is_cut(self, text: str) -> bool:
        """Whether there is no room for all the text of the line at the cursor."""
        return self.current is not None and cell_len(text) > self._room(self.current)

    def pressed_inside(self, line: NetworkLine, x: int) -> bool:
        """A click on a triangle folds the block or opens it; one below the last line adds."""
        if line.key == ADD:
            self.cursor = ADD
            self.post_message(self.Pressed(self))
            return True
        if line.fold is None or not line.start - 2 <= x < line.start:
            return False
        assert isinstance(line.key, tuple), "a block has a path"
        self.post_message(self.FoldPressed(line.key))
        return True

    def draw(self, line: NetworkLine, width: int) -> list[Span]:
        """The cursor, the tree, the text, the shape and the parameters."""
        at_cursor = line.key is not None and line.key == self.cursor
        spans = [
            (sign("›", ">") if at_cursor else " ", "rows--sign"),
            ("~" if line.differs else " ", "rows--changed"),
            ((signs().vertical + " ") * line.depth, "rows--muted"),
        ]
        if line.fold is not None:
            triangle = sign("▸ ", "> ") if line.fold else sign("▾ ", "v ")
            spans.append((triangle, "rows--sign"))
        spans.append((fitted(line.text, self._room(line)), line.style))
        if not line.is_note:
            shape = narrow(line.shape) if self._columns.is_tight else line.shape
            spans.append((fitted(" " + shape, self._columns.shape), "rows--muted"))
            if self._columns.count or line.key == ADD:
                spans.append((line.count.rjust(self._columns.count), line.count_style))
        return spans
