"""The characters of a text file: its packing, its encoding, its lines."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from io import TextIOWrapper

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables.guess_encoding import guess_encodings
from tuilab.core.files.tables.packing import Packing, open_packed, reading
from tuilab.core.files.tables.read_options import AUTO
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
    is_guessed: bool = False
    "Whether the encoding is an older one that nothing in the file says."

    @property
    def bare_encoding(self) -> str:
        """The encoding in the middle of the file, where there is no byte order mark."""
        return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(
            self.encoding, self.encoding
        )


@dataclass(frozen=True, slots=True)
class _Scan:
    """What a decoder found in a whole file."""

    size: int
    "Unpacked, in bytes."
    damage: int
    "The position of the first byte that it cannot decode, from 1; 0 if there is none."
    others: int
    "Characters outside ASCII before it, at least some of them."


@lru_cache(maxsize=16)
def find_encoding(
    file: FileState, packing: Packing, member: str, encoding: str = AUTO
) -> TextSource:
    """Reads a file to find its encoding and size; InputError if it is not such a text.

    Args:
        encoding: what a user says that it is.
    """
    with reading(file), open_packed(file, packing, member) as content:
        head = content.read(CHUNK_BYTES)
    likely = (_guess_wide(head) or "utf-8") if encoding == AUTO else check_encoding(encoding, head)
    source = TextSource(file, packing, member, likely)
    scan = _scan(source)
    source = replace(source, size=scan.size)
    if not scan.damage:
        return source
    if encoding != AUTO or likely != "utf-8" or scan.others >= MIN_UTF8_CHARACTERS:
        raise _describe_damage(source, scan.damage)
    guesses = (
        replace(source, encoding=name, is_guessed=True)
        for name in (*guess_encodings(head), "cp1252")
    )
    fitting = (guess for guess in guesses if not _scan(guess).damage)
    return next(fitting, replace(source, encoding="latin-1", is_guessed=True))


def check_encoding(name: str, head: bytes = b"") -> str:
    """Returns the name of a codec of Python for texts; InputError suggests one."""
    try:
        "a,1".encode(name)
        codecs.getincrementaldecoder(name)
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        from encodings.aliases import aliases

        known = sorted({each.replace("_", "-") for each in (*aliases, *aliases.values())})
        problem = with_suggestion(f'there is no encoding "{name}" of texts', name.lower(), known)
        raise InputError(problem, "data.encoding") from None
    return "utf-8-sig" if codec == "utf-8" and head.startswith(codecs.BOM_UTF8) else codec


def _scan(source: TextSource) -> _Scan:
    """Decodes a whole file; InputError if it unpacks to too much."""
    decoder = codecs.getincrementaldecoder(source.encoding)()
    size, damage, others = 0, 0, 0
    file, packing = source.file, source.packing
    with reading(file), open_packed(file, packing, source.member) as content:
        while chunk := content.read(CHUNK_BYTES):
            if not damage:
                try:
                    others += _count_others(decoder.decode(chunk))
                except UnicodeError as error:
                    start = getattr(error, "start", 0)
                    others += _count_others(chunk[:start].decode("utf-8", "ignore"))
                    damage = size + start + 1
            size += len(chunk)
            if packing and size > MAX_UNPACKED_BYTES:
                limit = format_bytes(MAX_UNPACKED_BYTES)
                raise InputError(
                    f"it unpacks to more than {limit}; use a part of it", str(file.path)
                )
    if not damage:
        try:
            decoder.decode(b"", final=True)
        except UnicodeError:
            damage = max(1, size)
    return _Scan(size, damage, others)


def _count_others(text: str) -> int:
    """Counts characters outside ASCII near the beginning of a text."""
    return 0 if text.isascii() else sum(not character.isascii() for character in text[:10_000])


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


def _describe_damage(source: TextSource, position: int) -> InputError:
    """Returns an error that names the first line and byte that are not in the encoding."""
    name, path = source.encoding.upper().replace("-SIG", ""), str(source.file.path)
    if name.startswith(("UTF-16", "UTF-32")):
        problem = f"it is damaged: not all of it is {name}; save it again, or set data.encoding"
        return InputError(problem, path)
    with reading(source.file), open_packed(source.file, source.packing, source.member) as content:
        before = content.read(position)
    number, byte = before.count(b"\n") + 1, len(before) - before.rfind(b"\n") - 1
    return InputError(
        f"line {number} is not {name}: byte {byte} is 0x{before[-1]:02x}; save it as UTF-8 "
        "(in Excel: CSV UTF-8), or set data.encoding",
        path,
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
