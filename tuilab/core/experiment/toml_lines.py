"""Line numbers of keys in a TOML text, for error messages."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\],\n]|[^\s\[\],#"\']+',
    re.DOTALL,
)


def find_line(text: str, key: str) -> int:
    """Returns the line of a key such as `optimizer.lr` or `network[3]`; 0 if there is none.

    For a key that is not written, this is the line of the table to which it belongs.
    """
    name, *indices = re.split(r"[\[\]]+", key.rstrip("]"))
    section = ""
    nearest = 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            section = bare.partition("#")[0].strip("[] \t")
            if section == name or name.startswith(f"{section}."):
                nearest = number
            continue
        key_text = bare.partition("=")[0].strip().replace('"', "").replace("'", "")
        here = f"{section}.{key_text}" if section else key_text
        if here == name:
            return _find_element(text, number, [int(index) for index in indices if index.isdigit()])
        if name.startswith(f"{here}.") and key_text:
            nearest = number
    return nearest


def _find_element(text: str, first: int, indices: list[int]) -> int:
    """Returns the line of an element of the array that begins in line `first`."""
    start = "\n".join(text.splitlines()[first - 1 :]).partition("=")[2]
    for path, number in _iter_elements(start):
        if path == indices:
            return first + number
    return first


def _iter_elements(array: str) -> Iterator[tuple[list[int], int]]:
    """Yields every element of a TOML array: its indices and its line, relative to the first."""
    path: list[int] = []
    number = 0
    for token in _TOKEN.findall(array):
        if token == "[":
            if path:
                yield list(path), number
            path.append(0)
        elif token == "]":
            path.pop()
            if not path:
                return
        elif token == ",":
            path[-1] += 1
        elif not path and token != "\n":
            return
        elif token != "\n" and not token.startswith("#"):
            yield list(path), number
        number += token.count("\n")
