"""Alerts of a host: once for each occasion, by a real command and a real server."""

import json
import os
import sys
import time
from collections.abc import Callable
from math import nan
from pathlib import Path

import pytest

from tests.support.fake_link import SPIRAL, started_event
from tests.support.link_watcher import LinkWatcher
from tests.support.wait_until import wait_until
from tests.support.webhook_server import WebhookServer
from tuilab.core import paths
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Close, SetAlerts, Start
from tuilab.core.protocol.events import (
    AlertRaised,
    AlertsChanged,
    AnyEvent,
    EpochEnded,
    Failed,
    Finished,
    Logged,
    Progressed,
)
from tuilab.core.user_config import NotifyConfig
from tuilab.host import alert_channels, link, run_store
from tuilab.host.alert_channels import post, run_command
from tuilab.host.alerts import Alerts

ALERT = AlertRaised(
    "spiral-1", "training", "It's at 0.96;\nreally", 12, "A \x1b[31mtitle",
    "validation.accuracy>0.95", "validation.accuracy", 0.96, "/tmp/runs/spiral-1",
)  # fmt: skip
SHORT = with_value(
    Experiment(title="Short", network=("Linear 4", "Tanh", "Linear 2")), "training.epochs", 3
)


def configure(**notify: object) -> None:
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in notify.items()]
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text("[notify]\n" + "".join(lines))


def write_facts(path: Path) -> list[str]:
    """A command that adds its environment and its standard input to a file, as one line."""
    code = (
        "import json, os, sys; facts = {k: v for k, v in os.environ.items() if 'TUILAB_' in k};"
        f"print(json.dumps([facts, json.load(sys.stdin)]), file=open({str(path)!r}, 'a'))"
    )
    return [sys.executable, "-c", code]


def read_facts(path: Path) -> list[tuple[dict[str, str], dict[str, object]]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(json.loads(line)) for line in lines]


def epoch(accuracy: float, step: int = 10, run: str = "run") -> EpochEnded:
    return EpochEnded(run, step, 1, {"loss": 0.5}, {"accuracy": accuracy})


def finished(reason: str = "done", seconds: float = 5.0) -> Finished:
    return Finished("run", reason, 50, 2, seconds, {"test": {"accuracy": 0.9}})  # type: ignore[arg-type]


def report(seconds: float) -> Progressed:
    return Progressed("run", 20, 0.5, 0.4, 0.4, 0.4, {}, 0.1, 9, 9, seconds, None)


class Watched:
    """Alerts with what they have events."""

    def __init__(self, *requests: str) -> None:
        self.events: list[AnyEvent] = []
        self.alerts = Alerts(self.events.append)
        self.alerts.request(SetAlerts(list(requests)))

    def play(self, *events: AnyEvent) -> list[AlertRaised]:
        started = started_event("run", SPIRAL)
        return [alert for event in (started, *events) for alert in self.alerts.check(event)]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Logged)]


# --- which events raise one ---------------------------------------------------------------------


def test_a_condition_raises_one_alert_when_it_first_holds() -> None:
    alerts = Watched("validation.accuracy>0.8").play(epoch(0.7), epoch(0.81, 20), epoch(0.9, 30))

    (alert,) = alerts
    assert (alert.run, alert.step, alert.state) == ("run", 20, "training")
    assert (alert.metric, alert.value) == ("validation.accuracy", 0.81)
    assert alert.text == "run: validation.accuracy is 0.81 at step 20 (validation.accuracy>0.8)"


def test_the_next_run_can_meet_it_again() -> None:
    watched = Watched("validation.accuracy>0.8")

    assert len(watched.play(epoch(0.9))) == len(watched.play(epoch(0.9))) == 1


def test_events_of_another_run_and_before_any_run_raise_none() -> None:
    watched = Watched("validation.accuracy>0.8", "end")

    assert watched.alerts.check(epoch(0.9)) == watched.alerts.check(finished()) == []
    assert watched.play(epoch(0.9, run="other")) == []


def test_requests_are_added_or_replaced_and_all_clients_are_shown_them() -> None:
    watched = Watched("step>5")
    watched.alerts.request(SetAlerts(["end", "step>5"], adds=True))
    watched.alerts.request(SetAlerts(["nonsense"]))
    watched.alerts.request(SetAlerts([]))

    changes = [e.requests for e in watched.events if isinstance(e, AlertsChanged)]
    assert changes == [["step>5"], ["step>5", "end"], []]
    assert len(watched.notes) == 1 and "nonsense" in watched.notes[0]


