"""The names of the panes in one line, to choose one by key or by mouse."""

from textual.content import Content
from textual.widget import Widget

from tuilab.ui.keymap import PANES


class Tabs(Widget):
    """Shown where there is room for one pane only."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, int] = ("", 0)

    def show(self, current: str, unseen: int) -> None:
        """Mark the pane on screen, and the log where it has news."""
        if self._shown != (current, unseen):
            self._shown = (current, unseen)
            self.refresh()

    def render(self) -> Content:
        """The names with their keys."""
        current, unseen = self._shown
        tabs = []
        for number, name in enumerate(PANES, 1):
            title = name.capitalize() + (f" +{unseen}" if name == "log" and unseen else "")
            mark, style = ("▸", "reverse bold") if name == current else (" ", "$text-muted")
            tabs.append(f"[{style} @click=screen.pane('{name}')]{mark}{number} {title} [/]")
        return Content.from_markup(" ".join(tabs))
