"""Examples: which are mistaken for what, how sure the network is, and why."""

from typing import Literal, get_args

from msgspec import Struct, field

from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

ZERO = 128
"""The byte of a heat map that is zero; 1 and 255 are the farthest from it, either way."""

STEPS = 127
"""How finely a heat map is told, on either side of zero."""

PartName = Literal["validation", "test", "train"]

PARTS: tuple[PartName, ...] = get_args(PartName)

Why = Literal["saliency", "occlusion", "gradcam"]

WAYS: tuple[Why, ...] = get_args(Why)

Page = Literal["matrix", "examples", "own", "made"]
"""The confusion matrix, examples in an order, an input of one's own, what the network makes."""

MOST_NUMBERS = 64
"""Numbers that are told of one example."""

MOST_SIDE = 64
"""Pixels on each side that are told of a picture."""


class UserInput(Struct, frozen=True):
    """An input that somebody drew, typed or has on the disk."""

    text: str = ""
    "Numbers, or a text."
    pixels: bytes = b""
    "A drawing: rows from the top, one byte a pixel, as many as the data's pictures have."
    path: str = ""
    "A file with a picture."


class ExamplesRequest(InspectRequest, frozen=True):
    """Examples in an order, or of one cell of the confusion matrix."""

    page: Page = "matrix"
    part: PartName = "validation"
    "Another one is taken where it has no examples."
    cell: list[int] = field(default_factory=list)
    "Target and predicted class of the examples to show; none: all of them."
    is_reversed: bool = False
    "The smallest losses first."
    first: int = 0
    count: int = 12
    place: int = 0
    "Which of them, counted from the first in the order, is told in full."
    why: Why = "saliency"
    own: UserInput | None = None


class Row(Struct, frozen=True):
    """One example in short."""

    number: int
    "Where it stands in its part."
    loss: float
    target: int = -1
    predicted: int = -1
    probability: float = 0.0
    "Of the class that was predicted."
    pixels: bytes = b""
    shape: list[int] = field(default_factory=list)
    "Channels, height, width of the picture, at most `MOST_SIDE` each way; else none."


class Example(Struct, frozen=True):
    """One example in full, with what the network says of it and why."""

    number: int = -1
    "Where it stands in its part; -1: an input of somebody's own."
    loss: float | None = None
    kind: Literal["picture", "numbers", "series", "tokens"] = "numbers"
    pixels: bytes = b""
    shape: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    "Features, or one feature at every step of a series."
    names: list[str] = field(default_factory=list)
    "Of the features; of tokens, each token."
    left_out: int = 0
    "Numbers or tokens that are not told."
    targets: list[float] = field(default_factory=list)
    "A class, one at each position, or the numbers that are right."
    answers: list[float] = field(default_factory=list)
    "The class that was predicted, or the numbers."
    labels: list[str] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    "Of each of the `labels`, the classes."
    output: bytes = b""
    "A reconstruction, as `pixels`."
    heat: bytes = b""
    "Bytes around `ZERO`: of a picture, rows from the top; else one for each number or token."
    heat_shape: list[int] = field(default_factory=list)
    "Height and width."
    reach: float = 0.0
    "What the farthest byte from zero stands for."
    about: str = ""
    "What the heat map says, of which class."
    ways: list[Why] = field(default_factory=list)
    "The heat maps there are for this network."
    note: str = ""


class Made(Struct, frozen=True):
    """What a network makes: pictures, points among true ones, or a text."""

    pixels: list[bytes] = field(default_factory=list)
    shape: list[int] = field(default_factory=list)
    columns: int = 0
    "How many pictures stand side by side; 0: as many as fit."
    bounds: list[float] = field(default_factory=list)
    width: int = 0
    height: int = 0
    judged: list[float] = field(default_factory=list)
    "How real the discriminator finds each place of the plane, from 0 to 1, rows from the top."
    real: list[tuple[float, float]] = field(default_factory=list)
    drawn: list[tuple[float, float]] = field(default_factory=list)
    prompt: str = ""
    text: str = ""
    temperature: float = 1.0
    is_whole: bool = True
    "Whether there is nothing more to come of a text."
    title: str = ""


class ExamplesResponse(InspectResponse, frozen=True):
    """Examples with what the network says of each."""

    page: Page = "matrix"
    pages: list[Page] = field(default_factory=list)
    "Those that this task has."
    task: str = ""
    part: PartName = "validation"
    measured: int = 0
    "Examples that are counted."
    of: int = 0
    "Examples that the part has."
    classes: list[str] = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)
    "counts[target][predicted]"
    cell: list[int] = field(default_factory=list)
    found: int = 0
    "Examples of the cell, or all that are counted."
    is_reversed: bool = False
    first: int = 0
    place: int = 0
    rows: list[Row] = field(default_factory=list)
    example: Example | None = None
    made: Made | None = None
    accepts: Literal["", "picture", "numbers", "text"] = ""
    "What an input of one's own is."
    own_shape: list[int] = field(default_factory=list)
    "Channels, height and width of a picture, or how many numbers."
    own_names: list[str] = field(default_factory=list)
    "What those numbers are called; empty: they have no names."
    own_unit: str = ""
    "A sentence on what they are counted in."
    note: str = ""


def typed_numbers(text: str, count: int) -> list[float]:
    """Numbers between commas or spaces; InputError if they are not as many as there should be."""
    numbers = []
    for word in text.replace(",", " ").replace(";", " ").split():
        try:
            number = float(word)
        except ValueError:
            raise InputError(f'"{word}" is no number; write such as 0.5, -1.2') from None
        if not abs(number) < 1e30:
            raise InputError(f"{word} is too large; it has to be finite")
        numbers.append(number)
    if len(numbers) != count:
        raise InputError(f"{len(numbers)} of {count} numbers; put commas between them")
    return numbers
