"""Links: how the lab reaches a worker, in this process or in a host.

Nothing here waits: `send` and `events` return at once, however slow the other end is.
"""

import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import AnyCommand, Close
from tuilab.core.protocol.events import AnyEvent, Saved
from tuilab.core.run.run import Snapshot
from tuilab.host import discovery, framing
from tuilab.host.run_log import RunLog

MOST_WAITING = 4096
"""Events that wait for a lab that does not fetch them; then the host's turn is to wait."""

GOODBYE = 10.0
"""Seconds that a worker in this process has to save its run."""


class Link(Protocol):
    """The lab's end of whatever trains."""

    @property
    def outlives_us(self) -> bool:
        """Whether a run in progress goes on when we leave."""

    @property
    def lost(self) -> str:
        """Why the connection ended, in the user's terms; empty while it stands."""

    def send(self, command: AnyCommand) -> None:
        """Hand over a command."""

    def events(self) -> list[AnyEvent | Snapshot]:
        """All that has come since the last call."""

    def close(self) -> None:
        """Leave; a run in a host goes on, one in this process is stopped."""


def in_process() -> Link:
    """Train in a thread of this process."""
    return _InProcess()


def spawn() -> Link:
    """Start a host process and connect to it, before it is up."""
    path = discovery.new_path()
    log = path.with_suffix(".log")
    ours, theirs = socket.socketpair()
    with theirs, log.open("wb") as words:
        process = subprocess.Popen(
            # -P: a folder that happens to hold a torch.py must not be imported from.
            [sys.executable, "-P", "-m", "tuilab.host.process",
             "--socket", str(path), "--viewer", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )  # fmt: skip
    return _Remote(ours, process, log)


def attach(run: str = "") -> Link:
    """Join the host that has this run; InputError lists what there is."""
    host = discovery.find(run)
    try:
        return _Remote(discovery.connect(host.socket))
    except OSError:
        raise InputError("its host ended just now; see `tuilab runs`", host.run) from None


class _InProcess:
    """A worker in this process; its events are written down in its own thread."""

    outlives_us = False

    def __init__(self) -> None:
        from tuilab.host.worker import Worker

        self._ended, self._is_closed = "", False
        self._journal = RunLog()
        self._news: queue.SimpleQueue[AnyEvent | Snapshot] = queue.SimpleQueue()
        self._worker = Worker(self._receive, self._end)
        self._worker.start()

    @property
    def lost(self) -> str:
        return self._ended if self._news.empty() else ""

    def _end(self) -> None:
        self._journal.close()
        if not self._is_closed:
            self._ended = "Training in this process has ended; what comes next gets another one."

    def _receive(self, event: AnyEvent) -> None:
        for item in (event, *self._journal.keep(event)):
            self._news.put(item)

    def send(self, command: AnyCommand) -> None:
        self._is_closed |= isinstance(command, Close)
        self._worker.send(command)

    def events(self) -> list[AnyEvent | Snapshot]:
        return _all(self._news)

    def close(self) -> None:
        self.send(Close())
        self._worker.join(GOODBYE)


class _Remote:
    """A connection to a host; a thread reads it, so that a large snapshot holds nobody up."""

    outlives_us = True

    def __init__(
        self,
        connection: socket.socket,
        process: "subprocess.Popen[bytes] | None" = None,
        log: Path | None = None,
    ) -> None:
        connection.settimeout(None)
        self._ended = ""
        self._connection, self._process, self._log = connection, process, log
        self._news: queue.Queue[AnyEvent | Snapshot] = queue.Queue(MOST_WAITING)
        self._unsent = b""
        self._saved = ""
        "What is known to be on the disk."
        self._is_closed = False
        threading.Thread(target=self._read, name="link", daemon=True).start()

    @property
    def lost(self) -> str:
        # Not before everything has been fetched: the last news may say why.
        return self._ended if self._news.empty() else ""

    def send(self, command: AnyCommand) -> None:
        self._unsent += framing.frame(command)
        self._push()

    def _push(self) -> None:
        """Send what the socket takes now."""
        try:
            while self._unsent and not self._is_closed:
                sent = self._connection.send(self._unsent, socket.MSG_DONTWAIT)
                self._unsent = self._unsent[sent:]
        except OSError:
            return  # it takes no more now; or the host has gone, which the reader finds out

    def events(self) -> list[AnyEvent | Snapshot]:
        self._push()
        return _all(self._news)

    def close(self) -> None:
        self._push()
        self._is_closed = True
        _all(self._news)
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the host has gone already

    # --- in the thread that reads ------------------------------------------------------------

    def _read(self) -> None:
        reason = ""
        frames = framing.news()
        try:
            while piece := self._connection.recv(1 << 18):
                for message in frames.feed(piece):
                    self._remember(message)
                    self._news.put(message)
        except framing.BadFrame as error:
            reason = f"The host speaks another language, of another version of tuilab: {error}"
        except OSError:
            reason = ""  # reset: it ended with something unread; how it ended says more
        self._connection.close()
        if self._is_closed:
            self._see_off()
            return
        self._ended = " ".join(filter(None, (reason or self._how_it_ended(), self._saved)))

    def _remember(self, message: AnyEvent | Snapshot) -> None:
        if isinstance(message, Saved):
            self._saved = f"The run is on the disk up to step {message.step:,}: {message.path}"
        elif isinstance(message, Snapshot):
            path = message.run.checkpoint
            self._saved = f"Its last checkpoint is on the disk: {path}" if path else ""

    def _see_off(self) -> None:
        """Wait for a host that was started here, so that it leaves no zombie."""
        if self._process is not None:
            self._process.wait()

    def _how_it_ended(self) -> str:
        if self._process is None:
            return "The host has ended."
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return f"The host (pid {self._process.pid}) does not answer any more."
        if code == 0:
            return "The host has ended."
        if code < 0:
            return f"The host process was killed ({_name(-code)})."
        return f"The host process failed with exit code {code}{self._last_words()}."

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").split("\n") if self._log else []
        except OSError:
            return ""
        finally:
            if self._log is not None:
                self._log.unlink(missing_ok=True)
        said = [line.strip() for line in lines if line.strip()]
        return f" ({said[-1]})" if said else ""


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _all(news: "queue.Queue[framing.News] | queue.SimpleQueue[framing.News]") -> list[framing.News]:
    """Everything in a queue by now."""
    found = []
    while not news.empty():
        found.append(news.get())
    return found
