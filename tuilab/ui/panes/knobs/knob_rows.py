"""Hyperparameters line by line: label, value, unit, and whether it goes live."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from textwrap import wrap

from rich.cells import cell_len

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.form import DEVICE, form, helps, value_of
from tuilab.core.experiment.knobs import Knob
from tuilab.core.format import compact
from tuilab.core.protocol.records import Device
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.widgets.choice_list import Choice
from tuilab.ui.widgets.line_list import LineList, Span, fitted, sign

WIDE = 44
"""From this width on there is room for words where else is a sign."""

TURN_DOWN = " ‹ "
"""Before a value that the arrow keys turn."""

FOLDED = ("augmentation", "regularization", "transfer")
"""Sections that most runs leave as they are: folded until one of their knobs is turned."""

GUTTER = 2
"""Cells before the label: the cursor and the mark of a change."""


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
    fold: bool | None = None
    "For the heading of a section that folds: whether it is folded."
    note: str = ""


def lines(
    experiment: Experiment,
    ran: Experiment | None,
    wanted: str,
    wrong: tuple[str, str],
    width: int,
    follows: bool = True,
    folds: Mapping[str, bool] | None = None,
    hidden: Collection[str] = (),
) -> Iterator[KnobLine]:
    """The lines of a form.

    Args:
        ran: what the run in progress was started with.
        wanted: only knobs whose key holds this.
        wrong: the key that is being typed at, and what is wrong with what stands there.
        follows: the run takes changes of live knobs; else all of them wait for a restart.
        folds: sections that the person has folded or opened.
        hidden: knobs and sections that are left out.
    """
    shown = [
        replace(knob, live=knob.live and follows)
        for knob in form(experiment)
        if is_wanted(knob, wanted) and not {knob.key, knob.group} & set(hidden)
    ]
    for section, members in groupby(
        shown, lambda knob: "training" if "dropout" in knob.key else knob.group
    ):
        group = list(members)
        is_folded = None
        if section in FOLDED:
            is_folded = not wanted and (folds or {}).get(section, all(map(is_usual, group)))
            yield _heading(section, group, is_folded)
        elif "." in group[0].key and not group[0].key.endswith(".name"):
            yield KnobLine(None, section, style="rows--heading")
        for knob in [] if is_folded else group:
            yield _line(knob, ran)
            if knob.key == wrong[0] and wrong[1]:
                for number, part in enumerate(wrap(wrong[1], max(12, width - 8))):
                    mark = "  " if number else f"{signs().wrong} "
                    yield KnobLine(None, mark + part, depth=1, style="rows--problem")
    if not shown:
        yield KnobLine(None, f'no knob has "{wanted}" in its name', style="rows--muted")


def is_wanted(knob: Knob, wanted: str) -> bool:
    """Whether every word stands in the knob's key."""
    return all(word in knob.key.lower() for word in wanted.lower().replace(" ", "_").split("_"))


def _heading(section: str, group: list[Knob], is_folded: bool) -> KnobLine:
    """The line of a section that folds."""
    turned = sum(not is_usual(knob) for knob in group)
    note = f"{turned} of {len(group)} set" if turned else f"{len(group)} at defaults"
    return KnobLine(section, section, style="rows--heading", fold=is_folded, note=note)


def _line(knob: Knob, ran: Experiment | None) -> KnobLine:
    is_name = knob.key.endswith(".name")
    return KnobLine(
        key=knob.key,
        label=knob.label,
        knob=knob,
        depth=0 if is_name or "." not in knob.key else 1,
        style="rows--heading" if is_name else "",
        differs=ran is not None and not knob.live and value_of(ran, knob.key) != knob.value,
        is_live=ran is not None and knob.live,
    )


