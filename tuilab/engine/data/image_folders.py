"""Image folders of the user: one subfolder per class; the images are resized and stay bytes."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from tuilab.core.catalogue.data.images import ImageFolder
from tuilab.core.errors import InputError
from tuilab.core.files import image_folders
from tuilab.core.files.image_folders import ImageFolderInfo, UnusedFiles
from tuilab.core.format import format_bytes, format_count
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.sources import RawDataset, TestSplit, source
from tuilab.engine.data.split_keys import KeyColumn, to_split_keys

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "HEIF")
"""The formats that Pillow may read; its readers of others are less well maintained."""

MAX_PIXELS = 100_000_000
"""A larger image is left out unread: a small file can announce one that fills the memory."""

MAX_TOTAL_SIZE = 8_000_000_000
"""Bytes of all images together."""

THREADS = 4

CHUNK_SIZE = 64
"""Images read between two progress reports."""

MAX_NAMED = 3
"""The number of unreadable images that a remark names."""


@source(ImageFolder)
def image_folder(data: ImageFolder, seed: int, report: ProgressCallback) -> RawDataset:
    """Reads all images; without a folder for it, the test set is held out later."""
    info, progress = data.info, _ReadProgress(data.title, report)
    unused = UnusedFiles()
    files = _list_splits(info, unused)
    progress.total = sum(map(len, files.values()))
    if (size := progress.total * data.size**2 * (3 if data.color else 1)) > MAX_TOTAL_SIZE:
        count = format_count(progress.total)
        problem = f"{count} images need {format_bytes(size)}; make data.size smaller"
        raise InputError(problem, str(info.train))
    keys = _find_keys(data, info)
    _register_heif()
    Image.init()  # registers all readers before several threads need them
    with warnings.catch_warnings(action="ignore"):  # Pillow warns about oddities in files
        splits = {name: _read_split(each, data, keys, progress) for name, each in files.items()}
    training, test = splits["train"], splits.get("test")
    missing = set(range(len(info.classes))) - set(training.targets.tolist())
    if missing:
        failure = progress.find_failure(info.classes[min(missing)])
        problem = f"it contains no image that can be read{failure}"
        if info.labels is None and not failure:
            problem += "; if it is no class, move it away or let its name begin with _"
        raise InputError(problem, _locate_class(info, min(missing)))
    test_split = None
    if test is None:
        test, test_split = training.select(torch.arange(0)), TestSplit(data.test, "test pictures")
    validation = splits.get("validation")
    image_folders.find_unused(info, unused)
    origin = () if info.labels is None else (info.labels.describe(),)
    remarks = (*origin, *progress.remarks, *unused.describe())
    return RawDataset(training, test, validation=validation, remarks=remarks, test_split=test_split)


def _list_splits(info: ImageFolderInfo, unused: UnusedFiles) -> dict[str, list[tuple[Path, int]]]:
    """Returns the images of each split with their classes."""
    if info.labels is None:
        folders = {"train": info.train, "validation": info.validation, "test": info.test}
        return {n: _list_files(path, info.classes, unused) for n, path in folders.items() if path}
    pairs = zip(info.labels.images, info.labels.numbers, strict=True)
    parts = info.labels.parts or ("train",) * len(info.labels.images)
    splits: dict[str, list[tuple[Path, int]]] = {}
    for pair, part in zip(pairs, parts, strict=True):
        splits.setdefault(part, []).append(pair)
    return splits


def _find_keys(data: ImageFolder, info: ImageFolderInfo) -> dict[Path, float]:
    """Returns what decides the split of each image, where a table of labels says it."""
    labels = info.labels
    if labels is None or data.split not in ("grouped", "ordered"):
        return {}
    if not data.split_by:
        return dict(zip(labels.images, map(float, range(len(labels.images))), strict=True))
    column = KeyColumn(data.split_by, labels.keys, labels.lines, labels.path)
    keys = to_split_keys(column, is_ordered=data.split == "ordered")
    return dict(zip(labels.images, keys.tolist(), strict=True))


def _locate_class(info: ImageFolderInfo, number: int) -> str:
    if info.labels is not None:
        return f"{info.labels.path}: class {info.classes[number]}"
    return str(info.train / info.classes[number])


def _register_heif() -> None:
    """Lets Pillow read HEIC, if the package for it is installed."""
    if find_spec("pillow_heif"):
        import_module("pillow_heif").register_heif_opener()


class _ReadProgress:
    """The progress of reading, and the images that could not be read."""

    def __init__(self, title: str, report: ProgressCallback) -> None:
        self.activity, self.report = f"Reading the images of {title}", report
        self.total = self.done = 0
        self.failures: list[str] = []

    def count(self) -> None:
        """Counts one image, read or not."""
        self.done += 1
        if self.done % CHUNK_SIZE == 0 or self.done == self.total:
            self.report(self.activity, self.done / self.total)

    def find_failure(self, folder: str) -> str:
        """Returns the first image in a folder that could not be read, in parentheses."""
        failures = (failure for failure in self.failures if failure.startswith(f"{folder}/"))
        failure = next(failures, "")
        return f" ({failure})" if failure else ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence on the images left out."""
        if not self.failures:
            return ()
        listed, more = self.failures[:MAX_NAMED], len(self.failures) - MAX_NAMED
        which = "; ".join(listed) + (f"; and {format_count(more)} more" if more > 0 else "")
        count = f"{format_count(len(self.failures))} of {format_count(self.total)}"
        return (f"{count} images left out: {which}.",)


