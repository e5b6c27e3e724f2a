"""The lesson beside the lab: one page at a time, with all that is to be done on it."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tuilab.ui.widgets.rich_text import Fragment, RichTextView, wrap_fragments
from tuilab.ui.workspace import Workspace

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.ui.panes.lesson.lesson_session import LessonSession

EMPTY = (
    "No lesson is open. C shows the course: twenty lessons from a single neuron to transformers, "
    "each beside the lab in which you try it out."
)

MIN_WIDTH = 20
"""Columns to which lines are wrapped at least."""


class LessonPane(Widget):
    """Shows the page of a lesson, and reports what is chosen on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "turn(1)", "Page", key_display="←→", id="lesson.next",
                tooltip="Go to the next page of the lesson; ← goes to the previous one"),
        Binding("left,p", "turn(-1)", "previous page", show=False, id="lesson.back",
                tooltip="Go to the previous page"),
        Binding("h", "hint", "Hint", id="lesson.hint",
                tooltip="Show a hint for the next goal, then a better one"),
        Binding("escape", "close", "Close", id="lesson.close",
                tooltip="Close the lesson; 7 shows it again where it was"),
    ]  # fmt: skip

    @dataclass
    class LinkChosen(Message):
        """A link on the page was chosen."""

        link: Hashable

    class PageTurned(Message):
        """Another page is open."""

    class Closed(Message):
        """The lesson is to be hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.text_view = RichTextView()
        self.session: LessonSession | None = None
        self._term = ""
        "The term whose definition is open."
        self._title = ""
        self._last_shown: object = None
        "The lesson and the state of the run that were shown last."

    def compose(self) -> ComposeResult:
        """Yields the page."""
        yield self.text_view

    def open(self, session: "LessonSession") -> None:
        """Shows a lesson."""
        self.session, self._term = session, ""
        self.redraw()

    def show(self, workspace: Workspace) -> None:
        """Shows the goals with the values of the run, if anything has changed."""
        run, is_measured = workspace.run, workspace.measures_lesson
        state = (self.session, run.id, run.version, is_measured, workspace.is_of_lesson)
        if state == self._last_shown:
            return
        self._last_shown = state
        if self.session is not None:
            self.session.is_in_lab = workspace.is_of_lesson
            self.session.follow_run(run)
            if is_measured:
                self.session.attempt.measure_goals(run, include_diagnosis=run.state != "training")
            else:
                self.session.attempt.goal_statuses.clear()
        self.redraw()

    def redraw(self) -> None:
        """Writes the page and the title again."""
        width = max(MIN_WIDTH, self.text_view.size.width - 1)
        if self.session is None:
            self.text_view.show(wrap_fragments([Fragment(EMPTY, "muted")], width))
            return
        from tuilab.ui.panes.lesson.lesson_page import page_lines

        source, number = self.session.source, self.session.page_index + 1
        title = f"Lesson · {source.lesson.title} {number}/{len(source.pages)}"
        if title != self._title:  # a new title repaints all that it frames
            self._title, self.border_title = title, Content(title)
        self.text_view.show(page_lines(self.session, width, self._term))

    def on_resize(self) -> None:
        """Wraps the lines to the new width."""
        self.call_after_refresh(self.redraw)

    def action_turn(self, by: int) -> None:
        """Turns to the next or the previous page."""
        if self.session is None or not self.session.turn_page(by):
            return
        self._term = ""
        self.text_view.cursor = None
        self.redraw()
        self.text_view.scroll_to(y=0, animate=False, force=True)
        self.post_message(self.PageTurned())

    def action_close(self) -> None:
        """Requests to be hidden."""
        self.post_message(self.Closed())

    def action_hint(self) -> None:
        """Requests a hint for the next goal."""
        goal = self.session.next_goal() if self.session is not None else None
        if goal is not None:
            self.post_message(self.LinkChosen(("hint", goal.name)))

    @on(RichTextView.Chosen)
    def _on_chosen(self, event: RichTextView.Chosen) -> None:
        event.stop()
        link = event.target
        if isinstance(link, tuple) and link[0] == "term":
            self._term = "" if self._term == link[1] else str(link[1])
            self.redraw()
        else:
            self.post_message(self.LinkChosen(link))
