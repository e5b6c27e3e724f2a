"""Sets of pictures in files: finding them, downloading what is missing, reading, checking.

The files are the IDX files of MNIST and its kin, in the folders where torchvision keeps them.
They are read here: importing torchvision takes seconds, and fails where its build does not match
torch's, for what is a header of 16 bytes. A test holds every tensor against torchvision's.
"""

import gzip
import math
import os
import zlib
from pathlib import Path

import torch
from torch import Tensor

from tuilab.core import paths
from tuilab.core.catalogue.data.images import Published
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.download import download
from tuilab.engine.data.registry import COLLECTIONS, Collection

AGAIN = (
    "delete it and its partner to have both downloaded again, or set data.root to another folder"
)
"""What to do with files that cannot be used: pictures and labels go together."""

KINDS = {1: "labels", 3: "pictures"}
"""What an IDX file holds, by its number of dimensions."""


def idx(data: Published, seed: int, report: Report, collection: Collection | None = None) -> Source:
    """Read the set from `data.root` or the user's cache, after downloading what is missing."""
    collection = collection or COLLECTIONS[type(data)]
    root = root_of(data)
    folder = _folder(root, collection)
    missing = [file for file in collection.files if _found(folder / file.name) is None]
    if missing:
        if data.root:
            report(f"{root} has no {collection.title} yet: downloading it there", None)
        download(missing, collection.mirrors, folder, report)
    what = f"Reading {collection.title}"
    report(what, None)
    files = [folder / file.name for file in collection.files]
    source = Source(_part(files[0], files[1], data), _part(files[2], files[3], data))
    report(what, 1.0)
    return source


def root_of(data: Published) -> Path:
    """The folder that a person named, or the user's cache."""
    try:
        return Path(data.root).expanduser() if data.root else paths.cache()
    except RuntimeError:  # a home that there is not
        raise InputError("no folder can have this name", "data.root") from None


def _folder(root: Path, collection: Collection) -> Path:
    """Where under the root the files are; a person may also name the folder itself."""
    usual = root / collection.folder
    for folder in (usual, root / usual.name, root):
        if _found(folder / collection.files[0].name):
            return folder
    return usual


def _found(path: Path) -> Path | None:
    """The file itself or its compressed form."""
    for candidate in (path, path.with_name(path.name + ".gz")):
        if os.path.exists(candidate):  # unlike Path.exists, False where it may not look
            return candidate
    return None


def _part(pictures: Path, labels: Path, data: Published) -> Part:
    images, targets = _idx(pictures, 3), _idx(labels, 1)
    (height, width), side, classes = images.shape[1:], data.shape[-1], len(data.classes)
    if (height, width) != (side, side):
        raise InputError(f"its pictures are {height}×{width}, not {side}×{side}", str(pictures))
    problem = ""
    if len(images) != len(targets):
        problem = f"it holds {len(targets):,} labels for {len(images):,} pictures"
    elif (targets >= classes).any():
        index = int((targets >= classes).nonzero()[0])
        problem = f"label {int(targets[index])} of example {index} is not from 0 to {classes - 1}"
    if problem:
        raise InputError(f"{problem}; {AGAIN}", str(labels))
    return Part(images[:, None], targets.long())


def _idx(path: Path, dimensions: int) -> Tensor:
    """The bytes of an IDX file as [n] or [n, height, width]; InputError names what is wrong."""
    path = _found(path) or path
    content = _content(path)
    header, kind = 4 * (dimensions + 1), KINDS[dimensions]
    magic, *shape = (int.from_bytes(content[at : at + 4], "big") for at in range(0, header, 4))
    size = header + math.prod(shape)
    problem = ""
    if len(content) < header:
        problem = f"it ends after {len(content)} bytes, inside its header"
    elif magic != 0x0800 + dimensions:
        right = 0x0800 + dimensions
        problem = f"not an IDX file of {kind}: it begins with {magic:#010x}, not {right:#010x}"
    elif not shape[0]:
        problem = f"it holds no {kind}"
    elif len(content) != size:
        problem = f"it has {len(content):,} bytes, but its header announces {size:,}"
    if problem:
        raise InputError(f"{problem}; {AGAIN}", str(path))
    return torch.frombuffer(content, dtype=torch.uint8, offset=header).view(shape)


def _content(path: Path) -> bytearray:
    try:
        if path.suffix == ".gz":
            return bytearray(gzip.decompress(path.read_bytes()))
        return bytearray(path.read_bytes())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"it cannot be decompressed ({error}); {AGAIN}", str(path)) from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
