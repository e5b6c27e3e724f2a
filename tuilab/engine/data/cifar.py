"""CIFAR-10: the binary files, or torchvision's pickled ones, read without running their code.

A record of the binary version is a label and 3072 bytes, red first, row by row. The pickled
version contains the same bytes. Unpickling can run arbitrary code, so only the few names that
these files need are allowed here, and each is replaced by a harmless class.
"""

import gzip
import io
import os
import pickle
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tuilab.core.catalogue.data.images import PublishedImages
from tuilab.core.errors import InputError
from tuilab.core.format import format_count
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.download import CHUNK_SIZE, PublishedFiles, download, part_file
from tuilab.engine.data.idx_files import root_folder
from tuilab.engine.data.sources import RawDataset

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
"""Five training files and one test file, with `.bin` in the binary version."""

IMAGE_SIZE = 3 * 32 * 32
"""Bytes per image."""

MAX_FILE_SIZE = 40_000_000
"""Bytes; a real file has 30,730,000, or 31,035,000 when pickled."""

DOWNLOAD_AGAIN = (
    "delete the folder to have the data set downloaded again, or set data.root to another one"
)


def read_cifar10(
    data: PublishedImages, published_files: PublishedFiles, report: ProgressCallback
) -> RawDataset:
    """Reads CIFAR-10 from `data.root` or the cache folder, after downloading it if needed."""
    root = root_folder(data)
    paths = _find_batches(root)
    if not paths:
        _download_and_unpack(root, published_files, bool(data.root), report)
        paths = _find_batches(root)
    if not paths:
        raise InputError(f"{published_files.title} is incomplete here; {DOWNLOAD_AGAIN}", str(root))
    activity, batches = f"Reading {published_files.title}", []
    for count, path in enumerate(paths):
        report(activity, count / len(paths))
        batches.append(_read_batch(path, len(data.classes)))
    report(activity, 1.0)
    images, labels = (torch.cat(tensors[:-1]) for tensors in zip(*batches, strict=True))
    return RawDataset(Examples(images, labels), Examples(*batches[-1]))


def _find_batches(root: Path) -> list[Path]:
    """Returns the six files of one version, binary before pickled; [] if one is missing."""
    layouts = [(root / "cifar-10-batches-bin", ".bin"), (root, ".bin")]
    layouts += [(root / "cifar-10-batches-py", ""), (root, "")]
    for folder, suffix in layouts:
        paths = [folder / f"{name}{suffix}" for name in BATCHES]
        if all(os.path.exists(path) for path in paths):
            return paths
    return []


def _read_batch(path: Path, classes: int) -> tuple[Tensor, Tensor]:
    """Reads images, uint8 [n, 3, 32, 32], and labels, int64 [n]."""
    try:
        if path.stat().st_size > MAX_FILE_SIZE:
            raise InputError(f"it is larger than any file of CIFAR-10; {DOWNLOAD_AGAIN}", str(path))
        content = bytearray(path.read_bytes())
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
    if not content or (path.suffix and len(content) % (IMAGE_SIZE + 1)):
        raise InputError(
            f"it has {format_count(len(content))} bytes, not a multiple of "
            f"{format_count(IMAGE_SIZE + 1)}; {DOWNLOAD_AGAIN}",
            str(path),
        )
    pixels, labels = _split_records(content) if path.suffix else _unpickle(bytes(content), path)
    if (labels >= classes).any() or (labels < 0).any():
        index = int(((labels >= classes) | (labels < 0)).nonzero()[0])
        problem = f"label {int(labels[index])} of example {index} is not from 0 to {classes - 1}"
        raise InputError(f"{problem}; {DOWNLOAD_AGAIN}", str(path))
    return pixels.reshape(-1, 3, 32, 32), labels


def _split_records(content: bytearray) -> tuple[Tensor, Tensor]:
    rows = torch.frombuffer(content, dtype=torch.uint8).view(-1, IMAGE_SIZE + 1)
    return rows[:, 1:], rows[:, 0].long()


