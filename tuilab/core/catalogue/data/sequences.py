"""Data sets of sequences: tasks that need memory, counting or periodicity over many steps."""

import string
from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.data.data_set import (
    BatchedDataSet,
    Imbalance,
    LabelNoise,
    Normalize,
    NumericDataSet,
    Samples,
    TaskName,
)
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape, Tokens

WAVE_SHAPES = ("sine", "square", "triangle", "sawtooth")
"""The classes of `Waves` where the shape differs."""

Steps = Annotated[int, knob("Sequence length", ge=2, le=1000, unit="steps", log=True)]


class Parity(NumericDataSet, frozen=True, kw_only=True, tag="parity"):
    """A sequence of bits; the class is whether the number of ones is even or odd.

    Use: one bit must be carried over every step. The solution is simple and very hard to find:
      no gradient leads to it, unless running adds a target after every bit.
    """

    samples: Samples = 2000
    length: Annotated[int, knob("Bits per example", ge=1, le=1000, unit="bits", log=True)] = 12
    running: Annotated[
        bool, knob("A target after every bit, not only after the last: far easier to learn")
    ] = False
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    classes: ClassVar[tuple[str, ...]] = ("even", "odd")

    @property
    def shape(self) -> Shape:
        return (self.length, 1)

    @property
    def target_shape(self) -> Shape:
        return (self.length,) if self.running else ()


class Adding(NumericDataSet, frozen=True, kw_only=True, tag="adding"):
    """A sequence of numbers, two of them marked; the target is the sum of these two.

    Use: the classical test of long-term memory (Hochreiter, Schmidhuber 1997). Always predicting 1
      gives a mean squared error of 0.167; a plain RNN gets no further on long sequences.
    """

    samples: Samples = 5000
    length: Steps = 50
    normalize: Normalize = False

    tasks: ClassVar[tuple[TaskName, ...]] = ("regression",)

    @property
    def shape(self) -> Shape:
        return (self.length, 2)


class Copy(BatchedDataSet, frozen=True, kw_only=True, tag="copy"):
    """Letters, a delay, a signal; then the letters must be repeated in order.

    Use: memory alone, without arithmetic (Hochreiter, Schmidhuber 1997): attention looks back,
      while a recurrent network has to keep everything in its state.
    """

    samples: Samples = 5000
    symbols: Annotated[int, knob("Number of different letters", ge=2, le=26)] = 8
    memory: Annotated[int, knob("Letters to remember", ge=1, le=100, unit="letters")] = 5
    delay: Annotated[
        int, knob("Steps from the last letter to the answer", ge=1, le=1000, unit="steps", log=True)
    ] = 10

    @property
    def shape(self) -> Shape:
        return Tokens((2 * self.memory + self.delay,), vocabulary=self.symbols + 2)

    @property
    def target_shape(self) -> Shape:
        return tuple(self.shape)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(string.ascii_uppercase[: self.symbols])


class Waves(NumericDataSet, frozen=True, kw_only=True, tag="waves"):
    """Waves with random phases; the class is their frequency or their shape.

    Use: to classify sequences by a repeating pattern, with recurrent networks, or with 1-D
      convolutions after Transpose.
    """

    samples: Samples = 2000
    length: Annotated[int, knob("Sequence length", ge=8, le=1000, unit="steps", log=True)] = 40
    differ: Annotated[Literal["frequency", "shape"], knob("What distinguishes the classes")] = (
        "frequency"
    )
    kinds: Annotated[int, knob("Number of classes", ge=2, le=4)] = 3
    noise: Annotated[float, knob("Standard deviation of the noise", ge=0, le=2)] = 0.2
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    @property
    def shape(self) -> Shape:
        return (self.length, 1)

    @property
    def classes(self) -> tuple[str, ...]:
        if self.differ == "shape":
            return WAVE_SHAPES[: self.kinds]
        return ("slow", "medium", "fast", "faster")[: self.kinds]


class Forecast(NumericDataSet, frozen=True, kw_only=True, tag="forecast"):
    """A sum of two sine waves; the target is its value some steps after the end.

    Use: to forecast a series from its past; the further ahead, the harder.
    """

    samples: Samples = 2000
    length: Steps = 40
    ahead: Annotated[
        int, knob("Steps from the last input to the target", ge=1, le=100, unit="steps")
    ] = 1
    noise: Annotated[float, knob("Standard deviation of the noise on the inputs", ge=0, le=2)] = (
        0.05
    )

    tasks: ClassVar[tuple[TaskName, ...]] = ("regression",)

    @property
    def shape(self) -> Shape:
        return (self.length, 1)
