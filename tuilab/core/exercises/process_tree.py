"""The processes that a process has started, and that these have started."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import psutil

END_SECONDS = 5.0
"""Seconds to end processes that go on starting others."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Options of Linux's prctl, as its header names them."""


def descendants(pid: int) -> list[psutil.Process]:
    """Returns the living processes below this one."""
    processes = []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    processes.append(process)
    return processes


def end_descendants(pid: int) -> None:
    """Kills all processes below this one, also those that have left its group and session."""
    deadline = time.monotonic() + END_SECONDS
    while (processes := descendants(pid)) and time.monotonic() < deadline:
        for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped, none can start another one
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)
        time.sleep(0.01)


def memory_of_descendants(pid: int) -> int:
    """Returns the bytes that the processes below this one need together, without their programs."""
    return sum(map(_memory_of, descendants(pid)))


def _memory_of(process: psutil.Process) -> int:
    """Returns the bytes of a process; of what it shares with others, its share."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        kibibytes = {key: value for key, _, value in (line.partition(":") for line in lines)}
        # Files are not counted: torch's libraries are shared with whoever else uses them.
        parts = (kibibytes[key] for key in ("Pss_Anon", "Pss_Shmem"))
        return sum(int(part.split()[0]) for part in parts) << 10
    except (OSError, LookupError, ValueError):  # it has ended, or it is not Linux
        pass
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def fork_supervised() -> None:
    """Goes on in a child of this process, which stays to end what the child leaves running.

    This process ends as the child ends. Processes that lose their parent become its children, and
    so none escapes by leaving the session.
    """
    _set_process_option(PR_SET_CHILD_SUBREAPER, 1)
    supervisor = os.getpid()
    child = os.fork()
    if not child:
        _set_process_option(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # sent to the whole group
        signal.signal(number, signal.SIG_IGN)
    status = _wait_for(child)
    end_descendants(supervisor)
    if os.WIFSIGNALED(status):
        end_signal = os.WTERMSIG(status)
        with contextlib.suppress(OSError):  # of SIGKILL
            signal.signal(end_signal, signal.SIG_DFL)
        os.kill(supervisor, end_signal)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _wait_for(child: int) -> int:
    """Returns the status with which a child ends; other children that end are forgotten."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def _set_process_option(option: int, value: int) -> None:
    """Sets an option of this process on Linux; elsewhere there is none like it."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
