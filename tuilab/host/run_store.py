"""Run folders: the experiment, the log of events and the checkpoint of each run."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files.stored_file import open_stored
from tuilab.core.printable import encode_json
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run import run_files
from tuilab.core.run.run import Run
from tuilab.host import run_lock
from tuilab.host.event_aliases import decode_old_event, rename_metrics

EXPERIMENT, LOG, CHECKPOINT = run_files.EXPERIMENT, run_files.LOG, run_files.CHECKPOINT

END_BYTES = 65536
"""Bytes at both ends of a log that are enough to find the state of a run."""

# Lax, since JSON has no NaN and infinity: `encode_event` writes them as text.
_decoder = msgspec.json.Decoder(AnyEvent, strict=False)


def run_dir(run: str) -> Path:
    """Returns the folder of a run; InputError if the id is not a plain name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run):
        raise InputError("a run's id consists of letters, digits, dots and hyphens", run[:100])
    return paths.runs_dir() / run


def list_runs() -> list[Path]:
    """Returns the folders of all stored runs, with a log or a checkpoint; the newest first."""
    times = ((last_change(path), path) for path in paths.runs_dir().glob("*"))
    return [folder for time, folder in sorted(times, reverse=True) if time]


def last_change(folder: Path) -> float:
    """Returns when the log or the checkpoint of a run was written last; 0 if it has neither."""
    time = 0.0
    for name in (LOG, CHECKPOINT, run_files.PREVIOUS_CHECKPOINT):
        with suppress(OSError):  # missing, or deleted in the meantime
            time = max(time, (folder / name).stat().st_mtime)
    return time


def start_time(folder: Path) -> float:
    """Returns when a run was started or resumed last; 0 if that is not known.

    Its lock is written then. After its end there is only its experiment, which is written with the
    first line of the log.
    """
    for name in (run_lock.LOCK, EXPERIMENT):
        with suppress(OSError):
            return (folder / name).stat().st_mtime
    return 0.0


def find_run(run: str) -> Path:
    """Returns the folder of the only run with this in its id; InputError if there is not one."""
    names = [path.name for path in list_runs()]
    matches = [name for name in names if name == run] or [name for name in names if run in name]
    if run and len(matches) == 1:
        return paths.runs_dir() / matches[0]
    if not names:
        raise InputError("no run is stored here", run)
    if not matches:
        raise InputError("no stored run has this in its id; `tuilab runs` lists them", run)
    raise InputError(f"several runs match: {', '.join(matches[:8])}", run)


def encode_event(event: AnyEvent) -> bytes:
    """Returns an event as one line of a log."""
    return encode_json(_nonfinite_to_text(msgspec.to_builtins(event))) + b"\n"


def append_event(folder: Path, event: AnyEvent) -> None:
    """Adds an event to the log of a run that is not in progress."""
    with (folder / LOG).open("ab+") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 1))
        end = b"\n" if log.read() not in (b"", b"\n") else b""  # the last line may be incomplete
        log.write(end + encode_event(event))


def _nonfinite_to_text(value: Any) -> Any:
    """Returns the value with nan, inf and -inf as text."""
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, dict):
        return {key: _nonfinite_to_text(item) for key, item in value.items()}
    return [_nonfinite_to_text(item) for item in value] if isinstance(value, list) else value


def read_run(folder: Path, *, ends_only: bool = False) -> Run:
    """Reads a stored run with its history; InputError if it cannot be read.

    If its host was killed, the state is still `training`, `paused` or the like.

    Args:
        ends_only: whether to read only both ends of a long log: the state without the history.
    """
    run = Run()
    try:
        with open_stored(folder / LOG) as log:
            for event in decode_events(_read_ends(log.fileno()) if ends_only else log):
                with suppress(Exception):  # a line that is damaged, and still a line
                    run.apply(event)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(folder / LOG)) from None
    if run.started is None:
        raise InputError("it holds no run", str(folder / LOG))
    # The folder may have been moved, and the last line of the log may be missing.
    run.checkpoint = str(run_files.find_checkpoint(folder) or "")
    return run


def _read_ends(log: int) -> list[bytes]:
    size = os.fstat(log).st_size
    if size <= 2 * END_BYTES:
        return os.pread(log, size, 0).splitlines()
    head, tail = os.pread(log, END_BYTES, 0), os.pread(log, END_BYTES, size - END_BYTES)
    return head.splitlines()[:-1] + tail.splitlines()[1:]


def decode_events(lines: Iterable[bytes]) -> Iterator[AnyEvent]:
    """Yields the events of a log; skips lines that are incomplete or of an unknown version."""
    for line in map(rename_metrics, lines):
        try:
            yield _decoder.decode(line)
        except msgspec.ValidationError:
            with suppress(Exception):
                yield decode_old_event(line)
        except Exception:  # not only msgspec's: structs check what they are built from
            continue
