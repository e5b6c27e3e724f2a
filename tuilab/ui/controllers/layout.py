"""Where the panes are: which one is shown, which one has the focus, which one has all the room."""

from textual import events
from textual.screen import Screen
from textual.widget import Widget

from tuilab.ui import keymap

WIDTHS = [(0, "-cramped"), (44, "-narrow"), (100, "-normal"), (150, "-wide")]
"""From how many columns on there is no room, one pane, two columns, three."""

HEIGHTS = [(0, "-flat"), (12, "-low"), (32, "-tall")]
"""From how many lines on there is no room, a little, enough."""


class PaneLayout(Screen[None]):
    """A screen of panes, each with a number for its key."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    _panes: dict[str, Widget]
    _current: str

    def repaint(self) -> None:
        """Show the desk as it is now."""
        raise NotImplementedError

    def opening(self, name: str) -> None:
        """A pane is about to be shown; one that has to be filled first can be."""

    def action_pane(self, name: str) -> None:
        """Show a pane and put the focus into it; the log's key hides the log again."""
        if name == "log" and not self._is_single:
            self.toggle_class("-log")
            if not self.has_class("-log"):
                return
        self._turn_to(name)
        self.opening(name)
        self._focus_pane(self._panes[name])
        self.call_after_refresh(self.repaint)

    def _turn_to(self, name: str) -> None:
        self._current = name
        for pane in keymap.PANES:
            self.set_class(pane == name, f"-on-{pane}")
        self.set_class(name not in ("network", "knobs"), "-beside")
        if name in ("charts", "result", "inside"):
            self.set_class(name == "inside", "-inside")

    def _focus_pane(self, pane: Widget) -> None:
        inside = [pane, *pane.query("*")]
        widget = next((widget for widget in inside if widget.can_focus and widget.display), None)
        if widget is not None:
            self.set_focus(widget)  # at once: the next key is for it

    @property
    def _is_single(self) -> bool:
        """Whether one pane has the whole screen."""
        return self.has_class("-zoomed") or self.size.width < WIDTHS[2][0]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The panes' numbers are numbers where somebody writes."""
        if action == "pane" and self.focused is not None:
            return not self.focused.check_consume_key(str(1), "1")
        return True

    def action_next_pane(self, direction: int) -> None:
        """The next place that takes keys; where one pane is shown, that pane comes."""
        if not self._is_single:
            self.focus_next() if direction > 0 else self.focus_previous()
            return
        place = keymap.PANES.index(self._current) + direction
        self.action_pane(keymap.PANES[place % len(keymap.PANES)])

    def action_zoom(self) -> None:
        """Give the pane in focus the whole screen, or its place back."""
        self.toggle_class("-zoomed")
        self.call_after_refresh(self.repaint)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane in focus is the one that a narrow screen shows."""
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self and name != self._current:
                self._turn_to(name)

    def action_theme(self) -> None:
        """Choose a theme."""
        self.app.action_change_theme()

    def action_palette(self) -> None:
        """Every action by its name."""
        self.app.action_command_palette()

    def action_help(self) -> None:
        """Every key."""
        from tuilab.ui.screens.help import Help

        self.app.push_screen(Help(self))
