"""The losses by name, and what each asks of the network's output."""

from math import log
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from tuilab.core.experiment.knobs import knob

Smoothing = Annotated[
    float,
    knob("Part of the certainty that is taken from the true class and spread over all", ge=0, lt=1,
         live=True),
]  # fmt: skip


class Loss(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every loss has."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def outputs(self, classes: int) -> int:
        """How many numbers the network must end in; `classes` is 0 for a regression."""
        return classes or 1

    def floor(self, classes: int) -> float:
        """The lowest value that the training loss can reach."""
        return 0.0


class CrossEntropy(Loss, frozen=True, kw_only=True, tag="cross_entropy"):
    """Surprise at the true class, from one logit a class.

    Formula: L = −log softmax(z)[y]
    Use: for classes, nearly always: its gradient is simply p − y.
    Pitfall: no Softmax layer in front: it is inside. Twice makes the gradients tiny.
    Source: torch.nn.CrossEntropyLoss
    """

    label_smoothing: Smoothing = 0.0
    balanced: Annotated[
        bool, knob("Rare classes count more: each class as a whole counts the same", live=True)
    ] = False
    weight: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...],
        knob("A weight for each class; empty: all the same (instead of balanced)", live=True),
    ] = ()

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")

    def floor(self, classes: int) -> float:
        return smoothed_entropy(self.label_smoothing, classes)


class BCE(Loss, frozen=True, kw_only=True, tag="bce"):
    """Surprise at the true one of two, from one logit.

    Formula: L = −y log σ(z) − (1 − y) log(1 − σ(z))
    Use: for two classes with a single output, and for the discriminator of a GAN.
    Pitfall: no Sigmoid layer in front: it is inside.
    Source: torch.nn.BCEWithLogitsLoss
    """

    pos_weight: Annotated[
        float, knob("How much more the second class counts than the first", gt=0, le=1000,
                    live=True, log=True),
    ] = 1.0  # fmt: skip

    tasks: ClassVar[tuple[str, ...]] = ("classification", "gan")

    def outputs(self, classes: int) -> int:
        return 1


class MSE(Loss, frozen=True, kw_only=True, tag="mse"):
    """Mean squared error; for classes, against 1 for the true one and 0 for the others.

    Formula: L = mean (ŷ − y)²
    Use: for numbers, where twice the error is four times as bad.
    Pitfall: a few far-off targets decide everything; Huber or L1 follow them less.
    Source: torch.nn.MSELoss
    """

    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression", "autoencoder", "gan")


class L1(Loss, frozen=True, kw_only=True, tag="l1"):
    """Mean absolute error: the fit goes through the median.

    Formula: L = mean |ŷ − y|
    Use: for numbers with wild ones among them.
    Pitfall: its gradient does not shrink near the target, so steps keep jumping over it; let the
      learning rate fall.
    Source: torch.nn.L1Loss
    """

    tasks: ClassVar[tuple[str, ...]] = ("regression", "autoencoder")


class Huber(Loss, frozen=True, kw_only=True, tag="huber"):
    """Squared error near the target, absolute error far from it.

    Formula: L = ½ e² if |e| ≤ δ, else δ (|e| − ½ δ)
    Use: for numbers with a few wild ones, without giving up the smooth bottom of MSE.
    Pitfall: δ is in units of the target; far too large it is MSE, far too small it is L1.
    Source: torch.nn.HuberLoss; Huber 1964
    """

    delta: Annotated[
        float, knob("Error at which the square becomes a line", gt=0, le=1e6, live=True, log=True)
    ] = 1.0

    tasks: ClassVar[tuple[str, ...]] = ("regression", "autoencoder")


class Focal(Loss, frozen=True, kw_only=True, tag="focal"):
    """Cross-entropy in which examples that are already right hardly count.

    Formula: L = −(1 − p)^γ log p, with p = softmax(z)[y]
    Use: where easy examples of one class drown the others.
    Pitfall: a large γ makes the network unsure of everything; probabilities are no longer
      calibrated.
    Source: Lin and others 2017
    """

    gamma: Annotated[
        float, knob("How fast examples that are right stop counting; 0: cross-entropy", ge=0, le=10,
                    live=True),
    ] = 2.0  # fmt: skip

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")


class Hinge(Loss, frozen=True, kw_only=True, tag="hinge"):
    """Nothing to pay once the true class is ahead of the others by a margin.

    Formula: L = mean over j ≠ y of max(0, margin − z[y] + z[j])
    Use: to see what support vector machines follow; only examples near the boundary count.
    Pitfall: outputs are no probabilities; once all margins are kept nothing is learned any more.
    Source: torch.nn.MultiMarginLoss; with one output, max(0, margin − y z) with y = ±1
    """

    margin: Annotated[float, knob("How far ahead is far enough", gt=0, le=1000, live=True)] = 1.0

    tasks: ClassVar[tuple[str, ...]] = ("classification", "gan")


class KL(Loss, frozen=True, kw_only=True, tag="kl"):
    """How far the prediction is from the smoothed target: cross-entropy less its floor.

    Formula: L = Σ q log(q ∕ p), q = (1 − ε) · one-hot + ε ∕ classes
    Use: as cross-entropy with label smoothing, where the best possible value is to read as 0.
    Pitfall: without smoothing it is cross-entropy; the two differ by a constant only.
    Source: torch.nn.KLDivLoss
    """

    label_smoothing: Smoothing = 0.1

    tasks: ClassVar[tuple[str, ...]] = ("classification", "language_model")


class ZeroOne(Loss, frozen=True, kw_only=True, tag="zero_one"):
    """The share of wrong answers: what is really meant, but without a slope to follow.

    Formula: L = mean [ŷ ≠ y]
    Use: with the perceptron rule, which needs no gradient.
    Pitfall: its gradient is 0 everywhere; no other task can learn by it.
    """

    tasks: ClassVar[tuple[str, ...]] = ("perceptron",)

    def outputs(self, classes: int) -> int:
        return 1


class Own(Loss, frozen=True, kw_only=True, tag="own"):
    """A loss and its gradient that you have written yourself, in the exercise `losses`.

    Formula: your function on the way forward, and its _gradient on the way back
    Use: after the exercise has passed, to see your own code train a network.
    Pitfall: huber has δ = 1 and focal γ = 2 here; bce and focal are for two classes.
    Source: your exercises' folder, losses.py; it must pass again after every change
    """

    function: Annotated[
        Literal["mse", "huber", "bce", "focal", "cross_entropy"],
        knob("Which of your functions is followed down"),
    ] = "cross_entropy"

    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    def outputs(self, classes: int) -> int:
        return self.like.outputs(classes)

    @property
    def like(self) -> Loss:
        """The loss of the lab that takes the same outputs and means the same by them."""
        if self.function in ("bce", "focal"):
            return BCE()
        return CrossEntropy() if self.function == "cross_entropy" else MSE()


AnyLoss = CrossEntropy | BCE | MSE | L1 | Huber | Focal | Hinge | KL | ZeroOne | Own
"""Every loss by its name in a file."""


def meaning(loss: Loss) -> Loss:
    """The loss by which the outputs are to be read: of one's own, the one it is like."""
    return loss.like if isinstance(loss, Own) else loss


def smoothed_entropy(smoothing: float, classes: int) -> float:
    """The entropy of a one-hot target after smoothing, in nats."""
    if not smoothing or classes < 2:
        return 0.0
    rest = smoothing / classes
    true = 1 - smoothing + rest
    return -true * log(true) - (classes - 1) * rest * log(rest)
