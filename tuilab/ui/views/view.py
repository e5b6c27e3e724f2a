"""What every view of the inside has in common: it asks, draws the answer, and compares."""

from typing import ClassVar, Literal

from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import grouped
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.palette_canvas import PaletteCanvas
from tuilab.ui.plot.legend import say
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.views.history import Moments
from tuilab.ui.views.request_throttle import Asking

Side = Literal["left", "right"]


class View(PaletteCanvas, can_focus=True):
    """Draws the newest answer; beside it one that was kept, to compare any two moments."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "keep", "Keep", id="inside.keep",
                tooltip="Keep what is shown beside what comes, or let it go"),
        Binding("left_curly_bracket", "travel('left', -1)", "Left moment", key_display="{}",
                id="inside.left_earlier",
                tooltip="At the left what was shown before; } goes on to later moments"),
        Binding("right_curly_bracket", "travel('left', 1)", "left later", show=False,
                id="inside.left_later", tooltip="At the left what was shown after"),
        Binding("left_parenthesis", "travel('right', -1)", "Right moment", key_display="()",
                id="inside.right_earlier",
                tooltip="At the right what was shown before; ) goes on, at last to what is now"),
        Binding("right_parenthesis", "travel('right', 1)", "right later", show=False,
                id="inside.right_later", tooltip="At the right what was shown after, or is now"),
    ]  # fmt: skip

    SEEN: ClassVar[type[InspectResponse]] = InspectResponse
    "The answer that is drawn."

    EMPTY: ClassVar[str] = "Press space to start training, or s for one step: it appears here."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__()
        if id is not None:
            self.id = id
        self.seen: InspectResponse | None = None
        self.kept: InspectResponse | None = None
        "What stands at the left; None: nothing is compared."
        self.pinned: InspectResponse | None = None
        "What stands at the right instead of the newest answer."
        self.moments = Moments[InspectResponse]()
        self._first: InspectResponse | None = None
        "What was kept when comparing began."
        self._asking = Asking()
        self._question: AnyInspectRequest | None = None

    # --- what a view says of itself -----------------------------------------------------------

    def wanted(self, run: Run, experiment: Experiment) -> AnyInspectRequest | None:
        """What would fill the view; None: nothing, as of this network."""
        return None

    def is_unfinished(self, seen: InspectResponse | None) -> bool:
        """Whether there is more to come of an answer that comes bit by bit."""
        return False

    def topic(self, wanted: AnyInspectRequest | None, seen: InspectResponse) -> object:
        """What answers have in common that are moments of the same.

        Args:
            wanted: what was asked last; an answer to what was asked before may still come.
        """
        return wanted

    def mark(self, run: Run, seen: InspectResponse) -> object:
        """What tells one moment from another."""
        return seen.run, seen.step, run.rewritten, len(run.marks)

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """An answer in a size."""
        raise NotImplementedError(type(self).__name__)

    def aim(self, layer: str) -> None:
        """Turn to a layer by its label, such as `2 Linear`; views of no single layer stay."""

    # --- asking and showing -------------------------------------------------------------------

    def question(self, run: Run, experiment: Experiment) -> AnyInspectRequest | None:
        """What to ask now, if anything."""
        if run.started is None or run.state == "starting" or not self.is_on_screen:
            return None
        if (wanted := self.wanted(run, experiment)) is None:
            return None
        answer = self._answer(run)
        is_due = self._asking.is_due(
            wanted, (run.id, run.step, run.rewritten), answer,
            is_training=run.state == "training", is_unfinished=self.is_unfinished(answer),
            cost=answer.cost if answer is not None else 0.0,
        )  # fmt: skip
        if is_due:
            self._question = wanted
        return wanted if is_due else None

    def _answer(self, run: Run) -> InspectResponse | None:
        return run.views.get(self.SEEN.__name__)

    def show(self, run: Run, experiment: Experiment) -> None:
        """Show the newest answer, if it is another than the one shown."""
        if (answer := self._answer(run)) is not self.seen:
            self.seen = answer
            if self._question is None:  # it was asked by another viewer
                self._question = self.wanted(run, experiment)
            self.remember(run)
            self.catch_up()

    def remember(self, run: Run) -> None:
        """Take note of what is shown; more of an answer that comes bit by bit replaces it."""
        if self.seen is None:
            return
        held = [seen for seen in (self.kept, self.pinned) if seen is not None]
        whole = [seen for seen in held if not self.is_unfinished(seen)]
        topic, mark = self.topic(self._question, self.seen), self.mark(run, self.seen)
        replaced = self.moments.add(topic, mark, self.seen, held, whole)
        if replaced is not None and replaced is self.kept:
            self._first = self.seen if self._first is replaced else self._first
            self.kept = self.seen
        if self.pinned is not None and not self._is_of(self.pinned):
            self.pinned = None  # something else is looked at

    def _is_of(self, seen: InspectResponse) -> bool:
        """Whether the newest answer is to the question that another one answers."""
        return any(other is self.seen for other in self.moments.like(seen))

    def drawn(self, width: int, height: int) -> CellBuffer:
        """The answer in a size, beside the one that was kept."""
        label = self.hues().label
        right = self.pinned or self.seen
        if right is None:
            grid = CellBuffer(width, height, label)
            say(grid, self.EMPTY, label)
            return grid
        if self.kept is None:
            return self.picture(right, width, height)
        grid, half = CellBuffer(width, height, label), (width - 1) // 2
        for x, seen, other in ((0, self.kept, right), (width - half, right, self.kept)):
            words = self._moment(seen, is_left=not x, names_run=seen.run != other.run)
            grid.write(x, 0, fitted(words, half, signs().ellipsis), label)
            grid.place(x, 1, self.picture(seen, half, height - 1))
        return grid

    def _moment(self, seen: InspectResponse, *, is_left: bool, names_run: bool) -> str:
        """Which moment a half shows, and where among those that are remembered."""
        state = " (kept)" if is_left and seen is self._first else ""
        state = " (now)" if not is_left and self.pinned is None else state
        places = self.moments.like(seen)
        among = f", {_place(seen, places) + 1} of {len(places)}" if len(places) > 1 else ""
        run = f"{seen.run}, " if names_run else ""
        return f"{run}step {grouped(seen.step)}{state}{among}"

    # --- what the user does -------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Moments are gone through while two are compared."""
        return self.kept is not None if action == "travel" else True

    def action_keep(self) -> None:
        """Keep what is shown, or let go what was kept."""
        self.kept = self._first = self.seen if self.kept is None else None
        self.pinned = None
        self.refresh_bindings()
        self.redraw()

    def action_travel(self, side: Side, by: int) -> None:
        """Show a moment before or after at one side."""
        shown = self.kept if side == "left" else self.pinned or self.seen
        places = self.moments.like(shown) if shown is not None else []
        place = (_place(shown, places) if shown is not None and places else 0) + by
        if not 0 <= place < len(places):
            what = "Nothing earlier was shown of this" if by < 0 else "This is the newest of it"
            self.notify(f"{what}.", timeout=2)
            return
        if side == "left":
            self.kept = places[place]
        else:
            self.pinned = places[place] if places[place] is not self.seen else None
        self.redraw()


def _place(seen: InspectResponse, places: list[InspectResponse]) -> int:
    return next(place for place, other in enumerate(places) if other is seen)
