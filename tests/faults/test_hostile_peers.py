"""What a peer sends is that peer's: the host, its run and all others go on."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.faults import hostile_peers
from tests.support.link_watcher import LinkWatcher
from tests.support.shell import RunCommand
from tests.support.wait_until import wait_until
from tuilab.host import discovery, host


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[LinkWatcher]:
    """A client of a host that trains, in a thread of this process."""
    monkeypatch.setattr(host, "CHECK_SECONDS", 0.1)
    with hostile_peers.training_host() as lab:
        yield lab


def test_a_host_outlives_every_hostile_client(lab: LinkWatcher) -> None:
    path = discovery.find_host("spiral").socket

    for name, content in hostile_peers.REFUSED_FRAMES.items():
        with hostile_peers.send(path, content) as peer:
            assert hostile_peers.is_disconnected(peer), name
    for content in hostile_peers.ACCEPTED_FRAMES.values():
        hostile_peers.send(path, content).close()

    assert hostile_peers.goes_on(lab)
    assert discovery.find_host("spiral").state == "training"


def test_half_commands_are_bounded_in_bytes_and_in_time(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = discovery.find_host("spiral").socket
    half = hostile_peers.frame(bytes(1 << 20), 2 << 20)
    monkeypatch.setattr(host, "MAX_UNFINISHED_BYTES", 4 << 20)

    peers = [hostile_peers.send(path, half) for _ in range(8)]

    left = [peer for peer in peers if not hostile_peers.is_disconnected(peer, 0.2)]
    assert 1 <= len(left) <= 4
    monkeypatch.setattr(host, "UNFINISHED_SECONDS", 0.1)
    assert all(hostile_peers.is_disconnected(peer) for peer in left)
    for peer in peers:
        peer.close()
    assert hostile_peers.goes_on(lab)


def test_a_burst_of_clients_is_served(lab: LinkWatcher) -> None:
    path = discovery.find_host("spiral").socket

    peers = [discovery.connect(path) for _ in range(200)]

    for peer in peers:
        assert len(peer.recv(4, socket.MSG_WAITALL)) == 4
        peer.close()
    assert hostile_peers.goes_on(lab)


def test_more_clients_than_there_may_be_wait(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file that is open is one that a checkpoint cannot open."""
    path = discovery.find_host("spiral").socket

    peers = [discovery.connect(path) for _ in range(host._max_clients() + 20)]
    waiting = peers[-1]
    waiting.settimeout(0.2)
    with pytest.raises(TimeoutError):
        waiting.recv(4)
    for peer in peers[:-1]:
        peer.close()

    waiting.settimeout(10)
    assert waiting.recv(4)
    waiting.close()
    assert hostile_peers.goes_on(lab)


def test_hostile_hosts_are_listed_and_spoil_no_command(
    lab: LinkWatcher, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "ANSWER_SECONDS", 0.5)
    hosts = {
        name: hostile_peers.HostileHost(discovery.new_socket_path(), answer)
        for name, answer in hostile_peers.HOST_ANSWERS.items()
    }

    start = time.monotonic()
    listed = discovery.list_hosts()
    assert time.monotonic() - start < 0.5 * len(hosts)  # all at a time
    listings = [run_command(command) for command in ("ps", "runs")]
    stopped, _, _ = run_command("stop", "spiral-1")

    assert [each.run for each in listed if not each.problem] == ["spiral-1"]
    assert len(listed) == 1 + len(hosts)
    assert {each.state for each in listed[1:]} <= {"other version", "not answering", "training"}
    with_ids = [each for each in listed if each.run == "hostile-1"]
    assert {each.state for each in with_ids} == {"other version"}
    assert {each.version for each in with_ids} == {"0.0.1"}
    for code, out, err in listings:
        assert (code, err) == (0, "") and "spiral-1" in out
    assert stopped == 0
    for each in hosts.values():
        each.__exit__()
    wait_until(lambda: discovery.list_hosts() == [] or len(discovery.list_hosts()) == 1)


def test_attaching_to_a_host_of_another_version_says_so(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = hostile_peers.HOST_ANSWERS["a network of numbers"]
    with hostile_peers.HostileHost(discovery.new_socket_path(), answer):
        code, _, err = run_command("stop", "hostile-1")

    assert code == 2
    assert "hostile-1: its host (pid" in err and "is tuilab 0.0.1, this is" in err
