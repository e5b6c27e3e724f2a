"""Which process this is: its number alone may belong to another one after its end."""

import os
from functools import cache
from pathlib import Path

from msgspec import Struct


class ProcessIdentity(Struct, frozen=True):
    """A process of one machine since its last start."""

    pid: int = 0
    start: float = 0.0
    "When it started, in the units of the system."
    machine: str = ""
    boot: str = ""
    "The machine's start; empty where the system does not name it."

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine since its last start."""
        return (self.machine, self.boot) == this_machine()

    @property
    def is_alive(self) -> bool:
        """Whether it is still there; always False for one of another machine."""
        return self.is_here and self.start > 0 and process_start(self.pid) == self.start

    def __str__(self) -> str:
        elsewhere = self.machine != this_machine()[0]
        return f"process {self.pid}" + (f" on {self.machine}" if elsewhere else "")


def this_process() -> ProcessIdentity:
    """Returns the identity of this process."""
    return ProcessIdentity(os.getpid(), process_start(os.getpid()), *this_machine())


@cache
def this_machine() -> tuple[str, str]:
    """Returns the name of this machine and an id of its start."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return os.uname().nodename, boot


def process_start(pid: int) -> float:
    """Returns when a process started, in the units of the system; 0 if there is none."""
    try:  # ticks since the machine's start: a clock that is set changes nothing
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return float(fields[19]) if fields[0] not in (b"Z", b"X") else 0.0
    except (OSError, IndexError, ValueError):
        return _started_at(pid) if not Path("/proc/self/stat").exists() else 0.0


def is_suspended(pid: int) -> bool:
    """Returns whether a process is stopped by a signal, such as that of Ctrl-Z."""
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def process_age(pid: int) -> float:
    """Returns the seconds since the start of a process; 0 if there is none."""
    import time

    started = _started_at(pid)
    return time.time() - started if started else 0.0


def _started_at(pid: int) -> float:
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
