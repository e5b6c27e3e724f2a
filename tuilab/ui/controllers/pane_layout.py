"""Which panes are shown, which one has the focus, and which one has the whole screen."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import Binding

from tuilab.core.lessons.link_targets import PANE_TITLES, PANES, PaneName
from tuilab.ui.keymap import bind

TWO_COLUMNS = 100
"""The screen columns from which on panes stand side by side."""

WIDTHS = [(0, "-cramped"), (44, "-narrow"), (TWO_COLUMNS, "-normal"), (150, "-wide")]
"""The columns from which on there is no room, one pane, two columns, three."""

HEIGHTS = [(0, "-flat"), (12, "-low"), (26, "-tall")]
"""The rows from which on there is no room, a little, enough."""

LEFT_PANES = ("network", "knobs")
"""The panes whose column a lesson takes where there are only two."""

SHARED_PANES = ("charts", "result", "inside")
"""The panes of which either the last or the others are shown."""

_key = partial(bind, "View")


class PaneLayout:
    """The state from which the style classes of the main screen follow; it knows no widget."""

    BINDINGS: ClassVar[list[Binding]] = [
        *(
            _key(str(number), f"pane_layout.show('{name}')", PANE_TITLES[name].lower(),
                 f"Show the {PANE_TITLES[name]} pane and go to it")
            for number, name in enumerate(PANES, 1)
        ),
        _key("tab", "pane_layout.go_to_next(1)", "next pane", "Go to the next pane"),
        _key("shift+tab", "pane_layout.go_to_next(-1)", "previous pane", "Go to the previous pane"),
        _key("f", "pane_layout.zoom", "full", "Show the pane full screen, or in its place again",
             show=True),
    ]  # fmt: skip

    def __init__(
        self,
        on_change: Callable[[], None],
        on_show: Callable[[PaneName], None],
        focus_next: Callable[[], object],
        focus_previous: Callable[[], object],
    ) -> None:
        """Initializes the layout.

        Args:
            on_change: is called after the style classes have changed.
            on_show: is called with a pane that is shown to be worked in.
            focus_next: puts the focus into the next widget.
            focus_previous: puts the focus into the previous widget.
        """
        self._on_change, self._on_show = on_change, on_show
        self._focus_next, self._focus_previous = focus_next, focus_previous
        self.current: PaneName = "network"
        self.width = 0
        self._is_zoomed = self._is_log_open = self._is_lesson_open = self._is_inspecting = False

    @property
    def classes(self) -> dict[str, bool]:
        """The style classes of the screen, and whether it has them."""
        return {
            "-zoomed": self._is_zoomed,
            "-log": self._is_log_open,
            "-lesson": self._is_lesson_open,
            "-inside": self._is_inspecting,
            "-beside": self.current not in LEFT_PANES,
            **{f"-on-{pane}": pane == self.current for pane in PANES},
        }

    @property
    def is_single(self) -> bool:
        """Whether one pane has the whole screen."""
        return self._is_zoomed or self.width < TWO_COLUMNS

    def show(self, name: PaneName) -> None:
        """Shows a pane and goes to it; the log's key hides the log again."""
        if name == "log" and not self.is_single:
            self._is_log_open = not self._is_log_open
            if not self._is_log_open:
                self._on_change()
                return
        self._is_lesson_open |= name == "lesson"
        self.follow_focus(name)
        self._on_show(name)

    def reveal(self, name: PaneName) -> None:
        """Shows a pane, unless what is on the screen shows something of a run already."""
        if self.width < TWO_COLUMNS and self.current not in SHARED_PANES:
            self.show(name)

    def hide_lesson(self) -> None:
        """Hides the lesson; its key shows it again as it was."""
        self._is_lesson_open = False
        self.show("network" if self.current == "lesson" else self.current)

    def follow_focus(self, name: PaneName) -> None:
        """Makes a pane the current one, which a narrow screen shows."""
        self.current = name
        if name in SHARED_PANES:
            self._is_inspecting = name == "inside"
        self._on_change()

    def go_to_next(self, direction: int) -> None:
        """Goes to the next widget that takes keys; where one pane is shown, to the next pane."""
        if self.is_single:
            index = PANES.index(self.current) + direction
            self.show(PANES[index % len(PANES)])
        elif direction > 0:
            self._focus_next()
        else:
            self._focus_previous()

    def zoom(self) -> None:
        """Gives the current pane the whole screen, or its place back."""
        self._is_zoomed = not self._is_zoomed
        self._on_change()