# --- the network ----------------------------------------------------------------------------------


def _download_and_unpack(
    root: Path, published_files: PublishedFiles, is_own_folder: bool, report: ProgressCallback
) -> None:
    """Unpacks the archive beside itself; downloads it first unless it exists."""
    (remote,), folder = published_files.files, root / published_files.folder
    archive = root / remote.name
    was_present = archive.exists()
    if not was_present:
        if is_own_folder:
            report(f"{root} has no {published_files.title} yet: downloading it there", None)
        download([remote], published_files.mirrors, root, report)
    _unpack(archive, folder, report)
    if not was_present:
        archive.unlink(missing_ok=True)


def _unpack(archive: Path, folder: Path, report: ProgressCallback) -> None:
    """Extracts the files of the data set by their known names, and nothing else."""
    missing = {f"{name}.bin" for name in BATCHES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                name = member.name.rpartition("/")[2]
                if name in missing and member.isfile() and member.size <= MAX_FILE_SIZE:
                    report(f"Unpacking {archive.name}", 1 - len(missing) / len(BATCHES))
                    _extract(members, member, folder / name)
                    missing.discard(name)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"it cannot be unpacked ({error}); delete it to have it downloaded again"
        raise InputError(problem, str(archive)) from None
    except OSError as error:
        reason = str(error.strerror or error)
        problem = f"it cannot be unpacked here: {reason}; set data.root to another folder"
        raise InputError(problem, str(folder)) from None
    if missing:
        problem = f"it has no {min(missing)}; delete it to have it downloaded again"
        raise InputError(problem, str(archive))


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = members.extractfile(member)
    assert content is not None
    with part_file(path) as part:
        with part.open("wb") as file:
            shutil.copyfileobj(content, file, CHUNK_SIZE)
        part.replace(path)


# --- the pickled version --------------------------------------------------------------------------


class _Array:
    """A stand-in for a pickled array, with its state and none of its code."""

    state: tuple[Any, ...] = ()

    def __init__(self, *arguments: Any) -> None:
        """Ignores the arguments: a pickle creates an empty array, then sets its state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


class _Dtype:
    """A stand-in for a pickled dtype, with its name."""

    def __init__(self, name: str = "", *arguments: Any) -> None:
        self.name = name

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Ignores byte order and the like, which do not apply to bytes."""


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Restores bytes as Python 3 pickles them in protocol 2."""
    return text.encode("latin1")


ALLOWED_NAMES = {
    **dict.fromkeys(
        [(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")], _Array
    ),
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}
"""Every name that a file may use."""


class _SafeUnpickler(pickle.Unpickler):
    """Reads lists, strings, numbers and arrays of bytes; refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns a harmless stand-in; refuses other names before anything is run."""
        if (module, name) not in ALLOWED_NAMES:
            raise pickle.UnpicklingError(f"it contains {module}.{name}, which is not allowed")
        return ALLOWED_NAMES[module, name]


def _unpickle(content: bytes, path: Path) -> tuple[Tensor, Tensor]:
    try:
        batch = _SafeUnpickler(io.BytesIO(content), encoding="bytes").load()
        labels = torch.tensor([int(label) for label in batch[b"labels"]])
        _, shape, dtype, is_fortran, raw = batch[b"data"].state
        is_valid = dtype.name in ("u1", b"u1") and tuple(shape) == (len(labels), IMAGE_SIZE)
        is_valid = is_valid and not is_fortran
        if not is_valid or len(raw) != len(labels) * IMAGE_SIZE or not len(labels):
            raise ValueError("its images are not rows of 3,072 bytes, one for each label")
        pixels = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(
            f"not a batch of CIFAR-10 ({error}); {DOWNLOAD_AGAIN}", str(path)
        ) from None
    return pixels.view(-1, IMAGE_SIZE), labels
