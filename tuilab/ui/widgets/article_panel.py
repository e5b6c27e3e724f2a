"""A panel beside a pane with the article about the line at its cursor."""

from collections.abc import Iterator
from textwrap import wrap

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.widgets import Static

from tuilab.core.reference.articles import Article
from tuilab.ui.terminal.glyphs import get_glyphs

MIN_WIDTH_BESIDE = 46
"""Columns that the panel needs to stand beside a pane."""

MAX_WIDTH = 72

FRAME_WIDTH = 4
"""Columns of its border and padding; lines take two."""

HEADING_WIDTH = 9
"""Columns for the headings, so that their texts are aligned."""


class ArticlePanel(Static):
    """An article, drawn over what is beside the pane; over the pane where there is no room."""

    class Pressed(Message):
        """The panel was clicked."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def show(self, article: Article, pane: Region, visible: Region, screen: Size) -> None:
        """Shows an article beside a pane, or over it where there is no room.

        Args:
            pane: where the pane is on the screen.
            visible: a part of the pane that the panel does not cover.
        """
        beside = screen.width - pane.right
        is_beside = beside >= MIN_WIDTH_BESIDE
        width = min(MAX_WIDTH, beside if is_beside else pane.width - 2)
        below = screen.height - visible.bottom
        max_height = screen.height if is_beside else max(visible.y, below)
        lines = list(_format(article, width - FRAME_WIDTH))
        if len(lines) > max_height - 2 > 0:
            lines = [*lines[: max_height - 3], Content(get_glyphs().ellipsis)]
        height = len(lines) + 2
        y = visible.bottom if height <= below else visible.y - height
        self.border_title = Content(f"{article.name} {get_glyphs().dot} {article.kind}")
        self.border_subtitle = "esc closes"
        self.styles.width, self.styles.height = width, height
        # Offsets count from inside the pane's border.
        self.styles.offset = (pane.width - 1, 0) if is_beside else (0, y - pane.y - 1)
        self.update(Content("\n").join(lines))
        self.display = True

    def on_click(self, event: events.Click) -> None:
        """Keeps a click from what is below the panel."""
        event.stop()
        self.post_message(self.Pressed())


def _format(article: Article, width: int) -> Iterator[Content]:
    """Yields the lines of an article in a number of columns; a formula keeps its lines."""
    yield from map(Content, wrap(article.summary, width))
    if article.parts:
        yield Content("")
    for heading, text in article.parts:
        first = heading.ljust(HEADING_WIDTH)
        for paragraph in text.splitlines():
            for line in wrap(paragraph, max(12, width - HEADING_WIDTH)) or [""]:
                style = "$accent" if heading == "Formula" else ""
                yield Content.assemble((first, "$text-muted"), (line, style))
                first = " " * HEADING_WIDTH
