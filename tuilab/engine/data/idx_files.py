"""Image data sets in IDX files: finding them, downloading what is missing, reading, checking.

These are the files of MNIST and of the data sets in its format, in the folders where torchvision
keeps them. They are read here: importing torchvision takes seconds, and fails where its build does
not match torch's, just for a header of 16 bytes. A test compares every tensor with torchvision's.
"""

import gzip
import math
import os
import zlib
from pathlib import Path

import torch
from torch import Tensor

from tuilab.core import paths
from tuilab.core.catalogue.data.images import PublishedImages
from tuilab.core.errors import InputError
from tuilab.core.files.typed_path import clean_path
from tuilab.core.format import format_count
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.download import PublishedFiles, download
from tuilab.engine.data.sources import RawDataset

DOWNLOAD_AGAIN = (
    "delete it and its partner to have both downloaded again, or set data.root to another folder"
)
"""What to do with unusable files: images and labels belong together."""

CONTENTS = {1: "labels", 3: "images"}
"""What an IDX file contains, by its number of dimensions."""


def read_idx(
    data: PublishedImages, published_files: PublishedFiles, report: ProgressCallback
) -> RawDataset:
    """Reads IDX files from `data.root` or the cache folder, after downloading missing ones."""
    root = root_folder(data)
    folder = _find_folder(root, published_files)
    missing = [file for file in published_files.files if _find_file(folder / file.name) is None]
    if missing:
        if data.root:
            report(f"{root} has no {published_files.title} yet: downloading it there", None)
        download(missing, published_files.mirrors, folder, report)
    activity = f"Reading {published_files.title}"
    report(activity, None)
    files = [folder / file.name for file in published_files.files]
    raw = RawDataset(_read(files[0], files[1], data), _read(files[2], files[3], data))
    report(activity, 1.0)
    return raw


def root_folder(data: PublishedImages) -> Path:
    """Returns the folder that the user chose, or the cache folder."""
    try:
        return Path(clean_path(data.root)).expanduser() if data.root else paths.cache_dir()
    except RuntimeError:  # `~user` of an unknown user
        raise InputError("no folder can have this name", "data.root") from None


def _find_folder(root: Path, published_files: PublishedFiles) -> Path:
    """Returns the folder with the files under the root, which may also be this folder itself."""
    usual = root / published_files.folder
    for folder in (usual, root / usual.name, root):
        if _find_file(folder / published_files.files[0].name):
            return folder
    return usual


def _find_file(path: Path) -> Path | None:
    """Returns the file itself or its compressed form."""
    for candidate in (path, path.with_name(path.name + ".gz")):
        if os.path.exists(candidate):  # unlike Path.exists, False where access is denied
            return candidate
    return None


def _read(images_path: Path, labels_path: Path, data: PublishedImages) -> Examples:
    images, targets = _read_tensor(images_path, 3), _read_tensor(labels_path, 1)
    (height, width), side, classes = images.shape[1:], data.shape[-1], len(data.classes)
    if (height, width) != (side, side):
        problem = f"its images are {height}×{width}, not {side}×{side}"
        raise InputError(problem, str(images_path))
    problem = ""
    if len(images) != len(targets):
        labels = format_count(len(targets))
        problem = f"it has {labels} labels for {format_count(len(images))} images"
    elif (targets >= classes).any():
        index = int((targets >= classes).nonzero()[0])
        problem = f"label {int(targets[index])} of example {index} is not from 0 to {classes - 1}"
    if problem:
        raise InputError(f"{problem}; {DOWNLOAD_AGAIN}", str(labels_path))
    return Examples(images[:, None], targets.long())


def _read_tensor(path: Path, dimensions: int) -> Tensor:
    """Reads an IDX file as uint8, [n] or [n, height, width]; InputError says what is damaged."""
    path = _find_file(path) or path
    content = _read_bytes(path)
    header, kind = 4 * (dimensions + 1), CONTENTS[dimensions]
    magic, *shape = (int.from_bytes(content[at : at + 4], "big") for at in range(0, header, 4))
    size = header + math.prod(shape)
    problem = ""
    if len(content) < header:
        problem = f"it ends after {len(content)} bytes, inside its header"
    elif magic != 0x0800 + dimensions:
        expected = 0x0800 + dimensions
        problem = f"not an IDX file of {kind}: it begins with {magic:#010x}, not {expected:#010x}"
    elif not shape[0]:
        problem = f"it contains no {kind}"
    elif len(content) != size:
        problem = (
            f"it has {format_count(len(content))} bytes, but its header announces "
            f"{format_count(size)}"
        )
    if problem:
        raise InputError(f"{problem}; {DOWNLOAD_AGAIN}", str(path))
    return torch.frombuffer(content, dtype=torch.uint8, offset=header).view(shape)


def _read_bytes(path: Path) -> bytearray:
    try:
        if path.suffix == ".gz":
            return bytearray(gzip.decompress(path.read_bytes()))
        return bytearray(path.read_bytes())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"it cannot be decompressed ({error}); {DOWNLOAD_AGAIN}", str(path)
        ) from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
