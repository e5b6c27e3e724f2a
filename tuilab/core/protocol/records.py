"""The plain records that events carry."""

from msgspec import Struct


class Device(Struct, frozen=True):
    """One place to train."""

    name: str
    "What `training.device` is set to: cpu, cuda:0, mps."
    label: str
    "What it is: NVIDIA H200, 139 GiB."
    problem: str = ""
    "Why it cannot be used; empty if it can."


class LayerStatistics(Struct, frozen=True):
    """One layer with weights at one probed step."""

    layer: str
    "Where it stands and what it is: `2 Linear`."
    gradient: float
    "Length (Euclidean norm) of the gradient of all its parameters."
    update: float
    "Length of the step over the length of the parameters."
    weight: float
    "Length of its parameters."


class Activity(Struct, frozen=True):
    """One activation or recurrent state inside the network at one probed step: shares, 0 to 1."""

    layer: str
    "What it is and which layer it follows: `ReLU after 2 Linear`, `State of 1 RNN`."
    zeros: float
    "Of its values that are 0."
    dead: float
    "Of its units that are 0 for every example of the batch."
    saturated: float
    "Of its values so near an end of Tanh or Sigmoid that hardly a gradient passes."
    size: float = 0.0
    "Of a recurrent state: root mean square at the end of the sequence."
    growth: float = 0.0
    "The same as a multiple of what it is after the first position."


class Inputs(Struct, frozen=True):
    """How the inputs of one batch are spread, as the network gets them."""

    mean: float
    "Of the feature whose mean is farthest from 0, without its sign."
    most: float
    "Largest standard deviation of a feature."
    least: float
    "Smallest one."


class Sample(Struct, frozen=True):
    """One picture and what the network says of it."""

    pixels: bytes
    "Rows from the top, 0 to 255, one byte (grey) or three (RGB) a pixel."
    shape: tuple[int, int, int]
    "Channels, height, width."
    target: int
    predicted: int
    probability: float


class Pair(Struct, frozen=True):
    """An example and its reconstruction."""

    input: bytes
    "As in `Sample`; empty where an example is no picture."
    output: bytes
    shape: tuple[int, ...]
    error: float
    "Mean squared error, in units of the normalized input."