def test_a_condition_that_was_met_does_not_come_back_with_another_one() -> None:
    watched = Watched("validation.accuracy>0.8")
    watched.play(epoch(0.9))
    watched.alerts.request(SetAlerts(["validation.accuracy>0.95"], adds=True))

    assert watched.alerts.check(epoch(0.9, 20)) == []
    assert len(watched.alerts.check(epoch(0.96, 30))) == 1


@pytest.mark.parametrize(
    ("requests", "config", "event", "count"),
    [
        (["end"], {}, finished(), 1),
        (["validation.accuracy>0.99"], {}, finished(), 1),
        (["end"], {}, finished("interrupted"), 1),
        (["end"], {}, finished("stopped"), 0),
        (["end"], {}, Failed("run", "Out of memory"), 1),
        ([], {}, finished(seconds=9000), 0),
        ([], {"command": ["true"], "after": 60}, finished(), 0),
        ([], {"command": ["true"], "after": 3}, finished(), 1),
        ([], {"command": ["true"], "after": 3}, Failed("run", "Out of memory"), 1),
    ],
)
def test_the_end_is_an_alert_where_it_was_asked_for_or_took_long(
    requests: list[str], config: dict[str, object], event: AnyEvent, count: int
) -> None:
    configure(**config)
    watched = Watched(*requests)

    alerts = watched.play(report(seconds=5.0), event)
    watched.alerts.wait()

    assert len(alerts) == count
    assert all(alert.state in ("done", "interrupted", "failed") for alert in alerts)


def test_a_file_with_an_error_is_reported_when_the_run_starts() -> None:
    configure(comand="x")
    watched = Watched("end")

    assert len(watched.play(finished())) == 1
    assert len(watched.notes) == 1 and "config.toml:2" in watched.notes[0]


# --- a command ----------------------------------------------------------------------------------


def test_a_command_gets_the_facts(tmp_path: Path) -> None:
    assert run_command(tuple(write_facts(tmp_path / "facts")), ALERT) == ""

    ((environment, facts),) = read_facts(tmp_path / "facts")
    assert environment["TUILAB_RUN"] == facts["run"] == "spiral-1"
    assert environment["TUILAB_STATE"] == facts["state"] == "training"
    assert environment["TUILAB_METRIC"] == facts["metric"] == "validation.accuracy"
    assert environment["TUILAB_VALUE"] == "0.96" and facts["value"] == 0.96
    assert environment["TUILAB_TEXT"] == r"It's at 0.96;\nreally"
    assert environment["TUILAB_TITLE"] == r"A \x1b[31mtitle"
    assert facts["text"] == facts["content"] == ALERT.text


def test_a_text_is_a_line_for_the_shell_and_no_fact_becomes_part_of_it(tmp_path: Path) -> None:
    hostile = AlertRaised("run-1", "done", f"'; touch {tmp_path}/bad; $(touch {tmp_path}/bad)")

    assert run_command(f'printf %s "$TUILAB_TEXT" > {tmp_path}/out', hostile) == ""

    assert (tmp_path / "out").read_text() == hostile.text
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("no-such-program-here", "x"), "no-such-program-here: No such file or directory"),
        ("echo one; echo two >&2; exit 3", "exit code 3 (two)"),
        (("/",), "/: Permission denied"),
    ],
)
def test_what_went_wrong_is_reported(command: str | tuple[str, ...], problem: str) -> None:
    assert run_command(command, ALERT) == problem


def test_a_command_that_does_not_end_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(alert_channels, "COMMAND_SECONDS", 0.3)
    start = time.monotonic()

    problem = run_command(f"echo $$ > {tmp_path}/pid; sleep 100; true", ALERT)

    assert "took longer than" in problem and time.monotonic() - start < 10
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_may_leave_something_in_the_background() -> None:
    start = time.monotonic()

    assert run_command("sleep 5 &", ALERT) == ""
    assert time.monotonic() - start < 4


# --- a webhook ----------------------------------------------------------------------------------


def test_a_webhook_gets_json() -> None:
    with WebhookServer() as server:
        assert post(server.url, ALERT) == ""

    (facts,) = server.posts
    assert facts["text"] == facts["content"] == ALERT.text
    assert facts["value"] == 0.96 and facts["run"] == "spiral-1"
    assert server.headers[0]["Content-Type"] == "application/json"


def test_a_value_that_is_not_a_number_is_a_text() -> None:
    with WebhookServer() as server:
        post(server.url, AlertRaised("run", "training", "x", metric="train.loss", value=nan))

    assert server.posts[0]["value"] == "nan"


