"""The key line: what can be pressed now, as much of it as fits."""

from itertools import groupby

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

GAP = 2

Shown = tuple[str, str, str]
"""Keys as they are shown, what they do, the key that a click presses."""


class KeyLine(Widget):
    """The lab's keys at a fixed place, those of the pane in focus after them, the way out last."""

    def __init__(self) -> None:
        super().__init__()
        self._spots: list[tuple[int, int, str]] = []
        "From which column to which a click presses which key."
        self._told: tuple[list[Shown], ...] = ()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)

    def _follow(self, screen: Screen[object]) -> None:
        if screen is self.screen and self._keys() != self._told:
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        column = event.x - self.styles.gutter.left
        for first, last, key in self._spots:
            if first <= column < last:
                self.app.simulate_key(key)

    def render(self) -> Content:
        """As many keys as fit."""
        width = self.content_size.width
        lab, pane, last = self._told = self._keys()
        room = width - _width(last) - GAP - 1
        fitting = _fitting(lab, pane, room)
        lab = [key for key in lab if key in fitting]
        self._spots = []
        first = self._content([*lab, *(key for key in pane if key in fitting)], 0, len(lab))
        gap = max(1, width - first.cell_length - _width(last))
        return Content.assemble(first, " " * gap, self._content(last, first.cell_length + gap))

    def _content(self, keys: list[Shown], column: int, pane: int = 0) -> Content:
        """The keys from a column on; a bar stands before those of the pane."""
        parts: list[Content] = []
        for place, (key, what, press) in enumerate(keys):
            if place:
                parts.append(Content.styled(" │ " if place == pane else " " * GAP, "$text-muted"))
            parts.append(Content.styled(key, "$footer-key-foreground bold"))
            parts.append(Content.styled(f" {what}", "$footer-description-foreground"))
            start = column + sum(part.cell_length for part in parts[:-2])
            self._spots.append((start, start + cell_len(f"{key} {what}"), press))
        return Content.assemble(*parts)

    def _keys(self) -> tuple[list[Shown], list[Shown], list[Shown]]:
        active = [item for item in self.screen.active_bindings.values() if item.binding.show]
        ours = [item for item in active if item.node is self.screen]
        last = [item for item in ours if item.binding.action in ("help", "leave")]
        first = [item for item in ours if item not in last]
        theirs = [item for item in active if item.node not in (self.screen, self.app)]
        return self._shown(first), self._shown(theirs), self._shown(last)

    def _shown(self, active: list[ActiveBinding]) -> list[Shown]:
        """One entry an action, or a group of them."""
        shown: list[Shown] = []
        for _, members in groupby(active, lambda item: item.binding.group or item.binding.action):
            bindings = [item.binding for item in members]
            group = bindings[0].group
            keys = bindings if group is not None else bindings[:1]
            text = " ".join(self.app.get_key_display(binding) for binding in keys)
            what = group.description if group is not None else bindings[0].description
            shown.append((text, what, bindings[0].key))
        return shown


def _fitting(lab: list[Shown], pane: list[Shown], room: int) -> list[Shown]:
    """What is worth the room: some of both first, then the rest."""
    chosen: list[Shown] = []
    for key in (*lab[:2], *pane[:4], *lab[2:], *pane[4:]):
        if _width([*chosen, key]) <= room:
            chosen.append(key)
    return chosen


def _width(keys: list[Shown]) -> int:
    return sum(cell_len(key) + 1 + cell_len(what) + GAP for key, what, _ in keys) - GAP
