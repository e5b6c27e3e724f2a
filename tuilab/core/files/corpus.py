"""Texts for language models: their files, their content and their vocabulary."""

import re
import sysconfig
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.files.typed_path import clean_path
from tuilab.core.format import format_bytes

MAX_FILE_BYTES = 100_000_000
"""Larger texts are refused, since each byte becomes a token of eight bytes."""

BYTE_TOKENS = tuple(map(chr, range(256)))
"""The vocabulary of texts of bytes: each byte as a character of Latin-1."""

ASCII_TOKENS = ("\t", "\n", *map(chr, range(32, 127)))
"""The vocabulary of the standard library, the same on every machine: printable ASCII."""

MODULES = (
    "abc", "argparse", "ast", "base64", "bdb", "bisect", "calendar", "cmd", "code", "codecs",
    "codeop", "colorsys", "compileall", "configparser", "contextlib", "contextvars", "copy",
    "copyreg", "csv", "dataclasses", "decimal", "difflib", "dis", "doctest", "enum", "filecmp",
    "fileinput", "fnmatch", "genericpath", "getpass", "gettext", "glob", "graphlib", "gzip",
    "hashlib", "hmac", "imaplib", "inspect", "io", "ipaddress", "keyword", "linecache", "locale",
    "mailbox", "mimetypes", "modulefinder", "netrc", "numbers", "operator", "optparse", "pdb",
)  # fmt: skip
"""Modules of the standard library with one file each, in every supported version of Python."""


MAX_COUNTED_TOKENS = 2_000_000
"""Tokens that are counted to find their frequencies."""


@dataclass(frozen=True, slots=True)
class TextSource:
    """The files of a text, with what shows whether they have changed."""

    files: tuple[Path, ...]
    stamps: tuple[tuple[int, int], ...]
    "Time of the last change in nanoseconds and size of each file."
    max_length: int = MAX_FILE_BYTES
    "Characters or bytes after which the text is cut."
    is_ascii: bool = False
    "Whether characters outside of `ASCII_TOKENS` are removed."


def open_text_file(path: str) -> TextSource:
    """Returns a file of the user as a text; InputError says why it cannot be used."""
    file = Path(clean_path(path))
    try:
        file = file.expanduser()
        stat = file.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = "there is no such file" if missing else f"it cannot be read: {error.strerror}"
        raise InputError(problem, str(file)) from None
    except (ValueError, RuntimeError):  # a zero byte in the name; an unknown home folder
        raise InputError("no file can have this name", path) from None
    problem = ""
    if file.is_dir():
        problem = "it is a folder; name a file in it"
    elif not stat.st_size:
        problem = "it is empty"
    elif stat.st_size > MAX_FILE_BYTES:
        limit = format_bytes(MAX_FILE_BYTES)
        problem = f"it has {format_bytes(stat.st_size)}; use a part of it of at most {limit}"
    if problem:
        raise InputError(problem, str(file))
    return TextSource((file,), ((stat.st_mtime_ns, stat.st_size),))


@lru_cache(maxsize=8)
def open_standard_library(max_length: int) -> TextSource:
    """Returns the first characters of the source code of Python's standard library."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = [folder / f"{name}.py" for name in MODULES]
    files = [path for path in files if path.is_file()]
    if not files:
        problem = "this Python has no source code of its library; use data.name = text"
        raise InputError(problem, str(folder))
    stats = [path.stat() for path in files]
    stamps = tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)
    return TextSource(tuple(files), stamps, max_length, is_ascii=True)


def read_text(source: TextSource) -> str:
    """Returns the characters of a text; InputError if a file is not UTF-8 or cannot be read."""
    parts: list[str] = []
    length = 0
    for path in source.files:
        try:
            parts.append(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"byte {error.start} is not UTF-8; save it as UTF-8, or set data.tokens to bytes",
                str(path),
            ) from None
        except OSError as error:
            raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
        if source.is_ascii:
            parts[-1] = re.sub(r"[^\t\n -~]", "", parts[-1])
        length += len(parts[-1])
        if length >= source.max_length:
            break
    return "".join(parts)[: source.max_length]


def read_bytes(source: TextSource) -> bytes:
    """Returns the bytes of a text; InputError if a file cannot be read."""
    try:
        return b"".join(path.read_bytes() for path in source.files)[: source.max_length]
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(error.filename)) from None


def build_vocabulary(source: TextSource, in_bytes: bool = False) -> tuple[str, ...]:
    """Returns the tokens of a text by their number: its characters in order, or all 256 bytes."""
    if in_bytes:
        return BYTE_TOKENS
    return ASCII_TOKENS if source.is_ascii else _find_characters(source)


@lru_cache(maxsize=8)
def _find_characters(source: TextSource) -> tuple[str, ...]:
    return tuple(sorted(set(read_text(source))))


@lru_cache(maxsize=8)
def unigram_perplexity(source: TextSource, in_bytes: bool = False) -> float:
    """Returns the perplexity of the unigram model: exp(entropy of the token frequencies)."""
    text = read_bytes(source) if in_bytes else read_text(source)
    tokens = text[:MAX_COUNTED_TOKENS]
    shares = [count / len(tokens) for count in Counter(tokens).values()]
    return exp(-sum(share * log(share) for share in shares))
