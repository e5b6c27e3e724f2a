"""Prose with targets that can be chosen: wrapped lines, and a cursor that goes between targets."""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
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
class Fragment:
    """Some words in one style; with a target they can be chosen."""

    text: str
    style: str = ""
    "A component class of the widget, without its prefix."
    target: Hashable | None = None


Line = tuple[Fragment, ...]


def wrap_fragments(
    fragments: Iterable[Fragment], width: int, indent: str = "", first: str = ""
) -> list[Line]:
    """Breaks words into lines of at most `width` cells.

    Args:
        indent: begins every line.
        first: begins the first one instead, such as a bullet.
    """
    lines: list[list[Fragment]] = [[Fragment(first or indent)]]
    column = start = cell_len(first or indent)
    for word in _split_words(fragments):
        room = sum(cell_len(fragment.text) for fragment in word)
        is_space = word[0].text.isspace()
        if column + room > width and column > start and not is_space:
            lines.append([Fragment(indent)])
            column = start = cell_len(indent)
        if not is_space or column > start:
            lines[-1].extend(word)
            column += room
    return [_merge_fragments(line) for line in lines]


def _split_words(fragments: Iterable[Fragment]) -> Iterator[list[Fragment]]:
    """Yields words, each of the fragments that no space separates, and the spaces between them."""
    parts = (
        Fragment(text, fragment.style, fragment.target)
        for fragment in fragments
        for text in re.split("( +)", fragment.text)
        if text
    )
    for _, word in groupby(parts, key=lambda part: part.text.isspace()):
        yield list(word)


def _merge_fragments(line: Sequence[Fragment]) -> Line:
    """Returns the same line with neighbors of one style merged."""
    parts = (part for part in line if part.text)
    return tuple(
        Fragment("".join(part.text for part in alike), style, target)
        for (style, target), alike in groupby(parts, key=lambda part: (part.style, part.target))
    )


