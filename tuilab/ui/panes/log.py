"""The log: what the run reports, and what any library prints."""

from collections import deque

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuilab.core.run.run import Run
from tuilab.ui.terminal.terminal import MAX_PRINTED_LINES, PrintedLines

EMPTY = "Nothing yet. What the run reports and what libraries print appears here."


class LogPane(ScrollView, can_focus=True):
    """Log lines, the newest at the bottom; scrolled to the end, the pane follows them.

    Textual's `Log` cannot replace its last line, as a progress bar does that prints a carriage
    return, and starts a thread each time that it is written to.
    """

    BORDER_TITLE = "Log"

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=MAX_PRINTED_LINES)
        self._newest: str | None = None
        "The last line of the run that was added."
        self._printed = PrintedLines()
        self.unread = 0
        "Lines that were added while the log was not on the screen."

    def on_mount(self) -> None:
        """Captures what Python code prints."""
        self.begin_capture_print()

    def on_print(self, event: events.Print) -> None:
        """Adds what was printed."""
        self._printed.feed(event.text)
        self.add_printed(self._printed)

    def show(self, run: Run) -> None:
        """Adds the lines of the run that are new."""
        new_texts: list[str] = []
        for text in reversed(run.log):
            if text is self._newest:
                break
            new_texts.append(text)
        if new_texts:
            self._newest = new_texts[0]
            self._add([(line, False) for text in reversed(new_texts) for line in text.splitlines()])

    def add_printed(self, printed: PrintedLines) -> None:
        """Adds what has been printed since the last call."""
        if lines := printed.pop_lines():
            self._add(lines)

    def _add(self, lines: list[tuple[str, bool]]) -> None:
        is_at_end = self.scroll_offset.y >= self.max_scroll_y
        for text, replaces in lines:
            if replaces and self._lines:
                self._lines[-1] = text
            else:
                self._lines.append(text)
                self.unread += 1
        width = max((len(line) for line in self._lines), default=0)
        self.virtual_size = Size(width, len(self._lines))
        if is_at_end:
            self.scroll_end(animate=False, immediate=False, x_axis=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Returns one line of the log."""
        left, top = self.scroll_offset
        width, style = self.size.width, self.rich_style
        if not self._lines and y == 0:
            return Strip([Segment(EMPTY, style)]).adjust_cell_length(width, style)
        if top + y >= len(self._lines):
            return Strip.blank(width, style)
        strip = Strip([Segment(self._lines[top + y], style)])
        return strip.crop_extend(left, left + width, style)
