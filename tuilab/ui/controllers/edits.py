"""Changes of the experiment, and taking them back."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.binding import Binding

from tuilab.core.catalogue.data.points import HandDrawn
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.form import with_stepped_knob
from tuilab.core.protocol.commands import AnyCommand
from tuilab.ui.controllers.context import Context
from tuilab.ui.keymap import bind


class EditController:
    """Changes the experiment in the workspace; what may go live is sent to the run."""

    BINDINGS: ClassVar[list[Binding]] = [
        bind("Experiment", "u", "edits.undo", "undo",
             "Undo the last change to the experiment"),
        bind("Experiment", "U,ctrl+r", "edits.redo", "redo",
             "Redo the last change that was undone"),
        bind("Experiment", "P", "edits.draw_points", "draw points",
             "Draw points by hand in the result pane, and train on them"),
    ]  # fmt: skip

    def __init__(self, context: Context, start_drawing: Callable[[], None]) -> None:
        """Initializes the controller.

        Args:
            start_drawing: starts to draw points in the result pane.
        """
        self._context, self._start_drawing = context, start_drawing
        self._workspace = context.workspace

    def edit(self, experiment: Experiment) -> None:
        """Replaces the experiment, unless that changes what a lesson has locked."""
        if locked := self._workspace.locked_changes(experiment):
            self._context.notify(f"This lesson locks {', '.join(locked)}.")
            self._context.repaint()
        else:
            self._context.send(self._workspace.edit(experiment))

    def change(self, key: str, value: Any) -> None:
        """Sets a knob, or says why it cannot have this value."""
        try:
            experiment = with_value(self._workspace.experiment, key, value)
        except InputError as error:
            self._context.notify(str(error), severity="error")
        else:
            self.edit(experiment)

    def nudge(self, key: str, direction: int) -> None:
        """Sets a knob to its next value up or down."""
        self.edit(with_stepped_knob(self._workspace.experiment, key, direction))

    def undo(self) -> None:
        """Takes the last change back."""
        self._send(self._workspace.undo(), "There is nothing to undo.")

    def redo(self) -> None:
        """Makes a change again that was taken back."""
        self._send(self._workspace.redo(), "There is nothing to redo.")

    def _send(self, commands: list[AnyCommand] | None, note: str) -> None:
        if commands is None:
            self._context.notify(note)
        else:
            self._context.send(commands)

    def draw_points(self) -> None:
        """Draws points by hand; other data gives way to them."""
        if not isinstance(self._workspace.experiment.data, HandDrawn):
            self.change("data.name", "drawn")
        self._context.show_pane("result")
        self._start_drawing()
