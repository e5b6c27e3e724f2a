"""A context for controllers that records what they do, and answers their dialogs."""

from collections.abc import Coroutine, Iterable
from contextlib import nullcontext
from typing import Any

from tuilab.core.protocol.commands import AnyCommand
from tuilab.host.link import Link
from tuilab.ui.controllers.context import Context
from tuilab.ui.workspace import Workspace


class FakeLab:
    """The lab around a controller, without a screen."""

    def __init__(self, workspace: Workspace, *answers: Any) -> None:
        self.workspace = workspace
        self.answers = list(answers)
        "The answers to the next dialogs, in order."
        self.dialogs: list[str] = []
        "The names of the dialogs that were opened."
        self.sent: list[AnyCommand] = []
        self.notes: list[str] = []
        self.panes: list[str] = []
        self.revealed: list[str] = []
        self.displayed: set[str] = set()
        "The panes that are on the screen."
        self.left_runs: list[str] = []
        self.links: list[Link] = []
        self.dispatched: list[str] = []
        self.copied: list[str] = []
        self.rung: list[str] = []
        self.repaints = 0
        self.is_closed = False

    @property
    def context(self) -> Context:
        return Context(
            self.workspace,
            self._send,
            self._ask,
            run_coroutine,
            notify=self._notify,
            repaint=self._repaint,
            show_pane=self.panes.append,
            reveal_pane=self.revealed.append,
            is_displayed=lambda pane: pane in self.displayed,
            dispatch=self.dispatched.append,
            suspend=nullcontext,
            copy_to_clipboard=self.copied.append,
            ring=self.rung.append,
            leave_run=lambda: self.left_runs.append(self.workspace.run.id),
            take_link=self.links.append,
            exit=self._exit,
        )

    def _send(self, commands: Iterable[AnyCommand]) -> None:
        self.sent.extend(commands)

    async def _ask(self, dialog: object) -> Any:
        self.dialogs.append(type(dialog).__name__)
        return self.answers.pop(0)

    def _notify(self, text: str, **options: Any) -> None:
        self.notes.append(text)

    def _repaint(self) -> None:
        self.repaints += 1

    def _exit(self) -> None:
        self.is_closed = True


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine that waits for nothing; returns its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the coroutine waits for something")
