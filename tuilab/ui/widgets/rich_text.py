"""Prose with places in it that can be chosen: wrapped lines, and a cursor that goes from place to
place."""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words in one style; with a spot they can be chosen."""

    text: str
    style: str = ""
    "A component class of the widget."
    spot: Hashable | None = None


Line = tuple[Piece, ...]


def wrap(pieces: Iterable[Piece], width: int, indent: str = "", first: str = "") -> list[Line]:
    """Break words into lines of at most so many cells.

    Args:
        indent: stands in front of every line.
        first: stands in front of the first one instead, such as a bullet.
    """
    lines: list[list[Piece]] = [[Piece(first or indent)]]
    column = start = cell_len(first or indent)
    for run in _runs(pieces):
        room = sum(cell_len(piece.text) for piece in run)
        is_space = run[0].text.isspace()
        if column + room > width and column > start and not is_space:
            lines.append([Piece(indent)])
            column = start = cell_len(indent)
        if not is_space or column > start:
            lines[-1].extend(run)
            column += room
    return [_joined(line) for line in lines]


def _runs(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Words, each of one or more pieces that no space parts, and the spaces between them."""
    run: list[Piece] = []
    for piece in pieces:
        for word in re.split("( +)", piece.text):
            if not word:
                continue
            if word.isspace() and run:
                yield run
                run = []
            run.append(Piece(word, piece.style, piece.spot))
            if word.isspace():
                yield run
                run = []
    if run:
        yield run


def _joined(line: Sequence[Piece]) -> Line:
    """The same line with neighbours of one style as one piece."""
    found: list[Piece] = []
    for piece in line:
        last = found[-1] if found else None
        if last is not None and (last.style, last.spot) == (piece.style, piece.spot):
            found[-1] = Piece(last.text + piece.text, last.style, last.spot)
        elif piece.text:
            found.append(piece)
    return tuple(found)


class RichTextView(ScrollView, can_focus=True):
    """Shows lines; the arrow keys go from spot to spot, and scroll where there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False, tooltip="Go to the place before"),
        Binding("down", "move(1)", "down", show=False, tooltip="Go to the next place"),
        Binding("enter", "choose", "Choose", id="lesson.choose", key_display="↑↓ ⏎",
                tooltip="Do what stands at the cursor"),
        Binding("pageup", "scroll_by(-1)", "page up", show=False, tooltip="Read further up"),
        Binding("pagedown", "scroll_by(1)", "page down", show=False, tooltip="Read on"),
    ]  # fmt: skip
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "reading--heading", "reading--bold", "reading--italic", "reading--code", "reading--term",
        "reading--link", "reading--aside", "reading--muted", "reading--good", "reading--bad",
        "reading--thing", "reading--cursor",
    }  # fmt: skip

    class Chosen(Message):
        """Enter or a click on a spot."""

        def __init__(self, spot: Hashable) -> None:
            super().__init__()
            self.spot = spot

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[Line] = ()
        self.spot: Hashable | None = None

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines; the cursor stays on its spot if that is still there.

        Only lines that differ are drawn anew: the values of goals change ten times a second.
        """
        before, self.lines = self.lines, lines
        if self.spot is not None and self.spot not in self._spots():
            self.spot = None
        if len(before) != len(lines):
            self.virtual_size = Size(0, len(lines))
            self.refresh()
            return
        for number, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new:
                self.refresh_line(number)

    def _spots(self) -> dict[Hashable, int]:
        """Every spot with the line it begins in."""
        found: dict[Hashable, int] = {}
        for number, line in enumerate(self.lines):
            for piece in line:
                if piece.spot is not None:
                    found.setdefault(piece.spot, number)
        return found

    def action_move(self, by: int) -> None:
        """The next spot, if it is on screen or near; else scroll towards it."""
        spots = self._spots()
        order = list(spots)
        place = order.index(self.spot) + by if self.spot in spots else self._entered(spots, by)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not 0 <= place < len(order) or not top - 2 <= spots[order[place]] < top + height + 2:
            self.scroll_relative(y=3 * by, animate=False)
            return
        self.point(order[place])

    def _entered(self, spots: dict[Hashable, int], by: int) -> int:
        """The first spot on screen, or the last."""
        top, height = self.scroll_offset.y, self.size.height
        seen = [place for place, line in enumerate(spots.values()) if top <= line < top + height]
        return -1 if not seen else seen[0] if by > 0 else seen[-1]

    def point(self, spot: Hashable) -> None:
        """Put the cursor on a spot."""
        self.spot = spot
        line = self._spots().get(spot)
        if line is not None:
            self.scroll_to_region(Region(0, line, 1, 1), animate=False, force=True)
        self.refresh()

    def action_choose(self) -> None:
        """What stands at the cursor."""
        if self.spot is not None:
            self.post_message(self.Chosen(self.spot))

    def action_scroll_by(self, pages: int) -> None:
        """Read on, or back."""
        self.scroll_relative(y=pages * max(1, self.size.height - 2), animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click on a spot chooses it."""
        number = event.y + self.scroll_offset.y
        if not 0 <= number < len(self.lines):
            return
        column = 0
        for piece in self.lines[number]:
            column += cell_len(piece.text)
            if event.x < column:
                if piece.spot is not None:
                    self.point(piece.spot)
                    self.post_message(self.Chosen(piece.spot))
                return

    def render_line(self, y: int) -> Strip:
        """One line of the text that is in view."""
        number, width = y + self.scroll_offset.y, self.size.width
        if number >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(piece.text, self._style(piece)) for piece in self.lines[number]]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, piece: Piece) -> Style:
        # Whole styles, not partial ones: only these are blended with what is behind them.
        whole = self.get_component_rich_style
        style = whole(f"reading--{piece.style}") if piece.style else self.rich_style
        if piece.spot is not None and piece.spot == self.spot and self.has_focus:
            cursor = whole("reading--cursor")
            style += Style(bgcolor=cursor.bgcolor, bold=True, reverse=cursor.reverse)
        return style
