"""The hyperparameters pane: every knob with its value, range and help."""

from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message

from tuilab.core.errors import InputError
from tuilab.core.experiment.form import DEVICE, DROPOUT, turned, written
from tuilab.core.experiment.knob_steps import stepped
from tuilab.core.experiment.knobs import Knob
from tuilab.ui.panes.knobs.knob_form import KnobForm
from tuilab.ui.panes.knobs.knob_rows import choices_of
from tuilab.ui.widgets.choice_list import ChoiceList
from tuilab.ui.widgets.editable_list import explaining, key

_key = partial(key, "knobs")


class KnobsPane(KnobForm):
    """A form of all hyperparameters: type, step, choose; live ones reach the run at once."""

    BORDER_TITLE = "Hyperparameters"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter,f2", "edit", "change", "Type a value, choose one, or turn it over"),
        _key("left,minus", "turn(-1)", "less", "The next value down, or the choice before"),
        _key("right,plus,equals_sign", "turn(1)", "more", "The next value up, or the choice after"),
        *explaining("knobs"),
        _key("backspace,delete", "reset", "default", "Back to the default"),
        _key("ctrl+f", "find", "find", "Show only knobs whose name holds what is typed"),
        _key("escape", "unfind", "show all", "Show all knobs again"),
    ]

    class Edited(Message):
        """The person turned a knob."""

        def __init__(self, key: str, value: Any) -> None:
            super().__init__()
            self.key, self.value = key, value

    def turn(self, key: str, value: Any) -> None:
        """Show the new value at once, and tell of it."""
        try:
            experiment = turned(self.experiment, key, value)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if experiment == self.experiment:
            return
        self.experiment, self.seen = experiment, ()
        self.paint()
        if key == DROPOUT:
            self.post_message(self.Edited("network", experiment.network))
        else:
            self.post_message(self.Edited(key, value))

    # --- choosing

    def _open(self, knob: Knob) -> None:
        """Let the person choose in the tray."""
        choices = choices_of(knob, self.devices)
        now = next((choice.key for choice in choices if choice.sign), choices[0].key)
        was_open = self.tray.display
        self.tray.display = True
        self.tray.offer(choices, self.tray.cursor if was_open else now)
        self.screen.set_focus(self.tray, scroll_visible=False)

    def chosen(self, key: str) -> None:
        """Take a choice; of several, put it in or take it out and go on choosing."""
        knob, choice = self.knob, self.tray.current
        if knob is None or choice is None or choice.problem:
            self.app.bell()
        elif knob.kind == "choices":
            kept = set(knob.value) ^ {key}
            self.turn(knob.key, tuple(name for name in knob.choices if name in kept))
            if (again := self.knob) is not None:
                self._open(again)
        else:
            self._close_tray()
            self.turn(knob.key, key)

    @on(ChoiceList.Left)
    def _tray_left(self, event: ChoiceList.Left) -> None:
        event.stop()
        self._close_tray()

    def _close_tray(self) -> None:
        had_focus = self.tray.has_focus
        self.tray.display = False
        if had_focus:
            self.screen.set_focus(self.rows, scroll_visible=False)
        self.tell()

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed or chosen, the keys are there."""
        if action == "unfind":
            return bool(self.wanted) and not self.is_typing
        is_elsewhere = self.is_typing or self.tray.display
        if is_elsewhere and f"action_{action}" in KnobsPane.__dict__:
            return False
        return super().check_action(action, parameters)

    def pressed(self) -> None:
        """A second click changes."""
        self.action_edit()

    def action_edit(self) -> None:
        """Type a value, choose one, turn it over, or open a section."""
        knob = self.knob
        if knob is None:
            self._fold(None)
        elif knob.kind == "bool":
            self.action_turn(1)
        elif knob.choices or (knob.key == DEVICE and self.devices):
            self._open(knob)
        else:
            self.type_at(knob.key, written(knob))
            self.line.select_all()

    def action_turn(self, direction: int) -> None:
        """Go to the next value or choice; open or fold a section."""
        knob = self.knob
        if knob is None:
            self._fold(direction < 0)
        elif knob.key == DEVICE:
            names = [c.key for c in choices_of(knob, self.devices) if not c.problem]
            place = names.index(knob.value) if knob.value in names else 0
            self.turn(knob.key, names[(place + direction) % len(names)])
        else:
            self.turn(knob.key, stepped(knob, direction))

    def _fold(self, is_folded: bool | None) -> None:
        """Fold the section at the cursor or open it; None turns it over."""
        line = self.rows.current
        if line is not None and line.fold is not None:
            self.folds[line.label] = not line.fold if is_folded is None else is_folded
            self.paint()

    def action_reset(self) -> None:
        """Go back to the default."""
        knob = self.knob
        if knob is not None and knob.default is not None:
            self.turn(knob.key, knob.default)

    def action_find(self) -> None:
        """Type a part of a knob's name."""
        self.is_finding = True
        self.type_at(self.rows.cursor, self.wanted)
        self.line.select_all()

    def action_unfind(self) -> None:
        """Show all knobs again."""
        self.wanted = ""
        self.paint()
        self.rows.show_cursor()