class RichTextView(ScrollView, can_focus=True):
    """Shows lines; the arrow keys go from target to target, and scroll where there is none.

    They pass over terms, which `t` goes to: a page has more words to look up than things to do.

    Not a `Markdown` widget: its links have no keyboard cursor, and the values of goals change ten
    times a second (a page of 25 paragraphs is shown in 8 ms, by `Markdown` in 34).
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False, tooltip="Go to the place before"),
        Binding("down", "move(1)", "down", show=False, tooltip="Go to the next place"),
        Binding("t", "move_to_term", "Term", show=False, id="lesson.term",
                tooltip="Go to the next term; enter shows its definition"),
        Binding("enter", "choose", "Choose", id="lesson.choose", key_display="↑↓ ⏎",
                tooltip="Open or do what is at the cursor"),
        Binding("pageup", "scroll_by(-1)", "page up", show=False, tooltip="Read further up"),
        Binding("pagedown", "scroll_by(1)", "page down", show=False, tooltip="Read on"),
    ]  # fmt: skip
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"rich-text--{name}"
        for name in (
            "heading", "bold", "italic", "code", "term", "link", "aside", "muted", "good", "bad",
            "title", "cursor",
        )
    }  # fmt: skip

    @dataclass
    class Chosen(Message):
        """A target was chosen by enter or a click."""

        target: Hashable

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[Line] = ()
        self.cursor: Hashable | None = None
        "The target at the cursor."

    def show(self, lines: Sequence[Line]) -> None:
        """Shows other lines; the cursor stays on its target if that still exists.

        Only lines that differ are drawn again. Lines that are added to what is on screen, such as
        an answer below its question, are scrolled into view.
        """
        before, self.lines = self.lines, lines
        if self.cursor is not None and self.cursor not in self._find_targets():
            self.cursor = None
        if len(before) != len(lines):
            self.virtual_size = Size(0, len(lines))
            self.refresh()
            first, last = _find_difference(before, lines)
            if first and len(lines) > len(before):  # not another text from its beginning
                self.call_after_refresh(self._reveal, first, last)
            return
        for number, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new:
                self.refresh_line(number)

    def _reveal(self, first: int, last: int) -> None:
        """Scrolls to the end of lines that begin on screen and end below it."""
        top, height = self.scroll_offset.y, self.size.height
        if top <= first < top + height < last:
            self.scroll_to(y=min(first, last - height), animate=False, force=True)

    def _find_targets(self) -> dict[Hashable, int]:
        """Returns every target with the line in which it begins."""
        targets: dict[Hashable, int] = {}
        for number, line in enumerate(self.lines):
            for fragment in line:
                if fragment.target is not None:
                    targets.setdefault(fragment.target, number)
        return targets

    def _find_terms(self) -> set[Hashable]:
        """Returns the targets that are only looked up."""
        return {part.target for line in self.lines for part in line if part.style == "term"}

    def action_move(self, by: int) -> None:
        """Goes to the next target that is not a term."""
        terms = self._find_terms() - {self.cursor}
        self._move_along({t: n for t, n in self._find_targets().items() if t not in terms}, by)

    def action_move_to_term(self) -> None:
        """Goes to the next term, and after the last one to the first."""
        terms = self._find_terms() | {self.cursor}
        stops = {t: n for t, n in self._find_targets().items() if t in terms}
        if self.cursor in stops and self.cursor == next(reversed(stops)):
            self.move_cursor_to(next(iter(stops)))
        else:
            self._move_along(stops, 1)

    def _move_along(self, targets: dict[Hashable, int], by: int) -> None:
        """Goes to the next of these targets, if it is on screen or near; else scrolls there."""
        order, lines = list(targets), list(targets.values())
        if self.cursor in targets:
            index = order.index(self.cursor) + by
        else:
            index = self._find_visible(lines, by)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not 0 <= index < len(order) or not top - 2 <= lines[index] < top + height + 2:
            self.scroll_relative(y=3 * by, animate=False)
            return
        self.move_cursor_to(order[index])

    def _find_visible(self, lines: Sequence[int], by: int) -> int:
        """Returns the index of the first target on screen, or of the last; -1 without one."""
        top, height = self.scroll_offset.y, self.size.height
        visible = [index for index, line in enumerate(lines) if top <= line < top + height]
        return -1 if not visible else visible[0] if by > 0 else visible[-1]

    def move_cursor_to(self, target: Hashable) -> None:
        """Moves the cursor to a target."""
        self.cursor = target
        line = self._find_targets().get(target)
        if line is not None:
            self.scroll_to_region(Region(0, line, 1, 1), animate=False, force=True)
        self.refresh()

    def action_choose(self) -> None:
        """Chooses the target at the cursor."""
        if self.cursor is not None:
            self.post_message(self.Chosen(self.cursor))

    def action_scroll_by(self, pages: int) -> None:
        """Scrolls by pages."""
        self.scroll_relative(y=pages * max(1, self.size.height - 2), animate=False)

    def on_click(self, event: events.Click) -> None:
        """Chooses the target under the mouse."""
        number = event.y + self.scroll_offset.y
        if not 0 <= number < len(self.lines):
            return
        column = 0
        for fragment in self.lines[number]:
            column += cell_len(fragment.text)
            if event.x < column:
                if fragment.target is not None:
                    self.move_cursor_to(fragment.target)
                    self.post_message(self.Chosen(fragment.target))
                return

    def render_line(self, y: int) -> Strip:
        """Returns one line of the text that is in view."""
        number, width = y + self.scroll_offset.y, self.size.width
        if number >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(part.text, self._find_style(part)) for part in self.lines[number]]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _find_style(self, fragment: Fragment) -> Style:
        # Whole styles, not partial ones: only these are blended with what is behind them.
        find = self.get_component_rich_style
        style = find(f"rich-text--{fragment.style}") if fragment.style else self.rich_style
        if fragment.target is not None and fragment.target == self.cursor and self.has_focus:
            cursor = find("rich-text--cursor")
            style += Style(bgcolor=cursor.bgcolor, bold=True, reverse=cursor.reverse)
        return style


def _find_difference(before: Sequence[Line], after: Sequence[Line]) -> tuple[int, int]:
    """Returns the first line that differs, and the first one after it that is as before."""
    shorter = min(len(before), len(after))
    first = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    alike = next((n for n in range(shorter - first) if before[-1 - n] != after[-1 - n]),
                 shorter - first)  # fmt: skip
    return first, len(after) - alike
