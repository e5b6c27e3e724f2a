"""The host: one worker, the state of its run, and the clients connected over a socket.

All of it happens in the thread that iterates `events()`, except for the worker's training.
"""

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import AnyCommand, Close, Start
from tuilab.core.protocol.events import AnyEvent, Logged
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import framing, run_store
from tuilab.host.captured_output import CapturedOutput
from tuilab.host.client_connection import ClientConnection
from tuilab.host.run_log import RunLog
from tuilab.host.worker import Worker

CLOSE_SECONDS = 2.0
"""Seconds that clients have to receive the last events."""


class Host:
    """Trains in a thread, keeps the state of the run, and serves clients.

    >>> with Host(path) as host:                              # doctest: +SKIP
    ...     host.submit(Start(new_id(experiment), experiment))
    ...     for event in host.events():
    ...         print(event)

    Args:
        path: socket to listen on; None: clients connect through `admit` only.
        patience: seconds to wait for the first client. After that, and whenever the last client
            has left, an idle host ends. None: it ends only by `Close`.
    """

    def __init__(self, path: Path | None = None, *, patience: float | None = None) -> None:
        self.run = Run()
        self.path = path
        self._patience = patience
        self._deadline = time.monotonic() + (patience or 0.0)
        self._inbox: deque[tuple[AnyEvent, bytes]] = deque()
        self._is_woken = self._is_interrupted = self._is_closing = self._has_ended = False
        self._clients: set[ClientConnection] = set()
        self._run_log = RunLog()
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._on_wake)
        self._listener = listen(path) if path is not None else None
        if self._listener is not None:
            self._selector.register(self._listener, selectors.EVENT_READ, self._on_connect)
        self._worker = Worker(self._receive, self._end)
        self._worker.start()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- from any thread, and from signal handlers -------------------------------------------

    def interrupt(self) -> None:
        """Requests an orderly end: a checkpoint, then `Finished`, then `events()` ends."""
        self._is_interrupted = True
        self._wake()

    def _receive(self, event: AnyEvent) -> None:
        # Encoded here, so that an event that cannot be sent fails in the worker, where it was made.
        self._inbox.append((event, framing.encode_frame(event)))
        self._wake()

    def _end(self) -> None:
        self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._is_woken:
            return
        self._is_woken = True
        with suppress(OSError):  # awake already, or closed
            self._wake_writer.send(b"!")

    # --- in the thread of events() -----------------------------------------------------------

    def submit(self, command: AnyCommand) -> None:
        """Sends the worker a command."""
        if isinstance(command, Start):
            self._switch_to(command)
        self._is_closing |= isinstance(command, Close)
        self._worker.send(command)

    def _switch_to(self, start: Start) -> None:
        """Switches to the new run; a continued one keeps its history."""
        try:
            stored = run_store.read_run(run_store.run_dir(start.run)) if start.checkpoint else None
        except InputError:
            stored = None
        if stored is not None:
            old, self.run = self.run, stored
            stored.devices, stored.versions, stored.loading = old.devices, old.versions, old.loading
            stored.log = old.log
            stored.state = "starting"  # its experiment stays until the start, which marks changes
            stored.failure = stored.finished = None
        else:
            self.run.begin(start.run, start.experiment)
        for client in list(self._clients):
            client.resync()
            self._serve(client)

    def admit(self, connection: socket.socket) -> None:
        """Serves a client over a connected socket."""
        client = ClientConnection(connection, self._snapshot)
        self._clients.add(client)
        self._deadline = 0.0
        self._selector.register(
            connection, selectors.EVENT_READ, partial(self._handle_client, client)
        )
        self._serve(client)

    def capture(self, output: CapturedOutput) -> None:
        """Turns what this process prints into events."""
        self._selector.register(output, selectors.EVENT_READ, partial(self._on_output, output))

    def events(self) -> Iterator[AnyEvent]:
        """Serves clients and yields events until the worker has ended or the host is not needed."""
        while True:
            yield from self._process_inbox()
            if self._is_over:
                return
            for key, ready in self._selector.select(self._timeout):
                key.data(ready)
            if self._is_interrupted and not self._is_closing:
                self.submit(Close())

    @property
    def _is_over(self) -> bool:
        if self._inbox:
            return False
        if self._has_ended:
            return True
        if self.run.is_active:
            return False
        if self._is_closing:
            return True  # nothing to save: no need to wait until PyTorch is loaded
        return self._timeout == 0.0

    @property
    def _timeout(self) -> float | None:
        if self._patience is None or self._clients or self.run.is_active:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def _process_inbox(self) -> Iterator[AnyEvent]:
        """Logs new events, applies them to the run, sends them to all clients and yields them."""
        while self._inbox:
            event, frame = self._inbox.popleft()
            self._inbox.extendleft(
                (note, framing.encode_frame(note)) for note in self._run_log.record(event)
            )
            if self.run.apply(event):
                for client in list(self._clients):
                    client.enqueue(frame)
                    self._serve(client)
                yield event

    def _snapshot(self) -> bytes:
        return framing.encode_frame(Snapshot(self.run, version("tuilab"), os.getpid()))

    # --- sockets -----------------------------------------------------------------------------

    def _on_wake(self, _: int) -> None:
        self._wake_reader.recv(4096)
        self._is_woken = False  # before the inbox is emptied: later events wake it again

    def _on_connect(self, _: int) -> None:
        assert self._listener is not None
        try:
            connection, _address = self._listener.accept()
        except OSError:
            return  # the client has gone again
        self.admit(connection)

    def _on_output(self, output: CapturedOutput, _: int) -> None:
        for line in output.read():
            self._receive(Logged(line, "output"))

    def _handle_client(self, client: ClientConnection, ready: int) -> None:
        if ready & selectors.EVENT_WRITE:
            self._serve(client)
        if ready & selectors.EVENT_READ and client in self._clients:
            try:
                for command in client.read():
                    self.submit(command)
            except (EOFError, OSError, framing.FrameError):
                self._disconnect(client)

    def _serve(self, client: ClientConnection) -> None:
        """Sends what the client can receive now; waits until it can receive more."""
        if client not in self._clients:
            return
        try:
            client.send()
        except OSError:
            self._disconnect(client)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.has_output else 0)
        key = self._selector.get_key(client.connection)
        if key.events != events:
            self._selector.modify(client.connection, events, key.data)

    def _disconnect(self, client: ClientConnection) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client.connection)
            client.connection.close()

    def close(self) -> None:
        """Stops listening, ends the worker, and sends clients the last events."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self._worker.send(Close())
        until = time.monotonic() + CLOSE_SECONDS
        if self.run.is_active:
            self._worker.join(CLOSE_SECONDS)
        deque(self._process_inbox(), maxlen=0)
        while time.monotonic() < until:
            if not (slow := [client for client in self._clients if client.has_output]):
                break
            self._selector.select(0.1)
            for client in slow:
                self._serve(client)
        for client in list(self._clients):
            self._disconnect(client)
        for end in (self._wake_reader, self._wake_writer, self._listener):
            if end is not None:
                end.close()
        self._selector.close()
        self._run_log.close()


def listen(path: Path) -> socket.socket:
    """Returns a listening socket that is private to the user, and visible once it listens."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(part))
    finally:
        os.umask(mask)
    listener.listen(16)
    listener.setblocking(False)
    part.rename(path)
    return listener
