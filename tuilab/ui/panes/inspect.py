"""The pane that looks inside the network: one of several views, with their tabs in the border."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.style import Style
from textual.widgets import ContentSwitcher

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.lessons.link_targets import ViewName
from tuilab.core.protocol.commands import Inspect
from tuilab.core.run.run import Run
from tuilab.ui.views.registry import VIEWS
from tuilab.ui.views.view import View

MIN_TITLE_WIDTH = 70
"""The columns from which on the titles of the views are written in full."""


class InspectPane(ContentSwitcher):
    """Shows one view; the others are hidden and request nothing.

    The tabs stand in the border, where they take no row from the view: Textual's `Tabs` would.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("greater_than_sign", "turn(1)", "View", key_display="<>",
                tooltip="Show the next view", id="inside.next"),
        Binding("less_than_sign", "turn(-1)", "Previous view",
                tooltip="Show the previous view", id="inside.previous", show=False),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._tabs: object = None
        self._run, self._experiment = Run(), Experiment()

    def on_mount(self) -> None:
        """Draws the tabs."""
        self._update_tabs()

    @property
    def view(self) -> View[Any] | None:
        """The view that is shown, once one has been opened."""
        return self.find(self.current) if self.current else None

    def find(self, name: str) -> View[Any] | None:
        """Returns a view that has been opened before."""
        return self.query_one_optional(f"#{name}", View)

    def open(self, name: ViewName) -> View[Any]:
        """Shows a view, and mounts it the first time."""
        view = self.find(name)
        if view is None:
            view = VIEWS[name].load()(id=name)
            self.mount(view)
        self.current = name
        self._update_tabs()
        view.show(self._run, self._experiment)
        return view

    def show(self, run: Run, experiment: Experiment) -> None:
        """Shows what has come for the view that is open."""
        self._run, self._experiment = run, experiment
        if self.view is None:
            self.open("layer")
        else:
            self.view.show(run, experiment)

    def due_request(self) -> Inspect | None:
        """Returns what to request from the worker now, if anything."""
        request = self.view.due_request(self._run, self._experiment) if self.view else None
        return None if request is None else Inspect(request)

    def action_turn(self, by: int) -> None:
        """Shows the next or a previous view."""
        names = list(VIEWS)
        index = next((i for i, name in enumerate(names) if name == self.current), 0)
        self.action_open(names[(index + by) % len(names)])

    def action_open(self, name: ViewName) -> None:
        """Shows a view and puts the focus into it."""
        view = self.open(name)
        self.call_after_refresh(view.focus)

    def on_resize(self) -> None:
        """Writes the titles in full or in short."""
        self._update_tabs()

    def _update_tabs(self) -> None:
        is_wide = self.size.width >= MIN_TITLE_WIDTH
        if (self.current, is_wide) == self._tabs:  # a new title repaints all that it frames
            return
        self._tabs = (self.current, is_wide)
        tabs = [_link("<", "turn(-1)")]
        for name, entry in VIEWS.items():
            title = f" {entry.title if is_wide else entry.short_title} "
            is_open = name == self.current
            tabs.append(
                Content.styled(title, "b reverse") if is_open else _link(title, f"open('{name}')")
            )
        self.border_title = Content(" ").join([*tabs, _link(">", "turn(1)")])


def _link(text: str, action: str) -> Content:
    return Content(text).stylize(Style.from_meta({"@click": action}))
