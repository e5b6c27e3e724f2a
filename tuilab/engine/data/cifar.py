"""CIFAR-10: the binary files, or the pickled ones of torchvision with nothing in them run.

A record of the binary version is a label and 3072 bytes, red first, row by row. The pickled
version holds the same bytes; unpickling would run whatever a file says, so only the few names that
those files need are known here, and each of them stands for a dead copy of what it names.
"""

import gzip
import io
import os
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tuilab.core.catalogue.data.images import Published
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.download import PIECE, download
from tuilab.engine.data.images import root_of
from tuilab.engine.data.registry import COLLECTIONS, Collection

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
"""Five files to train on and one to test on, with `.bin` in the binary version."""

PIXELS = 3 * 32 * 32

LARGEST = 40_000_000
"""Bytes of one file: a real one has 30,730,000, or 31,035,000 when pickled."""

AGAIN = "delete the folder to have the set downloaded again, or set data.root to another one"


def cifar10(
    data: Published, seed: int, report: Report, collection: Collection | None = None
) -> Source:
    """Read the set from `data.root` or the user's cache, after downloading it if needed."""
    collection = collection or COLLECTIONS[type(data)]
    root = root_of(data)
    found = _found(root)
    if not found:
        _bring(root, collection, bool(data.root), report)
        found = _found(root)
    if not found:
        raise InputError(f"{collection.title} is not complete here; {AGAIN}", str(root))
    what, batches = f"Reading {collection.title}", []
    for count, path in enumerate(found):
        report(what, count / len(found))
        batches.append(_batch(path, len(data.classes)))
    report(what, 1.0)
    inputs, targets = (torch.cat(each[:-1]) for each in zip(*batches, strict=True))
    return Source(Part(inputs, targets), Part(*batches[-1]))


def _found(root: Path) -> list[Path]:
    """The six files of one version, binary before pickled; none if one is missing."""
    layouts = [(root / "cifar-10-batches-bin", ".bin"), (root, ".bin")]
    layouts += [(root / "cifar-10-batches-py", ""), (root, "")]
    for folder, suffix in layouts:
        paths = [folder / f"{name}{suffix}" for name in BATCHES]
        if all(os.path.exists(path) for path in paths):
            return paths
    return []


def _batch(path: Path, classes: int) -> tuple[Tensor, Tensor]:
    """Pictures, bytes [n, 3, 32, 32], and labels, [n]."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"it is larger than any file of CIFAR-10; {AGAIN}", str(path))
        content = bytearray(path.read_bytes())
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
    if not content or (path.suffix and len(content) % (PIXELS + 1)):
        raise InputError(
            f"it has {len(content):,} bytes, not a multiple of {PIXELS + 1:,}; {AGAIN}", str(path)
        )
    pixels, labels = _records(content) if path.suffix else _unpickled(bytes(content), path)
    if (labels >= classes).any() or (labels < 0).any():
        index = int(((labels >= classes) | (labels < 0)).nonzero()[0])
        problem = f"label {int(labels[index])} of example {index} is not from 0 to {classes - 1}"
        raise InputError(f"{problem}; {AGAIN}", str(path))
    return pixels.reshape(-1, 3, 32, 32), labels


def _records(content: bytearray) -> tuple[Tensor, Tensor]:
    rows = torch.frombuffer(content, dtype=torch.uint8).view(-1, PIXELS + 1)
    return rows[:, 1:], rows[:, 0].long()


# --- the network ----------------------------------------------------------------------------------


def _bring(root: Path, collection: Collection, is_named: bool, report: Report) -> None:
    """Take the archive that is there, or download it, and unpack it beside itself."""
    (remote,), folder = collection.files, root / collection.folder
    archive = root / remote.name
    is_there = archive.exists()
    if not is_there:
        if is_named:
            report(f"{root} has no {collection.title} yet: downloading it there", None)
        download([remote], collection.mirrors, root, report)
    _unpack(archive, folder, report)
    if not is_there:
        archive.unlink(missing_ok=True)


def _unpack(archive: Path, folder: Path, report: Report) -> None:
    """Write the files of the set from an archive: by their known names, and nothing else in it."""
    wanted = {f"{name}.bin" for name in BATCHES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                name = member.name.rpartition("/")[2]
                if name in wanted and member.isfile() and member.size <= LARGEST:
                    report(f"Unpacking {archive.name}", 1 - len(wanted) / len(BATCHES))
                    _write(members, member, folder / name)
                    wanted.discard(name)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"it cannot be unpacked ({error}); delete it to have it downloaded again"
        raise InputError(problem, str(archive)) from None
    except OSError as error:
        why = str(error.strerror or error)
        problem = f"it cannot be unpacked here: {why}; set data.root to another folder"
        raise InputError(problem, str(folder)) from None
    if wanted:
        problem = f"it has no {min(wanted)}; delete it to have it downloaded again"
        raise InputError(problem, str(archive))


def _write(members: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content, part = members.extractfile(member), path.with_name(f"{path.name}.{os.getpid()}.part")
    assert content is not None
    try:
        with part.open("wb") as file:
            while piece := content.read(PIECE):
                file.write(piece)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# --- the pickled version --------------------------------------------------------------------------


class _Array:
    """What a pickled array says of itself, and none of its code."""

    state: tuple[Any, ...] = ()

    def __init__(self, *described: Any) -> None:
        """A pickle first describes an empty array, then sets its state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


class _Kind:
    """What a pickled dtype says of itself."""

    def __init__(self, name: str = "", *described: Any) -> None:
        self.name = name

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Byte order and the like, which bytes have none of."""


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    """How protocol 2 writes bytes from Python 3 on."""
    return text.encode("latin1")


KNOWN = {
    **dict.fromkeys(
        [(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")], _Array
    ),
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encoded,
}
"""All that a file may name."""


class _Reader(pickle.Unpickler):
    """Reads lists, texts, numbers and arrays of bytes; refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        """A harmless stand-in, or a refusal before anything is run."""
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is never run here")
        return KNOWN[module, name]


def _unpickled(content: bytes, path: Path) -> tuple[Tensor, Tensor]:
    try:
        batch = _Reader(io.BytesIO(content), encoding="bytes").load()
        labels = torch.tensor([int(label) for label in batch[b"labels"]])
        _, shape, kind, by_columns, raw = batch[b"data"].state
        is_right = kind.name in ("u1", b"u1") and tuple(shape) == (len(labels), PIXELS)
        is_right = is_right and not by_columns
        if not is_right or len(raw) != len(labels) * PIXELS or not len(labels):
            raise ValueError("its pictures are not rows of 3,072 bytes, one for each label")
        pixels = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    except Exception as error:  # a damaged pickle can fail in any way at all
        raise InputError(f"not a batch of CIFAR-10 ({error}); {AGAIN}", str(path)) from None
    return pixels.view(-1, PIXELS), labels
