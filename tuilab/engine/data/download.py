"""Downloads: a file arrives complete and verified, or not at all."""

import gzip
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.format import format_bytes, format_duration
from tuilab.engine.data.dataset import ProgressCallback

TIMEOUT = (5.0, 20.0)
"""Seconds to wait for a connection, and for each next chunk of a file."""

CHUNK_SIZE = 1 << 16
"""Bytes between two progress reports."""

STALE_SECONDS = 24 * 60 * 60
"""The age from which a part file must belong to a download that was killed."""

INSTEAD = "Set data.root to a folder with the files, or open the offline preset glyphs"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that every mirror has, compressed (as `name`.gz) or uncompressed."""

    name: str
    size: int
    "The size of the download in bytes, within a few thousand."
    sha256: str
    "The checksum of the download, or its first digits."
    is_compressed: bool = True

    @property
    def remote_name(self) -> str:
        """Its name on a mirror."""
        return f"{self.name}.gz" if self.is_compressed else self.name


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """The files of a published image data set: where they are, here and on the network."""

    title: str
    folder: str
    files: tuple[RemoteFile, ...]
    "For IDX files: training images and labels, test images and labels."
    mirrors: tuple[str, ...]


class _WrongFile(Exception):
    """A mirror sent something other than the file."""


def download(
    files: Sequence[RemoteFile], mirrors: Sequence[str], folder: Path, report: ProgressCallback,
    timeout: tuple[float, float] = TIMEOUT, instead: str = INSTEAD,
    elsewhere: str = "set data.root to another folder",
) -> None:  # fmt: skip
    """Downloads files into a folder and decompresses them.

    Complete files stay if a later one fails. `report` may raise to cancel.

    Args:
        instead: the advice if there is no network.
        elsewhere: the advice if no files can be written to the folder.

    Raises:
        InputError: which mirrors were tried, and what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _remove_stale(folder)
            if problem := _fetch(file, mirrors, folder, report, timeout):
                raise InputError(f"{problem}. {instead}", str(folder / file.name))
    except OSError as error:
        is_full = error.errno in (ENOSPC, EDQUOT)
        reason = "the disk is full; free some space" if is_full else str(error.strerror or error)
        problem = f"no file can be written here: {reason}, or {elsewhere}"
        raise InputError(problem, str(folder)) from None


def _fetch(
    file: RemoteFile, mirrors: Sequence[str], folder: Path, report: ProgressCallback,
    timeout: tuple[float, float],
) -> str:  # fmt: skip
    """Tries one mirror after the other; returns what failed with each, or an empty string."""
    failures = []
    for mirror in mirrors:
        url = f"{mirror}{file.remote_name}"
        with part_file(folder / file.remote_name) as part:
            if problem := _transfer(file, url, part, report, timeout):
                failures.append(f"{url} ({problem})")
                continue
            if file.is_compressed:
                _decompress(part, folder / file.name)
            else:
                part.replace(folder / file.name)
            return ""
    return f"it could not be downloaded; tried {' and '.join(failures)}"


def _transfer(
    file: RemoteFile, url: str, part: Path, report: ProgressCallback, timeout: tuple[float, float]
) -> str:
    """Downloads and verifies one file from one mirror; returns what failed, or an empty string."""
    import pooch
    import requests

    progress = _Progress(file, report)
    try:
        pooch.HTTPDownloader(progress, CHUNK_SIZE, timeout=timeout)(url, str(part), None)
        if not pooch.file_hash(str(part)).startswith(file.sha256):
            raise _WrongFile
    except _WrongFile:
        return "it sent another file: the checksum differs"
    except requests.HTTPError as error:
        return str(error).partition(" for url")[0]
    except requests.RequestException as error:
        if isinstance(error, requests.ConnectTimeout):
            return f"no answer within {format_duration(timeout[0])}"
        if "timed out" in str(error):  # during the body, requests has no class for it
            return f"it sent nothing for {format_duration(timeout[1])}"
        has_begun = progress.total or progress.done
        return "the connection was lost" if has_begun else "it cannot be reached"
    return ""


class _Progress:
    """The progress bar for pooch: reports, and stops a file that is too long."""

    def __init__(self, file: RemoteFile, report: ProgressCallback) -> None:
        name = file.name.partition("-idx")[0]
        self.activity = f"Downloading {name} ({format_bytes(file.size)})"
        self.file, self.report = file, report
        self.total = self.done = 0
        report(self.activity, 0.0)

    def update(self, count: int) -> None:
        """Counts bytes that arrived."""
        self.done += count
        if self.done > self.file.size + 2 * CHUNK_SIZE:
            raise _WrongFile
        self.report(self.activity, min(1.0, self.done / self.file.size))

    def reset(self) -> None:
        """Prepares for the total, which pooch passes to `update` at the end."""
        self.done = 0

    def close(self) -> None:
        """Does nothing, for pooch's protocol."""


def _decompress(source: Path, target: Path) -> None:
    with part_file(target) as part:
        with gzip.open(source) as compressed, part.open("wb") as plain:
            shutil.copyfileobj(compressed, plain, 1 << 20)
        part.replace(target)


@contextmanager
def part_file(target: Path) -> Iterator[Path]:
    """Yields a path of this process beside the target; the file is removed unless renamed."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _remove_stale(folder: Path) -> None:
    for part in folder.glob("*.part"):
        if time.time() - part.stat().st_mtime > STALE_SECONDS:
            part.unlink(missing_ok=True)
