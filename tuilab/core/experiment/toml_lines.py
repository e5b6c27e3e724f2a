"""In which line of a TOML text a key stands, so that an error can point to it."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\],\n]|[^\s\[\],#"\']+',
    re.DOTALL,
)


def line_of(text: str, key: str) -> int:
    """The line of a key such as `optimizer.lr` or `network[3]`; 0 if it is not to be found.

    Where the key itself is not written out, it is the line of the table that should hold it.
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
        written = bare.partition("=")[0].strip().replace('"', "").replace("'", "")
        here = f"{section}.{written}" if section else written
        if here == name:
            return _element(text, number, [int(index) for index in indices if index.isdigit()])
        if name.startswith(f"{here}.") and written:
            nearest = number
    return nearest


def _element(text: str, first: int, wanted: list[int]) -> int:
    """The line of an element of the array that begins in line `first`."""
    start = "\n".join(text.splitlines()[first - 1 :]).partition("=")[2]
    for path, number in _elements(start):
        if path == wanted:
            return first + number
    return first


def _elements(array: str) -> Iterator[tuple[list[int], int]]:
    """Every element of a TOML array: its indices and the line, counted from the first."""
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
