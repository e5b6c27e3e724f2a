"""Pictures of the user's own: a folder for each class, brought to one size as bytes."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from tuilab.core.catalogue.data.images import Folder
from tuilab.core.errors import InputError
from tuilab.core.files import image_folders
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.rng import rng_for

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""What Pillow may try; it knows many more, and their readers are less looked after."""

MOST_PIXELS = 100_000_000
"""A larger picture is left out unread: a small file can announce one that fills the memory."""

LARGEST = 8_000_000_000
"""Bytes of all pictures together."""

THREADS, AT_ONCE = 4, 64

MOST_NAMED = 3


def folder(data: Folder, seed: int, report: Report) -> Source:
    """All pictures; some of them to test, unless there is a folder for that."""
    look, told = image_folders.look(data.path), _Told(data.title, report)
    places = {"train": look.train, "validation": look.validation, "test": look.test}
    files = {part: _files(place, look.classes) for part, place in places.items() if place}
    told.of = sum(map(len, files.values()))
    if (size := told.of * data.size**2 * (3 if data.color else 1)) > LARGEST:
        problem = f"{told.of:,} pictures need {size / 1e9:,.0f} GB; make data.size smaller"
        raise InputError(problem, str(look.train))
    Image.init()  # all readers, before several threads ask for them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, on what is odd in a file
        parts = {part: _part(each, data, told) for part, each in files.items()}
    training, test = parts["train"], parts.get("test")
    missing = set(range(len(look.classes))) - set(training.targets.tolist())
    if missing:
        name = look.classes[min(missing)]
        problem = f"there is no picture in it that can be read{told.first}"
        raise InputError(problem, str(look.train / name))
    if test is None:
        training, test = _parted(training, data.test, seed)
    return Source(training, test, validation=parts.get("validation"), remarks=told.remarks)


class _Told:
    """How far it is, and what could not be read."""

    def __init__(self, title: str, report: Report) -> None:
        self.what, self.report = f"Reading the pictures of {title}", report
        self.of = self.done = 0
        self.broken: list[str] = []

    def one_more(self) -> None:
        """One picture is read, or cannot be."""
        self.done += 1
        if self.done % AT_ONCE == 0 or self.done == self.of:
            self.report(self.what, self.done / self.of)

    @property
    def first(self) -> str:
        """The first that is broken, in brackets."""
        return f" ({self.broken[0]})" if self.broken else ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is left out, as a sentence."""
        if not self.broken:
            return ()
        named, more = self.broken[:MOST_NAMED], len(self.broken) - MOST_NAMED
        which = "; ".join(named) + (f"; and {more:,} more" if more > 0 else "")
        return (f"{len(self.broken):,} of {self.of:,} pictures left out: {which}.",)


def _files(place: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """The pictures of a part with their classes."""
    found = [
        (path, number)
        for number, name in enumerate(classes)
        for path in image_folders.pictures(place / name)
    ]
    strange = sorted(set(image_folders.names(place)) - set(classes))
    if strange:
        problem = f'"{strange[0]}" is not among the classes to train on ({", ".join(classes[:5])})'
        raise InputError(problem, str(place))
    return found


def _parted(examples: Part, test: float, seed: int) -> tuple[Part, Part]:
    """Some pictures apart, the same ones for the same seed; one at least stays to train on."""
    count = len(examples)
    held = min(round(count * test), count - 1)
    order = torch.randperm(count, generator=rng_for(seed, "test pictures"))
    return examples.at(order[held:].sort().values), examples.at(order[:held].sort().values)


def _part(files: list[tuple[Path, int]], data: Folder, told: _Told) -> Part:
    channels, size = data.shape[0], data.size
    inputs = torch.empty(len(files), channels, size, size, dtype=torch.uint8)
    targets, count = [], 0
    for (path, number), read in zip(files, _read(files, data), strict=True):
        if isinstance(read, str):
            told.broken.append(f"{path.parent.name}/{path.name} {read}")
        else:
            inputs[count] = read
            targets.append(number)
            count += 1
        told.one_more()
    return Part(inputs[:count], torch.tensor(targets, dtype=torch.int64))


def _read(files: list[tuple[Path, int]], data: Folder) -> Iterator[Tensor | str]:
    """Pictures in order, read by several threads a little ahead."""
    waiting = iter(files)
    with ThreadPoolExecutor(THREADS) as readers:
        while some := list(islice(waiting, AT_ONCE)):
            yield from readers.map(lambda file: _pixels(file[0], data.size, data.color), some)


def _pixels(path: Path, size: int, color: bool) -> Tensor | str:
    """One picture, its middle cut to a square and brought to size; or why it cannot be read."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return f"has {opened.width * opened.height / 1e6:,.0f} million pixels"
            opened.draft("RGB" if color else "L", (2 * size, 2 * size))
            image = ImageOps.exif_transpose(_plain(opened)).convert("RGB" if color else "L")
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return "is no picture that can be read"
    except Exception as error:  # a damaged file can fail in a decoder in any way at all
        return f"is damaged ({error})"
    flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return flat.view(size, size, -1).permute(2, 0, 1)


def _plain(image: Image.Image) -> Image.Image:
    """The same without transparency (on white), and with 8 bits for each colour."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")  # convert alone would clip
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, "white")
        return Image.alpha_composite(white, layers)
    return image
