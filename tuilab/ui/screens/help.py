"""The help: every key of the lab, made of the bindings themselves."""

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

PLACES = ("Training", "Experiment", "View", "Lab")
"""The places that come before those of the panes."""


class Help(Overlay):
    """Shows the keys by place, and what each does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close", tooltip="Back to the lab"),
    ]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._screen = screen

    def compose(self) -> ComposeResult:
        """Yields one table for each place."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            yield Static(INTRODUCTION, classes="introduction")
            actions = sorted(keymap.list_actions(self._screen), key=_order)
            for place, members in groupby(actions, key=lambda action: action.place):
                yield Static(place, classes="place", markup=False)
                for action in members:
                    yield Static(_line(action), classes="key")


def _order(action: keymap.Action) -> tuple[int, str]:
    place = action.place
    return (PLACES.index(place) if place in PLACES else len(PLACES), place)


def _line(action: keymap.Action) -> Content:
    keys = " ".join(action.keys)
    text = action.binding.tooltip or action.binding.description
    return Content.assemble((f"{keys:>14}", "$accent bold"), "  ", text)
