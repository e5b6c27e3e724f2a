"""How an alert leaves the host: by a command of the user, and by a webhook."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any
from urllib.parse import urlsplit

from tuilab.core.format import format_duration
from tuilab.core.printable import encode_json, escape_line
from tuilab.core.protocol.events import AlertRaised
from tuilab.core.user_config import NotifyConfig
from tuilab.core.version import installed_version

COMMAND_SECONDS = 30.0
"""Seconds that a command may take; then it is ended."""

WEBHOOK_SECONDS = 10.0
"""Seconds that a server may take for each step of its answer."""

MAX_OUTPUT_BYTES = 4096
"""Bytes of the output of a command that failed, from which the last line is shown."""

Send = Callable[[AlertRaised], str]
"""Sends an alert; returns what went wrong, empty if nothing did."""


def list_channels(config: NotifyConfig) -> Iterator[tuple[str, Send]]:
    """Yields every configured channel, by its name in the file."""
    if config.command:
        yield "notify.command", lambda alert: run_command(config.command, alert)
    if config.webhook:
        yield "notify.webhook", lambda alert: post(config.webhook, alert)


def describe_facts(alert: AlertRaised) -> dict[str, Any]:
    """Returns what a program is given. Slack reads `text`, Discord `content`, others `message`."""
    return {
        "text": alert.text, "content": alert.text, "message": alert.text,
        "run": alert.run, "title": alert.title, "state": alert.state, "step": alert.step,
        "condition": alert.condition, "metric": alert.metric,
        "value": None if alert.value is None else _write_number(alert.value),
        "folder": alert.folder,
    }  # fmt: skip


def _write_number(value: float) -> float | str:
    """Returns a number; a text for what JSON has no number for."""
    return value if value - value == 0 else str(value)


# --- a command ----------------------------------------------------------------------------------


def run_command(command: str | tuple[str, ...], alert: AlertRaised) -> str:
    """Runs a command of the user; returns what went wrong.

    The facts are in its environment and, as JSON, on its standard input. A text is a line for the
    shell, a list a program with its arguments; no fact becomes a part of either.
    """
    words = command if isinstance(command, str) else [os.path.expanduser(command[0]), *command[1:]]
    with tempfile.TemporaryFile() as facts, tempfile.TemporaryFile() as output:
        facts.write(encode_json(describe_facts(alert)) + b"\n")
        facts.seek(0)
        try:
            process = subprocess.Popen(
                words, shell=isinstance(command, str), stdin=facts, stdout=output, stderr=output,
                env={**os.environ, **_build_environment(alert)}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            name = command if isinstance(command, str) else command[0]
            return f"{name}: {error.strerror}"
        try:
            code = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"it took longer than {format_duration(COMMAND_SECONDS)} and was ended"
        return f"exit code {code}{_find_last_line(output)}" if code else ""


def _build_environment(alert: AlertRaised) -> dict[str, str]:
    facts = {name.upper(): value for name, value in describe_facts(alert).items()}
    names = ("RUN", "TITLE", "STATE", "STEP", "CONDITION", "METRIC", "VALUE", "FOLDER", "TEXT")
    return {
        f"TUILAB_{name}": escape_line("" if facts[name] is None else str(facts[name]))
        for name in names
    }


def _find_last_line(output: IO[bytes]) -> str:
    """Returns the last line that a command has printed, for a message."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - MAX_OUTPUT_BYTES))
    lines = output.read().decode(errors="replace").split("\n")
    printed = [line.strip() for line in lines if line.strip()]
    return f" ({printed[-1]})" if printed else ""


# --- a webhook ----------------------------------------------------------------------------------


def post(url: str, alert: AlertRaised) -> str:
    """Posts an alert as JSON; returns what went wrong, without the path, which may be a secret."""
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json", "User-Agent": f"tuilab/{installed_version()}"}
    body = encode_json(describe_facts(alert))
    host = urlsplit(url).hostname or ""
    try:
        request = urllib.request.Request(url, body, headers, method="POST")
        with _build_opener().open(request, timeout=WEBHOOK_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"{host} answers {error.code} {error.reason}"
    except urllib.error.URLError as error:
        reason = error.reason
        return f"{host}: {getattr(reason, 'strerror', None) or reason}"
    except Exception as error:  # such as an answer that is not HTTP
        return f"{host}: {error or type(error).__name__}"


def _build_opener() -> Any:
    """Builds what speaks HTTP and HTTPS, and nothing else that urllib could."""
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler, request.HTTPHandler, request.HTTPSHandler,
        request.HTTPDefaultErrorHandler, request.HTTPRedirectHandler, request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener
