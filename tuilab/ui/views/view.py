"""What every view of the inside has in common: it asks, draws the answer, and compares."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tuilab.lab.experiment import Experiment
from tuilab.lab.inside.view import Seen
from tuilab.lab.inside.views import AnyWanted
from tuilab.lab.numbers import grouped
from tuilab.lab.run import Run
from tuilab.ui.asking import Asking
from tuilab.ui.widgets.coloured import Coloured
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class View(Coloured, can_focus=True):
    """Draws the newest answer; beside it one that was kept, to compare the two moments."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "keep", "Keep", id="inside.keep",
                tooltip="Keep what is shown beside what comes, or let it go"),
    ]  # fmt: skip

    SEEN: ClassVar[type[Seen]] = Seen
    "The answer that is drawn."

    EMPTY: ClassVar[str] = "Press space to start training, or s for one step: it appears here."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__()
        if id is not None:
            self.id = id
        self.seen: Seen | None = None
        self.kept: Seen | None = None
        self._asking = Asking()

    # --- what a view says of itself -----------------------------------------------------------

    def wanted(self, run: Run, experiment: Experiment) -> AnyWanted | None:
        """What would fill the view; None: nothing, as of this network."""
        return None

    def is_unfinished(self, seen: Seen | None) -> bool:
        """Whether there is more to come of an answer that comes bit by bit."""
        return False

    def picture(self, seen: Seen, width: int, height: int) -> Grid:
        """An answer in a size."""
        raise NotImplementedError(type(self).__name__)

    # --- asking and showing -------------------------------------------------------------------

    def question(self, run: Run, experiment: Experiment) -> AnyWanted | None:
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
        return wanted if is_due else None

    def _answer(self, run: Run) -> Seen | None:
        return run.views.get(self.SEEN.__name__)

    def show(self, run: Run, experiment: Experiment) -> None:
        """Show the newest answer, if it is another than the one shown."""
        if (answer := self._answer(run)) is not self.seen:
            self.seen = answer
            self.catch_up()

    def drawn(self, width: int, height: int) -> Grid:
        """The answer in a size, beside the one that was kept."""
        label = self.hues().label
        if self.seen is None:
            grid = Grid(width, height, label)
            say(grid, self.EMPTY, label)
            return grid
        if self.kept is None:
            return self.picture(self.seen, width, height)
        grid, half = Grid(width, height, label), (width - 1) // 2
        for x, seen in ((0, self.kept), (width - half, self.seen)):
            grid.write(x, 0, _moment(seen, self.kept, self.seen)[:half], label)
            grid.place(x, 1, self.picture(seen, half, height - 1))
        return grid

    def action_keep(self) -> None:
        """Keep what is shown, or let go what was kept."""
        self.kept = self.seen if self.kept is None else None
        self.redraw()


def _moment(seen: Seen, kept: Seen, newest: Seen) -> str:
    run = f"{seen.run}, " if kept.run != newest.run else ""
    return f"{run}step {grouped(seen.step)}{' (kept)' if seen is kept else ''}"
