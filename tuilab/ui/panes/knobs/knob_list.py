"""Hyperparameters line by line: label, value, unit, and whether a change is live."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from textwrap import wrap

from rich.cells import cell_len

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.form import DEVICE, describe_choices, get_knob_value, iter_form_knobs
from tuilab.core.experiment.knobs import Knob
from tuilab.core.protocol.records import Device
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.choice_list import Choice
from tuilab.ui.widgets.line_list import LineList, Span, fit_text, glyph_or_ascii

MIN_WORDS_WIDTH = 44
"""From this width on there is room for words instead of glyphs."""

DECREASE_ARROW = " ‹ "
"""Before a value that the arrow keys change."""

FOLDED_SECTIONS = ("augmentation", "regularization", "transfer")
"""Sections that most runs leave at their defaults: folded until one of their knobs is set."""

GUTTER = 2
"""Cells before the label: the cursor and the mark of a change."""


@dataclass(frozen=True, slots=True)
class KnobDisplay:
    """What the lines show."""

    experiment: Experiment
    running: Experiment | None = None
    "The experiment of the run in progress."
    takes_live_changes: bool = True
    "The run takes changes of live knobs; otherwise all of them wait for a restart."
    filter_text: str = ""
    "Only knobs are shown whose key contains this."
    editing: str | None = None
    "The key of the knob whose value is being typed."
    problem: str = ""
    "What is wrong with what is being typed."
    folded: Mapping[str, bool] = field(default_factory=dict)
    "Sections that the user folded or opened."
    hidden: Collection[str] = ()
    "Knobs and sections that a lesson hides."


@dataclass(frozen=True, slots=True)
class KnobLine:
    """One line: a knob, a heading, or what is wrong with what is typed above."""

    key: str | None
    label: str
    knob: Knob | None = None
    depth: int = 0
    style: str = ""
    differs: bool = False
    "The run in progress has another value, and keeps it until a restart."
    is_live: bool = False
    "A change reaches the run in progress."
    is_folded: bool | None = None
    "For the heading of a section that folds."
    note: str = ""


def build_lines(display: KnobDisplay, width: int) -> Iterator[KnobLine]:
    """Yields the lines of the form in a width."""
    visible_knobs = [
        replace(knob, is_live=knob.is_live and display.takes_live_changes)
        for knob in iter_form_knobs(display.experiment)
        if matches_filter(knob, display.filter_text)
        and not {knob.key, knob.group} & set(display.hidden)
    ]
    for section, members in groupby(
        visible_knobs, lambda knob: "training" if "dropout" in knob.key else knob.group
    ):
        group = list(members)
        is_folded = False
        if section in FOLDED_SECTIONS:
            is_default_section = all(map(is_default, group))
            is_folded = not display.filter_text and display.folded.get(section, is_default_section)
            yield _build_heading(section, group, is_folded)
        elif "." in group[0].key and not group[0].key.endswith(".name"):
            yield KnobLine(None, section, style="line-list--heading")
        for knob in [] if is_folded else group:
            yield _build_line(knob, display.running)
            if knob.key == display.editing and display.problem:
                for number, part in enumerate(wrap(display.problem, max(12, width - 8))):
                    mark = "  " if number else f"{get_glyphs().cross} "
                    yield KnobLine(None, mark + part, depth=1, style="line-list--problem")
    if not visible_knobs:
        text = f'no hyperparameter has "{display.filter_text}" in its name'
        yield KnobLine(None, text, style="line-list--muted")


def matches_filter(knob: Knob, filter_text: str) -> bool:
    """Returns whether the knob's key contains every word."""
    words = filter_text.lower().replace(" ", "_").split("_")
    return all(word in knob.key.lower() for word in words)


def _build_heading(section: str, group: list[Knob], is_folded: bool) -> KnobLine:
    """Returns the line of a section that folds."""
    changed = sum(not is_default(knob) for knob in group)
    note = f"{changed} of {len(group)} set" if changed else f"{len(group)} at defaults"
    return KnobLine(section, section, style="line-list--heading", is_folded=is_folded, note=note)


def _build_line(knob: Knob, running: Experiment | None) -> KnobLine:
    is_name = knob.key.endswith(".name")
    differs = False
    if running is not None and not knob.is_live:
        differs = get_knob_value(running, knob.key) != knob.value
    return KnobLine(
        key=knob.key,
        label=knob.label,
        knob=knob,
        depth=0 if is_name or "." not in knob.key else 1,
        style="line-list--heading" if is_name else "",
        differs=differs,
        is_live=running is not None and knob.is_live,
    )


