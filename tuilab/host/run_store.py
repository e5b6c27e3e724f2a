"""Run folders: each run's experiment, the log of its events, and its checkpoint."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Run

EXPERIMENT = "experiment.toml"
LOG = "events.jsonl"
CHECKPOINT = "checkpoint.pt"

GLANCE = 65536
"""Bytes at either end of a log that are enough to say how a run stands."""

# Lax, since JSON has no word for what is not finite: `line` writes "nan" and "inf" as text.
_decoder = msgspec.json.Decoder(AnyEvent, strict=False)


def path_of(run: str) -> Path:
    """The folder of a run; InputError if the id is no plain name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run):
        raise InputError("a run's id is made of letters, digits, dots and hyphens", run[:100])
    return paths.runs() / run


def stored() -> list[Path]:
    """The folders of all stored runs, the newest first."""
    logs = []
    for path in paths.runs().glob(f"*/{LOG}"):
        try:
            logs.append((path.stat().st_mtime, path.parent))
        except FileNotFoundError:
            continue  # deleted while we looked
    return [folder for _, folder in sorted(logs, reverse=True)]


def find(run: str) -> Path:
    """The folder of the stored run that has this in its id and no other has; InputError if none."""
    names = [path.name for path in stored()]
    matching = [name for name in names if name == run] or [name for name in names if run in name]
    if run and len(matching) == 1:
        return paths.runs() / matching[0]
    if not names:
        raise InputError("no run is stored here", run)
    if not matching:
        raise InputError("no stored run has this in its id; `tuilab runs` lists them", run)
    raise InputError(f"which one is meant? There is {', '.join(matching[:8])}", run)


def line(event: AnyEvent) -> bytes:
    """An event as one line of a log."""
    return msgspec.json.encode(_finite(msgspec.to_builtins(event))) + b"\n"


def _finite(value: Any) -> Any:
    """The same with what is not finite as text: nan, inf, -inf."""
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def read(folder: Path, *, glance: bool = False) -> Run:
    """A stored run with its history, as far as the disk has it; InputError if there is none.

    Where its host was killed the state is still `training`, `paused` or the like.

    Args:
        glance: read only the ends of a long log: how the run stands, without its history.
    """
    run = Run()
    try:
        with (folder / LOG).open("rb") as log:
            for event in _events(_ends(log.fileno()) if glance else log):
                run.apply(event)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(folder / LOG)) from None
    if run.started is None:
        raise InputError("no run was begun here", str(folder / LOG))
    # A folder may have been moved, and a log's last line may be missing.
    checkpoint = folder / CHECKPOINT
    run.checkpoint = str(checkpoint) if checkpoint.exists() else ""
    return run


def _ends(log: int) -> list[bytes]:
    size = os.fstat(log).st_size
    if size <= 2 * GLANCE:
        return os.pread(log, size, 0).splitlines()
    head, tail = os.pread(log, GLANCE, 0), os.pread(log, GLANCE, size - GLANCE)
    return head.splitlines()[:-1] + tail.splitlines()[1:]


def _events(lines: Any) -> Iterator[AnyEvent]:
    """The events of a log; a line that is torn or of another version is passed over."""
    for text in lines:
        try:
            yield _decoder.decode(text)
        except (msgspec.DecodeError, ValueError):
            continue
