"""What a network has learned, as a picture: a decision surface, a curve, a confusion matrix, …"""

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.core.protocol.message import snake_case
from tuilab.core.protocol.records import Reconstruction, Sample
from tuilab.core.run.confusion import ConfusionMatrix

Bounds = tuple[float, float, float, float]
"""Left, right, bottom, top."""


class ResultRequest(InspectRequest, frozen=True):
    """The picture that suits the task and the data set."""

    width: int = 40
    height: int = 20
    "Columns and rows of a decision surface."
    samples: int = 12
    "Maximum number of images."


class DecisionSurface(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Outputs of a network over a plane, row by row from the top."""

    bounds: Bounds
    width: int
    height: int
    values: list[float]
    "Classification: class + probability, as k + p with p in [0, 1); regression: the output."
    points: list[tuple[float, float, float]]
    "Training examples: x1, x2, class or target."
    validation: list[tuple[float, float, float]] = field(default_factory=list)


class Curve(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Outputs of a network over one input."""

    x: list[float]
    y: list[float]
    points: list[tuple[float, float]]
    "Training examples."


class GeneratedText(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """A text of a language model, as far as it has been generated."""

    prompt: str
    text: str
    temperature: float
    is_complete: bool = True


class Reconstructions(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Examples and what an autoencoder reconstructs from them."""

    pairs: list[Reconstruction]


class GeneratedImages(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Images of a generator or a decoder."""

    images: list[bytes]
    "Pixels as in `Sample`."
    shape: list[int]
    "Channels, height, width of all images."
    columns: int = 0
    "Images in a row; 0: as many as fit."
    title: str = ""


class GeneratedPoints(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Points of a generator among real ones."""

    bounds: Bounds
    real: list[tuple[float, float]]
    generated: list[tuple[float, float]]
    covered_modes: int | None = None
    "Modes of the data with generated points; None if the data has no known modes."
    total_modes: int = 0
    precision: float = 0.0
    "Fraction of the generated points that lie at a mode."
    width: int = 0
    height: int = 0
    realness: list[float] = field(default_factory=list)
    "The discriminator's output over the plane, from 0 to 1, row by row from the top."


class Scatter(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Targets of a regression and the predictions: on the diagonal if they are equal."""

    points: list[tuple[float, float]]


class NodeGraph(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """A graph with the predicted class of each node; of a large graph some of the nodes."""

    positions: list[tuple[float, float]]
    "From 0 to 1, from the left and from the top."
    edges: list[tuple[int, int]]
    values: list[float]
    "Class + probability of each node, as k + p with p in [0, 1)."
    targets: list[int]
    "Classes of the nodes that are trained on or held out; -1: it is not shown."
    is_labeled: list[bool]
    "Whether a node is trained on."
    matrix: ConfusionMatrix
    "Of the nodes that are held out."
    total_nodes: int


Generated = GeneratedText | GeneratedImages | GeneratedPoints
"""What a generative network produces."""

Picture = (
    DecisionSurface | Curve | ConfusionMatrix | Reconstructions | Scatter | NodeGraph | Generated
)
"""What the result view shows, by task and data set."""


class ResultResponse(InspectResponse, frozen=True):
    """The picture of what the network has learned."""

    picture: Picture | None = None
    samples: list[Sample] = field(default_factory=list)
    "Images with predictions, beside a confusion matrix."
