"""Examples: the confusion matrix, the largest losses, predictions and their attribution."""

from typing import Literal, get_args

from msgspec import Struct, field

from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.core.protocol.inspect.result_messages import Generated
from tuilab.core.run.confusion import ConfusionMatrix

SplitName = Literal["validation", "test", "train"]

SPLITS: tuple[SplitName, ...] = get_args(SplitName)

Attribution = Literal["saliency", "occlusion", "gradcam"]

ATTRIBUTIONS: tuple[Attribution, ...] = get_args(Attribution)

Page = Literal["matrix", "examples", "user_input", "generated"]
"""The confusion matrix, examples in an order, an input of the user, what the network generates."""

MAX_NUMBERS = 64
"""Numbers shown of one example."""

MAX_IMAGE_SIDE = 64
"""Pixels on each side of a shown image."""


class UserInput(Struct, frozen=True):
    """An input that the user has drawn, typed or has in a file."""

    text: str = ""
    "Numbers, or a text."
    pixels: bytes = b""
    "A drawing of the size of the data's images: rows from the top, one byte a pixel."
    path: str = ""
    "An image file."


class ExamplesRequest(InspectRequest, frozen=True):
    """Examples in an order, or those of one cell of the confusion matrix."""

    page: Page = "matrix"
    split: SplitName = "validation"
    "If it has no examples, another split is used."
    cell: list[int] = field(default_factory=list)
    "Target and predicted class of the examples to show; empty: all examples."
    is_reversed: bool = False
    "Smallest losses first."
    first: int = 0
    count: int = 12
    position: int = 0
    "Position in the order of the example that is described in full."
    attribution: Attribution = "saliency"
    user_input: UserInput | None = None


class ExampleSummary(Struct, frozen=True):
    """One example in a list."""

    number: int
    "Index in its split."
    loss: float
    target: int = -1
    predicted: int = -1
    probability: float = 0.0
    "Of the predicted class."
    pixels: bytes = b""
    shape: list[int] = field(default_factory=list)
    "Channels, height, width of the image; empty if the example is not an image."


class Example(Struct, frozen=True):
    """One example in full, with the prediction and its attribution."""

    number: int = -1
    "Index in its split; -1: an input of the user."
    loss: float | None = None
    kind: Literal["picture", "numbers", "series", "tokens"] = "numbers"
    pixels: bytes = b""
    shape: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    "Features, or one feature at every step of a series."
    names: list[str] = field(default_factory=list)
    "Of the features; of tokens, each token."
    omitted: int = 0
    "Numbers or tokens that are not shown."
    targets: list[float] = field(default_factory=list)
    "A class, a class for each position, or numbers."
    predictions: list[float] = field(default_factory=list)
    "The predicted class or numbers."
    labels: list[str] = field(default_factory=list)
    "Names of the classes."
    probabilities: list[float] = field(default_factory=list)
    "Of each class."
    reconstruction: bytes = b""
    "As `pixels`."
    heat: bytes = b""
    "Quantized attribution: of an image, rows from the top; else of each number or token."
    heat_shape: list[int] = field(default_factory=list)
    "Height and width."
    heat_max_abs: float = 0.0
    heat_caption: str = ""
    "What the heat map shows, for which class."
    attributions: list[Attribution] = field(default_factory=list)
    "Attribution methods available for this network."
    note: str = ""


class ExamplesResponse(InspectResponse, frozen=True):
    """Examples with their predictions."""

    page: Page = "matrix"
    pages: list[Page] = field(default_factory=list)
    "Pages that this task has."
    task: str = ""
    split: SplitName = "validation"
    evaluated: int = 0
    "Examples evaluated so far."
    total: int = 0
    "Examples in the split."
    matrix: ConfusionMatrix = ConfusionMatrix()
    "Without counts if there are too many classes."
    cell: list[int] = field(default_factory=list)
    matches: int = 0
    "Examples of the cell, or all evaluated ones."
    is_reversed: bool = False
    first: int = 0
    position: int = 0
    rows: list[ExampleSummary] = field(default_factory=list)
    example: Example | None = None
    generated: Generated | None = None
    input_kind: Literal["", "picture", "numbers", "text"] = ""
    "What kind of input the user can give."
    input_shape: list[int] = field(default_factory=list)
    "Channels, height and width of an image, or how many numbers."
    input_names: list[str] = field(default_factory=list)
    "Names of the numbers; empty if they have none."
    input_unit: str = ""
    "A sentence about the unit of the numbers."
    note: str = ""


def parse_numbers(text: str, count: int) -> list[float]:
    """Parses numbers between commas or spaces; raises InputError if there are not `count`."""
    numbers = []
    for word in text.replace(",", " ").replace(";", " ").split():
        try:
            number = float(word)
        except ValueError:
            raise InputError(f'"{word}" is not a number; write it like 0.5 or -1.2') from None
        if not abs(number) < 1e30:
            raise InputError(f"{word} is too large; it must be finite")
        numbers.append(number)
    if len(numbers) != count:
        raise InputError(f"{len(numbers)} of {count} numbers; put commas between them")
    return numbers
