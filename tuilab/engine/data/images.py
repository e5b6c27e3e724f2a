"""Sets of pictures in files: finding them, downloading what is missing, reading, checking.

The files are the IDX files of MNIST and its kin, in the folders where torchvision keeps them.
They are read here: importing torchvision takes seconds, and fails where its build does not match
torch's, for what is a header of 16 bytes. A test holds every tensor against torchvision's.
"""

import gzip
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.download import Remote, download
from tuilab.lab import places
from tuilab.lab.catalogue.data import FashionMNIST
from tuilab.lab.errors import InputError


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of pictures: where its files lie, here and on the network."""

    title: str
    folder: str
    files: tuple[Remote, ...]
    "Training pictures and labels, test pictures and labels."
    mirrors: tuple[str, ...]


FASHION_MNIST = Collection(
    "Fashion-MNIST",
    "FashionMNIST/raw",
    (
        Remote(
            "train-images-idx3-ubyte", 26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        Remote(
            "train-labels-idx1-ubyte", 29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        Remote(
            "t10k-images-idx3-ubyte", 4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        Remote(
            "t10k-labels-idx1-ubyte", 5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)  # fmt: skip
"""Xiao, Rasul, Vollgraf 2017; MIT licence."""


SIDE = 28
"""Pixels of a picture, each way."""

AGAIN = (
    "delete it and its partner to have both downloaded again, or set data.root to another folder"
)
"""What to do with files that cannot be used: pictures and labels go together."""

KINDS = {1: "labels", 3: "pictures"}
"""What an IDX file holds, by its number of dimensions."""


def fashion_mnist(
    data: FashionMNIST, seed: int, report: Report, collection: Collection = FASHION_MNIST
) -> Source:
    """Read the set from `data.root` or the user's cache, after downloading what is missing."""
    root = Path(data.root).expanduser() if data.root else places.cache()
    folder = _folder(root, collection)
    missing = [file for file in collection.files if _found(folder / file.name) is None]
    if missing:
        if data.root:
            report(f"{root} has no {collection.title} yet: downloading it there", None)
        download(missing, collection.mirrors, folder, report)
    what, classes = f"Reading {collection.title}", len(data.classes)
    report(what, None)
    paths = [folder / file.name for file in collection.files]
    source = Source(_part(paths[0], paths[1], classes), _part(paths[2], paths[3], classes))
    report(what, 1.0)
    return source


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


def _part(pictures: Path, labels: Path, classes: int) -> Part:
    images, targets = _idx(pictures, 3), _idx(labels, 1)
    height, width = images.shape[1:]
    if (height, width) != (SIDE, SIDE):
        raise InputError(f"its pictures are {height}×{width}, not {SIDE}×{SIDE}", str(pictures))
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
