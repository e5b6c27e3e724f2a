"""Tables as NumPy arrays in an NPZ archive; headers and targets are read without NumPy.

An archive holds `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`, or arrays of other
names, with the target in `data.target`. A matrix of targets holds labels, which are 0 and 1, or
probabilities.
"""

import ast
import re
import sys
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.file_state import FileState
from tuilab.core.format import format_bytes, format_count, format_counted

INPUT_NAMES = ("x_train", "x", "inputs", "features", "data", "images")
TARGET_NAMES = ("y_train", "y", "targets", "target", "labels", "label")
"""Names of inputs and targets in lower case; the first one in the archive counts."""

MAX_HEADER_BYTES = 1 << 16

MAX_TARGET_BYTES = 16_000_000
"""Bytes of the targets that are read."""

SUM_TOLERANCE = 0.01
"""How far from 1 probabilities may sum to, by rounding."""

ARRAY_CODES = {
    "b1": "B", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q",
    "u8": "Q", "f4": "f", "f8": "d",
}  # fmt: skip
"""Number types of NumPy as type codes of the module array."""


_DTYPE = re.compile(r"[<>|=]?[A-Za-z][0-9]{0,6}(\[.*\])?", re.ASCII)
"""Types as NumPy writes them, such as `<f8` or `<M8[ns]`."""


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """The header of an array: its type and shape."""

    name: str
    dtype: str
    "As in NumPy, without the byte order: `f8`, `u1`, `U10`."
    is_swapped: bool
    shape: tuple[int, ...]
    offset: int
    "Bytes before the data."
    is_by_column: bool = False
    "Whether its first axis varies fastest (Fortran order)."


@dataclass(frozen=True, slots=True)
class NpzArrays:
    """The arrays of inputs and targets."""

    inputs: ArrayHeader
    targets: ArrayHeader
    test_inputs: ArrayHeader | None = None
    test_targets: ArrayHeader | None = None


def find_arrays(file: FileState, target: str) -> NpzArrays:
    """Finds inputs and targets in an archive; InputError says what is missing or wrong."""
    headers = {header.name: header for header in _read_headers(file)}
    if not headers:
        raise InputError("it holds no arrays", str(file.path))
    targets = _find_targets(headers, target, str(file.path))
    inputs = _find_inputs(headers, targets, str(file.path))
    tests = [
        headers.get(header.name.replace("train", "test")) if "train" in header.name else None
        for header in (inputs, targets)
    ]
    arrays = NpzArrays(inputs, targets, *(tests if all(tests) else ()))
    for x, y in ((inputs, targets), (arrays.test_inputs, arrays.test_targets)):
        if x is not None and y is not None:
            _check(x, y, str(file.path))
    return arrays


def _find_targets(headers: dict[str, ArrayHeader], target: str, where: str) -> ArrayHeader:
    if target:
        if target in headers:
            return headers[target]
        problem = with_suggestion(f'there is no array "{target}"', target, headers)
        raise InputError(problem, "data.target", where)
    matches = _find_by_name(headers.values(), TARGET_NAMES)
    if matches:
        return matches[0]
    names = ", ".join(headers)
    raise InputError(f"none of its arrays is called y: {names}; set data.target to one", where)


def _find_inputs(headers: dict[str, ArrayHeader], targets: ArrayHeader, where: str) -> ArrayHeader:
    others = [header for header in headers.values() if header != targets]
    matches = _find_by_name(others, INPUT_NAMES)
    if matches or len(others) == 1:
        return (matches or others)[0]
    raise InputError(f"it needs one array of inputs, called x; it has {', '.join(headers)}", where)


def _find_by_name(headers: Iterable[ArrayHeader], names: Sequence[str]) -> list[ArrayHeader]:
    """Returns the headers with one of the names, in the order of the names."""
    listed = list(headers)
    return [header for name in names for header in listed if header.name.lower() == name]


def _check(inputs: ArrayHeader, targets: ArrayHeader, where: str) -> None:
    problem = ""
    for header in (inputs, targets):
        if header.dtype.startswith("O"):
            # Reading objects would run the code in their pickle.
            problem = f"{header.name} holds Python objects, which are not read; save numbers"
        elif header.dtype[0] in "US" and not int(header.dtype[1:] or 0):
            problem = f"{header.name} holds only empty texts"
        elif header.dtype not in (*ARRAY_CODES, "f2") and header.dtype[0] not in "US":
            problem = f"{header.name} holds {header.dtype}, which is not a number"
        if problem:
            raise InputError(problem, where)
    if inputs.dtype[0] in "US":
        problem = f"{inputs.name} holds text, but inputs must be numbers"
    elif len(inputs.shape) < 2:
        problem = f"{inputs.name} is {list(inputs.shape)}; it needs a row for each example"
    elif len(targets.shape) not in (1, 2):
        problem = f"{targets.name} is {list(targets.shape)}; it needs one target for each example"
    elif has_labels(targets) and targets.dtype[0] in "US":
        problem = f"{targets.name} is {list(targets.shape)}; several labels must be 0 and 1"
    elif inputs.shape[0] != targets.shape[0]:
        problem = (
            f"{inputs.name} has {format_counted(inputs.shape[0], 'row')}, but {targets.name} "
            f"has {format_count(targets.shape[0])}"
        )
    elif empty := next((each for each in (inputs, targets) if 0 in each.shape), None):
        problem = f"{empty.name} is {list(empty.shape)}: it is empty"
    if problem:
        raise InputError(problem, where)


