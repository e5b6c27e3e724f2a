"""The host: one worker, the state of its run, and the clients connected over a socket.

All of it happens in the thread that iterates `events()`, except for the worker's training.
"""

import errno
import os
import resource
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import AnyCommand, Close, Start
from tuilab.core.protocol.events import AnyEvent, Logged, Started
from tuilab.core.run.run import Run, Snapshot
from tuilab.core.version import installed_version
from tuilab.host import branches, discovery, framing, run_store
from tuilab.host.captured_output import CapturedOutput
from tuilab.host.client_connection import ClientConnection
from tuilab.host.worker import Worker

CLOSE_SECONDS = 2.0
"""Seconds that clients have to receive the last events."""

CHECK_SECONDS = 2.0
"""Seconds between two checks: can the host be reached, does a client keep us waiting?"""

SENDING_CHECK_SECONDS = 0.1
"""Seconds between two checks whether an alert is sent, where the host ends after that."""

MAX_CLIENTS = 256
"""Clients served at a time; further ones wait until one leaves."""

MAX_WAITING_CONNECTS = 512
"""Clients that the system lets wait to be served."""

MAX_UNFINISHED_BYTES = 32 * 2**20
"""Bytes of commands that have not arrived completely, of all clients together."""

UNFINISHED_SECONDS = 30.0
"""Seconds that a command may take to arrive; then its client is disconnected."""


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
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._on_wake)
        self._check_at = time.monotonic() + CHECK_SECONDS
        self._max_clients = _max_clients()
        self._snapshot_frame = b""
        "The snapshot since the last event, so that many clients at a time get the same one."
        self._listener: Listener | None = None
        if path is not None:
            self._listen(path)
        self._worker = Worker(self._receive, self._end, path)
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
            stored.resume_stored()  # its experiment stays until the start, which marks changes
            stored.take_host(self.run)
            self.run = stored
        else:
            self.run.begin(start.run, start.experiment)
        self._resync_clients()

    def _show_branch(self, started: Started) -> None:
        """Goes on with the history of the parent, which the log of a new branch begins with."""
        branch = branches.read_branch(started)
        if branch is None:
            self.run.apply(started)
        else:
            branch.take_host(self.run)
            self.run = branch
        self._resync_clients()

    def _resync_clients(self) -> None:
        """Sends all clients the whole state, as the run is another one."""
        self._snapshot_frame = b""
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
            for key, ready in self._selector.select(self._select_seconds):
                key.data(ready)
            if time.monotonic() >= self._check_at:
                self._check()
            if self._is_interrupted and not self._is_closing:
                self.submit(Close())

    @property
    def _is_over(self) -> bool:
        if self._inbox or self._worker.alerts.is_sending:
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

    @property
    def _select_seconds(self) -> float:
        until_check = max(0.0, self._check_at - time.monotonic())
        if self._worker.alerts.is_sending:
            until_check = min(until_check, SENDING_CHECK_SECONDS)
        return until_check if self._timeout is None else min(self._timeout, until_check)

    def _process_inbox(self) -> Iterator[AnyEvent]:
        """Applies new events to the run, sends them to all clients and yields them."""
        while self._inbox:
            event, frame = self._inbox.popleft()
            if isinstance(event, Started) and event.parent:
                self._show_branch(event)
                yield event
            elif self.run.apply(event):
                self._snapshot_frame = b""
                for client in list(self._clients):
                    client.enqueue(frame)
                    self._serve(client)
                yield event

    def _snapshot(self) -> bytes:
        if not self._snapshot_frame:
            snapshot = Snapshot(self.run, installed_version(), os.getpid())
            self._snapshot_frame = framing.encode_frame(snapshot)
        return self._snapshot_frame

    # --- sockets -----------------------------------------------------------------------------

    def _on_wake(self, _: int) -> None:
        self._wake_reader.recv(4096)
        self._is_woken = False  # before the inbox is emptied: later events wake it again

    def _listen(self, path: Path) -> None:
        self._listener = Listener(path)
        self._selector.register(self._listener, selectors.EVENT_READ, self._on_connect)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            with suppress(KeyError):
                self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _on_connect(self, _: int) -> None:
        """Serves all clients that wait, as far as there may be that many."""
        assert self._listener is not None
        while len(self._clients) < self._max_clients:
            try:
                connection = self._listener.accept()
            except BlockingIOError:
                return  # no one waits any more
            except ConnectionError:
                continue  # the client has gone again
            except OSError:  # too many open files
                break
            self.admit(connection)
        self._selector.unregister(self._listener)

    def _accept_again(self) -> None:
        """Goes on to serve clients, where there were too many."""
        if self._listener is not None and self._listener not in self._selector.get_map():
            self._selector.register(self._listener, selectors.EVENT_READ, self._on_connect)

    def _check(self) -> None:
        """Looks whether this host can still be reached, and leaves clients that send too little."""
        self._check_at = time.monotonic() + CHECK_SECONDS
        for client in list(self._clients):
            if client.unfinished_seconds > UNFINISHED_SECONDS:
                self._disconnect(client)
        if not self._is_closing:
            self._keep_listening()
            self._worker.keep_lock(self.path)

    def _keep_listening(self) -> None:
        """Listens again where the socket was deleted, elsewhere if something else is there."""
        if self.path is None:
            return
        if self._listener is not None and self._listener.is_reachable:
            self._accept_again()
            return
        self._stop_listening()
        before = self.path
        with suppress(OSError, InputError):  # tried again at the next check
            try:
                self._listen(before)
            except FileExistsError:
                self.path = discovery.new_socket_path()
                self._listen(self.path)
                text = f"Something else is at {before}; the host listens at {self.path} from now on"
                self._worker.publish(Logged(f"{text}."))

    def _on_output(self, output: CapturedOutput, _: int) -> None:
        for line in output.read():
            self._worker.publish(Logged(line, "output"))

    def _handle_client(self, client: ClientConnection, ready: int) -> None:
        if ready & selectors.EVENT_WRITE:
            self._serve(client)
        if ready & selectors.EVENT_READ and client in self._clients:
            try:
                for command in client.read():
                    self.submit(command)
            except Exception:  # it has ended, or it sends what no client of this version sends
                self._disconnect(client)
            unfinished = sum(each.unfinished_bytes for each in self._clients)
            if client.unfinished_bytes and unfinished > MAX_UNFINISHED_BYTES:
                self._disconnect(client)

    def _serve(self, client: ClientConnection) -> None:
        """Sends what the client can receive now; waits until it can receive more."""
        if client not in self._clients:
            return
        try:
            client.send()
        except OSError:  # it has left; its last commands may still be there
            commands = client.read_rest()
            self._disconnect(client)
            for command in commands:
                self.submit(command)
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
            self._accept_again()

    def remove_socket(self) -> None:
        """Removes the socket, for an end at once."""
        if self._listener is not None:
            self._listener.close()

    def close(self) -> None:
        """Stops listening, ends the worker, and sends clients the last events."""
        self._stop_listening()
        self._worker.send(Close())
        until = time.monotonic() + CLOSE_SECONDS
        if self.run.is_active:
            self._worker.join(CLOSE_SECONDS)
        deque(self._process_inbox(), maxlen=0)
        self._worker.alerts.wait()
        deque(self._process_inbox(), maxlen=0)
        while time.monotonic() < until:
            if not (slow := [client for client in self._clients if client.has_output]):
                break
            self._selector.select(0.1)
            for client in slow:
                self._serve(client)
        for client in list(self._clients):
            self._disconnect(client)
        for end in (self._wake_reader, self._wake_writer):
            end.close()
        self._selector.close()
        self._worker.close_log()
        if not self.run.is_active:  # else it may still be writing its checkpoint
            self._worker.release_run()


