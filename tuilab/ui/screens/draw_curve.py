"""Draw a curve before the run that decides it."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tuilab.core.lessons.lesson import Prediction
from tuilab.ui.panes.lesson.curve_editor import Sketch
from tuilab.ui.screens.dialogs import Dialog


class Sketching(Dialog):
    """A sheet to draw on, and what is to be drawn; answers with a height for each knot."""

    def __init__(self, prediction: Prediction) -> None:
        super().__init__()
        self._prediction = prediction

    def compose(self) -> ComposeResult:
        """The question above the sheet."""
        bet = self._prediction
        with Vertical(classes="box") as box:
            box.border_title = "Your prediction"
            box.border_subtitle = "enter accepts · escape cancels"
            yield Static(bet.text, markup=False)
            yield Sketch(bet.curve, (bet.low, bet.high))
            yield Static(
                "← → move along the run, ↑ ↓ bend the curve there (shift: farther), "
                "x takes a bend out again. A click bends it too.",
                classes="about",
            )

    @on(Sketch.Drawn)
    def _drawn(self, event: Sketch.Drawn) -> None:
        self.dismiss(event.heights)
