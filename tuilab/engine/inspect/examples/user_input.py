"""An input of somebody's own: drawn, typed, or a picture from a file."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.corpus import BYTES
from tuilab.core.protocol.inspect.examples_messages import UserInput, typed_numbers
from tuilab.engine.session import Session

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TIFF")
"""Kinds of pictures that are read: each is only decoded, nothing in it is run."""

MOST_BYTES = 32 << 20
"""Bytes of the largest file that is opened."""

MOST_PIXELS = 40_000_000
"""Pixels of the largest picture that is decoded."""

NOTHING = "Nothing is drawn yet: this is what the network says of an empty picture."


@dataclass(frozen=True, slots=True)
class Given:
    """An input of the data's shape, [1, ...], not yet prepared, and what there is to know of it."""

    inputs: Tensor
    note: str = ""
    at: Tensor | None = None
    "The coordinates that it was made from."


def given(session: Session, own: UserInput) -> Given:
    """The input that somebody gave; InputError, in words, where none can be made of it."""
    inputs = session.dataset.train.inputs
    if session.experiment.data.graph:
        raise InputError("a graph has no place for a node of one's own")
    if inputs.dim() == 4:
        return _picture(session, own, inputs.shape[1:])
    if not inputs.is_floating_point():
        return _tokens(session, own.text)
    if session.dataset.inputs_at is not None:
        count = len(session.dataset.bounds) // 2
        point = torch.tensor([typed_numbers(own.text, count)], device=session.device)
        return Given(session.dataset.inputs_at(point), _outside(session, point), point)
    if inputs.dim() == 3 and inputs.shape[2] == 1:
        return _series(session, own.text, inputs.shape[1])
    numbers = typed_numbers(own.text, inputs[0].numel())
    return Given(torch.tensor(numbers, device=session.device).reshape(1, *inputs.shape[1:]))


def _outside(session: Session, point: Tensor) -> str:
    limits = session.dataset.bounds
    lows, highs = limits[0::2], limits[1::2]
    row = point[0].tolist()
    is_inside = all(a <= x <= b for a, x, b in zip(lows, row, highs, strict=True))
    return "" if is_inside else "This is outside of where the examples lie: a guess into the blue."


# --- pictures


def _picture(session: Session, own: UserInput, shape: torch.Size) -> Given:
    channels, height, width = shape
    if own.path:
        picture, note = opened(own.path, channels, height, width)
    else:
        ink = torch.frombuffer(bytearray(own.pixels or bytes(height * width)), dtype=torch.uint8)
        if len(ink) != height * width:
            raise InputError(f"the drawing is not {height} by {width} pixels")
        picture = ink.reshape(1, height, width).expand(channels, -1, -1)
        note = "" if bool(ink.any()) else NOTHING
    return Given(picture[None].to(session.device), note)


def opened(path: str, channels: int, height: int, width: int) -> tuple[Tensor, str]:
    """A picture from a file as bytes, [channels, height, width], and what was done to it."""
    place = Path(path).expanduser()
    _check(place)
    try:
        # Pillow warns of a large picture where it opens it; here that is refused in words.
        with _quiet(), Image.open(place, formats=FORMATS) as file:
            if file.width * file.height > MOST_PIXELS:
                raise InputError(f"{file.width} by {file.height} pixels are too many", place.name)
            before = f"{file.width}x{file.height}"
            turned = ImageOps.exif_transpose(file).convert("RGBA")
            white = Image.new("RGBA", turned.size, "white")
            image = Image.alpha_composite(white, turned).convert("RGB" if channels == 3 else "L")
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise InputError("it is no picture that can be read (PNG, JPEG, …)", place.name) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise InputError("the picture is damaged or cut off", place.name) from None
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    picture = pixels.reshape(height, width, -1).permute(2, 0, 1).contiguous()
    note = f"{place.name}: {before} pixels, cut and resized to {width}x{height}"
    return picture, f"{note}, grey." if channels == 1 else f"{note}."


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _check(place: Path) -> None:
    """Refuse what is no plain file, or too large to be a picture of use."""
    try:
        is_file, size = place.is_file(), os.path.getsize(place) if place.exists() else 0
    except (OSError, ValueError):
        raise InputError("this path cannot be read", str(place)[:80]) from None
    if not place.exists():
        raise InputError("there is no such file", str(place)[:80])
    if not is_file:
        raise InputError("it is no file", place.name or str(place)[:80])
    if size > MOST_BYTES:
        raise InputError(f"{size / 1e6:.0f} MB are too many for a picture here", place.name)
    if not os.access(place, os.R_OK):
        raise InputError("you may not read this file", place.name)


# --- series and texts


def _series(session: Session, text: str, length: int) -> Given:
    """Numbers, or bits without commas; zeros stand in front of what is too short."""
    plain = text.replace(" ", "")
    words = " ".join(plain) if plain and set(plain) <= {"0", "1"} else text
    count = len(words.replace(",", " ").replace(";", " ").split())
    numbers = typed_numbers(words, count) if count else []
    if not numbers:
        raise InputError(f"type up to {length} numbers, such as 0.5, -1, 2")
    kept = numbers[-length:]
    row = [0.0] * (length - len(kept)) + kept
    notes = []
    if len(kept) < length:
        notes.append(f"{len(kept)} of {length} numbers: zeros stand in front of them.")
    if len(numbers) > length:
        notes.append(f"Only the last {length} numbers were used.")
    return Given(torch.tensor(row, device=session.device).reshape(1, length, 1), " ".join(notes))


def _tokens(session: Session, text: str) -> Given:
    """A text as tokens; what the vocabulary lacks is replaced, and said."""
    data = session.dataset
    length = data.train.inputs.shape[1]
    vocabulary = data.vocabulary or data.classes
    if not text:
        raise InputError("type a text")
    if vocabulary == BYTES:
        numbers, note = list(text.encode(errors="replace")), ""
    elif data.vocabulary:
        numbers, note = _known(text, vocabulary)
    else:
        return Given(*_by_name(session, text, vocabulary, length))
    if len(numbers) > length:
        note += f" Only the last {length} tokens were used."
    tokens = torch.tensor([numbers[-length:]], device=session.device)
    return Given(tokens, note.strip())


def _known(text: str, vocabulary: tuple[str, ...]) -> tuple[list[int], str]:
    numbers = {token: number for number, token in enumerate(vocabulary)}
    stand_in = next((token for token in (" ", "?", "\n") if token in numbers), vocabulary[0])
    unknown = "".join(dict.fromkeys(sign for sign in text if sign not in numbers))
    found = [numbers.get(sign, numbers[stand_in]) for sign in text]
    if not unknown:
        return found, ""
    named = ", ".join(repr(sign) for sign in unknown[:8]) + (", …" if len(unknown) > 8 else "")
    return found, f"The network does not know {named}: {stand_in!r} was used instead."


def _by_name(
    session: Session, text: str, names: tuple[str, ...], length: int
) -> tuple[Tensor, str]:
    """Tokens by what the classes are called, or by their number."""
    numbers = {name: number for number, name in enumerate(names)}
    parts = text.split() if " " in text.strip() else list(text.strip())
    unknown = [part for part in parts if part not in numbers]
    row = [numbers.get(part, 0) for part in parts][:length]
    row += [0] * (length - len(row))
    note = f"{len(parts)} of {length} tokens; {names[0]!r} fills the rest." if names else ""
    if unknown:
        note = f"Unknown: {', '.join(unknown[:8])}; {names[0]!r} was used instead. {note}"
    return torch.tensor([row], device=session.device), note
