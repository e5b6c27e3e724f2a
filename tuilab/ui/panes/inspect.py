"""The inside of the network: one of several views, mounted when it is first opened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widget import Widget

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect
from tuilab.core.run.run import Run
from tuilab.ui.views.view import View

NARROW = 70
"""Below so many columns, the names of the views are written in short."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the views to choose from."""

    name: str
    "As the border shows it."
    brief: str
    about: str
    load: Callable[[], type[View]]
    "Imports the view when it is first opened, so that the first frame does not wait for it."


def _units() -> type[View]:
    from tuilab.ui.views.units.units_view import UnitsView

    return UnitsView


def _layer() -> type[View]:
    from tuilab.ui.views.layer.layer_view import LayerView

    return LayerView


def _examples() -> type[View]:
    from tuilab.ui.views.examples.examples_view import ExamplesView

    return ExamplesView


def _backprop() -> type[View]:
    from tuilab.ui.views.backprop.backprop_view import BackpropView

    return BackpropView


def _landscape() -> type[View]:
    from tuilab.ui.views.landscape.landscape_view import LandscapeView

    return LandscapeView


def _diagnosis() -> type[View]:
    from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView

    return DiagnosisView


KINDS = (
    Kind(
        "units", "Units", "Every unit's answer over the plane, and the weights between them", _units
    ),
    Kind("layer", "Layer", "One layer: weights, gradients, updates, activations", _layer),
    Kind("examples", "Exam", "Examples: which are mistaken, how surely, and why", _examples),
    Kind("backprop", "Back", "One training step in slow motion, number by number", _backprop),
    Kind("landscape", "Land", "The loss around the present weights", _landscape),
    Kind("diagnosis", "Diag", "What is wrong, in words, and what to do", _diagnosis),
)


class InspectPane(Widget):
    """Shows one view; the others are hidden, ask for nothing and cost nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("greater_than_sign", "turn(1)", "View", key_display="<>",
                tooltip="Show the next view", id="inside.next"),
        Binding("less_than_sign", "turn(-1)", "View before",
                tooltip="Show the view before", id="inside.previous", show=False),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.chosen = self._heading = ""
        self._run, self._experiment = Run(), Experiment()

    def on_mount(self) -> None:
        self._label()

    @property
    def view(self) -> View | None:
        """The view that is shown, once one has been opened."""
        try:
            return self.query_one(f"#{self.chosen}", View) if self.chosen else None
        except NoMatches:
            return None

    def open(self, name: str) -> View:
        """Show a view by its name."""
        self.chosen = name
        view = self.view
        if view is None:
            view = next(kind for kind in KINDS if kind.name == name).load()(id=name)
            self.mount(view)
        for other in self.query(View):
            other.display = other is view
        self._label()
        view.show(self._run, self._experiment)
        return view

    def show(self, run: Run, experiment: Experiment) -> None:
        """Show what has come for the view that is open."""
        self._run, self._experiment = run, experiment
        if not self.chosen:
            self.open("layer")
        if self.view is not None:
            self.view.show(run, experiment)

    def question(self) -> Inspect | None:
        """What to ask the worker now, if anything."""
        view = self.view
        wanted = view.question(self._run, self._experiment) if view is not None else None
        return None if wanted is None else Inspect(wanted)

    def action_turn(self, by: int) -> None:
        """Show the view so many further on."""
        names = [kind.name for kind in KINDS]
        place = names.index(self.chosen) if self.chosen else 0
        self.action_open(names[(place + by) % len(names)])

    def action_open(self, name: str) -> None:
        """Show a view and put the focus into it."""
        view = self.open(name)
        self.call_after_refresh(view.focus)

    def on_resize(self) -> None:
        """Write the names in long or in short."""
        self._label()

    def _label(self) -> None:
        names = [k.brief if self.size.width < NARROW else k.name.capitalize() for k in KINDS]
        tabs = [
            f"[b reverse] {name} [/]"
            if kind.name == self.chosen
            else f"[@click=open('{kind.name}')] {name} [/]"
            for kind, name in zip(KINDS, names, strict=True)
        ]
        before = len(KINDS) - 1  # once around: a negative number is no markup
        heading = " ".join([f"[@click=turn({before})]<[/]", *tabs, "[@click=turn(1)]>[/]"])
        if heading != self._heading:  # a new title repaints all that it frames
            self.border_title = self._heading = heading
