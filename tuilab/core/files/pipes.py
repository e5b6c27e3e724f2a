"""Experiments and tables that come through a pipe: `-`, `/dev/stdin` and `<(command)`.

A pipe can be read once, and a run has to find its data again: what comes through is kept in a file.
"""

import hashlib
import os
import stat
import sys
import tomllib
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.text_encoding import decode_text
from tuilab.core.format import format_bytes

MAX_BYTES = 2_000_000_000
"""The maximum size of what is read from a pipe."""

SIGNATURES = ((b"PAR1", ".parquet"), (b"\x1f\x8b", ".csv.gz"))
"""The first bytes of binary formats."""

_files: dict[str, Path] = {}
"""The files of pipes that were already read."""


def is_pipe(name: str) -> bool:
    """Returns whether a name is the standard input, or a pipe that a shell has opened."""
    if name == "-":
        return True
    try:
        mode = os.stat(name).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or name in ("/dev/stdin", "/dev/fd/0")


def keep_piped(name: str) -> Path:
    """Returns the file that holds what came through a pipe, which is read the first time.

    Raises:
        InputError: nothing comes, or too much.
    """
    if name not in _files:
        _files[name] = _write(_read(name), name)
    return _files[name]


def is_kept(path: Path) -> bool:
    """Returns whether a file holds what came through a pipe."""
    return path.parent == _folder()


def _folder() -> Path:
    return paths.data_dir() / "piped"


def _read(name: str) -> bytes:
    is_standard = name in ("-", "/dev/stdin", "/dev/fd/0")
    if is_standard and sys.stdin.isatty():
        raise InputError("nothing is piped in; write, for example: cat mine.csv | tuilab -", name)
    try:
        with open(
            sys.stdin.fileno() if is_standard else name, "rb", closefd=not is_standard
        ) as pipe:
            content = pipe.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", name) from None
    if not content.strip():
        raise InputError("nothing came through the pipe", name)
    if len(content) > MAX_BYTES:
        problem = f"more than {format_bytes(MAX_BYTES)} came through the pipe; save it as a file"
        raise InputError(problem, name)
    return content


def _write(content: bytes, name: str) -> Path:
    digest = hashlib.sha256(content).hexdigest()[:16]
    path = _folder() / f"{digest}{_find_suffix(content)}"
    try:
        if not path.exists():
            write_atomically(path, content)
    except OSError as error:
        problem = f"what came through the pipe cannot be kept in {path}: {error.strerror}"
        raise InputError(problem, name) from None
    return path


def _find_suffix(content: bytes) -> str:
    """Returns the suffix of the file that the content would be."""
    for signature, suffix in SIGNATURES:
        if content.startswith(signature):
            return suffix
    if content.startswith(b"PK"):
        return ".xlsx" if b"xl/" in content[:4000] else ".npz"
    try:
        tables = tomllib.loads(decode_text(content))
    except (ValueError, RecursionError):
        return ".csv"
    return ".toml" if tables else ".csv"
