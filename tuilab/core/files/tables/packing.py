"""Files that are packed: gzip, bzip2, xz and ZIP archives of one file."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Literal, cast

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import FileState

Packing = Literal["", "gzip", "bzip2", "xz", "zip"]


@contextmanager
def open_packed(file: FileState, packing: Packing, member: str = "") -> Iterator[IO[bytes]]:
    """Opens the content of a file; it can be sought, slowly where it is packed.

    Args:
        member: of a ZIP archive, the file in it.
    """
    if packing == "zip":
        with zipfile.ZipFile(file.path) as archive, archive.open(member) as source:
            yield source
        return
    with _OPENERS[packing](str(file.path), "rb") as source:
        yield cast(IO[bytes], source)


_OPENERS: dict[str, Callable[..., Any]] = {
    "": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open,
}  # fmt: skip


@contextmanager
def reading(file: FileState) -> Iterator[None]:
    """Turns what can go wrong with a file, packed or not, into an InputError."""
    try:
        yield
    except InputError:
        raise
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, zipfile.BadZipFile) as error:
        problem = f"it cannot be unpacked ({error or 'it is cut off'}); download it again"
        raise InputError(problem, str(file.path)) from None
    except (RuntimeError, NotImplementedError, KeyError, ValueError) as error:
        if isinstance(error, UnicodeError):
            raise
        raise InputError(f"it cannot be unpacked ({error})", str(file.path)) from None
    except OSError as error:
        problem = f"it cannot be read: {error.strerror or error}"
        raise InputError(problem, str(file.path)) from None
