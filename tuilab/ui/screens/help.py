"""The help: every key of the lab, read off the bindings themselves."""

from itertools import groupby
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuilab.ui import keymap
from tuilab.ui.screens.dialogs import Overlay

INTRODUCTION = (
    "Edit the network and its hyperparameters, press space to train, and watch. "
    "New to this? C opens the course.\n"
    "tab and shift+tab go from pane to pane; the mouse works too. A pane's own keys work while "
    "it has the thick border."
)


class Help(Overlay):
    """Keys by place, what each does, and how it is called in the palette."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close", tooltip="Back to the lab"),
    ]

    def __init__(self, lab: Screen[Any]) -> None:
        super().__init__()
        self._lab = lab

    def compose(self) -> ComposeResult:
        """One table for each place."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            yield Static(INTRODUCTION, classes="introduction")
            by_place = sorted(keymap.every(self._lab), key=lambda action: _order(action.place))
            for place, members in groupby(by_place, key=lambda action: action.place):
                yield Static(place, classes="place", markup=False)
                for action in members:
                    yield Static(_line(action), classes="key")


def _order(place: str) -> tuple[int, str]:
    places = ("Training", "Experiment", "View", "Lab")
    return (places.index(place) if place in places else len(places), place)


def _line(action: keymap.Action) -> Content:
    keys = " ".join(action.keys)
    text = action.binding.tooltip or action.binding.description
    return Content.assemble((f"{keys:>14}", "$accent bold"), "  ", text)
