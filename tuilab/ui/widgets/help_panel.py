"""A panel beside a pane that explains what the cursor stands on."""

from collections.abc import Iterator
from textwrap import wrap

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.widgets import Static

from tuilab.core.reference.articles import Article
from tuilab.ui.terminal.glyphs import signs

WIDTHS = (46, 72)
"""Columns that the panel needs beside a pane, and that it takes at most."""

FRAME = 4
"""Columns of its border and padding; lines take two."""

HEADINGS = 9
"""Columns for the headings, so that their texts stand under each other."""


class Explanation(Static):
    """An article, drawn over whatever is beside the pane; over the pane where there is no room."""

    class Pressed(Message):
        """It was clicked."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def show(self, article: Article, pane: Region, kept: Region, screen: Size) -> None:
        """Show an article beside a pane, or over it where there is no room; `kept` stays in sight.

        Both regions are on the screen.
        """
        beside = screen.width - pane.right
        is_beside = beside >= WIDTHS[0]
        width = min(WIDTHS[1], beside if is_beside else pane.width - 2)
        lower = screen.height - kept.bottom
        most = screen.height if is_beside else max(kept.y, lower)
        lines = list(_lines(article, width - FRAME))
        if len(lines) > most - 2 > 0:
            lines = [*lines[: most - 3], Content(signs().ellipsis)]
        height = len(lines) + 2
        y = kept.bottom if height <= lower else kept.y - height
        self.border_title = Content(f"{article.name} {signs().dot} {article.kind}")
        self.border_subtitle = "esc closes"
        self.styles.width, self.styles.height = width, height
        # Offsets are seen from inside the pane's border.
        self.styles.offset = (pane.width - 1, 0) if is_beside else (0, y - pane.y - 1)
        self.update(Content("\n").join(lines))
        self.display = True

    def on_click(self, event: events.Click) -> None:
        """A click is for the panel alone."""
        event.stop()
        self.post_message(self.Pressed())


def _lines(article: Article, width: int) -> Iterator[Content]:
    """The article in so many columns; the lines of a formula stay lines."""
    yield from map(Content, wrap(article.summary, width))
    if article.parts:
        yield Content("")
    for heading, text in article.parts:
        first = heading.ljust(HEADINGS)
        for paragraph in text.splitlines():
            for line in wrap(paragraph, max(12, width - HEADINGS)) or [""]:
                style = "$accent" if heading == "Formula" else ""
                yield Content.assemble((first, "$text-muted"), (line, style))
                first = " " * HEADINGS
