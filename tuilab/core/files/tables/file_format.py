"""What kind of table a file holds, by its first bytes; the name of the file decides nothing."""

import re
import zipfile
from dataclasses import dataclass
from typing import Literal

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables.packing import Packing, open_packed, reading

Format = Literal["text", "npz", "parquet", "feather", "spreadsheet", "json", "arff"]

HEAD_BYTES = 1 << 16

MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "feather"),
    (b"FEA1", "feather"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
)
"""First bytes of formats that are read."""

PACKINGS: tuple[tuple[bytes, Packing], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)

_PANDAS = "read it in Python and save it with DataFrame.to_csv or to_parquet"
_IN_R = "save it in R with write.csv(DATA, FILE, row.names = FALSE)"

UNREAD: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", "it is a single NumPy array; save both with numpy.savez(FILE, x=x, y=y)"),
    (b"\x89HDF", f"it is an HDF5 file; {_PANDAS} (pandas.read_hdf, h5py)"),
    (b"CDF\x01", f"it is a NetCDF file; {_PANDAS} (xarray)"),
    (b"CDF\x02", f"it is a NetCDF file; {_PANDAS} (xarray)"),
    (b"SQLite format 3", "it is an SQLite database; save a table: sqlite3 -header -csv FILE "
     '"select * from TABLE"'),
    (b"MATLAB ", "it is a MATLAB file; save it there with writetable(T, 'FILE.csv')"),
    (b"RDX2", f"it is an R data file; {_IN_R}"),
    (b"RDX3", f"it is an R data file; {_IN_R}"),
    (b"RDA", f"it is an R data file; {_IN_R}"),
    (b"X\n\x00\x00\x00", f"it is an R data file; {_IN_R}"),
    (b"$FL2", f"it is an SPSS file; {_PANDAS} (pandas.read_spss)"),
    (b"$FL3", f"it is an SPSS file; {_PANDAS} (pandas.read_spss)"),
    (b"<stata_dta>", f"it is a Stata file; {_PANDAS} (pandas.read_stata), or use export delimited"),
    (bytes(12) + b"\xc2\xea\x81\x60", f"it is a SAS file; {_PANDAS} (pandas.read_sas)"),
    (b"HEADER RECORD*******LIBRARY", f"it is a SAS transport file; {_PANDAS} (pandas.read_sas)"),
    (b"ORC", f"it is an ORC file; {_PANDAS} (pandas.read_orc)"),
    (b"Obj\x01", "it is an Avro file; save it as CSV or Parquet"),
    (b"%PDF", "it is a PDF document; copy the table into a spreadsheet and save that as CSV"),
    (b"\x89PNG", "it is a picture; for folders of pictures set data.name to folder"),
    (b"\xff\xd8\xff", "it is a picture; for folders of pictures set data.name to folder"),
    (b"GIF8", "it is a picture; for folders of pictures set data.name to folder"),
    (b"\x28\xb5\x2f\xfd", "it is packed with Zstandard; unpack it first: zstd -d FILE"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it first"),
    (b"Rar!", "it is a RAR archive; unpack it first"),
    (b"\x7fELF", "it is a program, not a table"),
    (b"version https://git-lfs", "it only points to a file in Git LFS; get it with: git lfs pull"),
)  # fmt: skip
"""First bytes of files that are not read, and what to do."""

PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95|c|\]|\}|q|X|K|J|\x8c)")
"""How a pickle begins; it is never opened, since that would run code in it."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What a file holds, and how it is packed."""

    format: Format
    packing: Packing = ""
    member: str = ""
    "Of a ZIP archive, the file in it."


def recognize(file: FileState) -> FileFormat:
    """Recognizes a table by its first bytes; InputError names the next step for other files."""
    with reading(file):
        head = _read_head(file, "", "")
        if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
            return _recognize_zip(file)
        packing: Packing = next((name for magic, name in PACKINGS if head.startswith(magic)), "")
        if packing:
            head = _read_head(file, packing, "")
            if head[257:262] == b"ustar":
                raise InputError(
                    "it is an archive of files; unpack it first: tar -xf FILE", str(file.path)
                )
        return FileFormat(_recognize_head(head, file, is_packed=bool(packing)), packing)


