"""Tables as NumPy arrays in an NPZ archive, looked at without NumPy: headers, and the answers.

An archive holds `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`, or arrays of other
names, of which the target is named.
"""

import ast
import sys
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from tuilab.core.errors import InputError, nearest
from tuilab.core.files.file_state import Found

INPUTS = ("x_train", "x", "inputs", "features", "data", "images")
ANSWERS = ("y_train", "y", "targets", "target", "labels", "label")
"""Names, in small letters, by which arrays are known; the first that is there counts."""

LARGEST_HEADER = 1 << 16

MOST_ANSWERS = 16_000_000
"""Bytes of answers that are looked at."""

CODES = {
    "b1": "B", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q",
    "u8": "Q", "f4": "f", "f8": "d",
}  # fmt: skip
"""NumPy's kinds of numbers as those of the module array."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an array says of itself before its numbers."""

    name: str
    kind: str
    "As NumPy writes it, without the order of bytes: `f8`, `u1`, `U10`."
    is_swapped: bool
    shape: tuple[int, ...]
    at: int
    "Bytes before the numbers."


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays that are used, by name."""

    inputs: Header
    answers: Header
    test_inputs: Header | None = None
    test_answers: Header | None = None


def arrays(file: Found, target: str) -> Arrays:
    """Find inputs and answers in an archive; InputError names what is missing or unfit."""
    found = {header.name: header for header in _headers(file)}
    if not found:
        raise InputError("it holds no arrays", str(file.path))
    answers = _answers(found, target, str(file.path))
    inputs = _inputs(found, answers, str(file.path))
    tests = [
        found.get(header.name.replace("train", "test")) if "train" in header.name else None
        for header in (inputs, answers)
    ]
    chosen = Arrays(inputs, answers, *(tests if all(tests) else ()))
    for x, y in ((inputs, answers), (chosen.test_inputs, chosen.test_answers)):
        if x is not None and y is not None:
            _check(x, y, str(file.path))
    return chosen


def _answers(found: dict[str, Header], target: str, where: str) -> Header:
    if target:
        if target in found:
            return found[target]
        problem = f'there is no array "{target}"; {nearest(target, found)}'.rstrip("; ")
        raise InputError(problem, "data.target", where)
    named = [header for name in ANSWERS for header in found.values() if header.name.lower() == name]
    if named:
        return named[0]
    raise InputError(
        f"none of its arrays is called y: {', '.join(found)}; set data.target to one of them", where
    )


def _inputs(found: dict[str, Header], answers: Header, where: str) -> Header:
    others = [header for header in found.values() if header != answers]
    named = [header for name in INPUTS for header in others if header.name.lower() == name]
    if named or len(others) == 1:
        return (named or others)[0]
    raise InputError(f"it needs one array of inputs, called x; it has {', '.join(found)}", where)


def _check(inputs: Header, answers: Header, where: str) -> None:
    problem = ""
    for header in (inputs, answers):
        if header.kind.startswith("O"):
            problem = (
                f"{header.name} holds Python objects, which are code to be run; save it as numbers"
            )
        elif header.kind not in CODES and header.kind != "f2" and header.kind[0] not in "US":
            problem = f"{header.name} holds {header.kind}, which are no numbers"
        if problem:
            raise InputError(problem, where)
    if inputs.kind[0] in "US":
        problem = f"{inputs.name} holds text; inputs are numbers"
    elif len(inputs.shape) < 2:
        problem = f"{inputs.name} is {list(inputs.shape)}; it needs a row for each example"
    elif not answers.shape or answers.shape[1:] not in ((), (1,)):
        problem = f"{answers.name} is {list(answers.shape)}; it needs one answer for each example"
    elif inputs.shape[0] != answers.shape[0]:
        problem = f"{inputs.shape[0]:,} rows of {inputs.name}, {answers.shape[0]:,} {answers.name}"
    elif 0 in inputs.shape:
        problem = f"{inputs.name} is {list(inputs.shape)}: there is nothing in it"
    if problem:
        raise InputError(problem, where)


def values(file: Found, header: Header) -> Sequence[str | float]:
    """The answers, or as many of them as are looked at."""
    with _opened(file) as archive, archive.open(f"{header.name}.npy") as member:
        member.read(header.at)
        size = int(header.kind[1:]) * (4 if header.kind[0] == "U" else 1)
        raw = member.read(MOST_ANSWERS // size * size)
    if header.kind == "f2":
        raise InputError(f"{header.name} holds numbers of two bytes; save 4 or 8", str(file.path))
    if header.kind[0] in "US":
        cells = (raw[at : at + size] for at in range(0, len(raw), size))
        coding = "utf-8" if header.kind[0] == "S" else f"utf-32-{_order(header.is_swapped)}"
        return [cell.decode(coding, "replace").rstrip("\0") for cell in cells]
    numbers = array(CODES[header.kind])
    numbers.frombytes(raw[: len(raw) // size * size])
    if header.is_swapped:
        numbers.byteswap()
    return [float(each) for each in set(numbers)]


def _order(is_swapped: bool) -> str:
    return "be" if is_swapped == (sys.byteorder == "little") else "le"


def _headers(file: Found) -> Iterator[Header]:
    with _opened(file) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as member:
                    yield _header(name.removesuffix(".npy"), member)


def _header(name: str, member: IO[bytes]) -> Header:
    """Read what stands before the numbers; a literal, and nothing that is run."""
    start = member.read(8)
    if start[:6] != b"\x93NUMPY":
        raise ValueError(f"{name} is no array")
    wide = 2 if start[6] == 1 else 4
    length = int.from_bytes(member.read(wide), "little")
    if length > LARGEST_HEADER:
        raise ValueError(f"{name} has a header of {length:,} bytes")
    told: Any = ast.literal_eval(member.read(length).decode("utf-8"))
    kind, shape = told["descr"], told["shape"]
    if not isinstance(kind, str):
        return Header(name, "records", False, (), 0)
    is_swapped = kind[:1] == (">" if sys.byteorder == "little" else "<")
    sizes = tuple(int(size) for size in shape)
    return Header(name, kind.lstrip("<>|="), is_swapped, sizes, 8 + wide + length)


@contextmanager
def _opened(file: Found) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file.path) as archive:
            yield archive
    except InputError:
        raise
    except OSError as error:
        problem = f"it cannot be read: {error.strerror or error}"
        raise InputError(problem, str(file.path)) from None
    except (
        zipfile.BadZipFile, zlib.error, EOFError, ValueError, SyntaxError, KeyError, TypeError,
        NotImplementedError, RuntimeError, IndexError, MemoryError,
    ) as error:  # fmt: skip
        problem = f"not a whole NPZ archive ({error}); save it again with numpy.savez"
        raise InputError(problem, str(file.path)) from None
