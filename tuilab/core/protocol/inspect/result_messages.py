"""The events that are pictures: what a network says of its data, answers to `Probe`."""

from msgspec import field

from tuilab.core.protocol.message import Event, snake
from tuilab.core.protocol.records import Pair, Sample


class Surface(Event, frozen=True, tag=snake):
    """What the network says over the plane, row by row from the top."""

    run: str
    step: int
    bounds: tuple[float, float, float, float]
    "Left, right, bottom, top."
    width: int
    height: int
    values: list[float]
    "For classes: class + certainty, as k + p with p in [0, 1); for a regression: the output."
    points: list[tuple[float, float, float]]
    "Some examples: x1, x2, class or target."
    validation: list[tuple[float, float, float]] = field(default_factory=list)


class Curve(Event, frozen=True, tag=snake):
    """What the network says over one input."""

    run: str
    step: int
    x: list[float]
    y: list[float]
    points: list[tuple[float, float]]


class Confusion(Event, frozen=True, tag=snake):
    """How often each class was taken for which, with sample predictions."""

    run: str
    step: int
    classes: list[str]
    counts: list[list[int]]
    "counts[target][predicted]"
    samples: list[Sample]


class Written(Event, frozen=True, tag=snake):
    """Text that a language model writes, as far as it has come."""

    run: str
    step: int
    prompt: str
    text: str
    temperature: float


class Reconstructed(Event, frozen=True, tag=snake):
    """Examples beside what an autoencoder makes of them."""

    run: str
    step: int
    pairs: list[Pair]


class Drawn(Event, frozen=True, tag=snake):
    """Examples that a generator draws: pictures, or points among real ones."""

    run: str
    step: int
    pictures: list[Sample] = field(default_factory=list)
    bounds: tuple[float, ...] = ()
    "Left, right, bottom, top, for points."
    real: list[tuple[float, float]] = field(default_factory=list)
    drawn: list[tuple[float, float]] = field(default_factory=list)
    covered: int | None = None
    "How many modes of the data are among what is drawn."
    modes: int = 0


class Scatter(Event, frozen=True, tag=snake):
    """Targets of a regression and what the network says: on the diagonal where it is right."""

    run: str
    step: int
    points: list[tuple[float, float]]


Picture = Surface | Curve | Confusion | Written | Reconstructed | Drawn | Scatter
