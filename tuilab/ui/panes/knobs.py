"""The hyperparameters pane: every knob with its value, range and help."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from tuilab.lab.errors import InputError
from tuilab.lab.experiment import Experiment
from tuilab.lab.form import DEVICE, DROPOUT, about_section, read, turned, written
from tuilab.lab.knobs import Knob
from tuilab.lab.numbers import compact
from tuilab.lab.records import Device
from tuilab.lab.run import Run
from tuilab.lab.stepping import stepped
from tuilab.ui.widgets.knob_rows import WIDE, KnobRows, choices_of, is_usual, lines, reach
from tuilab.ui.widgets.rows import Span
from tuilab.ui.widgets.sheet import Sheet
from tuilab.ui.widgets.tray import Tray


def _key(key: str, action: str, label: str, tooltip: str, *, shown: bool = True) -> Binding:
    name = action.replace("(-1)", "_down").replace("(1)", "_up")
    return Binding(key, action, label, tooltip=tooltip, show=shown, id=f"knobs.{name}")


class KnobsPane(Sheet):
    """A form of all hyperparameters: type, step, choose; live ones reach the run at once."""

    BORDER_TITLE = "Hyperparameters"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter,f2", "edit", "change", "Type a value, choose one, or turn it over"),
        _key("left,minus", "turn(-1)", "less", "The next value down, or the choice before"),
        _key("right,plus,equals_sign", "turn(1)", "more", "The next value up, or the choice after"),
        _key("backspace,delete", "reset", "default", "Back to the default"),
        _key("ctrl+f", "find", "find", "Show only knobs whose name holds what is typed"),
        _key("escape", "unfind", "show all", "Show all knobs again"),
    ]

    class Edited(Message):
        """The person turned a knob."""

        def __init__(self, key: str, value: Any) -> None:
            super().__init__()
            self.key, self.value = key, value

    def __init__(self) -> None:
        self.rows: KnobRows
        super().__init__(KnobRows())
        self._experiment = Experiment()
        self._ran: Experiment | None = None
        "What the run in progress was started with."
        self._follows = True
        self._devices: list[Device] = []
        self._seen: tuple[object, ...] = ()
        self._wrong = ""
        "What is wrong with what is being typed."
        self._wanted = ""
        "Only knobs with this in their name are shown."
        self._is_finding = False
        self._folds: dict[str, bool] = {}
        "Sections that the person has folded or opened."

    def show(self, experiment: Experiment, run: Run, follows: bool = True) -> None:
        """Repaint if anything here is another; a run that does not follow takes no live change."""
        ran = run.experiment if run.is_active else None
        seen = (experiment, ran, run.devices, follows)
        if self._seen and all(a is b for a, b in zip(seen, self._seen, strict=True)):
            return
        self._seen, self._experiment, self._ran, self._devices = seen, experiment, ran, run.devices
        self._follows = follows
        if self.is_mounted:
            self.paint()

    # --- what it shows

    def paint(self) -> None:
        """Show every knob that is wanted."""
        typing = self.rows.cursor if self.is_typing and not self._is_finding else None
        self.rows.typing = typing
        self.rows.fill(
            list(
                lines(
                    self._experiment,
                    self._ran,
                    self._wanted,
                    (typing or "", self._wrong),
                    self.rows.width,
                    self._follows,
                    self._folds,
                )
            )
        )
        found = (
            f"find: {self._wanted} (esc shows all)" if self._wanted and not self.is_typing else ""
        )
        self.border_subtitle = found
        self.tell()

    @property
    def _knob(self) -> Knob | None:
        """The knob at the cursor."""
        return self.rows.current.knob if self.rows.current else None

    def describe(self) -> Sequence[Span]:
        """Help, then range and default, then whether a change reaches the run."""
        knob = self._knob
        if self._is_finding:
            return [("find:", ""), ("a part of a name, such as lr or decay", "rows--muted")]
        if knob is None:
            return self._about_section()
        usual = "" if is_usual(knob) else f"default {compact(knob.default) or 'none'}"
        span = "" if knob.kind in ("choice", "choices") else knob.range
        key = knob.key if self.rows.width >= WIDE and knob.key != knob.label else ""
        facts = " · ".join(part for part in (key, span, usual) if part)
        return [(knob.help.replace("`", ""), ""), (facts, "rows--muted"), reach(knob, self._ran)]

    def _about_section(self) -> Sequence[Span]:
        line = self.rows.current
        if line is None or line.fold is None:
            return []
        key = "enter or → opens it" if line.fold else "enter or ← folds it"
        return [(about_section(line.label), ""), (key, "rows--muted")]

    def typing_place(self) -> tuple[int, int, int] | None:
        """Over the value, or on the frame's last line for a search."""
        place = self.rows.place
        if self._is_finding:
            return (self.rows.scroll_offset.y + self.rows.size.height, 7, self.rows.width - 8)
        start = self.rows.value_start
        return None if place is None else (place, start, max(8, self.rows.width - start - 1))

    # --- typing a value

    def typed(self, text: str) -> None:
        """Say at once whether the knob can have what stands there."""
        if self._is_finding:
            self._look_for(text)
            return
        self._wrong = self._problem(text)
        self.paint()

    def _look_for(self, text: str) -> None:
        """Show what has the text in its name, and go to the first."""
        is_other, self._wanted = text != self._wanted, text
        self.paint()
        if is_other and (found := [line.key for line in self.rows.lines if line.knob]):
            self.rows.go(found[0])
            self.tell()

    def _problem(self, text: str) -> str:
        knob = self._knob
        if knob is None or not text.strip():
            return "" if knob is None or knob.kind == "text" else "type a value, or press escape"
        try:
            turned(self._experiment, knob.key, read(knob, text))
        except InputError as error:
            return error.problem
        return ""

    def accepted(self, text: str) -> bool:
        """Turn the knob if it can have the value."""
        knob = self._knob
        if self._is_finding:
            self._stop()
            return True
        if knob is None or self._problem(text):
            self.app.bell()
            return False
        self._stop()
        self._turn(knob.key, read(knob, text))
        return True

    def left(self) -> None:
        """Leave the knob as it was; a search ends."""
        if self._is_finding:
            self._wanted = ""
        self._stop()

    def _stop(self) -> None:
        self._is_finding, self._wrong = False, ""
        self.stop_typing()
        self.paint()

    def _turn(self, key: str, value: Any) -> None:
        """Show the new value at once, and tell of it."""
        try:
            experiment = turned(self._experiment, key, value)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if experiment == self._experiment:
            return
        self._experiment, self._seen = experiment, ()
        self.paint()
        if key == DROPOUT:
            self.post_message(self.Edited("network", experiment.network))
        else:
            self.post_message(self.Edited(key, value))

    # --- choosing

    def _open(self, knob: Knob) -> None:
        """Let the person choose in the tray."""
        choices = choices_of(knob, self._devices)
        now = next((choice.key for choice in choices if choice.sign), choices[0].key)
        was_open = self.tray.display
        self.tray.display = True
        self.tray.offer(choices, self.tray.cursor if was_open else now)
        self.screen.set_focus(self.tray, scroll_visible=False)

    def chosen(self, key: str) -> None:
        """Take a choice; of several, put it in or take it out and go on choosing."""
        knob, choice = self._knob, self.tray.current
        if knob is None or choice is None or choice.problem:
            self.app.bell()
        elif knob.kind == "choices":
            kept = set(knob.value) ^ {key}
            self._turn(knob.key, tuple(name for name in knob.choices if name in kept))
            if (again := self._knob) is not None:
                self._open(again)
        else:
            self._close_tray()
            self._turn(knob.key, key)

    @on(Tray.Left)
    def _tray_left(self, event: Tray.Left) -> None:
        event.stop()
        self._close_tray()

    def _close_tray(self) -> None:
        had_focus = self.tray.has_focus
        self.tray.display = False
        if had_focus:
            self.screen.set_focus(self.rows, scroll_visible=False)

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed or chosen, the keys are there."""
        if action == "unfind":
            return bool(self._wanted) and not self.is_typing
        is_elsewhere = self.is_typing or self.tray.display
        return not is_elsewhere or f"action_{action}" not in KnobsPane.__dict__

    def pressed(self) -> None:
        """A second click changes."""
        self.action_edit()

    def action_edit(self) -> None:
        """Type a value, choose one, turn it over, or open a section."""
        knob = self._knob
        if knob is None:
            self._fold(None)
        elif knob.kind == "bool":
            self.action_turn(1)
        elif knob.choices or (knob.key == DEVICE and self._devices):
            self._open(knob)
        else:
            self.type_at(knob.key, written(knob))
            self.line.select_all()

    def action_turn(self, direction: int) -> None:
        """Go to the next value or choice; open or fold a section."""
        knob = self._knob
        if knob is None:
            self._fold(direction < 0)
        elif knob.key == DEVICE:
            names = [c.key for c in choices_of(knob, self._devices) if not c.problem]
            place = names.index(knob.value) if knob.value in names else 0
            self._turn(knob.key, names[(place + direction) % len(names)])
        else:
            self._turn(knob.key, stepped(knob, direction))

    def _fold(self, is_folded: bool | None) -> None:
        """Fold the section at the cursor or open it; None turns it over."""
        line = self.rows.current
        if line is not None and line.fold is not None:
            self._folds[line.label] = not line.fold if is_folded is None else is_folded
            self.paint()

    def action_reset(self) -> None:
        """Go back to the default."""
        knob = self._knob
        if knob is not None and knob.default is not None:
            self._turn(knob.key, knob.default)

    def action_find(self) -> None:
        """Type a part of a knob's name."""
        self._is_finding = True
        self.type_at(self.rows.cursor, self._wanted)
        self.line.select_all()

    def action_unfind(self) -> None:
        """Show all knobs again."""
        self._wanted = ""
        self.paint()
        self.rows.show_cursor()
