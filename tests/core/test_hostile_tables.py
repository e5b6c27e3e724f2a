"""NPZ archives and Parquet files with types and values that no one means: a sentence each."""

import datetime
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tuilab.core.errors import InputError
from tuilab.core.files.tables.table import inspect_table

HEADERS = (
    "{'descr': '', 'shape': (4,)}", "{'descr': '<', 'shape': (4,)}",
    "{'descr': '<f', 'shape': (4,)}",
    "{'descr': '<U0', 'shape': (4,)}", "{'descr': '|S0', 'shape': (4,)}",
    "{'descr': '<U', 'shape': (4,)}", "{'descr': '|S99999999999', 'shape': (4,)}",
    "{'descr': '<U\u0663', 'shape': (4,)}", "{'descr': '<i8', 'shape': (1e400,)}",
    "{'descr': '<i8', 'shape': (-4,)}", "{'descr': '<i8', 'shape': None}",
    "{'descr': [('a', '<i8')], 'shape': (4,)}", "{'descr': '<f2', 'shape': (4,)}", "{}",
    "{'descr'}", "9" * 5000, "(" * 3000, "\x00",
)  # fmt: skip
"""Headers of an array in which something is wrong."""


def npy(header: str, data: bytes = bytes(64)) -> bytes:
    encoded = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + data


@pytest.mark.parametrize("wrong", ["x", "y"])
def test_no_header_of_an_array_raises(tmp_path: Path, wrong: str) -> None:
    right = {
        "x": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2)}"),
        "y": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (4,)}"),
    }
    for index, header in enumerate(HEADERS):
        path = tmp_path / f"{index}.npz"
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in {**right, wrong: npy(header)}.items():
                archive.writestr(f"{name}.npy", array)
        with pytest.raises(InputError, match=str(path)):
            inspect_table(str(path), "", "")


def test_no_value_of_a_parquet_file_raises(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    offsets = pyarrow.py_buffer(struct.pack("<9i", *range(9)))
    columns: dict[str, Any] = {
        "days": pyarrow.array([2**30] * 4 + [5] * 4, pyarrow.date32()),
        "seconds": pyarrow.array([2**52] * 4 + [5] * 4, pyarrow.timestamp("ms")),
        "nanoseconds": pyarrow.array(range(8), pyarrow.timestamp("ns")),
        "durations": pyarrow.array([2**62] * 4 + [5] * 4, pyarrow.duration("s")),
        "zone": pyarrow.array([1, 5] * 4, pyarrow.timestamp("s", tz="No/Where")),
        "not UTF-8": pyarrow.Array.from_buffers(
            pyarrow.string(), 8, [None, offsets, pyarrow.py_buffer(b"\xff\xfe" * 4)]
        ),
    }
    for name, column in columns.items():
        path = tmp_path / f"{name}.parquet"
        parquet.write_table(pyarrow.table({"a": range(8), name: column}), path)
        try:
            inspect_table(str(path), name, "")
        except InputError as error:
            assert f'{path}: column "{name}"' in str(error)


def test_half_floats_and_dates_in_range_are_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    half = pyarrow.array([n / 2 for n in range(8)], pyarrow.float32()).cast(pyarrow.float16())
    days = pyarrow.array([datetime.date(2024, 1, 1 + n % 2) for n in range(8)])
    parquet.write_table(pyarrow.table({"a": half, "t": days}), tmp_path / "half.parquet")

    info = inspect_table(str(tmp_path / "half.parquet"), "", "")

    assert info.inputs[0].kind == "number"
    assert info.classes == ("2024-01-01", "2024-01-02")
