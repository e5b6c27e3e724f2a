"""The lesson beside the lab: one page at a time, with all that is to be done on it."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from tuilab.core.run.run import Run
from tuilab.ui.widgets.rich_text import Piece, RichTextView, wrap

if TYPE_CHECKING:  # what lessons are made of is imported with the first lesson
    from tuilab.ui.panes.lesson.lesson_session import Teaching

EMPTY = (
    "No lesson is open. C shows the course: twenty lessons from one neuron to transformers, each "
    "beside the lab in which you do what it says."
)


class LessonPane(Widget):
    """Shows the page of a lesson; what is chosen on it is said to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "turn(1)", "Next", key_display="→", id="lesson.next",
                tooltip="Go to the next page of the lesson"),
        Binding("left,p", "turn(-1)", "Back", key_display="←", id="lesson.back",
                tooltip="Go back to the page before"),
        Binding("h", "hint", "Hint", id="lesson.hint",
                tooltip="Show a hint for the next goal, then a better one"),
    ]  # fmt: skip

    class Asked(Message):
        """Something of the page was chosen."""

        def __init__(self, spot: Hashable) -> None:
            super().__init__()
            self.spot = spot

    class Turned(Message):
        """Another page is open."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = RichTextView()
        self.teaching: Teaching | None = None
        self.term = ""
        self._shown: object = None
        "The lesson and the moment of the run that were shown last."

    def compose(self) -> ComposeResult:
        """The page."""
        yield self.reading

    def take(self, teaching: "Teaching") -> None:
        """Turn to a lesson."""
        self.teaching, self.term = teaching, ""
        self.redraw()

    def show(self, run: Run) -> None:
        """Show goals as this run stands; nothing is drawn anew where it has told nothing."""
        moment = (self.teaching, run.id, run.version)
        if moment == self._shown:
            return
        self._shown = moment
        if self.teaching is not None:
            self.teaching.attempt.measure(run, at_length=run.state != "training")
            self.teaching.follow(run)
        self.redraw()

    def redraw(self) -> None:
        """Write the page anew, and the title."""
        width = max(20, self.reading.size.width - 1)
        if self.teaching is None:
            self.border_title = "Lesson"
            self.reading.show(wrap([Piece(EMPTY, "muted")], width))
            return
        from tuilab.ui.panes.lesson.lesson_page import lines

        book, page = self.teaching.book, self.teaching.page
        title = f"Lesson · {book.lesson.title} {page + 1}/{len(book.pages)}"
        if title != self.border_title:
            self.border_title = title
        self.reading.show(lines(self.teaching, width, self.term))

    def on_resize(self) -> None:
        """Wrap the lines to the new width."""
        self.call_after_refresh(self.redraw)

    def action_turn(self, by: int) -> None:
        """The next page, or the one before."""
        if self.teaching is None or not self.teaching.turn(by):
            return
        self.term = ""
        self.reading.spot = None
        self.redraw()
        self.reading.scroll_to(y=0, animate=False, force=True)
        self.post_message(self.Turned())

    def action_hint(self) -> None:
        """A hint for the goal that comes next."""
        goal = self.teaching.next_goal() if self.teaching is not None else None
        if goal is not None:
            self.post_message(self.Asked(("hint", goal.name)))

    @on(RichTextView.Chosen)
    def _chosen(self, event: RichTextView.Chosen) -> None:
        event.stop()
        spot = event.spot
        if isinstance(spot, tuple) and spot[0] == "term":
            self.term = "" if self.term == spot[1] else str(spot[1])
            self.redraw()
        else:
            self.post_message(self.Asked(spot))
