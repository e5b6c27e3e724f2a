"""The help: every key of the lab, made of the bindings themselves."""

import textwrap
from collections.abc import Iterator, Sequence
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
    "it has the thick border.\n"
    "The status line shows lag where keys are answered late: 50 ms or more, as on a slow "
    "connection or a busy machine."
)

MAX_WIDTH, KEYS_WIDTH, PADDING = 92, 18, 8
"""Columns of the box, of the keys with the gap after them, and of what is around."""

SECTIONS = ("Training", "Experiment", "View", "Lab")
"""The sections that come before those of the panes."""


class Help(Overlay):
    """Shows the keys by section, and what each does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close", tooltip="Back to the lab"),
    ]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._screen = screen

    def compose(self) -> ComposeResult:
        """Yields one table for each section."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            yield Static(INTRODUCTION, classes="introduction")
            actions = sorted(keymap.list_actions(self._screen), key=_order)
            for section, members in groupby(actions, key=lambda action: action.section):
                yield Static(section, classes="section", markup=False)
                for keys, text in dict.fromkeys(_lines(list(members))):
                    yield Static(_write_line(keys, text, self._text_width), classes="key")

    @property
    def _text_width(self) -> int:
        """The columns beside the keys."""
        return max(20, min(MAX_WIDTH, self.app.size.width * 96 // 100) - KEYS_WIDTH - PADDING)


def _order(action: keymap.Action) -> tuple[int, str]:
    section = action.section
    return (SECTIONS.index(section) if section in SECTIONS else len(SECTIONS), section)


def _lines(actions: Sequence[keymap.Action]) -> Iterator[tuple[str, str]]:
    """Yields keys and text of each action that another one's keys do not include already."""
    for action in actions:
        alike = (other for other in actions if _method(other) == _method(action))
        if not any(_includes(other, action) for other in alike):
            keys = " ".join(dict.fromkeys(action.keys))
            yield keys, action.binding.tooltip or action.binding.description


def _method(action: keymap.Action) -> tuple[object, str]:
    return action.node, action.binding.action.partition("(")[0]


def _includes(action: keymap.Action, other: keymap.Action) -> bool:
    """Returns whether keys such as `↑↓` or `1-9` stand for those of another action too."""
    key_text = action.binding.key_display or ""
    if action is other or other.binding.key_display or len(other.keys) != 1:
        return False
    key = other.keys[0]
    is_range = len(key_text) == 3 and key_text[1] == "-" and key_text[0] <= key <= key_text[2]
    return len(key) == 1 and (is_range or (len(key_text) == 2 and key in key_text))


def _write_line(keys: str, text: str, width: int) -> Content:
    """Returns the keys of an action, and beside them what it does."""
    lines = textwrap.wrap(text, width) or [""]
    indent = "\n" + " " * KEYS_WIDTH
    return Content.assemble((f"{keys:>{KEYS_WIDTH - 2}}", "$accent bold"), "  ", indent.join(lines))
