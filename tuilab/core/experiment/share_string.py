"""An experiment as a short string, such as `tl1.jJeH7RsNG5xhAwA`: to send, to paste, to note down.

The string holds what a file would hold: the keys that are not the default, as JSON. Deflate
shortens it with a list of words that never changes, in `presets/share/`. The shipped experiments of
that time are among them, so a string is about as long as its difference from the nearest one, and
needs none of them to be read. Other words need another list and another number in front; every list
stays.
"""

import base64
import hashlib
import os
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    Experiment,
    experiment_from_dict,
    experiment_to_dict,
)
from tuilab.core.experiment.file_paths import iter_path_keys
from tuilab.core.experiment.merge_toml import merge_toml, remove_defaults
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.format import format_bytes, format_counted

VERSION = 1
"""The number in front of new strings: of the format, and of the list of words."""

CHECKSUM_BYTES = 4

MAX_TEXT_BYTES = 64 * 1024
"""The maximum size of an experiment in a string; one of a few layers has some hundred bytes."""

MAX_CHARACTERS = 2 * MAX_TEXT_BYTES
"""A longer text is not read; no shell and no chat program would take it in one line anyway."""

SHIPPED_FOLDERS = ("data", "weights")
"""Folders of `presets/` whose files every installation has, by their bare names."""

LEFT_OUT = (("data", "root"),)
"""Paths that say only where this machine has what any other can download."""

_PREFIX = re.compile(r"tl(\d{1,4})\.", re.IGNORECASE)
_ADDED = re.compile("[\\s\u200b-\u200d\u2060\ufeff]")
"""What mail and chat programs put between the characters of a long word."""

_AROUND = "\"'`<>()[],;"
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")
_AGAIN = "copy it again, all of it, or ask for a new one (`tuilab share` prints it)"


def encode(experiment: Experiment) -> str:
    """Returns the string of an experiment.

    Raises:
        InputError: it needs a file of the user, or is too large.
    """
    experiment = _name_shipped_files(experiment)
    tables = remove_defaults(experiment_to_dict(experiment), experiment)
    text = msgspec.json.encode(tables)
    if len(text) > MAX_TEXT_BYTES:
        problem = f"it has {format_bytes(len(text))}, too much for a string; share its file"
        raise InputError(problem)
    compressor = zlib.compressobj(
        9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_DEFAULT_STRATEGY, _read_words(VERSION)
    )
    body = compressor.compress(text) + compressor.flush()
    content = base64.urlsafe_b64encode(_checksum(VERSION, body) + body).decode().rstrip("=")
    string = f"tl{VERSION}.{content}"
    if decode(string) != experiment:  # such as a number that JSON does not know
        raise InputError("a value in it cannot be written in a string; share its file")
    return string


def decode(text: str) -> Experiment:
    """Returns the experiment of a string; nothing of it is executed, no file of the user is read.

    Raises:
        InputError: it is damaged, cut off, of another version, or holds what no experiment is.
    """
    string = _clean(text)
    where = f"{string[:16]}…" if len(string) > 17 else string
    try:
        return _decode(string)
    except InputError as error:
        raise error.within(where) from None


def _decode(string: str) -> Experiment:
    match = _PREFIX.match(string)
    if match is None:
        raise InputError("a shared experiment begins with tl1 and a dot")
    version = int(match[1])
    words = _read_words(version)
    if not words:
        raise InputError(
            f"it was made by another version of tuilab: its format is {version}, and this version "
            f"reads up to {VERSION}; update tuilab, or ask for the file"
        )
    body = _unpack(string[match.end() :], version)
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS, words)
    try:
        content = decompressor.decompress(body, MAX_TEXT_BYTES + 1)
    except zlib.error:
        raise InputError(f"it is damaged; {_AGAIN}") from None
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(f"it holds more than {format_bytes(MAX_TEXT_BYTES)}; ask for the file")
    if not decompressor.eof:
        raise InputError(f"it is damaged; {_AGAIN}")
    return _build(content)


