"""An input of the user: drawn, typed, or an image file."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files.corpus import BYTE_TOKENS
from tuilab.core.files.typed_path import clean_path
from tuilab.core.format import format_bytes
from tuilab.core.protocol.inspect.examples_messages import UserInput, parse_numbers
from tuilab.engine.session import Session

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TIFF")
"""Accepted file formats: they are decoded, no code in them is run."""

MAX_FILE_BYTES = 32 << 20

MAX_PIXELS = 40_000_000

MAX_UNKNOWN_TOKENS = 8
"""Unknown tokens that a note lists."""

MAX_PATH_LENGTH = 80
"""Characters of a path in an error."""

NOTHING_DRAWN = "Nothing is drawn yet: this is the prediction for an empty image."


@dataclass(frozen=True, slots=True)
class PreparedInput:
    """An input of the data's shape, [1, ...], not normalized, with a note on its conversion."""

    inputs: Tensor
    note: str = ""
    coordinates: Tensor | None = None
    "[1, 1 or 2], the coordinates that it was made from."


def prepare_user_input(session: Session, user_input: UserInput) -> PreparedInput:
    """Converts the user's input to one of the data's shape; raises InputError if impossible."""
    inputs = session.dataset.train.inputs
    if session.experiment.data.is_graph:
        raise InputError("a node cannot be added to a graph")
    if inputs.dim() == 4:
        return _convert_image(session, user_input, inputs.shape[1:])
    if not inputs.is_floating_point():
        return _convert_text(session, user_input.text)
    if session.dataset.inputs_at is not None:
        count = len(session.dataset.bounds) // 2
        point = torch.tensor([parse_numbers(user_input.text, count)], device=session.device)
        note = _note_outside(session, point)
        return PreparedInput(session.dataset.inputs_at(point), note, point)
    if inputs.dim() == 3 and inputs.shape[2] == 1:
        return _convert_series(session, user_input.text, inputs.shape[1])
    numbers = parse_numbers(user_input.text, inputs[0].numel())
    return PreparedInput(torch.tensor(numbers, device=session.device).reshape(1, *inputs.shape[1:]))


def _note_outside(session: Session, point: Tensor) -> str:
    bounds = session.dataset.bounds
    ranges = zip(bounds[0::2], point[0].tolist(), bounds[1::2], strict=True)
    is_inside = all(low <= x <= high for low, x, high in ranges)
    return (
        "" if is_inside else "This is outside the range of the examples: the prediction is a guess."
    )


# --- images ---------------------------------------------------------------------------------------


def _convert_image(session: Session, user_input: UserInput, shape: torch.Size) -> PreparedInput:
    channels, height, width = shape
    if user_input.path:
        image, note = read_image(user_input.path, channels, height, width)
    else:
        pixels = bytearray(user_input.pixels or bytes(height * width))
        drawing = torch.frombuffer(pixels, dtype=torch.uint8)
        if len(drawing) != height * width:
            raise InputError(f"the drawing is not {height} by {width} pixels")
        image = drawing.reshape(1, height, width).expand(channels, -1, -1)
        note = "" if bool(drawing.any()) else NOTHING_DRAWN
    return PreparedInput(image[None].to(session.device), note)


def read_image(path: str, channels: int, height: int, width: int) -> tuple[Tensor, str]:
    """Reads an image file; returns uint8 [channels, height, width] and a note on its conversion.

    Raises:
        InputError: the file cannot be read as an image.
    """
    file_path = paths.expand_user(clean_path(path))
    _check_file(file_path)
    try:
        # Pillow warns about a large image when it opens it; here that is an error instead.
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(file_path, formats=FORMATS) as file,
        ):
            if file.width * file.height > MAX_PIXELS:
                raise InputError(
                    f"{file.width} by {file.height} pixels are too many", file_path.name
                )
            original_size = f"{file.width}x{file.height}"
            upright = ImageOps.exif_transpose(file).convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            image = Image.alpha_composite(white, upright).convert("RGB" if channels == 3 else "L")
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        message = "this is not an image that can be read (PNG, JPEG, …)"
        raise InputError(message, file_path.name) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise InputError("the image is damaged or incomplete", file_path.name) from None
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    note = f"{file_path.name}: {original_size} pixels, cropped and resized to {width}x{height}"
    note += ", gray." if channels == 1 else "."
    return pixels.reshape(height, width, -1).permute(2, 0, 1).contiguous(), note


