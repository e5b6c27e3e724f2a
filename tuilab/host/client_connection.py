"""One connection of a client to the host, which never waits for the client."""

import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from tuilab.core.protocol.commands import AnyCommand
from tuilab.host import framing

MAX_BACKLOG_BYTES = 4 * 2**20
"""Bytes that may wait for a client; one that is further behind gets a snapshot instead."""


class ClientConnection:
    """A connection with its own queue of frames.

    Args:
        make_snapshot: makes a frame with the whole run, for a client that is new or behind.
    """

    def __init__(self, connection: socket.socket, make_snapshot: Callable[[], bytes]) -> None:
        connection.setblocking(False)
        self.connection = connection
        self._make_snapshot = make_snapshot
        self._decoder = framing.command_decoder()
        self._unsent = memoryview(b"")
        "The rest of the current frame; a frame is always sent completely."
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_behind = True
        self._unfinished_since = 0.0
        "When the first bytes of a command came whose rest is missing; 0 if there are none."

    @property
    def unfinished_bytes(self) -> int:
        """The number of bytes of a command that has not arrived completely."""
        return self._decoder.unfinished_bytes

    @property
    def unfinished_seconds(self) -> float:
        """Seconds since a command began to arrive that has not arrived completely."""
        return time.monotonic() - self._unfinished_since if self._unfinished_since else 0.0

    @property
    def has_output(self) -> bool:
        """Whether there is something to send."""
        return bool(self._unsent) or bool(self._waiting) or self._is_behind

    def resync(self) -> None:
        """Drops the queue; the client gets a snapshot of the whole run instead."""
        self._waiting.clear()
        self._waiting_bytes = 0
        self._is_behind = True

    def enqueue(self, frame: bytes) -> None:
        """Queues a frame; too many are replaced by a snapshot once the client reads again."""
        if self._is_behind:
            return
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > MAX_BACKLOG_BYTES:
            self.resync()

    def send(self) -> None:
        """Sends as much as the socket accepts; OSError if the client is gone."""
        with suppress(BlockingIOError):
            while self.has_output:
                if not self._unsent:
                    self._unsent = memoryview(self._next_frame())
                self._unsent = self._unsent[self.connection.send(self._unsent) :]

    def _next_frame(self) -> bytes:
        if self._is_behind:
            self._is_behind = False
            return self._make_snapshot()
        frame = self._waiting.popleft()
        self._waiting_bytes -= len(frame)
        return frame

    def read_rest(self) -> list[AnyCommand]:
        """Returns the commands that a client sent before it left."""
        commands: list[AnyCommand] = []
        with suppress(EOFError, OSError, framing.FrameError):
            while True:
                commands += self._receive()
        return commands

    def read(self) -> list[AnyCommand]:
        """Returns the received commands; EOFError, OSError or FrameError if it has ended."""
        try:
            return self._receive()
        except BlockingIOError:
            return []

    def _receive(self) -> list[AnyCommand]:
        piece = self.connection.recv(65536)
        if not piece:
            raise EOFError
        commands = self._decoder.feed(piece)
        if not self.unfinished_bytes:
            self._unfinished_since = 0.0
        elif commands or not self._unfinished_since:
            self._unfinished_since = time.monotonic()
        return commands