def has_labels(targets: ArrayHeader) -> bool:
    """Returns whether each example has several numbers: of labels, or probabilities of classes."""
    return len(targets.shape) == 2 and targets.shape[1] != 1


def read_targets(file: FileState, header: ArrayHeader) -> Sequence[str | float]:
    """Reads the targets, up to `MAX_TARGET_BYTES`; of numbers only the distinct ones."""
    if header.dtype[0] not in "US":
        return [float(each) for each in set(_read_numbers(file, header))]
    raw, size = _read_bytes(file, header)
    cells = (raw[start : start + size] for start in range(0, len(raw), size))
    encoding = "utf-8" if header.dtype[0] == "S" else f"utf-32-{_byte_order(header.is_swapped)}"
    return [cell.decode(encoding, "replace").rstrip("\0") for cell in cells]


def hold_probabilities(file: FileState, header: ArrayHeader) -> bool:
    """Returns whether the rows of targets sum to 1, where they need not be 0 and 1.

    Raises:
        InputError: they are neither probabilities nor labels.
    """
    rows, width = header.shape
    numbers = _read_numbers(file, header)
    if header.is_by_column and len(numbers) == rows * width:
        sums = [sum(numbers[row::rows]) for row in range(rows)]
    else:
        sums = [sum(numbers[start : start + width]) for start in range(0, len(numbers), width)]
    if min(numbers) >= 0 and all(abs(each - 1) <= SUM_TOLERANCE for each in sums):
        return True
    if other := next((each for each in numbers if each not in (0, 1)), None):
        problem = (
            f"{header.name} is {list(header.shape)} with {other}: several targets of an example "
            "are 0 and 1, or probabilities that sum to 1; a regression has a single one"
        )
        raise InputError(problem, str(file.path))
    return False


def _read_numbers(file: FileState, header: ArrayHeader) -> "array[Any]":
    if header.dtype == "f2":
        problem = f"{header.name} holds half-precision numbers; save float32 or float64"
        raise InputError(problem, str(file.path))
    raw, size = _read_bytes(file, header)
    numbers = array(ARRAY_CODES[header.dtype])
    numbers.frombytes(raw[: len(raw) // size * size])
    if header.is_swapped:
        numbers.byteswap()
    return numbers


def _read_bytes(file: FileState, header: ArrayHeader) -> tuple[bytes, int]:
    """Returns the data of an array, up to `MAX_TARGET_BYTES`, and the bytes of one value."""
    size = int(header.dtype[1:]) * (4 if header.dtype[0] == "U" else 1)
    with _open_archive(file) as archive, archive.open(f"{header.name}.npy") as member:
        member.read(header.offset)
        return member.read(MAX_TARGET_BYTES // size * size), size


def _byte_order(is_swapped: bool) -> str:
    return "be" if is_swapped == (sys.byteorder == "little") else "le"


def _read_headers(file: FileState) -> Iterator[ArrayHeader]:
    with _open_archive(file) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as member:
                    yield _read_header(name.removesuffix(".npy"), member)


def _read_header(name: str, member: IO[bytes]) -> ArrayHeader:
    """Reads the header of an array, a Python literal; no code is run."""
    start = member.read(8)
    if start[:6] != b"\x93NUMPY":
        raise ValueError(f"{name} is not an array")
    length_bytes = 2 if start[6] == 1 else 4
    length = int.from_bytes(member.read(length_bytes), "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"{name} has a header of {format_bytes(length)}")
    fields: Any = ast.literal_eval(member.read(length).decode("utf-8"))
    dtype, shape = fields["descr"], fields["shape"]
    if not isinstance(dtype, str):
        return ArrayHeader(name, "records", False, (), 0)
    if not _DTYPE.fullmatch(dtype):
        raise ValueError(f"{name} has the type {dtype!r}")
    is_swapped = dtype[:1] == (">" if sys.byteorder == "little" else "<")
    sizes = tuple(int(size) for size in shape)
    offset = 8 + length_bytes + length
    is_by_column = bool(fields.get("fortran_order"))
    return ArrayHeader(name, dtype.lstrip("<>|="), is_swapped, sizes, offset, is_by_column)


@contextmanager
def _open_archive(file: FileState) -> Iterator[zipfile.ZipFile]:
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
        NotImplementedError, RuntimeError, IndexError, MemoryError, OverflowError,
    ) as error:  # fmt: skip
        problem = f"it is not a complete NPZ archive ({error}); save it again with numpy.savez"
        raise InputError(problem, str(file.path)) from None