class KnobList(LineList[KnobLine]):
    """The lines of the form, with a cursor."""

    editing: str | None = None
    "The key of the knob whose value is being typed."

    def show(self, display: KnobDisplay) -> None:
        """Shows the lines of a form."""
        self.editing = display.editing
        self.set_lines(list(build_lines(display, self.line_width)))

    @property
    def indent(self) -> int:
        """Cells before the label of a knob under a heading."""
        return 2 if self.line_width >= MIN_WORDS_WIDTH else 1

    @property
    def value_start(self) -> int:
        """Where values begin."""
        indent, longest = self.indent, 0
        for line in self.lines:
            if line.knob:
                longest = max(longest, cell_len(line.label) + indent * line.depth)
        return GUTTER + min(longest, self.line_width // 2 - 2) + cell_len(DECREASE_ARROW)

    def draw_line(self, line: KnobLine, width: int) -> list[Span]:
        """Returns cursor, label, value between its arrows, unit and mark."""
        is_at_cursor = line.key is not None and line.key == self.cursor
        indent = " " * self.indent * line.depth
        spans = [
            (glyph_or_ascii("›", ">") if is_at_cursor else " ", "line-list--glyph"),
            ("~" if line.differs else " ", "line-list--changed"),
            (indent, ""),
        ]
        if line.is_folded is not None:
            return [*spans, *self._draw_heading(line, width - GUTTER)]
        if line.knob is None:
            return [*spans, (fit_text(line.label, width - GUTTER - len(indent)), line.style)]
        start = self.value_start - cell_len(DECREASE_ARROW)
        label = fit_text(line.label, start - GUTTER - len(indent))
        spans.append((label, line.style or "line-list--muted"))
        tail = ""
        if line.is_live:
            tail = " live " if width >= MIN_WORDS_WIDTH else glyph_or_ascii(" • ", " * ")
        spans.extend(self._draw_value(line.knob, width - start - len(tail), is_at_cursor))
        return [*spans, (tail, "line-list--live")]

    def _draw_heading(self, line: KnobLine, room: int) -> list[Span]:
        """Returns a heading with its triangle, and what it holds where it is folded."""
        triangle = glyph_or_ascii(" ▸ ", " > ") if line.is_folded else glyph_or_ascii(" ▾ ", " v ")
        label = line.label + triangle
        note = fit_text(line.note if line.is_folded else "", room - cell_len(label))
        return [(label, line.style), (note, "line-list--muted")]

    def _draw_value(self, knob: Knob, room: int, is_at_cursor: bool) -> list[Span]:
        """Returns the value between the arrows that change it, as far as it fits, and its unit."""
        if knob.key == self.editing:
            return [(" " * room, "")]
        left, right = "   ", ""
        if is_at_cursor and knob.kind not in ("text", "list", "choices", "points", "mapping"):
            left, right = glyph_or_ascii(DECREASE_ARROW, " < "), glyph_or_ascii(" ›", " >")
        text = knob.describe(knob.value)
        if cell_len(text) > room - cell_len(left + right):
            text, right = fit_text(text, min(cell_len(text), max(1, room - cell_len(left)))), ""
        style = "line-list--value" if is_default(knob) else "line-list--set"
        spans = [(left, "line-list--glyph"), (text, style), (right, "line-list--glyph")]
        rest = room - sum(cell_len(part) for part, _ in spans)
        unit = knob.unit.removesuffix("s") if knob.value == 1 else knob.unit
        unit = "" if text == knob.zero else unit
        unit = f" {unit}" if unit and rest > len(unit) + 1 else ""
        return [*spans, (fit_text(unit, rest), "line-list--muted")]


def is_default(knob: Knob) -> bool:
    """Returns whether the value is the default, or there is no default."""
    return knob.default is None or knob.value == knob.default


def describe_reach(knob: Knob, running: Experiment | None) -> Span:
    """Returns whether a change reaches the run in progress."""
    if running is None:
        return "", ""
    if knob.is_live:
        return "live: the run follows at once", "line-list--live"
    value = get_knob_value(running, knob.key)
    if value == knob.value:
        return "a change needs a restart", "line-list--muted"
    has = "does not have it" if value is None else f"has {knob.describe(value)}"
    return f"~ the run {has}: restart to use it (r)", "line-list--changed"


def build_choices(knob: Knob, devices: Sequence[Device]) -> list[Choice]:
    """Returns the values of a knob, with the reason where one cannot be chosen."""
    current = knob.value if knob.kind == "choices" else (knob.value,)
    about, names = describe_choices(knob), knob.choices
    if knob.key == DEVICE:
        about = {"auto": "The fastest available"} | {d.name: d.label for d in devices}
        names = tuple(about)
    problems = {device.name: device.problem for device in devices}
    return [
        Choice(
            key=name,
            label=name,
            help=about.get(name, "").replace("`", ""),
            mark=get_glyphs().check if name in current else "",
            problem=problems.get(name, ""),
        )
        for name in names
    ]
