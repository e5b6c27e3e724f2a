"""The host process, separate from the lab, so that a run survives a closed terminal or a crash.

python -m tuilab.host.process --socket PATH [--client FD]
"""

import argparse
import faulthandler
import os
import signal
import socket
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tuilab.host.captured_output import CapturedOutput
from tuilab.host.host import Host

FIRST_CLIENT_SECONDS = 30.0
"""Seconds to wait for the first client."""

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""The first one ends the host in good order, the second one at once."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves clients until no one needs this host any more."""
    parser = argparse.ArgumentParser(prog="tuilab.host.process")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--client", type=int, default=-1, help="an inherited, connected socket")
    parser.add_argument("--patience", type=float, default=FIRST_CLIENT_SECONDS)
    options = parser.parse_args(arguments)
    # The original stderr is a file: the parent reads from it why this process died.
    crash_log = os.fdopen(os.dup(2), "w", buffering=1)
    faulthandler.enable(crash_log)
    code = 0
    try:
        with Host(options.socket, patience=options.patience) as host:
            _catch_signals(host)
            host.capture(CapturedOutput())
            if options.client >= 0:
                host.admit(socket.socket(fileno=options.client))
            for _ in host.events():
                pass
    except BaseException:
        traceback.print_exc(file=crash_log)
        code = 1
    crash_log.flush()
    if code == 0:
        options.socket.with_suffix(".log").unlink(missing_ok=True)
    # The worker may still be inside PyTorch, where Python's own exit would crash.
    os._exit(code)


def _catch_signals(host: Host) -> None:
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            host.remove_socket()
            os._exit(128 + number)
        host.interrupt()

    for number in SIGNALS:
        signal.signal(number, end)


if __name__ == "__main__":
    main()
