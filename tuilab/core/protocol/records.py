"""The plain records that events carry."""

from typing import Literal

from msgspec import Struct, field


class Device(Struct, frozen=True):
    """One device to train on."""

    name: str
    "Value of `training.device`: cpu, cuda:0, mps."
    label: str
    "Full name: NVIDIA H200, 139 GiB."
    problem: str = ""
    "Why it cannot be used; empty if it can."


class LossPoint(Struct, frozen=True, array_like=True):
    """One point of the loss curve: the steps since the point before it."""

    step: int
    "The last of its steps."
    mean: float
    low: float
    high: float
    lr: float
    "Learning rate of the last step."


class LayerStats(Struct, frozen=True):
    """Statistics of the parameters of one layer at one step."""

    layer: str
    "Its label: `2 Linear`."
    gradient_norm: float
    "L2 norm of the gradient of all its parameters."
    update_ratio: float
    "L2 norm of the update divided by that of the parameters."
    weight_norm: float
    "L2 norm of its parameters."


class ActivationStats(Struct, frozen=True):
    """Statistics of one activation or recurrent state at one step; fractions are from 0 to 1."""

    layer: str
    "Its label: `ReLU after 2 Linear`, `State of 1 RNN`."
    zeros: float
    "Fraction of its values that are 0."
    dead: float
    "Fraction of its units that are 0 for every example of the batch."
    saturated: float
    "Fraction of its values so close to a limit of Tanh or Sigmoid that the gradient vanishes."
    rms: float = 0.0
    "Root mean square of a recurrent state at the end of the sequence."
    rms_growth: float = 0.0
    "The same divided by the root mean square after the first position."
    similarity: float = 0.0
    "Of the nodes of a graph after a graph convolution: 1 if all have the same features."


class InputStats(Struct, frozen=True):
    """Statistics of the inputs of one batch, as the network gets them."""

    max_abs_mean: float
    "Largest absolute mean of a feature."
    max_std: float
    "Largest standard deviation of a feature."
    min_std: float
    "Smallest standard deviation of a feature."


class TargetStats(Struct, frozen=True):
    """Statistics of the training targets, and whether similar inputs have similar ones.

    Up to 512 examples are compared, each with the other one whose inputs are nearest.
    """

    count: int
    "Examples that were compared; 0 where inputs cannot be: tokens, graphs."
    agreement: float
    "Fraction whose nearest example is of the same class; of numbers, the correlation."
    chance: float
    "The agreement to be expected if targets did not depend on the inputs."
    mean: float = 0.0
    "Of numbers: the mean."
    std: float = 0.0
    "Of numbers: the standard deviation."


class SeedRun(Struct, frozen=True):
    """One of several runs that differ in their seed only."""

    seed: int
    run: str
    "Its id; empty as long as it has not started."
    state: Literal["waiting", "training", "done", "stopped", "interrupted", "failed"]
    metrics: dict[str, float] = field(default_factory=dict)
    "Results such as `validation.accuracy`."
    problem: str = ""
    "Why it failed, or what of it could not be stored."


class Sample(Struct, frozen=True):
    """One image and what the network predicts for it."""

    pixels: bytes
    "Rows from the top, 0 to 255, one byte (gray) or three (RGB) a pixel."
    shape: tuple[int, int, int]
    "Channels, height, width."
    target: int
    predicted: int
    probability: float
    "Of the predicted class."


class Reconstruction(Struct, frozen=True):
    """An example and its reconstruction."""

    input: bytes
    "Pixels as in `Sample`; empty if the example is not an image."
    output: bytes
    shape: tuple[int, ...]
    error: float
    "Mean squared error, in units of the normalized input."


class Baseline(Struct, frozen=True):
    """Losses on one part of the data: of the network, and of two that have learned nothing."""

    split: str
    examples: int
    network: float
    untrained: float
    "With the initial weights."
    constant: float
    "Of the best prediction that is the same for every example."


MIN_SPAN = 0.01
"""Examples for which a constant prediction has a lower loss than this are all alike."""


class Memorization(Struct, frozen=True):
    """Whether new weights can fit a few examples, without regularization and augmentation."""

    examples: int
    steps: int
    "Until the examples were memorized, or all that were tried."
    lr: float
    first: float
    best: float
    "The lowest loss."
    constant: float
    "Lowest loss of a prediction that is the same for all of these examples."
    floor: float = 0.0
    "The lowest possible value of the loss."

    @property
    def excess(self) -> float:
        """The best loss between the floor, 0, and that of a constant prediction, 1.

        It is 0 for examples that are all alike, which a constant prediction fits.
        """
        span = self.constant - self.floor
        return (self.best - self.floor) / span if span > MIN_SPAN else 0.0


class RateTrial(Struct, frozen=True):
    """A few steps at a multiple of the run's learning rate, and what they did to the loss."""

    start: Literal["new", "current"]
    "From new weights, or from those of the run."
    factor: float
    "Of the run's learning rate."
    lr: float
    steps: int
    before: float
    after: float
    "Loss on the same training examples as before."

    @property
    def drop(self) -> float:
        """The relative decrease of the loss; minus infinity if it is not finite any more."""
        drop = (self.before - self.after) / max(abs(self.before), 1e-9)
        return drop if drop == drop else float("-inf")


class RateSearch(Struct, frozen=True):
    """What the learning-rate finder suggests for new weights."""

    searches: int
    steps: int
    "Of all searches; each at a higher rate than the one before."
    lr: float | None
    "Where the mean loss of the searches falls fastest; None if it falls nowhere."


class LabelPermutation(Struct, frozen=True):
    """How fast new weights fit the labels, and the same labels in random order."""

    examples: int
    steps: int
    true: float
    "Mean loss over all steps with the labels as they are."
    permuted: float
    "The same with permuted labels."
    true_last: float
    "Mean loss over the last steps with the labels as they are."
    permuted_last: float
    constant: float
    "Lowest loss of a constant prediction."
    floor: float = 0.0
    "The lowest possible value of the loss."
