"""Alerts: of what the user wants to be notified, and what is shown of one."""

from typing import ClassVar

from textual.binding import Binding
from textual.notifications import SeverityLevel

from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import SetAlerts
from tuilab.core.protocol.events import AlertRaised
from tuilab.core.run.condition import EXAMPLE, parse_requests
from tuilab.core.user_config import load_config
from tuilab.ui.controllers.context import Context
from tuilab.ui.keymap import bind
from tuilab.ui.screens.dialogs import Prompt

ALERT_SECONDS = 20.0
"""Seconds for which an alert is shown: whoever was called by it has to come first."""


class AlertController:
    """Asks the host for alerts, and shows those that it raises."""

    BINDINGS: ClassVar[list[Binding]] = [
        bind("Training", "ctrl+n", "alerts.choose", "notify me",
             "Notify me when the run ends, fails or meets a condition"),
    ]  # fmt: skip

    def __init__(self, context: Context) -> None:
        self._context = context

    async def choose(self) -> None:
        """Asks of what the user wants to be notified, in this lab's runs."""
        text = (
            f"A condition such as {EXAMPLE} or train.loss is nan, or several with commas between. "
            "They include the end of the run and a failure; `end` alone is for nothing else. "
            f"An empty line: no alerts.\n\nSent by {_describe_channels()}."
        )
        before = self._context.workspace.run.alerts
        prompt = Prompt("Notify me when", text, ", ".join(before), check=_read_requests)
        requests: list[str] | None = await self._context.ask(prompt)
        if requests is None or requests == before:
            return
        self._context.send([SetAlerts(requests)])
        what = ", ".join(requests) or "nothing any more"
        self._context.notify(what, title="You will be notified of")

    def show(self, alert: AlertRaised) -> None:
        """Shows an alert of the run on the screen, and rings the terminal."""
        severity: SeverityLevel = "error" if alert.state == "failed" else "information"
        self._context.notify(alert.text, title="Alert", severity=severity, timeout=ALERT_SECONDS)
        self._context.ring(alert.text)


def _read_requests(text: str) -> list[str]:
    return parse_requests([text])


def _describe_channels() -> str:
    """Returns who notifies the user: the terminal, and what their own file sets."""
    terminal = "the bell and the notifications of this terminal"
    try:
        config = load_config().notify
    except InputError as error:
        return f"{terminal} only: {error}"
    others = [name for name in ("command", "webhook") if getattr(config, name)]
    more = "".join(f", by your {name}" for name in others)
    return f"{terminal}{more}" if others else f"{terminal}; `tuilab notify` shows how to add more"
