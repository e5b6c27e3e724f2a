"""The hyperparameters pane: every knob with its value, range and help."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.form import (
    DEVICE,
    DROPOUT,
    describe_section,
    format_knob,
    parse_input,
    with_knob,
)
from tuilab.core.experiment.knob_steps import step_value
from tuilab.core.experiment.knobs import Knob
from tuilab.core.protocol.records import Device
from tuilab.core.reference import articles
from tuilab.core.reference.articles import Article
from tuilab.core.run.run import Run
from tuilab.ui.messages import EditRequested
from tuilab.ui.panes.knobs.knob_list import (
    MIN_WORDS_WIDTH,
    KnobDisplay,
    KnobList,
    build_choices,
    describe_reach,
    is_default,
)
from tuilab.ui.terminal.glyphs import ASCII, get_glyphs
from tuilab.ui.widgets.choice_list import ChoiceList
from tuilab.ui.widgets.editable_list import EditableList, help_bindings, pane_binding
from tuilab.ui.widgets.line_list import Span

_bind = partial(pane_binding, "knobs")


class KnobsPane(EditableList):
    """A form of all hyperparameters: type, step, choose; live ones reach the run at once."""

    BORDER_TITLE = "Hyperparameters"
    BINDINGS: ClassVar[list[BindingType]] = [
        _bind("enter,f2", "edit", "change", "Type a value, choose one, or toggle it"),
        _bind("left,minus", "turn(-1)", "less", "The next value down, or the previous choice"),
        _bind("right,plus,equals_sign", "turn(1)", "more", "The next value up, or the next choice"),
        *help_bindings("knobs"),
        _bind("backspace,delete", "reset", "default", "Back to the default"),
        _bind("ctrl+f", "find", "find", "Show only those whose name contains what is typed"),
        _bind("escape", "unfind", "show all", "Show all hyperparameters again"),
    ]

    def __init__(self) -> None:
        self.line_list: KnobList
        super().__init__(KnobList())
        self.form = KnobDisplay(Experiment())
        self.devices: list[Device] = []
        self.is_filtering = False
        "The filter is being typed."

    # --- view -------------------------------------------------------------------------------------

    def show(self, experiment: Experiment, run: Run, takes_live_changes: bool = True) -> None:
        """Shows an experiment beside its run, if anything changed."""
        running = run.experiment if run.is_active else None
        form = replace(
            self.form, experiment=experiment, running=running, takes_live_changes=takes_live_changes
        )
        if (form, run.devices) != (self.form, self.devices):
            self.form, self.devices = form, run.devices
            if self.is_mounted:
                self.update_view()

    def hide(self, hidden: tuple[str, ...]) -> None:
        """Hides knobs and sections."""
        self._update(hidden=hidden)

    def _update(self, **changes: Any) -> None:
        self.form = replace(self.form, **changes)
        self.update_view()

    def update_view(self) -> None:
        """Shows every knob that matches the filter."""
        is_editing = self.is_typing and not self.is_filtering
        self.line_list.show(
            replace(self.form, editing=self.line_list.cursor if is_editing else None)
        )
        text = "" if self.is_typing else self.form.filter_text
        self.border_subtitle = Content(f"find: {text} (esc shows all)") if text else ""
        self.update_detail()

    @property
    def knob(self) -> Knob | None:
        """The knob at the cursor."""
        return self.line_list.current_line.knob if self.line_list.current_line else None

    def describe(self) -> Sequence[Span]:
        """Returns help, then range and default, then whether a change reaches the run."""
        knob = self.knob
        if self.is_filtering:
            return [("find:", ""), ("a part of a name, such as lr or decay", "line-list--muted")]
        if knob is None:
            return self._describe_section()
        default = "" if is_default(knob) else f"default {knob.describe(knob.default)}"
        allowed = "" if knob.kind in ("choice", "choices") else knob.range
        has_key = self.line_list.line_width >= MIN_WORDS_WIDTH and knob.key != knob.label
        facts = " · ".join(filter(None, (knob.key if has_key else "", allowed, default)))
        return [
            (knob.help.replace("`", ""), ""),
            (_spell(facts), "line-list--muted"),
            describe_reach(knob, self.form.running),
        ]

    def _describe_section(self) -> Sequence[Span]:
        line = self.line_list.current_line
        if line is None or line.is_folded is None:
            return []
        key = "enter or → opens it" if line.is_folded else "enter or ← folds it"
        return [(describe_section(line.label), ""), (key, "line-list--muted")]

    def find_article(self) -> Article | None:
        """Returns the article about the knob at the cursor, or about the highlighted choice."""
        if self.knob is None:
            return None
        choice = self.choice_list.current_line if self.choice_list.display else None
        return articles.knob_article(self.knob, choice.key if choice else "")

    def locate_input(self) -> tuple[int, int, int] | None:
        """Returns the place of the value, or of the filter on the frame's last line."""
        lines, index = self.line_list, self.line_list.cursor_index
        if self.is_filtering:
            return lines.scroll_offset.y + lines.size.height, 7, lines.line_width - 8
        start = lines.value_start
        return None if index is None else (index, start, max(8, lines.line_width - start - 1))

    # --- typing a value or a filter ---------------------------------------------------------------

    def update_draft(self, text: str) -> None:
        """Shows at once whether the knob can have the value, or what matches the filter."""
        if self.is_filtering:
            self._set_filter(text)
            return
        self._update(problem=self._find_problem(text))

    def _set_filter(self, text: str) -> None:
        """Shows what has the text in its name, and goes to the first."""
        is_new = text != self.form.filter_text
        self._update(filter_text=text)
        if is_new and (keys := [line.key for line in self.line_list.lines if line.knob]):
            self.line_list.set_cursor(keys[0])
            self.update_detail()

    def _find_problem(self, text: str) -> str:
        knob = self.knob
        if knob is None or not text.strip():
            return (
                ""
                if knob is None or knob.kind in ("text", "mapping")
                else "type a value, or press escape"
            )
        try:
            with_knob(self.form.experiment, knob.key, parse_input(knob, text))
        except InputError as error:
            return error.problem
        return ""

    def accept(self, text: str) -> bool:
        """Sets the knob if it can have the value."""
        knob = self.knob
        if self.is_filtering:
            self._stop_typing()
            return True
        if knob is None or self._find_problem(text):
            self.app.bell()
            return False
        self._stop_typing()
        self.set_value(knob.key, parse_input(knob, text))
        return True

    def cancel_edit(self) -> None:
        """Leaves the knob unchanged; clears the filter."""
        if self.is_filtering:
            self.form = replace(self.form, filter_text="")
        self._stop_typing()

    def _stop_typing(self) -> None:
        self.is_filtering = False
        self.stop_typing()
        self._update(problem="")

    def set_value(self, key: str, value: Any) -> None:
        """Shows the new value of a knob at once, and reports it."""
        try:
            experiment = with_knob(self.form.experiment, key, value)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if experiment == self.form.experiment:
            return
        self._update(experiment=experiment)
        if key == DROPOUT:
            self.post_message(EditRequested("network", experiment.network))
        else:
            self.post_message(EditRequested(key, value))

    # --- choosing ---------------------------------------------------------------------------------

    def _open_choices(self, knob: Knob) -> None:
        choices = build_choices(knob, self.devices)
        current = next((choice.key for choice in choices if choice.mark), choices[0].key)
        was_open = self.choice_list.display
        self.choice_list.display = True
        self.choice_list.show_choices(choices, self.choice_list.cursor if was_open else current)
        self.screen.set_focus(self.choice_list, scroll_visible=False)

    def choose(self, key: str) -> None:
        """Takes a choice; of several, adds or removes it and stays open."""
        knob, choice = self.knob, self.choice_list.current_line
        if knob is None or choice is None or choice.problem:
            self.app.bell()
        elif knob.kind == "choices":
            selected = set(knob.value) ^ {key}
            self.set_value(knob.key, tuple(name for name in knob.choices if name in selected))
            if (knob := self.knob) is not None:
                self._open_choices(knob)
        else:
            self._close_choices()
            self.set_value(knob.key, key)

    @on(ChoiceList.Canceled)
    def _on_choices_canceled(self, event: ChoiceList.Canceled) -> None:
        event.stop()
        self._close_choices()

    def _close_choices(self) -> None:
        had_focus = self.choice_list.has_focus
        self.choice_list.display = False
        if had_focus:
            self.screen.set_focus(self.line_list, scroll_visible=False)
        self.update_detail()

    # --- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Lets escape show all knobs only while there is a filter."""
        if action == "unfind":
            return bool(self.form.filter_text) and not self.is_typing
        return super().check_action(action, parameters)

    def action_edit(self) -> None:
        """Types a value, opens the choices, toggles, or opens a section."""
        knob = self.knob
        if knob is None:
            self._fold(None)
        elif knob.kind == "bool":
            self.action_turn(1)
        elif knob.choices or (knob.key == DEVICE and self.devices):
            self._open_choices(knob)
        else:
            self.start_typing(knob.key, format_knob(knob))
            self.input.select_all()

    def action_turn(self, direction: int) -> None:
        """Goes to the next value or choice; opens or folds a section."""
        knob = self.knob
        if knob is None:
            self._fold(direction < 0)
        elif knob.key == DEVICE:
            names = [c.key for c in build_choices(knob, self.devices) if not c.problem]
            index = names.index(knob.value) if knob.value in names else 0
            self.set_value(knob.key, names[(index + direction) % len(names)])
        else:
            self.set_value(knob.key, step_value(knob, direction))

    def _fold(self, is_folded: bool | None) -> None:
        """Folds the section at the cursor or opens it; None toggles."""
        line = self.line_list.current_line
        if line is not None and line.is_folded is not None:
            is_folded = not line.is_folded if is_folded is None else is_folded
            self._update(folded={**self.form.folded, line.label: is_folded})

    def action_reset(self) -> None:
        """Goes back to the default."""
        knob = self.knob
        if knob is not None and knob.default is not None:
            self.set_value(knob.key, knob.default)

    def action_find(self) -> None:
        """Types a part of a knob's name."""
        self.is_filtering = True
        self.start_typing(self.line_list.cursor, self.form.filter_text)
        self.input.select_all()

    def action_unfind(self) -> None:
        """Shows all knobs again."""
        self._update(filter_text="")
        self.line_list.scroll_to_cursor()


def _spell(text: str) -> str:
    """Returns a range as the terminal can show it: where it shows only ASCII, `0 < ... <= 1`."""
    return text.replace("≤", "<=").replace("…", "...") if get_glyphs() is ASCII else text
