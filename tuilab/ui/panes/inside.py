"""The inside of the network: one of several views, mounted when it is first opened."""

from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widget import Widget

from tuilab.lab.experiment import Experiment
from tuilab.lab.messages import Inspect
from tuilab.lab.run import Run
from tuilab.ui.views.view import View

NARROW = 70
"""Below so many columns, the names of the views are written in short."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the views to choose from."""

    name: str
    "Of its module in `ui/views`, and as the border shows it."
    brief: str
    about: str


KINDS = (
    Kind("units", "Units", "Every unit's answer over the plane, and the weights between them"),
    Kind("layer", "Layer", "One layer: weights, gradients, updates, activations"),
    Kind("examples", "Exam", "Examples: which are mistaken, how surely, and why"),
    Kind("backprop", "Back", "One training step in slow motion, number by number"),
    Kind("landscape", "Land", "The loss around the present weights"),
    Kind("diagnosis", "Diag", "What is wrong, in words, and what to do"),
)


class InsidePane(Widget):
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
            module = import_module(f"tuilab.ui.views.{name}")
            view = getattr(module, f"{name.capitalize()}View")(id=name)
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
