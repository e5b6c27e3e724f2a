"""The key bar: the keys that can be pressed now, as many as fit."""

from itertools import groupby

from rich.cells import cell_len
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

GAP = 2
"""Columns between two keys."""

RIGHT_BINDINGS = ("view.help", "lab.quit")
"""The bindings at the right end, by their ID."""

FIRST_BINDINGS = ("charts.previous",)
"""The bindings of panes that come before those of the widget in focus, by their ID."""

Key = tuple[str, str, str]
"""Keys as they are shown, what they do, and the key that a click presses."""


class KeyBar(Widget):
    """The lab's keys at a fixed place, then those of the pane in focus, and the way out at the end.

    Textual's `Footer` shows all keys and scrolls; here the most important ones are chosen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.auto_links = False
        self._rendered: tuple[list[Key], ...] = ()

    def on_mount(self) -> None:
        """Follows the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._on_bindings_updated)

    def _on_bindings_updated(self, screen: Screen[object]) -> None:
        if screen is self.screen and self._keys() != self._rendered:
            self.refresh()

    def render(self) -> Content:
        """Returns as many keys as fit."""
        width = self.content_size.width
        lab, pane, right = self._rendered = self._keys()
        fitting = _fitting(lab, pane, width - _width(right) - GAP - 1)
        lab = [key for key in lab if key in fitting]
        left = _write_keys([*lab, *(key for key in pane if key in fitting)], len(lab))
        gap = max(1, width - left.cell_length - _width(right))
        return Content.assemble(left, " " * gap, _write_keys(right))

    def _keys(self) -> tuple[list[Key], list[Key], list[Key]]:
        """Returns the keys of the lab, of the pane in focus, and of the right end."""
        active = [item for item in self.screen.active_bindings.values() if item.binding.show]
        lab = [item for item in active if item.node is self.screen]
        right = [item for name in RIGHT_BINDINGS for item in lab if item.binding.id == name]
        left = [item for item in lab if item not in right]
        pane = [item for item in active if item.node not in (self.screen, self.app)]
        pane.sort(key=lambda item: item.binding.id not in FIRST_BINDINGS)
        return self._group(left), self._group(pane), self._group(right)

    def _group(self, active: list[ActiveBinding]) -> list[Key]:
        """Returns one key for each action, or for each group of actions."""
        keys: list[Key] = []
        for _, members in groupby(active, lambda item: item.binding.group or item.binding.action):
            bindings = [item.binding for item in members]
            group = bindings[0].group
            visible = bindings if group is not None else bindings[:1]
            text = " ".join(self.app.get_key_display(binding) for binding in visible)
            label = bindings[0].description if group is None else group.description
            keys.append((text, label[:1].lower() + label[1:], bindings[0].key))
        return keys


def _fitting(lab: list[Key], pane: list[Key], width: int) -> list[Key]:
    """Returns the keys for which there is room: a few of both first, then the rest."""
    fitting_keys: list[Key] = []
    for key in (*lab[:2], *pane[:4], *lab[2:], *pane[4:]):
        if _width([*fitting_keys, key]) <= width:
            fitting_keys.append(key)
    return fitting_keys


def _write_keys(keys: list[Key], pane_index: int = 0) -> Content:
    """Returns keys that can be clicked, with a line before those of the pane."""
    parts: list[Content] = []
    for index, (text, description, key) in enumerate(keys):
        if index:
            separator = " │ " if index == pane_index else " " * GAP
            parts.append(Content.styled(separator, "$text-muted"))
        name = Content.styled(text, "$text-accent bold")
        label = Content.styled(f" {description}", "$foreground 85%")
        press = Style.from_meta({"@click": f"app.simulate_key('{key}')"})
        parts.append(Content.assemble(name, label).stylize(press))
    return Content.assemble(*parts)


def _width(keys: list[Key]) -> int:
    return sum(cell_len(text) + 1 + cell_len(label) + GAP for text, label, _ in keys) - GAP
