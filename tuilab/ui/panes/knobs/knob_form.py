"""The form of the hyperparameters pane: what it shows, and how a value is typed."""

from collections.abc import Sequence
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.form import about_section, read, turned
from tuilab.core.experiment.knobs import Knob
from tuilab.core.format import compact
from tuilab.core.protocol.records import Device
from tuilab.core.reference import articles
from tuilab.core.reference.articles import Article
from tuilab.core.run.run import Run
from tuilab.ui.panes.knobs.knob_rows import WIDE, KnobList, is_usual, lines, reach
from tuilab.ui.widgets.editable_list import EditableList
from tuilab.ui.widgets.line_list import Span


class KnobForm(EditableList):
    """A form of all hyperparameters, with help for the one at the cursor."""

    def __init__(self) -> None:
        self.rows: KnobList
        super().__init__(KnobList())
        self.experiment = Experiment()
        self._ran: Experiment | None = None
        "What the run in progress was started with."
        self._follows = True
        self.devices: list[Device] = []
        self.seen: tuple[object, ...] = ()
        self._wrong = ""
        "What is wrong with what is being typed."
        self.wanted = ""
        "Only knobs with this in their name are shown."
        self.is_finding = False
        self.folds: dict[str, bool] = {}
        "Sections that the person has folded or opened."
        self.hidden: tuple[str, ...] = ()
        "Knobs and sections that a lesson leaves out."

    def show(self, experiment: Experiment, run: Run, follows: bool = True) -> None:
        """Repaint if anything here is another; a run that does not follow takes no live change."""
        ran = run.experiment if run.is_active else None
        seen = (experiment, ran, run.devices, follows)
        if self.seen and all(a is b for a, b in zip(seen, self.seen, strict=True)):
            return
        self.seen, self.experiment, self._ran, self.devices = seen, experiment, ran, run.devices
        self._follows = follows
        if self.is_mounted:
            self.paint()

    # --- what it shows

    def hide(self, hidden: tuple[str, ...]) -> None:
        """Leave knobs and sections out."""
        self.hidden = hidden
        self.paint()

    def paint(self) -> None:
        """Show every knob that is wanted."""
        typing = self.rows.cursor if self.is_typing and not self.is_finding else None
        self.rows.typing = typing
        self.rows.fill(
            list(
                lines(
                    self.experiment,
                    self._ran,
                    self.wanted,
                    (typing or "", self._wrong),
                    self.rows.width,
                    self._follows,
                    self.folds,
                    self.hidden,
                )
            )
        )
        found = f"find: {self.wanted} (esc shows all)" if self.wanted and not self.is_typing else ""
        self.border_subtitle = found
        self.tell()

    @property
    def knob(self) -> Knob | None:
        """The knob at the cursor."""
        return self.rows.current.knob if self.rows.current else None

    def describe(self) -> Sequence[Span]:
        """Help, then range and default, then whether a change reaches the run."""
        knob = self.knob
        if self.is_finding:
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

    def article(self) -> Article | None:
        """The knob at the cursor, or the choice that is gone to in the tray."""
        knob, choice = self.knob, self.tray.current
        if knob is None:
            return None
        return articles.knob(knob, choice.key if self.tray.display and choice else "")

    def typing_place(self) -> tuple[int, int, int] | None:
        """Over the value, or on the frame's last line for a search."""
        place = self.rows.place
        if self.is_finding:
            return (self.rows.scroll_offset.y + self.rows.size.height, 7, self.rows.width - 8)
        start = self.rows.value_start
        return None if place is None else (place, start, max(8, self.rows.width - start - 1))

    # --- typing a value

    def typed(self, text: str) -> None:
        """Say at once whether the knob can have what stands there."""
        if self.is_finding:
            self._look_for(text)
            return
        self._wrong = self._problem(text)
        self.paint()

    def _look_for(self, text: str) -> None:
        """Show what has the text in its name, and go to the first."""
        is_other, self.wanted = text != self.wanted, text
        self.paint()
        if is_other and (found := [line.key for line in self.rows.lines if line.knob]):
            self.rows.go(found[0])
            self.tell()

    def _problem(self, text: str) -> str:
        knob = self.knob
        if knob is None or not text.strip():
            return "" if knob is None or knob.kind == "text" else "type a value, or press escape"
        try:
            turned(self.experiment, knob.key, read(knob, text))
        except InputError as error:
            return error.problem
        return ""

    def accepted(self, text: str) -> bool:
        """Turn the knob if it can have the value."""
        knob = self.knob
        if self.is_finding:
            self._stop()
            return True
        if knob is None or self._problem(text):
            self.app.bell()
            return False
        self._stop()
        self.turn(knob.key, read(knob, text))
        return True

    def left(self) -> None:
        """Leave the knob as it was; a search ends."""
        if self.is_finding:
            self.wanted = ""
        self._stop()

    def _stop(self) -> None:
        self.is_finding, self._wrong = False, ""
        self.stop_typing()
        self.paint()

    def turn(self, key: str, value: Any) -> None:
        """Show the new value of a knob at once, and tell of it."""
        raise NotImplementedError
