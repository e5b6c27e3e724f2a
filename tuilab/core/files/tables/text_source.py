"""The characters of a text file: its packing, its encoding, its lines."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import TextIOWrapper

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables.legacy_encoding import guess_legacy
from tuilab.core.files.tables.packing import Packing, open_packed, reading
from tuilab.core.format import format_bytes

CHUNK_BYTES = 1 << 20

MAX_UNPACKED_BYTES = 1_000_000_000
"""A small file can unpack to a huge one, by mistake or by design."""

MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks."""

MIN_UTF8_CHARACTERS = 3
"""After this many valid characters outside ASCII, a wrong byte is damage and not Latin-1."""

NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text file, packed or not, with its encoding."""

    file: FileState
    packing: Packing = ""
    member: str = ""
    encoding: str = "utf-8"
    size: int = 0
    "Unpacked, in bytes."

    @property
    def bare_encoding(self) -> str:
        """The encoding in the middle of the file, where there is no byte order mark."""
        return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(
            self.encoding, self.encoding
        )


@lru_cache(maxsize=16)
def find_encoding(file: FileState, packing: Packing, member: str) -> TextSource:
    """Reads a file once to find its encoding and size; InputError if it is no text."""
    size, damage = 0, 0
    encoding = ""
    with reading(file), open_packed(file, packing, member) as source:
        chunk = source.read(CHUNK_BYTES)
        encoding = _guess_wide(chunk)
        decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
        others = 0
        while chunk:
            if not damage:
                try:
                    text = decoder.decode(chunk)
                    others += 0 if text.isascii() else sum(not c.isascii() for c in text[:10_000])
                except UnicodeDecodeError as error:
                    others += _count_characters(error.object[: error.start])
                    damage = size + error.start + 1
            size += len(chunk)
            if packing and size > MAX_UNPACKED_BYTES:
                limit = format_bytes(MAX_UNPACKED_BYTES)
                raise InputError(
                    f"it unpacks to more than {limit}; use a part of it", str(file.path)
                )
            chunk = source.read(CHUNK_BYTES)
        if not damage:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                damage = size
    plain = TextSource(file, packing, member, encoding or "utf-8", size)
    if not damage:
        return plain
    if encoding or others >= MIN_UTF8_CHARACTERS:
        raise _describe_damage(plain)
    with reading(file), open_packed(file, packing, member) as source:
        guess = guess_legacy(source.read(CHUNK_BYTES))
    fitting = (name for name in (guess, "cp1252") if name and _can_decode(plain, name))
    return TextSource(file, packing, member, next(fitting, "latin-1"), size)


def _guess_wide(head: bytes) -> str:
    """Returns the encoding that a byte order mark or the zero bytes of plain text show."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    sample = head[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) >= 4 and max(even, odd) > 0.3 * len(sample) / 2 > 3 * min(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def _count_characters(valid: bytes) -> int:
    return sum(not character.isascii() for character in valid.decode("utf-8", "ignore"))


def _can_decode(source: TextSource, encoding: str) -> bool:
    """Returns whether all bytes have a meaning in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open_packed(source.file, source.packing, source.member) as content:
            while chunk := content.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _describe_damage(source: TextSource) -> InputError:
    """Returns an error that names the first line and byte that are not in the encoding."""
    if not source.encoding.startswith("utf-8"):
        problem = f"it is damaged: not all of it is {source.encoding.upper()}; save it again"
        return InputError(problem, str(source.file.path))
    number, byte, value = 1, 0, 0
    with reading(source.file), open_packed(source.file, source.packing, source.member) as content:
        for number, line in enumerate(content, 1):  # noqa: B007
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte, value = error.start + 1, line[error.start]
                break
    return InputError(
        f"line {number} is not UTF-8: byte {byte} is 0x{value:02x}; save it as UTF-8 "
        "(in Excel: CSV UTF-8)",
        str(source.file.path),
        f"line {number}",
    )


def read_lines(source: TextSource) -> Iterator[str]:
    """Yields the lines of a text with their ends, whichever they are; InputError if it is none."""
    try:
        with (
            reading(source.file),
            open_packed(source.file, source.packing, source.member) as content,
            TextIOWrapper(content, encoding=source.encoding, newline="") as text,
        ):
            yield from text
    except UnicodeError as error:
        problem = f"it is not {source.encoding.upper()}: it was changed while it was read ({error})"
        raise InputError(problem, str(source.file.path)) from None


def read_all(source: TextSource) -> str:
    """Returns a whole text."""
    return "".join(read_lines(source))


def read_block(source: TextSource, start: int, size: int) -> list[str]:
    """Returns the complete lines of a part of a text."""
    with reading(source.file), open_packed(source.file, source.packing, source.member) as content:
        content.seek(start // 4 * 4)
        raw = content.read(size)
    return NEWLINE.split(raw.decode(source.bare_encoding, "ignore"))[1:-1]