class KnobList(LineList[KnobLine]):
    """The lines of a form, with a cursor."""

    typing: str | None = None
    "The key whose value is being typed."

    @property
    def indent(self) -> int:
        """Cells before the label of a knob that stands under a heading."""
        return 2 if self.width >= WIDE else 1

    @property
    def value_start(self) -> int:
        """Where values begin."""
        knobs = [line for line in self.lines if line.knob]
        longest = max((cell_len(x.label) + self.indent * x.depth for x in knobs), default=0)
        return GUTTER + min(longest, self.width // 2 - 2) + cell_len(TURN_DOWN)

    def draw(self, line: KnobLine, width: int) -> list[Span]:
        """The cursor, the label, the value between its arrows, the unit and the mark."""
        at_cursor = line.key is not None and line.key == self.cursor
        indent = " " * self.indent * line.depth
        spans = [
            (sign("›", ">") if at_cursor else " ", "rows--sign"),
            ("~" if line.differs else " ", "rows--changed"),
            (indent, ""),
        ]
        if line.fold is not None:
            return [*spans, *self._fold(line, width - GUTTER)]
        if line.knob is None:
            return [*spans, (fitted(line.label, width - GUTTER - len(indent)), line.style)]
        start = self.value_start - cell_len(TURN_DOWN)
        label = fitted(line.label, start - GUTTER - len(indent))
        spans.append((label, line.style or "rows--muted"))
        tail = "" if not line.is_live else " live " if width >= WIDE else sign(" • ", " * ")
        spans.extend(self._value(line.knob, width - start - len(tail), at_cursor))
        return [*spans, (tail, "rows--live")]

    def _fold(self, line: KnobLine, room: int) -> list[Span]:
        """A heading with its triangle; what is folded in where it is folded."""
        triangle = sign(" ▸ ", " > ") if line.fold else sign(" ▾ ", " v ")
        label = line.label + triangle
        note = fitted(line.note if line.fold else "", room - cell_len(label))
        return [(label, line.style), (note, "rows--muted")]

    def _value(self, knob: Knob, room: int, at_cursor: bool) -> list[Span]:
        """The value between the arrows that turn it, as far as there is room, and its unit."""
        if knob.key == self.typing:
            return [(" " * room, "")]
        turns = at_cursor and knob.kind not in ("text", "list", "choices", "points")
        left, right = (sign(TURN_DOWN, " < "), sign(" ›", " >")) if turns else ("   ", "")
        text = compact(knob.value) or "none"
        if cell_len(text) > room - cell_len(left + right):
            text, right = fitted(text, min(cell_len(text), max(1, room - cell_len(left)))), ""
        style = "rows--value" if is_usual(knob) else "rows--set"
        spans = [(left, "rows--sign"), (text, style), (right, "rows--sign")]
        rest = room - sum(cell_len(part) for part, _ in spans)
        unit = f" {knob.unit}" if knob.unit and rest > len(knob.unit) + 1 else ""
        return [*spans, (fitted(unit, rest), "rows--muted")]


def is_usual(knob: Knob) -> bool:
    """Whether the value is the default, or there is no default."""
    return knob.default is None or knob.value == knob.default


def reach(knob: Knob, ran: Experiment | None) -> Span:
    """Whether a change reaches the run in progress."""
    if ran is None:
        return "", ""
    if knob.live:
        return "live: the run follows at once", "rows--live"
    value = value_of(ran, knob.key)
    if value == knob.value:
        return "a change needs a restart", "rows--muted"
    has = "does not have it" if value is None else f"has {compact(value) or 'none'}"
    return f"~ the run {has}: restart to use it (r)", "rows--changed"


def choices_of(knob: Knob, devices: Sequence[Device]) -> list[Choice]:
    """What a knob can be, with the reason where it cannot; chosen ones carry a sign."""
    kept = knob.value if knob.kind == "choices" else (knob.value,)
    about = helps(knob)
    if knob.key == DEVICE:
        about = {"auto": "The fastest that can be used"} | {d.name: d.label for d in devices}
    problems = {device.name: device.problem for device in devices}
    return [
        Choice(
            key=name,
            label=name,
            help=about.get(name, ""),
            sign=signs().right if name in kept else "",
            problem=problems.get(name, ""),
        )
        for name in (about if knob.key == DEVICE else knob.choices)
    ]
