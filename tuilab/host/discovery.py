"""The hosts of this user on this machine: who they are, and how to reach the one that is meant."""

import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Stop
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import framing

ANSWER = 2.0
"""Seconds that a host has to answer; one that is stopped or overloaded is passed over."""


@dataclass(frozen=True, slots=True)
class HostInfo:
    """One host, as `tuilab ps` lists it."""

    run: str
    "The run's id; empty if the host is idle."
    title: str
    state: str
    step: int
    epoch: float
    epochs: int
    device: str
    pid: int
    seconds: float
    "Since the host was started."
    version: str
    "Of its tuilab."
    socket: Path
    is_active: bool
    "It has work that would be lost."


def new_path() -> Path:
    """Where a new host is to listen."""
    return paths.sockets() / f"{secrets.token_hex(4)}.sock"


def hosts() -> list[HostInfo]:
    """Every host that answers, those with a run first; sockets that lead nowhere are removed."""
    found = []
    for path in sorted(paths.sockets().glob("*.sock")):
        snapshot = _ask(path)
        if snapshot is not None:
            found.append(_info(snapshot, path))
    return sorted(found, key=lambda host: (not host.is_active, host.run))


def find(run: str = "") -> HostInfo:
    """The host that has a run, by a part of its id that no other has; without one, the only run."""
    with_runs = [host for host in hosts() if host.run]
    exact = [host for host in with_runs if host.run == run]
    matching = exact or [host for host in with_runs if run in host.run]
    if not run and len(active := [host for host in matching if host.is_active]) == 1:
        matching = active
    if len(matching) == 1:
        return matching[0]
    there_is = ", ".join(host.run for host in matching or with_runs)
    if not with_runs:
        raise InputError("no run is in progress", run)
    if not matching:
        raise InputError(f"no run in progress has this in its id; there is {there_is}", run)
    raise InputError(f"which one is meant? There is {there_is}", run)


def stop(run: str, patience: float = 60.0) -> Run:
    """Stop a run and wait until it has finished; it is returned as it ended."""
    if not run:  # an empty variable of a shell must not stop what it does not name
        raise InputError("say which run is meant; `tuilab ps` lists them")
    host = find(run)
    with connect(host.socket) as connection:
        connection.sendall(framing.frame(Stop()))
        ended = Run()
        for message in _listen(connection, patience):
            if isinstance(message, Snapshot):
                ended = message.run
            else:
                ended.apply(message)
            if ended.id != host.run or not ended.is_active:
                return ended
    if not host.socket.exists():
        raise InputError("its host ended before it told how; see `tuilab runs`", host.run)
    raise InputError(
        f"the host (pid {host.pid}) has not stopped it within {patience:g} seconds; "
        f"kill {host.pid} ends it with a checkpoint, kill -9 {host.pid} without",
        host.run,
    )


def connect(path: Path) -> socket.socket:
    """A connection to a host; a socket that leads nowhere is removed (ConnectionError)."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER)
    try:
        connection.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        path.unlink(missing_ok=True)
        path.with_suffix(".log").unlink(missing_ok=True)
        raise ConnectionRefusedError(f"{path}: the host is gone") from None
    except OSError:
        connection.close()
        raise
    return connection


def _ask(path: Path) -> Snapshot | None:
    """The first thing a host says."""
    try:
        with connect(path) as connection:
            first = next(_listen(connection, ANSWER), None)
    except OSError:
        return None
    return first if isinstance(first, Snapshot) else None


def _listen(connection: socket.socket, patience: float) -> Iterator[framing.News]:
    """What a host says, until it or our patience ends."""
    frames, until = framing.news(), time.monotonic() + patience
    try:
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            piece = connection.recv(1 << 16)
            if not piece:
                return
            yield from frames.feed(piece)
    except (OSError, framing.BadFrame):
        return


def _info(snapshot: Snapshot, path: Path) -> HostInfo:
    run = snapshot.run
    experiment = run.experiment
    return HostInfo(
        run=run.id,
        title=(experiment.title or experiment.data.title) if experiment else "",
        state=run.state,
        step=run.step,
        epoch=run.progress.epoch if run.progress else 0.0,
        epochs=experiment.training.epochs if experiment else 0,
        device=run.started.device if run.started else "",
        pid=snapshot.pid,
        seconds=_age(snapshot.pid),
        version=snapshot.version,
        socket=path,
        is_active=run.is_active,
    )


def _age(pid: int) -> float:
    import psutil

    try:
        return time.time() - float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