def _list_files(
    folder: Path, classes: tuple[str, ...], unused: UnusedFiles
) -> list[tuple[Path, int]]:
    """Returns the images of a split with their classes."""
    files = [
        (path, number)
        for number, name in enumerate(classes)
        for path in image_folders.list_images(folder / name, unused)
    ]
    unknown = sorted(set(image_folders.list_subfolders(folder)) - set(classes))
    if unknown:
        problem = f'"{unknown[0]}" is not among the training classes ({", ".join(classes[:5])})'
        raise InputError(problem, str(folder))
    return files


def _read_split(
    files: list[tuple[Path, int]],
    data: ImageFolder,
    keys: dict[Path, float],
    progress: _ReadProgress,
) -> Examples:
    inputs = torch.empty(len(files), *data.shape, dtype=torch.uint8)
    targets: list[int] = []
    key_list: list[float] = []
    for (path, number), image in zip(files, _read_images(files, data), strict=True):
        if isinstance(image, str):
            progress.failures.append(f"{path.parent.name}/{path.name} {image}")
        else:
            inputs[len(targets)] = image
            targets.append(number)
            key_list += [keys[path]] if keys else []
        progress.count()
    split_keys = torch.tensor(key_list, dtype=torch.float64) if keys else None
    numbers = torch.tensor(targets, dtype=torch.int64)
    return Examples(inputs[: len(targets)], numbers, split_keys=split_keys)


def _read_images(files: list[tuple[Path, int]], data: ImageFolder) -> Iterator[Tensor | str]:
    """Yields images in order, read by several threads slightly ahead."""
    remaining = iter(files)
    with ThreadPoolExecutor(THREADS) as pool:
        while chunk := list(islice(remaining, CHUNK_SIZE)):
            yield from pool.map(lambda file: _read_image(file[0], data.size, data.color), chunk)


def _read_image(path: Path, size: int, color: bool) -> Tensor | str:
    """Reads an image, crops its center to a square and resizes it; or says why it cannot."""
    try:
        with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return f"has {format_count(opened.width * opened.height)} pixels"
            opened.draft("RGB" if color else "L", (2 * size, 2 * size))
            image = ImageOps.exif_transpose(_simplify(opened)).convert("RGB" if color else "L")
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return "is not an image that can be read"
    except Exception as error:  # a damaged file can fail in a decoder in any way
        return f"is damaged ({error})"
    flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return flat.view(size, size, -1).permute(2, 0, 1)


def _simplify(image: Image.Image) -> Image.Image:
    """Returns an image without transparency (on white), with 8 bits per channel."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")  # convert alone would clip
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, "white")
        return Image.alpha_composite(white, layers)
    return image
