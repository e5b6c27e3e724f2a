"""A viewer gets everything in order; one that does not read costs nobody anything."""

import socket
from collections.abc import Iterator

import pytest

from tuilab.core.protocol.commands import Pause, Step
from tuilab.core.protocol.events import Logged
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import client_connection as viewers
from tuilab.host import framing
from tuilab.host.client_connection import Viewer


class Ends:
    """A viewer at the host's end of a connection, and the other end."""

    def __init__(self) -> None:
        self.theirs, ours = socket.socketpair()
        self.theirs.setblocking(False)
        self.snapshots = 0
        self.viewer = Viewer(ours, self._snapshot)
        self._frames = framing.news()

    def _snapshot(self) -> bytes:
        self.snapshots += 1
        return framing.frame(Snapshot(Run(id=f"snapshot {self.snapshots}"), "", 0))

    def receive(self) -> list[str]:
        """Read until nothing is left, sending on."""
        received = []
        while True:
            self.viewer.send()
            try:
                piece = self.theirs.recv(1 << 20)
            except BlockingIOError:
                return received
            for message in self._frames.feed(piece):
                received.append(message.run.id if isinstance(message, Snapshot) else message.text)


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.theirs.close()
    made.viewer.connection.close()


def test_the_first_thing_is_a_snapshot_then_every_event(ends: Ends):
    assert ends.receive() == ["snapshot 1"]

    for text in ("a", "b"):
        ends.viewer.tell(framing.frame(Logged(text)))

    assert ends.receive() == ["a", "b"]
    assert not ends.viewer.has_news


def test_what_happens_before_the_snapshot_has_left_is_in_it(ends: Ends):
    ends.viewer.tell(framing.frame(Logged("in the snapshot already")))

    assert ends.receive() == ["snapshot 1"]


def test_one_that_falls_behind_gets_a_snapshot_instead_of_the_past(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(viewers, "BACKLOG", 2_000_000)
    ends.receive()
    event = framing.frame(Logged("x" * 100_000))

    for _ in range(100):
        ends.viewer.tell(event)
        ends.viewer.send()
    received = ends.receive()

    assert received[-1] == "snapshot 2"
    assert set(received[:-1]) == {"x" * 100_000}
    assert len(received) < 30


def test_commands_come_in_order(ends: Ends):
    ends.theirs.sendall(framing.frame(Step(3)) + framing.frame(Pause()))

    assert ends.viewer.read() == [Step(3), Pause()]
    assert ends.viewer.read() == []


def test_one_that_leaves_is_noticed(ends: Ends):
    ends.theirs.close()

    with pytest.raises(EOFError):
        ends.viewer.read()
