"""Text for a terminal: what could steer it, or reorder what it shows, is written as an escape.

Titles, keys, classes, columns, file names and prose come from files, and files from others. All
text to a terminal goes through one of two doors: the streams of the command line
(`cli/streams.py`) and the lines of the lab (`ui/terminal/printable_lines.py`).
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

_CONTROLS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, delete, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these reorder the text after them
    "\u2028\u2029\ufff9-\ufffb"  # separators of lines and paragraphs; annotations
    "\ud800-\udfff"  # halves of a pair; file names that are not UTF-8 have them
)
CONTROL = re.compile(f"[{_CONTROLS}]")
"""A character that does not go to a terminal as it is."""

CONTROL_OR_BREAK = re.compile(f"[\t\n{_CONTROLS}]")
"""The same where text is one line."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def escape_controls(text: str) -> str:
    r"""Returns text of any number of lines as a terminal may get it.

    >>> escape_controls("a\x1b[2J\u202eb\udcff"), escape_controls("two\nlines")
    ('a\\x1b[2J\\u202eb\\xff', 'two\nlines')
    """
    return CONTROL.sub(_escape, text)


def escape_line(text: str) -> str:
    r"""Returns text as a part of one line: breaks and tabs are escaped as well.

    >>> escape_line("two\nlines")
    'two\\nlines'
    """
    return CONTROL_OR_BREAK.sub(_escape, text)


def escape_surrogates(text: str) -> str:
    r"""Returns text that can be encoded; a byte of a file name that is not UTF-8 becomes `\xff`."""
    return _SURROGATE.sub(_escape, text)


def unescape_surrogates(text: str) -> str:
    r"""Returns text with the bytes that `escape_surrogates` has written as `\xff`."""
    return re.sub(r"\\x([89a-f][0-9a-f])", lambda match: chr(0xDC00 + int(match[1], 16)), text)


def has_surrogates(text: str) -> bool:
    """Returns whether text holds bytes that are not UTF-8, as a file name or an argument can."""
    return bool(_SURROGATE.search(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in (9, 10):
        return "\\t" if code == 9 else "\\n"
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


# --- values in messages and in JSON -----------------------------------------------------------


def encode_json(value: Any, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
    """Returns a value as JSON that can be printed: it reads back as the same value.

    Only halves of surrogate pairs cannot be written in JSON; they are read back as an escape.
    """
    body = _encode(msgspec.json.encode, value, enc_hook)
    if body.isascii() and b"\x7f" not in body:
        return body
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", body.decode()).encode()


def encode_msgpack(value: Any) -> bytes:
    """Returns a value in MessagePack, halves of surrogate pairs as escapes."""
    return _encode(msgspec.msgpack.encode, value, None)


def _encode(
    encode: Callable[..., bytes], value: Any, enc_hook: Callable[[Any], Any] | None
) -> bytes:
    try:
        return encode(value, enc_hook=enc_hook)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(value, enc_hook=enc_hook)
        return encode(without_surrogates(plain))


def without_surrogates(value: Any) -> Any:
    """Returns dicts, lists and texts with every text as `escape_surrogates` returns it."""
    if isinstance(value, str):
        return escape_surrogates(value)
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    is_list = isinstance(value, (list, tuple))  # msgspec keeps a tuple as one
    return [without_surrogates(item) for item in value] if is_list else value
