"""The names of the panes in one line, to choose one by its number or by mouse."""

from textual.content import Content
from textual.widget import Widget

from tuilab.core.lessons.link_targets import PANE_TITLES, PANES, PaneName


class PaneTabs(Widget):
    """The tabs that are shown where there is room for one pane only.

    Textual's `Tabs` would put twelve widgets into every first frame, for a row that only narrow
    terminals show.
    """

    def __init__(self) -> None:
        super().__init__()
        self._current: PaneName = "network"
        self._unread = 0

    def show(self, current: PaneName, unread: int) -> None:
        """Marks the pane on the screen, and the log where it has unread lines."""
        if (self._current, self._unread) != (current, unread):
            self._current, self._unread = current, unread
            self.refresh()

    def render(self) -> Content:
        """Returns the names with their keys."""
        tabs = []
        for number, name in enumerate(PANES, 1):
            unread = f" +{self._unread}" if name == "log" and self._unread else ""
            is_current = name == self._current
            mark, style = ("▸", "reverse bold") if is_current else (" ", "$text-muted")
            action = f"screen.dispatch('pane_layout.show', '{name}')"
            label = f"{mark}{number} {PANE_TITLES[name]}{unread}"
            tabs.append(f"[{style} @click={action}]{label}[/]")
        return Content.from_markup(" ".join(tabs))
