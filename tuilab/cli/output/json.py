"""Events as lines of JSON, in the format of a run's log; lists and results as one line."""

import os
import sys
from typing import Any

from tuilab.core.files.atomic_write import write_all
from tuilab.core.printable import encode_json
from tuilab.core.protocol.events import AnyEvent, SnapshotsListed
from tuilab.host import run_store


class JsonOutput:
    """Prints every event as one line of JSON, and nothing else on stdout."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._stdout = os.dup(1)
        os.dup2(2, 1)  # what libraries print goes to stderr, not between the lines

    def show(self, event: AnyEvent) -> None:
        """Prints one event; a list of the snapshots comes several times a second."""
        if isinstance(event, SnapshotsListed):
            return
        write_all(self._stdout, run_store.encode_event(event))

    def close(self) -> None:
        """Restores stdout."""
        sys.stdout.flush()
        os.dup2(self._stdout, 1)
        os.close(self._stdout)


def print_json(value: Any) -> None:
    """Prints a value of structs, dataclasses, lists and dictionaries as one line of JSON."""
    print(encode_json(value, enc_hook=str).decode(), flush=True)
