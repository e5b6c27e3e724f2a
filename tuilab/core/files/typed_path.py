"""Paths as people type and paste them: in quotes, with backslashes, as `file://` addresses."""

import os
import shlex
from urllib.parse import unquote, urlsplit

from tuilab.core.printable import unescape_surrogates


def clean_path(text: str) -> str:
    """Returns a path as the file system takes it, from one that a terminal or a browser wrote.

    A path that exists as it is written stays so: quotes and backslashes are allowed in names.

    >>> clean_path("'/tmp/my houses.csv' ")
    '/tmp/my houses.csv'
    >>> clean_path("file:///tmp/my%20houses.csv")
    '/tmp/my houses.csv'
    """
    if _exists(text):
        return text
    text = text.strip()
    if _exists(text):
        return text
    if "\\x" in text and _exists(name := unescape_surrogates(text)):  # as tuilab writes it
        return name
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    if is_quoted or "\\" in text or "'" in text:
        text = _unquote_shell(text)
    if text.lower().startswith("file:"):
        address = urlsplit(text)
        if address.netloc in ("", "localhost"):
            return unquote(address.path)
    return text


def _unquote_shell(text: str) -> str:
    """Returns the one word that a shell reads; the text itself where it is none or several."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that is not closed, as in `bob's.csv`
        return text
    return words[0] if len(words) == 1 else text


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(os.path.expanduser(text))
    except ValueError:  # a zero byte
        return False
