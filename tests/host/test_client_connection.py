"""A client gets every event in order; one that does not read slows down no one."""

import socket
from collections.abc import Iterator

import pytest

from tuilab.core.protocol.commands import Pause, Step
from tuilab.core.protocol.events import Logged
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import client_connection, framing
from tuilab.host.client_connection import ClientConnection


class ConnectionPair:
    """The host's end of a connection, and the client's."""

    def __init__(self) -> None:
        self.client_socket, host_socket = socket.socketpair()
        self.client_socket.setblocking(False)
        self.snapshots = 0
        self.connection = ClientConnection(host_socket, self._make_snapshot)
        self._decoder = framing.message_decoder()

    def _make_snapshot(self) -> bytes:
        self.snapshots += 1
        return framing.encode_frame(Snapshot(Run(id=f"snapshot {self.snapshots}"), "", 0))

    def receive(self) -> list[str]:
        """Sends and receives until nothing is left."""
        received: list[str] = []
        while True:
            self.connection.send()
            try:
                piece = self.client_socket.recv(1 << 20)
            except BlockingIOError:
                return received
            for message in self._decoder.feed(piece):
                if isinstance(message, Logged):
                    received.append(message.text)
                elif isinstance(message, Snapshot):
                    received.append(message.run.id)


@pytest.fixture
def pair() -> Iterator[ConnectionPair]:
    pair = ConnectionPair()
    yield pair
    pair.client_socket.close()
    pair.connection.connection.close()


def test_the_first_message_is_a_snapshot_then_every_event(pair: ConnectionPair) -> None:
    assert pair.receive() == ["snapshot 1"]

    for text in ("a", "b"):
        pair.connection.enqueue(framing.encode_frame(Logged(text)))

    assert pair.receive() == ["a", "b"]
    assert not pair.connection.has_output


def test_events_before_the_snapshot_are_part_of_it(pair: ConnectionPair) -> None:
    pair.connection.enqueue(framing.encode_frame(Logged("in the snapshot already")))

    assert pair.receive() == ["snapshot 1"]


def test_a_slow_client_gets_a_snapshot_instead_of_old_events(
    pair: ConnectionPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_connection, "MAX_BACKLOG_BYTES", 2_000_000)
    pair.receive()
    event = framing.encode_frame(Logged("x" * 100_000))

    for _ in range(100):
        pair.connection.enqueue(event)
        pair.connection.send()
    received = pair.receive()

    assert received[-1] == "snapshot 2"
    assert set(received[:-1]) == {"x" * 100_000}
    assert len(received) < 30


def test_commands_arrive_in_order(pair: ConnectionPair) -> None:
    pair.client_socket.sendall(framing.encode_frame(Step(3)) + framing.encode_frame(Pause()))

    assert pair.connection.read() == [Step(3), Pause()]
    assert pair.connection.read() == []


def test_a_closed_connection_is_noticed(pair: ConnectionPair) -> None:
    pair.client_socket.close()

    with pytest.raises(EOFError):
        pair.connection.read()
