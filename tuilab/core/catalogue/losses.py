"""Losses, and the network output that each of them expects."""

from math import log
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Union

from msgspec import Meta, Struct

from tuilab.core.catalogue.tags import tagged_classes
from tuilab.core.experiment.knobs import knob

Smoothing = Annotated[
    float,
    knob("Fraction of the target probability that is shared among all classes", ge=0, lt=1,
         live=True),
]  # fmt: skip

ClassWeights = Annotated[
    tuple[Annotated[float, Meta(ge=0)], ...],
    knob("Weight of each class, instead of balanced ones; empty: all equal", live=True),
]


class Loss(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """The base class of all losses."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    "The tags of the tasks that it can train."

    def outputs(self, classes: int) -> int:
        """Returns the number of outputs that the network must have; a regression has 0 classes."""
        return classes or 1

    def floor(self, classes: int) -> float:
        """Returns the lowest possible value of the training loss."""
        return 0.0

    def for_evaluation(self) -> "Loss":
        """Returns the loss without label smoothing and class weights, for held-out examples."""
        return self

    def for_constants(self) -> "Loss":
        """Returns the loss that a constant output is fitted with, which must have a minimum."""
        return self


class CrossEntropy(Loss, frozen=True, kw_only=True, tag="cross_entropy"):
    """Negative log-likelihood of the true class, from one logit per class.

    Formula: L = −log softmax(z)[y]
    Use: nearly always for classification: its gradient is simply p − y.
    Pitfall: it contains the softmax; a Softmax layer before it makes the gradients tiny.
    Source: torch.nn.CrossEntropyLoss
    """

    label_smoothing: Smoothing = 0.0
    balanced: Annotated[
        bool,
        knob("Give rare classes larger weights, so that all classes count the same", live=True),
    ] = False
    weight: ClassWeights = ()

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")

    def floor(self, classes: int) -> float:
        return smoothed_entropy(self.label_smoothing, classes)

    def for_evaluation(self) -> Loss:
        return CrossEntropy()


class NLL(Loss, frozen=True, kw_only=True, tag="nll"):
    """Negative log-likelihood of the true class, from one log-probability per class.

    Formula: L = −z[y], where z are log-probabilities
    Use: with LogSoftmax at the end of the network; together they are cross_entropy.
    Pitfall: without LogSoftmax nothing bounds it: outputs grow and the loss falls below 0 forever.
    Source: torch.nn.NLLLoss
    """

    weight: ClassWeights = ()

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")

    def for_evaluation(self) -> Loss:
        return NLL()

    def for_constants(self) -> Loss:
        return CrossEntropy(weight=self.weight)  # the same for log-probabilities


class BCE(Loss, frozen=True, kw_only=True, tag="bce"):
    """Negative log-likelihood of the true one of two classes, from one logit.

    Formula: L = −y log σ(z) − (1 − y) log(1 − σ(z))
    Use: two classes with a single output, and the discriminator of a GAN.
    Pitfall: it contains the sigmoid; a Sigmoid layer before it makes the gradients tiny.
    Source: torch.nn.BCEWithLogitsLoss
    """

    pos_weight: Annotated[
        float, knob("Weight of the second class relative to the first", gt=0, le=1000,
                    live=True, log=True),
    ] = 1.0  # fmt: skip

    tasks: ClassVar[tuple[str, ...]] = ("classification", "gan")

    def outputs(self, classes: int) -> int:
        return 1

    def for_evaluation(self) -> Loss:
        return BCE()


class MultiLabelBCE(Loss, frozen=True, kw_only=True, tag="multi_label_bce"):
    """Negative log-likelihood of the yes or no of every label, from one logit per label.

    Formula: L = mean over labels of −y log σ(z) − (1 − y) log(1 − σ(z))
    Use: examples to which any number of labels applies, with the task multi_label.
    Pitfall: it contains the sigmoid; a Sigmoid layer before it makes the gradients tiny.
    Source: torch.nn.BCEWithLogitsLoss
    """

    pos_weight: Annotated[
        float, knob("Weight of labels that apply relative to those that do not", gt=0, le=1000,
                    live=True, log=True),
    ] = 1.0  # fmt: skip

    tasks: ClassVar[tuple[str, ...]] = ("multi_label",)

    def for_evaluation(self) -> Loss:
        return MultiLabelBCE()


class SoftCrossEntropy(Loss, frozen=True, kw_only=True, tag="soft_cross_entropy"):
    """Cross-entropy of the prediction and a target distribution, from one logit per class.

    Formula: L = −Σ q log softmax(z)
    Use: targets that are probabilities, with the task soft_labels.
    Pitfall: its lowest value is the entropy of the targets, not 0.
    Source: torch.nn.CrossEntropyLoss (with class probabilities)
    """

    label_smoothing: Smoothing = 0.0

    tasks: ClassVar[tuple[str, ...]] = ("soft_labels",)

    def for_evaluation(self) -> Loss:
        return SoftCrossEntropy()


class MSE(Loss, frozen=True, kw_only=True, tag="mse"):
    """Mean squared error; for classes, against a one-hot target.

    Formula: L = mean (ŷ − y)²
    Use: regression where an error twice as large is four times as bad.
    Pitfall: a few outliers dominate it; Huber and L1 are more robust.
    Source: torch.nn.MSELoss
    """

    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression", "autoencoder", "gan")


class L1(Loss, frozen=True, kw_only=True, tag="l1"):
    """Mean absolute error: it fits the median.

    Formula: L = mean |ŷ − y|
    Use: regression with outliers.
    Pitfall: its gradient does not shrink near the target, so steps overshoot it; decay the learning
      rate.
    Source: torch.nn.L1Loss
    """

    tasks: ClassVar[tuple[str, ...]] = ("regression", "autoencoder")


class Huber(Loss, frozen=True, kw_only=True, tag="huber"):
    """Squared error near the target, absolute error far from it.

    Formula: L = ½ e² if |e| ≤ δ, else δ (|e| − ½ δ)
    Use: regression with a few outliers, with the smooth minimum of MSE.
    Pitfall: δ is in units of the target; much too large it is MSE, much too small it is L1.
    Source: torch.nn.HuberLoss; Huber 1964
    """

    delta: Annotated[
        float,
        knob(
            "Error at which the loss changes from quadratic to linear",
            gt=0,
            le=1e6,
            live=True,
            log=True,
        ),
    ] = 1.0

    tasks: ClassVar[tuple[str, ...]] = ("regression", "autoencoder")


class SmoothL1(Loss, frozen=True, kw_only=True, tag="smooth_l1"):
    """Squared error near the target, absolute error far from it, with a slope of at most 1.

    Formula: L = ½ e² ∕ β if |e| < β, else |e| − ½ β
    Use: regression with outliers, such as the corners of boxes (Fast R-CNN); it is huber ∕ β.
    Pitfall: β is in units of the target; 0 is L1.
    Source: torch.nn.SmoothL1Loss; Girshick 2015
    """

    beta: Annotated[
        float, knob("Error at which the loss changes from quadratic to linear; 0: L1", ge=0,
                    le=1e6, live=True, log=True),
    ] = 1.0  # fmt: skip

    tasks: ClassVar[tuple[str, ...]] = ("regression", "autoencoder")


class Focal(Loss, frozen=True, kw_only=True, tag="focal"):
    """Cross-entropy with little weight on examples that are already classified well.

    Formula: L = −(1 − p)^γ log p, with p = softmax(z)[y]
    Use: class imbalance, where many easy examples of one class outweigh the others.
    Pitfall: with a large γ the probabilities are underconfident and no longer calibrated.
    Source: Lin et al. 2017
    """

    gamma: Annotated[
        float, knob("How strongly easy examples are down-weighted; 0: cross-entropy", ge=0, le=10,
                    live=True),
    ] = 2.0  # fmt: skip

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")


class Hinge(Loss, frozen=True, kw_only=True, tag="hinge"):
    """Zero once the score of the true class exceeds all others by a margin.

    Formula: L = mean over j ≠ y of max(0, margin − z[y] + z[j])
    Use: to see the loss of support vector machines; only examples near the boundary count.
    Pitfall: outputs are not probabilities; once all margins are met, training stops.
    Source: torch.nn.MultiMarginLoss; with one output, max(0, margin − y z) with y = ±1
    """

    margin: Annotated[
        float, knob("Required margin between the scores", gt=0, le=1000, live=True)
    ] = 1.0

    tasks: ClassVar[tuple[str, ...]] = ("classification", "gan")


class KL(Loss, frozen=True, kw_only=True, tag="kl"):
    """KL divergence of the prediction from the smoothed target: cross-entropy minus its floor.

    Formula: L = Σ q log(q ∕ p), q = (1 − ε) · one-hot + ε ∕ classes
    Use: like cross-entropy with label smoothing, but with 0 as the lowest possible value.
    Pitfall: without smoothing it is cross-entropy; the two differ only by a constant.
    Source: torch.nn.KLDivLoss
    """

    label_smoothing: Smoothing = 0.1

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")

    def for_evaluation(self) -> Loss:
        return KL(label_smoothing=0.0)


class ZeroOne(Loss, frozen=True, kw_only=True, tag="zero_one"):
    """The error rate, which has no gradient to train with.

    Formula: L = mean [ŷ ≠ y]
    Use: with the perceptron rule, which needs no gradient.
    Pitfall: its gradient is 0 almost everywhere, so no other task can use it.
    """

    tasks: ClassVar[tuple[str, ...]] = ("perceptron",)

    def outputs(self, classes: int) -> int:
        return 1


class LearnerLoss(Loss, frozen=True, kw_only=True, tag="own"):
    """Your own loss and its gradient, from the exercise `losses`.

    Formula: your function in the forward pass, your _gradient function in the backward pass
    Use: after the exercise has passed, to see your own code train a network.
    Pitfall: huber has δ = 1 and focal γ = 2 here; bce and focal are for two classes.
    Source: losses.py in your exercises folder; it must pass again after every change
    """

    function: Annotated[
        Literal["mse", "huber", "bce", "focal", "cross_entropy"],
        knob("Your function that is minimized"),
    ] = "cross_entropy"

    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    def outputs(self, classes: int) -> int:
        return self.equivalent.outputs(classes)

    @property
    def equivalent(self) -> Loss:
        """The built-in loss that expects the same outputs."""
        if self.function in ("bce", "focal"):
            return BCE()
        return CrossEntropy() if self.function == "cross_entropy" else MSE()


LOSSES = tagged_classes(globals(), Loss)
"""Every loss that a file can name."""

if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss = Union[LOSSES]  # noqa: UP007 (msgspec reads the members at run time)


def equivalent_loss(loss: Loss) -> Loss:
    """Returns the built-in loss that interprets the outputs in the same way."""
    return loss.equivalent if isinstance(loss, LearnerLoss) else loss


def smoothed_entropy(smoothing: float, classes: int) -> float:
    """Returns the entropy of a one-hot target after label smoothing, in nats."""
    if not smoothing or classes < 2:
        return 0.0
    other = smoothing / classes
    true = 1 - smoothing + other
    return -true * log(true) - (classes - 1) * other * log(other)