def test_an_answer_that_is_an_error_is_reported_without_the_secret_path() -> None:
    with WebhookServer(404) as server:
        problem = post(server.url, ALERT)

    assert problem == "127.0.0.1 answers 404 Not Found"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_an_answer_cannot_lead_to_anything_but_http(location: str) -> None:
    with WebhookServer(302, location=location) as server:
        problem = post(server.url, ALERT)

    assert "127.0.0.1" in problem and "root:" not in problem


def test_no_server_and_a_slow_one_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookServer() as closed:
        url = closed.url
    assert post(url, ALERT) == "127.0.0.1: Connection refused"

    monkeypatch.setattr(alert_channels, "WEBHOOK_SECONDS", 0.2)
    with WebhookServer(delay=20) as slow:
        assert post(slow.url, ALERT) == "127.0.0.1: timed out"


def test_several_channels_are_listed() -> None:
    config = NotifyConfig(command="true", webhook="http://localhost/")

    names = [name for name, _ in alert_channels.list_channels(config)]
    assert names == ["notify.command", "notify.webhook"]


# --- in a run -----------------------------------------------------------------------------------


def train_with_alerts(spawn: Callable[[], link.Link], *requests: str) -> LinkWatcher:
    watcher = LinkWatcher(spawn())
    watcher.send(SetAlerts(list(requests)), Start("short-1", SHORT))
    watcher.wait_until(lambda: watcher.run.finished)
    return watcher


@pytest.mark.parametrize("spawn", [link.train_in_process, link.spawn_host], ids=["thread", "host"])
def test_a_run_notifies_once_by_command_and_server(
    spawn: Callable[[], link.Link], tmp_path: Path
) -> None:
    with WebhookServer() as server:
        configure(command=write_facts(tmp_path / "facts"), webhook=server.url)
        lab = train_with_alerts(spawn, "step>20", "validation.accuracy<2")
        wait_until(lambda: len(server.posts) == 3 and len(read_facts(tmp_path / "facts")) == 3)
        lab.send(Close())
        lab.link.close()

    raised = [event for event in lab.events if isinstance(event, AlertRaised)]
    assert [alert.condition for alert in raised][2:] == [""]
    assert {alert.condition for alert in raised[:2]} == {"step>20", "validation.accuracy<2"}
    assert raised[0].folder == str(run_store.run_dir("short-1"))
    assert lab.events.index(raised[-1]) < lab.events.index(lab.run.finished)  # type: ignore[arg-type]
    assert {str(post["text"]) for post in server.posts} == {alert.text for alert in raised}
    assert lab.run.alerts == ["step>20", "validation.accuracy<2"]
    assert {mark.text for mark in lab.run.marks} == {"step>20", "validation.accuracy<2"}
    stored = run_store.read_run(run_store.run_dir("short-1"))
    assert stored.state == "finished" and raised[-1].text in stored.log


def test_a_host_that_no_one_watches_sends_before_it_ends(tmp_path: Path) -> None:
    """Two labs are attached, then both leave; the alert is sent once, and by the host."""
    with WebhookServer(delay=1.5) as server:
        configure(webhook=server.url)
        lab = LinkWatcher(link.spawn_host())
        lab.send(SetAlerts(["end"]), Start("short-1", with_value(SHORT, "training.epochs", 40)))
        lab.wait_until(lambda: lab.run.step > 10)
        second = LinkWatcher(link.attach_to_host("short-1"))
        second.wait_until(lambda: second.run.alerts == ["end"])
        second.link.close()
        lab.link.close()
        wait_until(lambda: server.posts)
        time.sleep(0.3)

    assert [post["state"] for post in server.posts] == ["done"]


def test_a_server_that_fails_stops_nothing_and_is_reported() -> None:
    with WebhookServer(500) as server:
        configure(webhook=server.url)
        lab = train_with_alerts(link.train_in_process, "step>20")
        lab.wait_until(lambda: sum("answers 500" in line for line in lab.run.log) == 2)
        lab.link.close()

    assert lab.run.finished is not None and lab.run.finished.reason == "done"


def test_a_loss_that_is_not_finite_meets_its_condition() -> None:
    wild = SHORT
    for key, value in (("optimizer.name", "sgd"), ("optimizer.lr", 1000.0),
                       ("data.name", "plane")):  # fmt: skip
        wild = with_value(wild, key, value)
    wild = with_value(wild, "network", ("Linear 16", "Linear 16", "Linear 1"))
    lab = LinkWatcher(link.train_in_process())
    lab.send(SetAlerts(["train.loss is nan"]), Start("wild-1", wild))
    lab.wait_until(lambda: lab.run.failure)
    lab.link.close()

    states = [event.state for event in lab.events if isinstance(event, AlertRaised)]
    assert states == ["training", "failed"]
