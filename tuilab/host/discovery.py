"""The hosts of this user on this machine: finds them, connects to them, stops their runs.

They are found by their sockets, and by the folders of their runs if a socket has been deleted.
"""

import secrets
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.format import format_duration
from tuilab.core.printable import unescape_surrogates
from tuilab.core.protocol.commands import Stop
from tuilab.core.run.run import Run, Snapshot
from tuilab.core.version import installed_version
from tuilab.host import framing, run_lock, run_store
from tuilab.host.process_identity import is_suspended, process_age, process_start, this_machine
from tuilab.host.run_lock import Holder

ANSWER_SECONDS = 2.0
"""Seconds for a host to answer; one that is suspended or overloaded is listed as such."""

NOT_ANSWERING, OTHER_VERSION = "not answering", "other version"
"""States of hosts whose run cannot be read."""

MAX_QUERIES = 16
"""How many hosts are queried at a time."""


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
    "Seconds since its run was started or resumed; since its own start where it has no run."
    socket: Path
    is_active: bool
    "Whether its run is in progress."
    version: str = ""
    "Of its tuilab."
    problem: str = ""
    "Why its run cannot be read, and what can be done; empty if it can."


def new_socket_path() -> Path:
    """Returns the path of the socket for a new host."""
    return paths.sockets_dir() / f"{_machine_tag()}-{secrets.token_hex(4)}.sock"


def _machine_tag() -> str:
    """Returns the beginning of the names of this machine's sockets.

    Several machines may share a home folder, and none can connect to a socket of another one.
    """
    import hashlib

    return hashlib.sha256(this_machine()[0].encode()).hexdigest()[:4]


def list_hosts() -> list[HostInfo]:
    """Returns every host, active ones first; sockets without a host are removed.

    A host that does not answer, or that is of another version, is listed with its problem.
    """
    holders = {
        _socket_path(holder): (run, holder)
        for run, holder in run_lock.living_holders()
        if holder.socket
    }
    sockets = sorted({*find_sockets(), *holders})
    queries = [partial(_query_host, path, *holders.get(path, ("", None))) for path in sockets]
    if len(queries) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(MAX_QUERIES) as pool:
            answers = list(pool.map(lambda query: query(), queries))
    else:
        answers = [query() for query in queries]
    hosts = [host for host in answers if host is not None]
    return sorted(hosts, key=lambda host: (not host.is_active, host.run))


def _socket_path(holder: Holder) -> Path:
    """Returns a holder's socket; its folder may have a name that is not UTF-8, which is escaped."""
    path = Path(holder.socket)
    return path if path.parent.exists() else Path(unescape_surrogates(holder.socket))


def find_sockets() -> list[Path]:
    """Returns the sockets of this user's hosts on this machine, alive or not."""
    tag = _machine_tag()
    return [
        path
        for folder in paths.socket_dirs()
        if paths.is_private(folder)
        for path in folder.glob("*.sock")
        # Those of older versions have no tag.
        if path.stem.partition("-")[0] == tag or "-" not in path.stem
    ]


def find_host(run: str = "") -> HostInfo:
    """Returns the host of a run by a unique part of its id; without one, of the only run."""
    hosts = list_hosts()
    with_runs = [host for host in hosts if host.run]
    exact = [host for host in with_runs if host.run == run]
    matches = exact or [host for host in with_runs if run in host.run]
    if not run:
        active = [host for host in matches if host.is_active]
        readable = [host for host in active if not host.problem]
        matches = next((few for few in (active, readable) if len(few) == 1), matches)
    if len(matches) == 1:
        if matches[0].problem:
            raise InputError(matches[0].problem, matches[0].run)
        return matches[0]
    if not with_runs and (broken := [host.problem for host in hosts if host.problem]):
        raise InputError(f"no run in progress can be read: {'; '.join(broken)}", run)
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
    try:
        connection = connect(host.socket)
    except OSError:
        raise InputError("its host has just ended; see `tuilab runs`", host.run) from None
    with connection:
        connection.sendall(framing.encode_frame(Stop()))
        state = Run()
        with suppress(OSError, framing.FrameError):
            for message in _receive(connection, patience):
                if isinstance(message, Snapshot):
                    state = message.run
                else:
                    state.apply(message)
                if state.id != host.run or not state.is_active:
                    return state
    if not process_start(host.pid):
        raise InputError("its host has ended without a report; see `tuilab runs`", host.run)
    raise InputError(
        f"the host (pid {host.pid}) has not stopped it within {format_duration(patience)}; "
        f"`kill {host.pid}` ends it with a checkpoint, `kill -9 {host.pid}` without one",
        host.run,
    )


