"""Alerts on the command line: what `--notify` asks for, the bell, and the command `notify`."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from tuilab.cli import exit_codes
from tuilab.cli.help import Commands
from tuilab.cli.options import JsonLine, format_examples
from tuilab.core.errors import InputError

if TYPE_CHECKING:  # help must not wait for these
    from tuilab.core.protocol.commands import AnyCommand
    from tuilab.core.protocol.events import AnyEvent
    from tuilab.core.user_config import NotifyConfig

commands = Commands()

EXAMPLE = """\
[notify]
command = ["notify-send", "tuilab"]     # a program; a text would be a line for the shell
webhook = "https://example.org/hook"    # gets JSON by POST
after = 60                              # seconds; shorter runs end quietly unless you ask"""


def read_requests(texts: Iterable[str]) -> list[str]:
    """Returns what `--notify` asks for; InputError if it, or the user's own file, is wrong."""
    texts = list(texts)
    if not texts:
        return []
    from tuilab.core.run.condition import parse_requests
    from tuilab.core.user_config import load_config

    load_config()
    try:
        requests = parse_requests(texts)
    except InputError as error:
        raise error.within("--notify") from None
    if not requests:
        raise InputError("say of what: end, or a condition such as train.loss<0.1", "--notify")
    return requests


def build_commands(texts: Iterable[str]) -> "list[AnyCommand]":
    """Returns what asks a host for the alerts of `--notify`; nothing where there are none."""
    from tuilab.core.protocol.commands import SetAlerts

    requests = read_requests(texts)
    return [SetAlerts(requests)] if requests else []


def ring(event: "AnyEvent") -> bool:
    """Rings the bell of the terminal and sends a desktop notification through it, for an alert.

    Returns:
        Whether there was a terminal to do it.
    """
    from tuilab.cli.streams import get_raw_stream
    from tuilab.core.protocol.events import AlertRaised

    if not isinstance(event, AlertRaised):
        return False
    from tuilab.ui.terminal.notification import alert_sequence

    stream = next((each for each in (sys.stderr, sys.stdout) if each.isatty()), None)
    if stream is not None:
        get_raw_stream(stream).write(alert_sequence(event.text))
        stream.flush()
    return stream is not None


def report_problem(event: "AnyEvent") -> None:
    """Prints on stderr what a command or a webhook has answered after the end of the run."""
    from tuilab.core.protocol.events import Logged

    if isinstance(event, Logged) and event.source == "host":
        exit_codes.report_error(event.text, exit_codes.DONE)


@commands.command(epilog=format_examples("tuilab notify", "tuilab notify --test"))
def notify(
    *,
    test: Annotated[
        bool, typer.Option("--test", help="Send an alert now, by all that is configured.")
    ] = False,
    json: JsonLine = False,
) -> int:
    """Shows how alerts are sent.

    `tuilab train`, `open` and `attach` ask for them with --notify, the lab with ctrl+n. In a
    terminal an alert is a bell and a desktop notification. A command and a webhook are set in a
    file of your own, which the first line names; they are sent by the process that trains, also
    after the lab was closed. Exit codes: 0 done, 1 an alert could not be sent, 2 bad usage or
    input.
    """
    from msgspec.structs import replace

    from tuilab.cli.output.json import print_json
    from tuilab.core import paths
    from tuilab.core.user_config import load_config

    config = load_config().notify
    results = _test(config) if test else {}
    if json:
        masked = replace(config, webhook=_shorten(config.webhook))
        print_json({"file": paths.config_file(), "notify": masked, "test": results})
    else:
        for line in _describe(config, results):
            print(line)
    return exit_codes.FAILED if any(results.values()) else exit_codes.DONE


def _describe(config: "NotifyConfig", results: dict[str, str]) -> list[str]:
    """Returns what is configured, and what came of a test."""
    from tuilab.core import paths
    from tuilab.core.format import format_duration

    path = paths.config_file()
    lines = [f"{path}{'' if path.exists() else ' (not there yet)'}"]
    if config.is_empty:
        lines += ["It sets no command and no webhook. For example:", "", EXAMPLE]
    if config.command:
        words = config.command
        lines.append(f"command: {words if isinstance(words, str) else ' '.join(words)}")
    if config.webhook:
        lines.append(f"webhook: {_shorten(config.webhook)}")
    if not config.is_empty:
        lines.append(f"after:   {format_duration(config.after)} of training, also unasked")
    for name, problem in results.items():
        lines.append(f"not sent by {name}: {problem}" if problem else f"sent by {name}")
    return lines


def _shorten(url: str) -> str:
    """Returns an address without its path, by which anyone could send alerts."""
    from urllib.parse import urlsplit

    address = urlsplit(url)
    return f"{address.scheme}://{address.hostname}/…" if url else ""


def _test(config: "NotifyConfig") -> dict[str, str]:
    """Sends an alert by everything; returns what went wrong, by the name of what sends it."""
    from tuilab.core.protocol.events import AlertRaised
    from tuilab.host.alert_channels import list_channels

    alert = AlertRaised(
        "test-0000", "training", "This is a test of tuilab's alerts.", title="Test",
        condition="validation.accuracy>0.95", metric="validation.accuracy", value=0.96,
    )  # fmt: skip
    results = {}
    if ring(alert):
        results["bell and desktop notification of this terminal"] = ""
    return results | {name: send(alert) for name, send in list_channels(config)}