def _unpack(characters: str, version: int) -> bytes:
    """Returns the compressed bytes behind a prefix, once their checksum is found to be right."""
    size = len(characters)
    if size > MAX_CHARACTERS:
        raise InputError(f"it is too long: {format_counted(size, 'character')}; ask for the file")
    content = b""
    if _ALPHABET.fullmatch(characters) and size % 4 != 1:
        content = base64.urlsafe_b64decode(characters + "=" * (-size % 4))
    is_whole = base64.urlsafe_b64encode(content).decode().rstrip("=") == characters
    checksum, body = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
    if not is_whole or not body or checksum != _checksum(version, body):
        count = format_counted(size, "character")
        raise InputError(f"it is damaged or cut off ({count} after the dot); {_AGAIN}")
    return body


def _build(content: bytes) -> Experiment:
    try:
        tables: Any = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        tables = None
    if not isinstance(tables, dict):
        raise InputError("it does not hold an experiment")
    experiment = experiment_from_dict(tables)
    if _name_shipped_files(experiment) != experiment:
        raise InputError("it names a folder of another machine; ask for a new one")
    return experiment


def _checksum(version: int, body: bytes) -> bytes:
    return hashlib.blake2b(b"tl%d." % version + body, digest_size=CHECKSUM_BYTES).digest()


@cache
def _read_words(version: int) -> bytes:
    """Returns the words that a format has in common with every string; empty if it is unknown."""
    path = paths.presets_dir() / "share" / f"words-{version}.txt"
    return path.read_bytes() if path.is_file() else b""


def _name_shipped_files(experiment: Experiment) -> Experiment:
    """Returns the experiment with shipped files by their bare names, and without `LEFT_OUT`.

    Raises:
        InputError: it needs another file, which only this machine has.
    """
    for section, name in iter_path_keys(experiment):
        part = getattr(experiment, section)
        value = getattr(part, name)
        portable = "" if (section, name) in LEFT_OUT else _find_shipped(value)
        if portable is None:
            raise InputError(
                f"it needs {value}, which a string cannot hold; save the experiment (ctrl+s in the "
                "lab) and share its file together with that one",
                f"{section}.{name}",
            )
        if portable != value:
            experiment = replace(experiment, **{section: replace(part, **{name: portable})})
    return experiment


def _find_shipped(value: str) -> str | None:
    """Returns the bare name of a shipped file; None if it is not one."""
    if not value.strip():
        return value
    for folder in (paths.presets_dir() / name for name in SHIPPED_FOLDERS):
        name = os.path.basename(value)
        if value in (name, str(folder / name)) and (folder / name).is_file():
            return name
    return None


# --- strings in the place of files --------------------------------------------------------------


def is_share_string(text: str) -> bool:
    """Returns whether a text is meant as a string, damaged or not, and not as a file."""
    string = _clean(text)
    match = _PREFIX.match(string)
    if match is None or os.sep in string or os.path.lexists(text):
        return False
    rest = string[match.end() :]
    return bool(rest) and (len(rest) > 8 or not rest.isalpha())


def keep_shared(text: str) -> Path:
    """Returns a file of the user that holds the experiment of a string; InputError if it is bad."""
    experiment, string = decode(text), _clean(text)
    digest = hashlib.sha256(string.encode()).hexdigest()[:8]
    words = experiment.title or experiment.data.title
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:32].rstrip("-")
    path = _folder() / f"{slug or 'experiment'}-{digest}.toml"
    if not path.exists():
        try:
            write_atomically(path, f"# Shared as {string}\n\n{merge_toml(experiment)}".encode())
        except OSError as error:
            raise InputError(f"it cannot be kept: {error.strerror}", str(path)) from None
    return path


def is_kept(path: Path) -> bool:
    """Returns whether a file holds an experiment that came as a string."""
    return path.parent == _folder()


def _folder() -> Path:
    return paths.data_dir() / "shared"


def _clean(text: str) -> str:
    """Returns a string without what was added on its way, such as line breaks and quotes."""
    return _ADDED.sub("", text[: 2 * MAX_CHARACTERS]).strip(_AROUND)
