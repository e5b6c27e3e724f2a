"""Damaged and odd data files: each must give a data set or an InputError, and nothing else.

`python -m tests.support.fuzz_data_files 10000` tries as many and prints how they ended.
"""

import gzip
import io
import json
import random
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy
import torch

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, create_default
from tuilab.core.files.tables.read_options import ColumnKind
from tuilab.engine.data.load import load

TOKENS = (
    b'"', b"'", b",", b";", b"\t", b"|", b" ", b"\n", b"\r", b"\r\n", b"\0", b"\\", b'\\"', b"\xff",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3\x28", b"\xe2\x80\xaf", b"#", b"%", b"sep=;\n", b"@data\n",
    b"{", b"}", b"[", b"]", b"1e999", b"-1e400", b"inf", b"nan", b"#DIV/0!", b"1,234.5", b"1.234,5",
    b"<0.1", b"(5)", b"$", b"99999999999999999999", b"2024-02-30", b"0000-00-00", b"31/12/9999",
    b"25:61", b"NA", b"1_0", b"\xd9\xa1", b"\xef\xbc\x91", b"\x1b[31m", b"a" * 200,
)  # fmt: skip
"""What is put into files at random places."""

KINDS: tuple[ColumnKind, ...] = ("number", "category", "exact", "date", "dmy", "mdy", "left out")


def make_text(rng: random.Random) -> bytes:
    """Returns a table in a text file with numbers, words and dates in some convention."""
    delimiter = rng.choice([",", ";", "\t", "|", " "])
    makers: list[Callable[[int], str]] = [
        lambda i: f"{rng.gauss(0, 9):.3f}",
        lambda i: f'"{rng.randint(0, 99999):,}"',
        lambda i: f"{rng.gauss(50, 9):.2f}".replace(".", ","),
        lambda i: rng.choice(["red", "Red", "blue ", "NA", ""]),
        lambda i: f"{rng.randint(1, 28)}.{rng.randint(1, 12)}.2024",
        lambda i: f"2024-{rng.randint(1, 12):02}-01T{rng.randint(0, 23):02}:00:00Z",
        lambda i: rng.choice(["$1", "$2.5", "$1,000"]),
        lambda i: str(i),
        lambda i: f"{rng.randint(0, 99999):05}",
        lambda i: str(rng.randint(0, 3)),
    ]
    columns = [rng.choice(makers) for _ in range(rng.randint(2, 5))]
    head = delimiter.join(rng.choice(["x", "y", "Sales, net", "1", "", "id"]) for _ in columns)
    rows = [delimiter.join(make(i) for make in columns) for i in range(rng.randint(1, 25))]
    text = rng.choice(["\n", "\r\n", "\r"]).join([head, *rows])
    return text.encode(rng.choice(["utf-8", "utf-8", "utf-16", "latin-1"]), "replace")


def make_archive(rng: random.Random) -> bytes:
    """Returns arrays in an NPZ archive."""
    content = io.BytesIO()
    dtype = rng.choice(["f8", "f4", "i8", "u1", "f2", "?", "c8", "M8[D]"])
    x = numpy.random.default_rng(rng.randrange(99)).integers(0, 9, (8, 3)).astype(dtype)
    y = numpy.array([str(i % 2) for i in range(8)]) if rng.random() < 0.5 else numpy.arange(8) % 2
    numpy.savez(content, x=x, y=y)
    return content.getvalue()


def make_json(rng: random.Random) -> bytes:
    """Returns records in JSON, one a line or in a list."""
    values = [1, 2.5, None, "a", True, [1], {"b": 2}, 10**30]
    records = [{"x": rng.choice(values), "y": rng.choice(values)} for _ in range(9)]
    lines = "\n".join(map(json.dumps, records))
    return (json.dumps(records) if rng.random() < 0.5 else lines).encode()


def make_arff(rng: random.Random) -> bytes:
    """Returns a table in ARFF."""
    rows = "\n".join(f"{rng.random():.2f},{rng.choice(['a', 'b', '?'])}" for _ in range(9))
    return b"@relation r\n@attribute x numeric\n@attribute y {a,b}\n@data\n" + rows.encode()


