"""One connection to the host: commands in, news out, never waiting for the other end."""

import socket
from collections import deque
from collections.abc import Callable

from tuilab.core.protocol.commands import AnyCommand
from tuilab.host import framing

BACKLOG = 4 * 2**20
"""Bytes that may wait for a viewer; one that falls further behind gets a snapshot instead."""


class Viewer:
    """A connection with an own queue of frames.

    Args:
        snapshot: the frame that holds all there is, for a viewer that is new or has fallen behind.
    """

    def __init__(self, connection: socket.socket, snapshot: Callable[[], bytes]) -> None:
        connection.setblocking(False)
        self.connection = connection
        self._snapshot = snapshot
        self._frames = framing.commands()
        self._leaving = memoryview(b"")
        "What is left of the frame that is on its way; a frame begun is always finished."
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_behind = True

    @property
    def has_news(self) -> bool:
        """Whether there is something to send."""
        return bool(self._leaving) or bool(self._waiting) or self._is_behind

    def start_over(self) -> None:
        """Send all there is anew, instead of what waits."""
        self._waiting.clear()
        self._waiting_bytes = 0
        self._is_behind = True

    def tell(self, frame: bytes) -> None:
        """Queue a frame; too many give way to a snapshot once the viewer reads again."""
        if self._is_behind:
            return
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > BACKLOG:
            self.start_over()

    def send(self) -> None:
        """Send what the socket takes; OSError if the viewer has gone."""
        try:
            while self.has_news:
                if not self._leaving:
                    self._leaving = memoryview(self._next())
                self._leaving = self._leaving[self.connection.send(self._leaving) :]
        except BlockingIOError:
            return

    def _next(self) -> bytes:
        if self._is_behind:
            self._is_behind = False
            return self._snapshot()
        frame = self._waiting.popleft()
        self._waiting_bytes -= len(frame)
        return frame

    def read(self) -> list[AnyCommand]:
        """The commands that have come; EOFError, OSError or BadFrame if it is over."""
        try:
            piece = self.connection.recv(65536)
        except BlockingIOError:
            return []
        if not piece:
            raise EOFError
        return self._frames.feed(piece)