def _max_clients() -> int:
    """Returns how many clients leave enough files to be opened by a run."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CLIENTS if limit == resource.RLIM_INFINITY else min(MAX_CLIENTS, limit // 2)


class Listener:
    """A listening socket that is private to the user, and visible once it listens."""

    def __init__(self, path: Path) -> None:
        paths.make_private(path.parent)
        if os.path.lexists(path) and not path.is_socket():
            raise FileExistsError(errno.EEXIST, "this is not a socket", str(path))
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(str(part))
            part.chmod(0o600)
            self._socket.listen(MAX_WAITING_CONNECTS)
            self._socket.setblocking(False)
            self._status = part.lstat()
            part.rename(path)
        except OSError:
            self._socket.close()
            raise

    @property
    def is_reachable(self) -> bool:
        """Whether the socket is still at its path; people and systems clean folders up."""
        try:
            return os.path.samestat(self._status, self.path.lstat())
        except OSError:
            return False

    def fileno(self) -> int:
        """Returns the file descriptor, for a selector."""
        return self._socket.fileno()

    def accept(self) -> socket.socket:
        """Returns the connection of the next client; OSError if none waits."""
        return self._socket.accept()[0]

    def close(self) -> None:
        """Stops listening and removes the socket."""
        self._socket.close()
        with suppress(OSError):
            if self.is_reachable:
                self.path.unlink()
