"""The hosts of this user on this machine: finds them, connects to them, stops their runs."""

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.format import format_duration
from tuilab.core.protocol.commands import Stop
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import framing

ANSWER_SECONDS = 2.0
"""Seconds for a host to answer; one that is suspended or overloaded is skipped."""


@dataclass(frozen=True, slots=True)
class HostInfo:
    """A host as `tuilab ps` lists it."""

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
    "Seconds since the host was started."
    socket: Path
    is_active: bool
    "Whether its run is in progress."


def new_socket_path() -> Path:
    """Returns the path of the socket for a new host."""
    return paths.sockets_dir() / f"{secrets.token_hex(4)}.sock"


def list_hosts() -> list[HostInfo]:
    """Returns every host that answers, active ones first; sockets without a host are removed."""
    hosts = [
        _describe_host(snapshot, path)
        for path in sorted(paths.sockets_dir().glob("*.sock"))
        if (snapshot := _fetch_snapshot(path)) is not None
    ]
    return sorted(hosts, key=lambda host: (not host.is_active, host.run))


def find_host(run: str = "") -> HostInfo:
    """Returns the host of a run by a unique part of its id; without one, of the only run."""
    with_runs = [host for host in list_hosts() if host.run]
    exact = [host for host in with_runs if host.run == run]
    matches = exact or [host for host in with_runs if run in host.run]
    if not run and len(active := [host for host in matches if host.is_active]) == 1:
        matches = active
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(host.run for host in matches or with_runs)
    if not with_runs:
        raise InputError("no run is in progress", run)
    if not matches:
        raise InputError(f"no run in progress has this in its id; there is {names}", run)
    raise InputError(f"several runs match: {names}", run)


def stop_run(run: str, patience: float = 60.0) -> Run:
    """Stops a run and waits until it has finished; returns its final state."""
    if not run:  # an empty shell variable must not stop the only run
        raise InputError("name the run to stop; `tuilab ps` lists them")
    host = find_host(run)
    with connect(host.socket) as connection:
        connection.sendall(framing.encode_frame(Stop()))
        state = Run()
        for message in _receive(connection, patience):
            if isinstance(message, Snapshot):
                state = message.run
            else:
                state.apply(message)
            if state.id != host.run or not state.is_active:
                return state
    if not host.socket.exists():
        raise InputError("its host has ended without a report; see `tuilab runs`", host.run)
    raise InputError(
        f"the host (pid {host.pid}) has not stopped it within {format_duration(patience)}; "
        f"`kill {host.pid}` ends it with a checkpoint, `kill -9 {host.pid}` without one",
        host.run,
    )


def connect(path: Path) -> socket.socket:
    """Connects to a host; ConnectionError if there is none, and its socket is removed."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECONDS)
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


def _fetch_snapshot(path: Path) -> Snapshot | None:
    """Returns the first message of a host, which is a snapshot of its run."""
    try:
        with connect(path) as connection:
            first = next(_receive(connection, ANSWER_SECONDS), None)
    except OSError:
        return None
    return first if isinstance(first, Snapshot) else None


def _receive(connection: socket.socket, timeout: float) -> Iterator[framing.HostMessage]:
    """Yields the messages of a host until it ends or the time is over."""
    decoder, deadline = framing.message_decoder(), time.monotonic() + timeout
    with suppress(OSError, framing.FrameError):
        while (remaining := deadline - time.monotonic()) > 0:
            connection.settimeout(remaining)
            piece = connection.recv(1 << 16)
            if not piece:
                return
            yield from decoder.feed(piece)


def _describe_host(snapshot: Snapshot, path: Path) -> HostInfo:
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
        seconds=_process_age(snapshot.pid),
        socket=path,
        is_active=run.is_active,
    )


def _process_age(pid: int) -> float:
    import psutil

    try:
        return time.time() - float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
