"""Links between the lab and a worker, in this process or in a host.

Nothing here blocks: `send` and `events` return at once, however slow the other end is.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tuilab.core.errors import InputError
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import AnyCommand, Close
from tuilab.core.protocol.events import AnyEvent, Saved, Started
from tuilab.core.run.run import Snapshot
from tuilab.core.version import installed_version
from tuilab.host import branches, discovery, framing

MAX_WAITING_EVENTS = 4096
"""Events that wait for a slow lab; when there are more, the host has to wait."""

CLOSE_SECONDS = 10.0
"""Seconds for a worker in this process to save its run."""


class Link(Protocol):
    """The lab's connection to a worker."""

    @property
    def run_survives_exit(self) -> bool:
        """Whether a run in progress continues when the lab exits."""

    @property
    def lost_reason(self) -> str:
        """Why the connection has ended, in the user's terms; empty while it is open."""

    def send(self, command: AnyCommand) -> None:
        """Sends a command."""

    def events(self) -> list[AnyEvent | Snapshot]:
        """Returns the messages received since the last call."""

    def close(self) -> None:
        """Disconnects; a run in a host continues, one in this process is stopped."""


def train_in_process() -> Link:
    """Starts a worker in a thread of this process."""
    return _InProcess()


def spawn_host() -> Link:
    """Starts a host process and connects to it, before it is ready."""
    path = discovery.new_socket_path()
    log = path.with_suffix(".log")
    ours, theirs = socket.socketpair()
    with theirs, log.open("wb") as output:
        process = subprocess.Popen(
            # -P: a torch.py in the current folder must not be imported.
            [sys.executable, "-P", "-m", "tuilab.host.process",
             "--socket", str(path), "--client", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # fmt: skip
    return _Remote(ours, process, log)


def attach_to_host(run: str = "") -> Link:
    """Connects to the host of a run; InputError lists the runs if it is not clear which one."""
    host = discovery.find_host(run)
    try:
        return _Remote(discovery.connect(host.socket))
    except OSError:
        raise InputError("its host has just ended; see `tuilab runs`", host.run) from None


class _InProcess:
    """A worker in this process."""

    run_survives_exit = False

    def __init__(self) -> None:
        from tuilab.host.worker import Worker

        self._ended, self._is_closed = "", False
        self._received: queue.SimpleQueue[AnyEvent | Snapshot] = queue.SimpleQueue()
        self._worker = Worker(self._receive, self._end)
        self._worker.start()

    @property
    def lost_reason(self) -> str:
        return self._ended if self._received.empty() else ""

    def _end(self) -> None:
        self._worker.release_run()
        if not self._is_closed:
            self._ended = "Training in this process has ended; the next run gets a new worker."

    def _receive(self, event: AnyEvent) -> None:
        self._received.put(event)
        if isinstance(event, Started) and event.parent:
            branch = branches.read_branch(event)
            if branch is not None:
                self._received.put(Snapshot(branch, installed_version(), os.getpid()))

    def send(self, command: AnyCommand) -> None:
        self._is_closed |= isinstance(command, Close)
        self._worker.send(command)

    def events(self) -> list[AnyEvent | Snapshot]:
        return _take_all(self._received)

    def close(self) -> None:
        self.send(Close())
        self._worker.join(CLOSE_SECONDS)
        self._worker.alerts.wait()


class _Remote:
    """A connection to a host; a thread reads it, so that a large snapshot blocks no one."""

    run_survives_exit = True

    def __init__(
        self,
        connection: socket.socket,
        process: "subprocess.Popen[bytes] | None" = None,
        log: Path | None = None,
    ) -> None:
        connection.settimeout(None)
        self._ended = ""
        self._connection, self._process, self._log = connection, process, log
        self._received: queue.Queue[AnyEvent | Snapshot] = queue.Queue(MAX_WAITING_EVENTS)
        self._unsent = b""
        self._saved = ""
        "What is known to be stored, as a sentence."
        self._is_closed = False
        threading.Thread(target=self._read, name="link", daemon=True).start()

    @property
    def lost_reason(self) -> str:
        # Not before all messages have been fetched: the last one may say why.
        return self._ended if self._received.empty() else ""

    def send(self, command: AnyCommand) -> None:
        self._unsent += framing.encode_frame(command)
        self._push()

    def _push(self) -> None:
        """Sends as much as the socket accepts now."""
        with suppress(OSError):  # it accepts no more; or the host is gone, as the reader finds out
            while self._unsent and not self._is_closed:
                byte_count = self._connection.send(self._unsent, socket.MSG_DONTWAIT)
                self._unsent = self._unsent[byte_count:]

    def events(self) -> list[AnyEvent | Snapshot]:
        self._push()
        return _take_all(self._received)

    def close(self) -> None:
        self._push()
        self._is_closed = True
        _take_all(self._received)
        with suppress(OSError):  # the host is gone already
            self._connection.shutdown(socket.SHUT_RDWR)

    # --- in the reading thread ---------------------------------------------------------------

    def _read(self) -> None:
        reason = ""
        decoder = framing.message_decoder()
        try:
            while piece := self._connection.recv(1 << 18):
                for message in decoder.feed(piece):
                    self._remember_checkpoint(message)
                    self._received.put(message)
        except framing.FrameError as error:
            theirs = framing.summarize_snapshot(error.body).version
            which = f"tuilab {theirs}" if theirs else "another version of tuilab"
            reason = (
                f"The host is {which}, this is {installed_version()}; it cannot be read: {error}"
            )
        except OSError:
            reason = ""  # a reset connection; the exit of the host says more
        self._connection.close()
        if self._is_closed:
            if self._process is not None:
                self._process.wait()  # so that it does not become a zombie
            return
        self._ended = " ".join(filter(None, (reason or self._describe_exit(), self._saved)))

    def _remember_checkpoint(self, message: AnyEvent | Snapshot) -> None:
        if isinstance(message, Saved):
            step = format_count(message.step)
            self._saved = f"The run is stored up to step {step}: {message.path}"
        elif isinstance(message, Snapshot):
            path = message.run.checkpoint
            self._saved = f"Its last checkpoint is stored: {path}" if path else ""

    def _describe_exit(self) -> str:
        if self._process is None:
            return "The host has ended."
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return f"The host (pid {self._process.pid}) no longer answers."
        if code == 0:
            return "The host has ended."
        if code < 0:
            return f"The host process was killed ({_signal_name(-code)})."
        return f"The host process failed with exit code {code}{self._read_last_line()}."

    def _read_last_line(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").split("\n") if self._log else []
        except OSError:
            return ""
        finally:
            if self._log is not None:
                self._log.unlink(missing_ok=True)
        printed = [line.strip() for line in lines if line.strip()]
        return f" ({printed[-1]})" if printed else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _take_all(
    messages: "queue.Queue[framing.HostMessage] | queue.SimpleQueue[framing.HostMessage]",
) -> list[framing.HostMessage]:
    """Removes and returns all messages of a queue."""
    events = []
    while not messages.empty():
        events.append(messages.get())
    return events
