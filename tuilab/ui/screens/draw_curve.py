"""The dialog in which a curve is predicted before the run that tests it."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tuilab.core.lessons.lesson import Prediction
from tuilab.ui.panes.lesson.curve_editor import CurveEditor
from tuilab.ui.screens.dialogs import Dialog


class DrawCurve(Dialog):
    """Asks for a curve; the answer is a height for each knot."""

    def __init__(self, prediction: Prediction) -> None:
        super().__init__()
        self._prediction = prediction

    def compose(self) -> ComposeResult:
        """Yields the question above the curve."""
        prediction = self._prediction
        with Vertical(classes="box") as box:
            box.border_title = "Your prediction"
            box.border_subtitle = "enter accepts · escape cancels"
            yield Static(prediction.text, markup=False)
            yield CurveEditor(prediction.curve, (prediction.low, prediction.high))
            yield Static(
                "← → move along the run, ↑ ↓ bend the curve there (shift: farther), "
                "x removes a bend. A click bends it too.",
                classes="about",
            )

    @on(CurveEditor.CurveAccepted)
    def _on_accepted(self, event: CurveEditor.CurveAccepted) -> None:
        self.dismiss(event.heights)
