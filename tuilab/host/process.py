"""The host process: lives on its own, so that a closed terminal or a crashed lab ends no run.

python -m tuilab.host.process --socket PATH [--viewer FD]
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

from tuilab.host.captured_output import Output
from tuilab.host.host import Host

PATIENCE = 30.0
"""Seconds to wait for a first viewer."""

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""A first one ends the host in good order, a second one at once."""


def main(words: Sequence[str] | None = None) -> None:
    """Serve until nobody needs this host any more."""
    parser = argparse.ArgumentParser(prog="tuilab.host.process")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--viewer", type=int, default=-1, help="a connected socket, inherited")
    parser.add_argument("--patience", type=float, default=PATIENCE)
    options = parser.parse_args(words)
    # What kills this process is written where the one who started it can read it afterwards.
    last_words = os.fdopen(os.dup(2), "w", buffering=1)
    faulthandler.enable(last_words)
    code = 0
    try:
        with Host(options.socket, patience=options.patience) as host:
            _catch_signals(host, options.socket)
            host.capture(Output())
            if options.viewer >= 0:
                host.admit(socket.socket(fileno=options.viewer))
            for _ in host.events():
                pass
    except BaseException:
        traceback.print_exc(file=last_words)
        code = 1
    last_words.flush()
    if code == 0:
        options.socket.with_suffix(".log").unlink(missing_ok=True)
    # The worker may be inside PyTorch for seconds yet; Python's own end would crash under it.
    os._exit(code)


def _catch_signals(host: Host, path: Path) -> None:
    caught: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1:
            path.unlink(missing_ok=True)
            os._exit(128 + number)
        host.interrupt()

    for number in SIGNALS:
        signal.signal(number, end)


if __name__ == "__main__":
    main()
