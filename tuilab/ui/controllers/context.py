"""The small part of the lab that every controller is given."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from textual.notifications import SeverityLevel
from textual.screen import Screen

from tuilab.core.lessons.link_targets import PaneName
from tuilab.core.protocol.commands import AnyCommand
from tuilab.host.link import Link
from tuilab.ui.workspace import Workspace


class Notify(Protocol):
    """Shows a short text in a corner of the screen; the text is not markup."""

    def __call__(
        self,
        text: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The workspace, and what a controller may do beyond it."""

    workspace: Workspace
    send: Callable[[Iterable[AnyCommand]], None]
    "Sends commands to the host, and repaints what follows from them at once."
    ask: Callable[[Screen[Any]], Awaitable[Any]]
    "Opens a dialog and waits for its answer; None where it was canceled. Works inside `start`."
    start: Callable[[Coroutine[Any, Any, None]], object]
    "Runs a coroutine while the screen goes on."
    notify: Notify
    repaint: Callable[[], None]
    show_pane: Callable[[PaneName], None]
    reveal_pane: Callable[[PaneName], None]
    "Shows a pane where there is room for one only and that one shows nothing of a run."
    is_displayed: Callable[[PaneName], bool]
    "Returns whether a pane is on the screen."
    dispatch: Callable[[str], object]
    "Calls a method of a controller, such as `training.run`, after the present message."
    suspend: Callable[[], AbstractContextManager[None]]
    "Gives the terminal to another program for the time of a with block."
    copy_to_clipboard: Callable[[str], None]
    ring: Callable[[str], None]
    "Rings the bell of the terminal, and notifies the user of a text through it."
    leave_run: Callable[[], None]
    "Leaves the run to its host; what is started next gets a new host."
    take_link: Callable[[Link], None]
    "Goes on with the host of another run; the one before goes on without the lab."
    exit: Callable[[], None]
