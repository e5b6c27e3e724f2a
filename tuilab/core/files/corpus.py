"""Texts to learn from: where they stand, what is in them, and which tokens they are made of."""

import re
import sysconfig
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log
from pathlib import Path

from tuilab.core.errors import InputError

LARGEST = 100_000_000
"""Bytes of a text; each becomes a number of eight bytes."""

BYTES = tuple(map(chr, range(256)))
"""The tokens of a text of bytes, in Latin-1: a token is one byte, whatever it stands for."""

PLAIN = ("\t", "\n", *map(chr, range(32, 127)))
"""The tokens of the standard library, alike on every machine: what a keyboard can type."""

MODULES = (
    "abc", "argparse", "ast", "base64", "bdb", "bisect", "calendar", "cmd", "code", "codecs",
    "codeop", "colorsys", "compileall", "configparser", "contextlib", "contextvars", "copy",
    "copyreg", "csv", "dataclasses", "decimal", "difflib", "dis", "doctest", "enum", "filecmp",
    "fileinput", "fnmatch", "genericpath", "getpass", "gettext", "glob", "graphlib", "gzip",
    "hashlib", "hmac", "imaplib", "inspect", "io", "ipaddress", "keyword", "linecache", "locale",
    "mailbox", "mimetypes", "modulefinder", "netrc", "numbers", "operator", "optparse", "pdb",
)  # fmt: skip
"""Modules of the standard library, one file each, in every version of Python that runs tuilab."""


COUNTED = 2_000_000
"""Tokens that are counted to know how frequent each is."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files that make up a text, each as it was when it was looked at."""

    files: tuple[Path, ...]
    stamps: tuple[tuple[int, int], ...]
    "When each was changed, in nanoseconds, and its bytes: another stamp, another text."
    most: int = LARGEST
    "Characters, or bytes, after which the text ends."
    is_plain: bool = False
    "Whether characters other than `PLAIN` are left out."


def file(path: str) -> Source:
    """A file of the user's; InputError says why it cannot be taken."""
    here = Path(path)
    try:
        here = here.expanduser()
        found = here.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = "there is no such file" if missing else f"it cannot be read: {error.strerror}"
        raise InputError(problem, str(here)) from None
    except (ValueError, RuntimeError):  # a zero byte in the name; a home that there is not
        raise InputError("no file can have this name", path) from None
    problem = ""
    if here.is_dir():
        problem = "it is a folder; name a file in it"
    elif not found.st_size:
        problem = "it is empty"
    elif found.st_size > LARGEST:
        megabytes = LARGEST // 1_000_000
        problem = f"it has {found.st_size / 1e6:,.0f} MB; take a part of at most {megabytes} MB"
    if problem:
        raise InputError(problem, str(here))
    return Source((here,), ((found.st_mtime_ns, found.st_size),))


@lru_cache(maxsize=8)
def library(most: int) -> Source:
    """The standard library of this Python up to so many characters."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = [folder / f"{name}.py" for name in MODULES]
    found = [(path, path.stat()) for path in files if path.is_file()]
    if not found:
        raise InputError(
            "this Python has no source of its library; take data.name = text", str(folder)
        )
    stamps = tuple((stat.st_mtime_ns, stat.st_size) for _, stat in found)
    return Source(tuple(path for path, _ in found), stamps, most, is_plain=True)


def text(source: Source) -> str:
    """The characters; InputError where a file is not UTF-8 or cannot be read."""
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
        if source.is_plain:
            parts[-1] = re.sub(r"[^\t\n -~]", "", parts[-1])
        length += len(parts[-1])
        if length >= source.most:
            break
    return "".join(parts)[: source.most]


def content(source: Source) -> bytes:
    """The bytes; InputError where a file cannot be read."""
    try:
        return b"".join(path.read_bytes() for path in source.files)[: source.most]
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(error.filename)) from None


def vocabulary(source: Source, in_bytes: bool = False) -> tuple[str, ...]:
    """Every token of a text by its number: its characters in order, or the 256 bytes."""
    if in_bytes:
        return BYTES
    return PLAIN if source.is_plain else _characters(source)


@lru_cache(maxsize=8)
def _characters(source: Source) -> tuple[str, ...]:
    return tuple(sorted(set(text(source))))


@lru_cache(maxsize=8)
def unigram(source: Source, in_bytes: bool = False) -> float:
    """The perplexity of guessing each token by how frequent it is: exp(entropy of the tokens)."""
    tokens = content(source)[:COUNTED] if in_bytes else text(source)[:COUNTED]
    shares = [count / len(tokens) for count in Counter(tokens).values()]
    return exp(-sum(share * log(share) for share in shares))