def make_workbook(rng: random.Random, sheets: Sequence[str] = ("S",)) -> bytes:
    """Returns a spreadsheet: the smallest archive that is one; its sheets have the same cells."""
    rows: list[list[object]] = [
        ["x", "y"],
        *([rng.randint(0, 9), rng.choice("ab")] for _ in range(9)),
    ]
    cells = "".join(
        f'<row r="{r}">' + "".join(_make_cell(r, c, cell) for c, cell in enumerate(row)) + "</row>"
        for r, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        + "</Relationships>",
        **{
            f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}'
            "</sheetData></worksheet>"
            for n in range(1, len(sheets) + 1)
        },
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return content.getvalue()


def _make_cell(row: int, column: int, value: object) -> str:
    address = f"{chr(65 + column)}{row}"
    if isinstance(value, str):
        return f'<c r="{address}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{address}"><v>{value}</v></c>'


def make_parquet(rng: random.Random) -> bytes:
    """Returns a table in Parquet; without pyarrow only its first bytes."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return b"PAR1" + rng.randbytes(50)
    types = [pyarrow.int64(), pyarrow.float16(), pyarrow.date32(), pyarrow.timestamp("ns"),
             pyarrow.string(), pyarrow.duration("s"), pyarrow.time64("us")]  # fmt: skip
    kind = rng.choice(types)
    values = [str(i % 3) for i in range(9)] if kind == pyarrow.string() else list(range(9))
    if kind == pyarrow.float16():
        column = pyarrow.array(numpy.arange(9, dtype="f2"))
    elif pyarrow.types.is_temporal(kind):
        integer = pyarrow.int32() if kind == pyarrow.date32() else pyarrow.int64()
        big = rng.choice([1, 10**5, 10**8 if integer == pyarrow.int32() else 10**17])
        column = pyarrow.array([v * big for v in range(9)], integer).cast(kind)
    else:
        column = pyarrow.array(values, kind)
    content = io.BytesIO()
    parquet.write_table(pyarrow.table({"x": column, "y": [i % 2 for i in range(9)]}), content)
    return content.getvalue()


MAKERS: tuple[Callable[[random.Random], bytes], ...] = (
    make_text, make_text, make_text, make_text, make_archive, make_json, make_arff, make_workbook,
    make_parquet,
)  # fmt: skip


def make_file(rng: random.Random) -> bytes:
    """Returns the bytes of a data file, most often damaged."""
    content = rng.choice(MAKERS)(rng)
    for _ in range(rng.choice([0, 1, 1, 2, 5, 30])):
        content = _damage(content, rng)
    if rng.random() < 0.1:
        content = gzip.compress(content)
        content = _damage(content, rng) if rng.random() < 0.5 else content
    return content


def _damage(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    match rng.randrange(6):
        case 0:
            return content[:start]
        case 1:
            return content[:start] + rng.choice(TOKENS) + content[start:]
        case 2:
            return content[:start] + rng.randbytes(rng.randint(1, 4)) + content[start + 3 :]
        case 3:
            end = start + rng.randint(1, 40)
            return content[:start] + content[end:]
        case 4:
            end = start + rng.randint(1, 40)
            return content[:end] + content[start:]
        case _:
            return content.replace(rng.choice(TOKENS), rng.choice(TOKENS))


def fuzz_data_files(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Loads random files; returns how often each outcome came, and what else happened."""
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(seed, seed + count):
        rng = random.Random(number)
        path = folder / f"f{rng.choice(['.csv', '.tsv', '.npz', '.parquet', '.xlsx', '', '.gz'])}"
        path.write_bytes(make_file(rng))
        try:
            outcomes[load_file(path, rng)] += 1
        except Exception as error:  # anything else is what this looks for
            failures.append(f"seed {number}: {type(error).__name__}: {error}")
        path.unlink()
    return outcomes, failures


def load_file(path: Path, rng: random.Random) -> str:
    """Loads a file with random options; returns `data set` or `InputError`."""
    kinds = {rng.choice(["x", "y"]): rng.choice(KINDS)} if rng.random() < 0.3 else {}
    data = Table(path=str(path), kinds=kinds, missing=rng.choice(["", "", "red, 1"]))
    try:
        experiment = Experiment(data=data, task=create_default("task", data.tasks[0]))
        dataset = load(experiment, torch.device("cpu"), lambda activity, fraction: None)
    except InputError as error:
        if not str(error).strip() or not error.where:
            raise AssertionError(f"an error without a place: {error}") from None
        return "InputError"
    assert dataset.train.inputs.isfinite().all() and len(dataset.train), "not finite or empty"
    return "data set"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder_name:
        results, problems = fuzz_data_files(int(sys.argv[1]), 0, Path(folder_name))
    print(dict(results), len(problems), "other")
    print("\n".join(problems[:50]))
