"""The losses by name, and what each asks of the network's output."""

from typing import ClassVar

from msgspec import Struct


class Loss(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every loss has."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def outputs(self, classes: int) -> int:
        """How many numbers the network must end in; `classes` is 0 for a regression."""
        return classes or 1


class CrossEntropy(Loss, frozen=True, kw_only=True, tag="cross_entropy"):
    """Surprise at the true class, from one logit a class (`torch.nn.CrossEntropyLoss`)."""


class BCE(Loss, frozen=True, kw_only=True, tag="bce"):
    """Surprise at the true one of two classes, from one logit (`torch.nn.BCEWithLogitsLoss`)."""

    def outputs(self, classes: int) -> int:
        return 1


class MSE(Loss, frozen=True, kw_only=True, tag="mse"):
    """Mean squared error; for classes, against 1 for the true one and 0 for the others."""

    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")


AnyLoss = CrossEntropy | BCE | MSE
"""Every loss by its name in a file."""