def _read_head(file: FileState, packing: Packing, member: str) -> bytes:
    with open_packed(file, packing, member) as source:
        return source.read(HEAD_BYTES)


def _recognize_head(head: bytes, file: FileState, is_packed: bool) -> Format:
    """Returns the format of a file that is no ZIP archive."""
    known = next((name for magic, name in MAGIC if head.startswith(magic)), None)
    if known:
        if is_packed:
            raise InputError("it is packed twice; unpack it first", str(file.path))
        return known
    if problem := next((text for magic, text in UNREAD if head.startswith(magic)), ""):
        raise InputError(problem, str(file.path))
    if PICKLE.match(head):
        problem = (
            f"it is a pickle, which may run code when it is opened, so it is not read; {_PANDAS}"
        )
        raise InputError(problem, str(file.path))
    return _recognize_text(head, file)


def _recognize_text(head: bytes, file: FileState) -> Format:
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n")
    lower = text[:2000].lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<table")):
        problem = (
            "it is a web page, not a table; download the file itself, or save the table as CSV"
        )
        raise InputError(problem, str(file.path))
    if lower.startswith((b"<?xml", b"<workbook")):
        raise InputError("it is XML; open it in a spreadsheet and save it as CSV", str(file.path))
    if lower.startswith(b"{\\rtf"):
        raise InputError("it is a formatted document; save it as plain text or CSV", str(file.path))
    if re.match(rb'\{\s*(?:"|\}|$)|\[\s*(?:[\[{\]"]|-?\d+(?:\.\d+)?\s*[,\]]|$)', text[:200]):
        return "json"
    content = re.sub(rb"(?m)^[ \t]*(?:%[^\r\n]*)?(?:\r\n|\r|\n)", b"", text)
    if re.match(rb"\s*@relation\b", content[:200], re.IGNORECASE):
        return "arff"
    if re.match(rb"\S+(?: \d+:[-+.\deE]+){2,}\s*?[\r\n]", text[:HEAD_BYTES]):
        raise InputError(
            "it is a LIBSVM file; save it with sklearn.datasets.load_svmlight_file and numpy.savez",
            str(file.path),
        )
    return "text"


def _recognize_zip(file: FileState) -> FileFormat:
    """Recognizes what is in a ZIP archive: arrays, a spreadsheet, or a packed table."""
    suffix = file.path.suffix.lower()
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        if suffix == ".npz":
            return FileFormat("npz")  # its reader says what is wrong
        problem = "it is not a complete ZIP archive or spreadsheet; download or save it again"
        raise InputError(problem, str(file.path)) from None
    if any(name.endswith(".npy") for name in names) or suffix == ".npz":
        return FileFormat("npz")
    if any(name in ("xl/workbook.xml", "xl/workbook.bin", "content.xml") for name in names):
        return FileFormat("spreadsheet")
    if any(name.startswith("Index/") and name.endswith(".iwa") for name in names):
        raise InputError("it is a Numbers document; export it as CSV", str(file.path))
    members = [name for name in names if not name.endswith("/") and not _is_hidden(name)]
    if len(members) != 1:
        listed = ", ".join(members[:5]) or "no file"
        problem = (
            f"it is an archive of {len(members)} files ({listed}); unpack it and name one of them"
        )
        raise InputError(problem, str(file.path))
    head = _read_head(file, "zip", members[0])
    kind = "" if head.startswith(b"PK") else _recognize_head(head, file, is_packed=True)
    if not kind:
        raise InputError(f"it holds {members[0]}; unpack it and name that", str(file.path))
    return FileFormat(kind, "zip", members[0])


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
