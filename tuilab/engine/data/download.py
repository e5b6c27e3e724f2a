"""Files from the network: whole and verified, or not there at all."""

import gzip
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Report

TIMEOUT = (5.0, 20.0)
"""Seconds to wait for a connection, and for each next piece of a file."""

PIECE = 1 << 16
"""Bytes between two reports."""

STALE = 24 * 60 * 60
"""Seconds after which a part file belongs to a download that was killed."""

INSTEAD = "Set data.root to a folder that has the files, or open the offline preset glyphs"


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that lies on every mirror, compressed (as `name`.gz) or as it is."""

    name: str
    size: int
    "Bytes that are sent, within some thousand."
    sha256: str
    "Of what is sent; its first digits will do."
    compressed: bool = True

    @property
    def sent(self) -> str:
        """Its name on a mirror."""
        return f"{self.name}.gz" if self.compressed else self.name


class _WrongFile(Exception):
    """A mirror sent something else than the file."""


def download(
    files: Sequence[Remote], mirrors: Sequence[str], folder: Path, report: Report,
    timeout: tuple[float, float] = TIMEOUT, instead: str = INSTEAD,
    elsewhere: str = "set data.root to another folder",
) -> None:  # fmt: skip
    """Bring files into a folder, decompressed; InputError says what was tried and what to do.

    Files that arrived whole stay, should a later one fail. `report` may raise to cancel.

    Args:
        instead: what to do without a network.
        elsewhere: what to do where the folder takes no files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _remove_stale(folder)
            if problem := _fetch(file, mirrors, folder, report, timeout):
                raise InputError(f"{problem}. {instead}", str(folder / file.name))
    except OSError as error:
        full = error.errno in (ENOSPC, EDQUOT)
        why = "the disk is full; make room" if full else str(error.strerror or error)
        problem = f"no file can be written here: {why}, or {elsewhere}"
        raise InputError(problem, str(folder)) from None


def _fetch(
    file: Remote, mirrors: Sequence[str], folder: Path, report: Report, timeout: tuple[float, float]
) -> str:
    """Try one mirror after the other; what went wrong with each, or nothing."""
    tried = []
    for mirror in mirrors:
        url = f"{mirror}{file.sent}"
        with _part_file(folder / file.sent) as part:
            if problem := _transfer(file, url, part, report, timeout):
                tried.append(f"{url} ({problem})")
                continue
            if file.compressed:
                _decompress(part, folder / file.name)
            else:
                part.replace(folder / file.name)
            return ""
    return f"it could not be downloaded; tried {' and '.join(tried)}"


def _transfer(
    file: Remote, url: str, part: Path, report: Report, timeout: tuple[float, float]
) -> str:
    """Get one file from one mirror and verify it; what went wrong, or nothing."""
    import pooch
    import requests

    progress = _Progress(file, report)
    try:
        pooch.HTTPDownloader(progress, PIECE, timeout=timeout)(url, str(part), None)
        if not pooch.file_hash(str(part)).startswith(file.sha256):
            raise _WrongFile
    except _WrongFile:
        return "it sent another file: the checksum differs"
    except requests.HTTPError as error:
        return str(error).partition(" for url")[0]
    except requests.RequestException as error:
        if isinstance(error, requests.ConnectTimeout):
            return f"no answer within {timeout[0]:g} seconds"
        if "timed out" in str(error):  # while the body comes, requests has no class for it
            return f"it sent nothing for {timeout[1]:g} seconds"
        return (
            "the connection broke off"
            if progress.total or progress.done
            else "it cannot be reached"
        )
    return ""


class _Progress:
    """What pooch takes for a progress bar: tells the report, and stops a file without an end."""

    def __init__(self, file: Remote, report: Report) -> None:
        size = f"{file.size / 1e6:.0f} MB" if file.size > 1e6 else f"{file.size / 1e3:.0f} kB"
        self.what = f"Downloading {file.name.partition('-idx')[0]} ({size})"
        self.file, self.report = file, report
        self.total = self.done = 0
        report(self.what, 0.0)

    def update(self, count: int) -> None:
        """Some more bytes came."""
        self.done += count
        if self.done > self.file.size + 2 * PIECE:
            raise _WrongFile
        self.report(self.what, min(1.0, self.done / self.file.size))

    def reset(self) -> None:
        """All bytes came; pooch now gives their sum."""
        self.done = 0

    def close(self) -> None:
        """There is nothing to close."""


def _decompress(source: Path, target: Path) -> None:
    with _part_file(target) as part:
        with gzip.open(source) as compressed, part.open("wb") as whole:
            while piece := compressed.read(1 << 20):
                whole.write(piece)
        part.replace(target)


@contextmanager
def _part_file(target: Path) -> Iterator[Path]:
    """A file of this process's own beside the target, gone at the end unless it was renamed."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _remove_stale(folder: Path) -> None:
    for part in folder.glob("*.part"):
        if time.time() - part.stat().st_mtime > STALE:
            part.unlink(missing_ok=True)
