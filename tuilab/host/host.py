"""The host: one worker, everything known of its run, and whoever watches it over a socket.

All of it happens in the thread that iterates `events()`, apart from the worker's training.
"""

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import AnyCommand, Close, Start
from tuilab.core.protocol.events import AnyEvent, Logged
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import framing, run_store
from tuilab.host.captured_output import Output
from tuilab.host.client_connection import Viewer
from tuilab.host.run_log import RunLog
from tuilab.host.worker import Worker

FAREWELL = 2.0
"""Seconds that viewers have to take the last news."""


class Host:
    """Trains in a thread, keeps the run, and serves viewers.

    >>> with Host(path) as host:                              # doctest: +SKIP
    ...     host.submit(Start(new_id(experiment), experiment))
    ...     for event in host.events():
    ...         print(event)

    Args:
        path: where to listen; None: viewers come by `admit` only.
        patience: seconds to wait for a first viewer; then, and whenever the last one has left, a
            host without work ends. None: it ends only by `Close`.
    """

    def __init__(self, path: Path | None = None, *, patience: float | None = None) -> None:
        self.run = Run()
        self.path = path
        self._patience = patience
        self._deadline = time.monotonic() + (patience or 0.0)
        self._inbox: deque[tuple[AnyEvent, bytes]] = deque()
        self._is_woken = self._is_interrupted = self._is_closing = self._has_ended = False
        self._viewers: set[Viewer] = set()
        self._journal = RunLog()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        for end in (self._bell, self._ringer):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, self._hear)
        self._door = listen(path) if path is not None else None
        if self._door is not None:
            self._selector.register(self._door, selectors.EVENT_READ, self._accept)
        self._worker = Worker(self._receive, self._end)
        self._worker.start()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- from any thread, and from signal handlers -------------------------------------------

    def interrupt(self) -> None:
        """Ask for an end in good order: a checkpoint, then `Finished`, then `events()` ends."""
        self._is_interrupted = True
        self._wake()

    def _receive(self, event: AnyEvent) -> None:
        # Made here, so that an event that cannot be sent fails where it was made: in the worker.
        self._inbox.append((event, framing.frame(event)))
        self._wake()

    def _end(self) -> None:
        self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._is_woken:
            return
        self._is_woken = True
        try:
            self._ringer.send(b"!")
        except OSError:
            return  # it rings already, or nobody is there any more

    # --- in the thread of events() -----------------------------------------------------------

    def submit(self, command: AnyCommand) -> None:
        """Give the worker a command."""
        if isinstance(command, Start):
            self._turn_to(command)
        self._is_closing |= isinstance(command, Close)
        self._worker.send(command)

    def _turn_to(self, start: Start) -> None:
        """Show the new run from here on; one that is continued keeps its history."""
        try:
            before = run_store.read(run_store.path_of(start.run)) if start.checkpoint else None
        except InputError:
            before = None
        if before is not None:
            now = self.run
            self.run = before
            before.devices, before.versions, before.loading = now.devices, now.versions, now.loading
            before.log = now.log
            before.state, before.experiment = "starting", start.experiment
            before.failure = before.finished = None
        else:
            self.run.begin(start.run, start.experiment)
        for viewer in list(self._viewers):
            viewer.start_over()
            self._serve(viewer)

    def admit(self, connection: socket.socket) -> None:
        """Serve a viewer over a connected socket."""
        viewer = Viewer(connection, self._snapshot)
        self._viewers.add(viewer)
        self._deadline = 0.0
        self._selector.register(connection, selectors.EVENT_READ, partial(self._attend, viewer))
        self._serve(viewer)

    def capture(self, output: Output) -> None:
        """Turn what this process prints into events."""
        self._selector.register(output, selectors.EVENT_READ, partial(self._overhear, output))

    def events(self) -> Iterator[AnyEvent]:
        """Serve, and yield what happens, until the worker has ended or nobody needs the host."""
        while True:
            yield from self._news()
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
            return True  # nothing to save: no need to wait until PyTorch has been loaded
        return (
            not self._viewers and self._patience is not None and time.monotonic() >= self._deadline
        )

    @property
    def _timeout(self) -> float | None:
        if self._patience is None or self._viewers or self.run.is_active:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def _news(self) -> Iterator[AnyEvent]:
        """Write down what has come, fold it into the run and send it to all viewers."""
        while self._inbox:
            event, frame = self._inbox.popleft()
            self._inbox.extendleft(
                (note, framing.frame(note)) for note in self._journal.keep(event)
            )
            if self.run.apply(event):
                for viewer in list(self._viewers):
                    viewer.tell(frame)
                    self._serve(viewer)
                yield event

    def _snapshot(self) -> bytes:
        return framing.frame(Snapshot(self.run, version("tuilab"), os.getpid()))

    # --- sockets -----------------------------------------------------------------------------

    def _hear(self, _: int) -> None:
        self._bell.recv(4096)
        self._is_woken = False  # before the inbox is emptied: what comes later rings again

    def _accept(self, _: int) -> None:
        assert self._door is not None
        try:
            connection, _address = self._door.accept()
        except OSError:
            return  # it has gone again
        self.admit(connection)

    def _overhear(self, output: Output, _: int) -> None:
        for line in output.read():
            self._receive(Logged(line, "output"))

    def _attend(self, viewer: Viewer, ready: int) -> None:
        if ready & selectors.EVENT_WRITE:
            self._serve(viewer)
        if ready & selectors.EVENT_READ and viewer in self._viewers:
            try:
                for command in viewer.read():
                    self.submit(command)
            except (EOFError, OSError, framing.BadFrame):
                self._dismiss(viewer)

    def _serve(self, viewer: Viewer) -> None:
        """Send what the viewer takes now; wait for it to take more."""
        if viewer not in self._viewers:
            return
        try:
            viewer.send()
        except OSError:
            self._dismiss(viewer)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if viewer.has_news else 0)
        key = self._selector.get_key(viewer.connection)
        if key.events != wanted:
            self._selector.modify(viewer.connection, wanted, key.data)

    def _dismiss(self, viewer: Viewer) -> None:
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            self._selector.unregister(viewer.connection)
            viewer.connection.close()

    def close(self) -> None:
        """Stop listening, end the worker if it has not ended, and hand out the last news."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self._worker.send(Close())
        until = time.monotonic() + FAREWELL
        if self.run.is_active:
            self._worker.join(FAREWELL)
        deque(self._news(), maxlen=0)
        while (slow := [v for v in self._viewers if v.has_news]) and time.monotonic() < until:
            self._selector.select(0.1)
            for viewer in slow:
                self._serve(viewer)
        for viewer in list(self._viewers):
            self._dismiss(viewer)
        for end in (self._bell, self._ringer, self._door):
            if end is not None:
                end.close()
        self._selector.close()
        self._journal.close()


def listen(path: Path) -> socket.socket:
    """A listening socket that is never open to others, and never found before it listens."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        door.bind(str(part))
    finally:
        os.umask(mask)
    door.listen(16)
    door.setblocking(False)
    part.rename(path)
    return door
