"""The log: what the run says, and what any library prints."""

from collections import deque

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuilab.core.run.run import Run
from tuilab.ui.terminal.terminal import KEPT, Printed


class LogPane(ScrollView, can_focus=True):
    """Log lines, the newest at the bottom; it follows them while it stands there."""

    BORDER_TITLE = "Log"

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._newest: str | None = None
        self._python = Printed()
        self.unseen = 0
        "Lines that came while the log was not on screen."

    def on_mount(self) -> None:
        """Take what Python code prints."""
        self.begin_capture_print()

    def on_print(self, event: events.Print) -> None:
        """Show what was printed."""
        self._python.feed(event.text)
        self.take(self._python)

    def show(self, run: Run) -> None:
        """Add the run's lines that are not shown yet."""
        fresh: list[str] = []
        for line in reversed(run.log):
            if line is self._newest:
                break
            fresh.append(line)
        if fresh:
            self._newest = fresh[0]
            self._add([(line, False) for text in reversed(fresh) for line in text.splitlines()])

    def take(self, printed: Printed) -> None:
        """Add what has been printed since the last time."""
        if lines := printed.take():
            self._add(lines)

    def _add(self, lines: list[tuple[str, bool]]) -> None:
        follows = self.scroll_offset.y >= self.max_scroll_y
        for text, replaces in lines:
            if replaces and self._lines:
                self._lines[-1] = text
            else:
                self._lines.append(text)
                self.unseen += 1
        self._resize()
        if follows:
            self.scroll_end(animate=False, immediate=False, x_axis=False)
        self.refresh()

    def _resize(self) -> None:
        width = max((len(line) for line in self._lines), default=0)
        self.virtual_size = Size(width, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """One line of the log."""
        left, top = self.scroll_offset
        width, style = self.size.width, self.rich_style
        if not self._lines and y == 0:
            text = "Nothing yet. What the run says and what libraries print comes here."
            return Strip([Segment(text, style)]).adjust_cell_length(width, style)
        if top + y >= len(self._lines):
            return Strip.blank(width, style)
        strip = Strip([Segment(self._lines[top + y], style)])
        return strip.crop_extend(left, left + width, style)
