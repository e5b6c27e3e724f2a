"""Alerts of the runs in a host: which events raise one, and who is sent it."""

import threading
import time
from collections.abc import Callable

from msgspec.structs import replace

from tuilab.core.catalogue.metrics import headline_metrics
from tuilab.core.errors import InputError
from tuilab.core.format import format_count, format_duration, format_number
from tuilab.core.protocol.commands import SetAlerts
from tuilab.core.protocol.events import (
    AlertRaised,
    AlertsChanged,
    AlertState,
    AnyEvent,
    Failed,
    Finished,
    Logged,
    Progressed,
    Started,
)
from tuilab.core.run.condition import (
    END,
    Condition,
    Measurement,
    iter_measurements,
    parse_condition,
    parse_requests,
)
from tuilab.core.user_config import NotifyConfig, load_config
from tuilab.host.alert_channels import Send, list_channels

MAX_SENDING_SECONDS = 40.0
"""Seconds for which a host that is no longer needed waits for a command or a server."""


class Alerts:
    """Watches the events of the present run, and notifies the user once of each occasion.

    A run that the user stops raises none.

    Args:
        publish: reports an event to all clients, from any thread.
    """

    def __init__(self, publish: Callable[[AnyEvent], None]) -> None:
        self._publish = publish
        self._lock = threading.RLock()
        self._requests: list[str] = []
        self._waiting: list[Condition] = []
        self._started: Started | None = None
        self._seconds = 0.0
        self._sending: dict[threading.Thread, float] = {}
        "Threads that send, with the time until which they are waited for."

    @property
    def is_sending(self) -> bool:
        """Whether an alert is still on its way."""
        now = time.monotonic()
        with self._lock:
            alive = {each: until for each, until in self._sending.items() if each.is_alive()}
            self._sending = alive
        return any(now < until for until in alive.values())

    def request(self, command: SetAlerts) -> None:
        """Takes in of what the user wants to be notified, and says so to all clients."""
        with self._lock:
            self._request(command)

    def _request(self, command: SetAlerts) -> None:
        before = self._requests if command.adds else []
        try:
            requests = parse_requests([*before, *command.requests])
        except InputError as error:
            self._publish(Logged(f"No alert: {error}"))
            return
        added = [text for text in requests if text not in self._requests]
        still_waiting = [condition for condition in self._waiting if condition.text in requests]
        self._requests, self._waiting = requests, still_waiting + _parse_all(added)
        self._publish(AlertsChanged(requests))

    def check(self, event: AnyEvent) -> list[AlertRaised]:
        """Returns the alerts that an event raises, after they were sent on their way."""
        with self._lock:
            return self._check(event)

    def _check(self, event: AnyEvent) -> list[AlertRaised]:
        match event:
            case Started():
                self._started, self._seconds = event, 0.0
                self._waiting = _parse_all(self._requests)
                self._load_config(is_reported=True)
            case Progressed():
                self._seconds = event.seconds
        started = self._started
        if started is None or getattr(event, "run", "") != started.run:
            return []
        alerts = self._find_met(started, event) if self._waiting else []
        if isinstance(event, (Finished, Failed)):
            alerts += self._describe_end(started, event)
        for alert in alerts:
            self._send(alert)
        return alerts

    def _find_met(self, started: Started, event: AnyEvent) -> list[AlertRaised]:
        alerts = []
        for measurement in iter_measurements(event):
            for condition in self._waiting:
                value = measurement.values.get(condition.key)
                if value is not None and condition.holds(value):
                    alerts.append(_describe_met(started, condition, measurement))
            met = {alert.condition for alert in alerts}
            self._waiting = [each for each in self._waiting if each.text not in met]
        return alerts

    def _describe_end(self, started: Started, event: Finished | Failed) -> list[AlertRaised]:
        """Returns the alert at the end of a run, unless it was stopped, or no one asked for it."""
        config = self._load_config()
        if not self._requests and (config.is_empty or self._seconds < config.after):
            return []
        if isinstance(event, Finished):
            if event.reason == "stopped":
                return []
            spent = f"{format_count(event.step)} steps in {format_duration(event.seconds)}"
            results = _describe_results(event)
            text = f"{started.run} is {event.reason} after {spent}{results}"
            return [_build_alert(started, event.reason, text, event.step)]
        text = f"{started.run} has failed: {event.title}"
        return [_build_alert(started, "failed", text, event.step)]

    def _load_config(self, *, is_reported: bool = False) -> NotifyConfig:
        """Returns how the user is notified, as the file says it now: a run may take days.

        Args:
            is_reported: whether it is reported that the file cannot be read.
        """
        try:
            return load_config().notify
        except InputError as error:
            if is_reported:
                self._publish(Logged(f"No command and no webhook will be notified: {error}"))
            return NotifyConfig()

    # --- sending --------------------------------------------------------------------------------

    def _send(self, alert: AlertRaised) -> None:
        """Sends an alert in threads of its own: a server may take its time, or never answer."""
        for name, send in list_channels(self._load_config()):
            thread = threading.Thread(
                target=self._send_by, args=(name, send, alert), name=name, daemon=True
            )
            thread.start()
            self._sending[thread] = time.monotonic() + MAX_SENDING_SECONDS

    def _send_by(self, name: str, send: Send, alert: AlertRaised) -> None:
        try:
            problem = send(alert)
        except Exception as error:  # whatever it is, the run goes on
            problem = f"{type(error).__name__}: {error}"
        if problem:
            self._publish(Logged(f"The alert was not sent by {name}: {problem}"))

    def wait(self) -> None:
        """Waits until all alerts are sent, or have had their time."""
        with self._lock:
            sending = list(self._sending.items())
        for thread, until in sending:
            thread.join(max(0.0, until - time.monotonic()))


def _parse_all(requests: list[str]) -> list[Condition]:
    return [parse_condition(text) for text in requests if text != END]


def _describe_met(started: Started, condition: Condition, measured: Measurement) -> AlertRaised:
    value, step = measured.values[condition.key], measured.step
    at_step = "" if condition.key == "step" else f" at step {format_count(step)}"
    text = f"{started.run}: {condition.key} is {format_number(value)}{at_step} ({condition.text})"
    alert = _build_alert(started, "training", text, step)
    return replace(alert, condition=condition.text, metric=condition.key, value=value)


def _build_alert(started: Started, state: AlertState, text: str, step: int) -> AlertRaised:
    title = started.experiment.title or started.experiment.data.title
    return AlertRaised(started.run, state, text, step, title, folder=started.folder)


def _describe_results(event: Finished) -> str:
    """Returns the task's own metric and the loss of the last examples that were measured."""
    for split in ("test", "validation", "train"):
        if values := event.results.get(split):
            numbers = headline_metrics(values, 2)
            parts = (f"{name} {format_number(value)}" for name, value in numbers.items())
            return f"; {split} {', '.join(parts)}"
    return ""
