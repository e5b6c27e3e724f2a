"""Data sets of sequences: what must be remembered, counted or heard over many steps."""

import string
from typing import Annotated, Literal

from tuilab.core.catalogue.data.data_set import (
    Examples,
    Imbalance,
    LabelNoise,
    Numbers,
    Samples,
    Task,
)
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape, Tokens

SHAPES = ("sine", "square", "triangle", "sawtooth")
"""The waves that `waves` tells apart by shape."""

Steps = Annotated[int, knob("Steps of a sequence", ge=2, le=1000, unit="steps", log=True)]


class Parity(Numbers, frozen=True, kw_only=True, tag="parity"):
    """Zeros and ones in a row; the class is whether the ones are even or odd in number.

    Use: one bit must be carried over every step: simple once the trick is found, and very hard
      to find; no gradient shows the way, unless running asks after every bit.
    """

    samples: Samples = 2000
    length: Annotated[int, knob("Bits of an example", ge=1, le=1000, unit="bits", log=True)] = 12
    running: Annotated[
        bool, knob("Ask after every bit, not only after the last: far easier to find the trick")
    ] = False
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    @property
    def shape(self) -> Shape:
        return (self.length, 1)

    @property
    def positions(self) -> Shape:
        return (self.length,) if self.running else ()

    @property
    def classes(self) -> tuple[str, ...]:
        return ("even", "odd")


class Adding(Numbers, frozen=True, kw_only=True, tag="adding"):
    """Numbers of which two are marked; the target is the sum of these two.

    Use: the classical test of long memory (Hochreiter, Schmidhuber 1997). Always answering 1 has
      a mean squared error of 0.167; a plain RNN stays there when the sequence is long.
    """

    samples: Samples = 5000
    length: Steps = 50
    normalize: Annotated[
        bool,
        knob("Shift and scale the inputs to mean 0 and spread 1, as measured on the training part"),
    ] = False

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("regression",)

    @property
    def shape(self) -> Shape:
        return (self.length, 2)


class Copy(Examples, frozen=True, kw_only=True, tag="copy"):
    """Letters, a pause, a signal; then the letters must be given back in order.

    Use: memory alone, without any sums (Hochreiter, Schmidhuber 1997): attention looks back, a
      recurrent network has to keep everything in its state.
    """

    samples: Samples = 5000
    symbols: Annotated[int, knob("How many different letters", ge=2, le=26)] = 8
    memory: Annotated[int, knob("Letters to remember", ge=1, le=100, unit="letters")] = 5
    delay: Annotated[
        int, knob("Steps from the last letter to the answer", ge=1, le=1000, unit="steps", log=True)
    ] = 10

    @property
    def shape(self) -> Shape:
        return Tokens((2 * self.memory + self.delay,), vocabulary=self.symbols + 2)

    @property
    def positions(self) -> Shape:
        return tuple(self.shape)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(string.ascii_uppercase[: self.symbols])


class Waves(Numbers, frozen=True, kw_only=True, tag="waves"):
    """Waves that begin anywhere; the class is how fast they swing, or what shape they have.

    Use: to classify sequences by what is repeated in them: recurrent networks, and 1-D
      convolutions after Transpose.
    """

    samples: Samples = 2000
    length: Annotated[int, knob("Steps of a sequence", ge=8, le=1000, unit="steps", log=True)] = 40
    differ: Annotated[Literal["frequency", "shape"], knob("What tells the classes apart")] = (
        "frequency"
    )
    kinds: Annotated[int, knob("How many classes", ge=2, le=4)] = 3
    noise: Annotated[float, knob("Spread of the noise on every step", ge=0, le=2)] = 0.2
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    @property
    def shape(self) -> Shape:
        return (self.length, 1)

    @property
    def classes(self) -> tuple[str, ...]:
        if self.differ == "shape":
            return SHAPES[: self.kinds]
        return ("slow", "medium", "fast", "faster")[: self.kinds]


class Forecast(Numbers, frozen=True, kw_only=True, tag="forecast"):
    """A mixture of two sine waves; the target is its value some steps after the end.

    Use: to forecast a series from its past; the further ahead, the more of it must be understood.
    """

    samples: Samples = 2000
    length: Steps = 40
    ahead: Annotated[
        int, knob("Steps from the last one seen to the one asked for", ge=1, le=100, unit="steps")
    ] = 1
    noise: Annotated[float, knob("Spread of the noise on every step seen", ge=0, le=2)] = 0.05

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("regression",)

    @property
    def shape(self) -> Shape:
        return (self.length, 1)