def _check_file(path: Path) -> None:
    """Raises InputError for what is not a readable file, or too large."""
    path_text = str(path)[:MAX_PATH_LENGTH]
    try:
        is_file, size = path.is_file(), os.path.getsize(path) if path.exists() else 0
    except (OSError, ValueError):
        raise InputError("this path cannot be read", path_text) from None
    if not path.exists():
        raise InputError("there is no such file", path_text)
    if not is_file:
        raise InputError("this is not a file", path.name or path_text)
    if size > MAX_FILE_BYTES:
        raise InputError(f"{format_bytes(size)} are too many for an image", path.name)
    if not os.access(path, os.R_OK):
        raise InputError("you do not have permission to read this file", path.name)


# --- series and texts -----------------------------------------------------------------------------


def _convert_series(session: Session, text: str, length: int) -> PreparedInput:
    """Converts numbers, or bits without commas; a short series is padded with zeros in front."""
    bits = text.replace(" ", "")
    words = " ".join(bits) if bits and set(bits) <= {"0", "1"} else text
    count = len(words.replace(",", " ").replace(";", " ").split())
    numbers = parse_numbers(words, count) if count else []
    if not numbers:
        raise InputError(f"type up to {length} numbers, such as 0.5, -1, 2")
    last_numbers = numbers[-length:]
    series = [0.0] * (length - len(last_numbers)) + last_numbers
    notes = []
    if len(last_numbers) < length:
        notes.append(f"{len(last_numbers)} of {length} numbers: zeros are added in front.")
    if len(numbers) > length:
        notes.append(f"Only the last {length} numbers are used.")
    inputs = torch.tensor(series, device=session.device).reshape(1, length, 1)
    return PreparedInput(inputs, " ".join(notes))


def _convert_text(session: Session, text: str) -> PreparedInput:
    """Converts a text to tokens; unknown ones are replaced, with a note."""
    data = session.dataset
    length = data.train.inputs.shape[1]
    vocabulary = data.vocabulary or data.classes
    if not text:
        raise InputError("type a text")
    if vocabulary == BYTE_TOKENS:
        numbers, note = list(text.encode(errors="replace")), ""
    elif data.vocabulary:
        numbers, note = _encode_characters(text, vocabulary)
    else:
        return PreparedInput(*_encode_names(session, text, vocabulary, length))
    if len(numbers) > length:
        note += f" Only the last {length} tokens are used."
    tokens = torch.tensor([numbers[-length:]], device=session.device)
    return PreparedInput(tokens, note.strip())


def _encode_characters(text: str, vocabulary: tuple[str, ...]) -> tuple[list[int], str]:
    numbers = {token: number for number, token in enumerate(vocabulary)}
    substitute = next((token for token in (" ", "?", "\n") if token in numbers), vocabulary[0])
    unknown = list(dict.fromkeys(character for character in text if character not in numbers))
    tokens = [numbers.get(character, numbers[substitute]) for character in text]
    if not unknown:
        return tokens, ""
    listed = ", ".join(map(repr, unknown[:MAX_UNKNOWN_TOKENS]))
    listed += ", …" if len(unknown) > MAX_UNKNOWN_TOKENS else ""
    return tokens, f"The network does not know {listed}: {substitute!r} is used instead."


def _encode_names(
    session: Session, text: str, names: tuple[str, ...], length: int
) -> tuple[Tensor, str]:
    """Encodes tokens by the names of the classes, or by their numbers."""
    numbers = {name: number for number, name in enumerate(names)}
    words = text.split() if " " in text.strip() else list(text.strip())
    unknown = [word for word in words if word not in numbers]
    tokens = [numbers.get(word, 0) for word in words][:length]
    tokens += [0] * (length - len(tokens))
    note = f"{len(words)} of {length} tokens; {names[0]!r} fills the rest." if names else ""
    if unknown:
        listed = ", ".join(unknown[:MAX_UNKNOWN_TOKENS])
        note = f"Unknown: {listed}; {names[0]!r} is used instead. {note}"
    return torch.tensor([tokens], device=session.device), note