def connect(path: Path) -> socket.socket:
    """Connects to a host; ConnectionError if there is none, and its socket is removed.

    Raises:
        TimeoutError: it has not accepted the connection for ANSWER_SECONDS.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECONDS)
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        while True:
            try:
                connection.connect(str(path))
                return connection
            except BlockingIOError:  # too many others are connecting to it now
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"{path}: the host is busy") from None
                time.sleep(0.01)
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        _remove_dead_socket(path)
        raise ConnectionRefusedError(f"{path}: the host is gone") from None
    except OSError:
        connection.close()
        raise


def _connect_again(path: Path, holder: Holder | None) -> socket.socket:
    """Connects to a host; one that lives although its socket is gone has time to listen again."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return connect(path)
        except TimeoutError:
            raise
        except OSError:
            lives = holder is not None and holder.process.is_alive
            if not lives or time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def _remove_dead_socket(path: Path) -> None:
    """Removes the socket of a host that has been killed, and what it has printed."""
    with suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
        if path.parent in paths.socket_dirs():
            path.with_suffix(".log").unlink()


def _query_host(path: Path, run: str, holder: Holder | None) -> HostInfo | None:
    """Returns what a host says of its run, or why it cannot be read; None if there is no host.

    Args:
        run: the run that the holder trains.
        holder: the living process that names this socket in the folder of its run.
    """
    pid = holder.process.pid if holder is not None else 0
    host_version = holder.version if holder is not None else ""
    try:
        with _connect_again(path, holder) as connection:
            pid = _peer_pid(connection) or pid
            first = next(_receive(connection, ANSWER_SECONDS), None)
    except framing.FrameError as error:
        summary = framing.summarize_snapshot(error.body)
        host_version, run = summary.version or host_version, summary.run_id or run
        return _describe_unread(OTHER_VERSION, path, run, pid or summary.pid, host_version)
    except TimeoutError:
        return _describe_unread(NOT_ANSWERING, path, run, pid, host_version)
    except OSError:  # it has ended, or its socket was deleted and is not there again yet
        if holder is None or not holder.process.is_alive:
            return None
        return _describe_unread(NOT_ANSWERING, path, run, pid, host_version)
    if isinstance(first, Snapshot):
        return _describe_host(first, path)
    if first is None and holder is None:
        return None  # it has ended meanwhile
    return _describe_unread(OTHER_VERSION if first else NOT_ANSWERING, path, run, pid, host_version)


def _peer_pid(connection: socket.socket) -> int:
    """Returns the process at the other end; 0 where the system does not say it."""
    if sys.platform != "linux":
        return 0
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[0])


def _receive(connection: socket.socket, timeout: float) -> Iterator[framing.HostMessage]:
    """Yields the messages of a host until it ends.

    Raises:
        TimeoutError: the time is over.
        FrameError: a message cannot be read.
    """
    decoder, deadline = framing.message_decoder(), time.monotonic() + timeout
    while (remaining := deadline - time.monotonic()) > 0:
        connection.settimeout(remaining)
        piece = connection.recv(1 << 16)
        if not piece:
            return
        yield from decoder.feed(piece)
    raise TimeoutError


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
        seconds=_run_age(run.id, snapshot.pid),
        socket=path,
        is_active=run.is_active,
        version=snapshot.version,
    )


def _run_age(run: str, pid: int) -> float:
    """Returns the seconds since a host has its run; the age of the host where that is unknown."""
    started = 0.0
    with suppress(InputError):  # an id that is no name of a folder, of a host of another version
        started = run_store.start_time(run_store.run_dir(run))
    age = process_age(pid) if pid else 0.0
    return min(age, max(0.0, time.time() - started)) if started else age


def _describe_unread(state: str, path: Path, run: str, pid: int, host_version: str) -> HostInfo:
    """Describes a host whose run cannot be read."""
    who = f"its host (pid {pid})" if pid else f"the host at {path}"
    end = f"`kill {pid}` ends it with a checkpoint" if pid else ""
    if state == OTHER_VERSION:
        theirs = f"tuilab {host_version}" if host_version else "another version of tuilab"
        problem = f"{who} is {theirs}, this is {installed_version()}"
    elif pid and is_suspended(pid):
        problem = f"{who} is suspended; `kill -CONT {pid}` lets it go on"
        end = f"`kill -9 {pid}` ends it"
    else:
        wait = format_duration(ANSWER_SECONDS)
        problem = f"{who} has not answered within {wait}; try again"
    return HostInfo(
        run=run, title="", state=state, step=0, epoch=0.0, epochs=0, device="", pid=pid,
        seconds=_run_age(run, pid), socket=path, is_active=bool(run),
        version=host_version, problem="; ".join(filter(None, (problem, end))),
    )  # fmt: skip
