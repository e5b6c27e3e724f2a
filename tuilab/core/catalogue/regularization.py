"""Regularization: penalties, limits, early stopping, weight averaging and data augmentation."""

from typing import TYPE_CHECKING, Annotated, Union

from msgspec import Struct

from tuilab.core.catalogue.tags import tagged_classes
from tuilab.core.experiment.knobs import knob


class Regularization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Penalties in the loss, limits on the weights, and early stopping."""

    l1: Annotated[
        float,
        knob("Adds l1 · Σ|w| to the loss: makes many weights exactly zero", ge=0, le=10, live=True,
             log=True),
    ] = 0.0  # fmt: skip
    l2: Annotated[
        float,
        knob("Adds l2 · Σw²∕2 to the loss: the same as weight decay with plain SGD", ge=0, le=10,
             live=True, log=True),
    ] = 0.0  # fmt: skip
    max_norm: Annotated[
        float,
        knob("Largest norm of a unit's incoming weights; 0: no limit", ge=0, le=1e6, live=True,
             log=True, zero="off"),
    ] = 0.0  # fmt: skip
    gradient_noise: Annotated[
        float,
        knob("Gradient noise, decaying as 1 ∕ (1 + step)^0.55 (Neelakantan et al. 2015)",
             ge=0, le=10, live=True, log=True),
    ] = 0.0  # fmt: skip
    patience: Annotated[
        int,
        knob("Epochs without a better validation loss before early stopping; 0: off", ge=0,
             le=1_000_000, unit="epochs", live=True, log=True, zero="off"),
    ] = 0  # fmt: skip
    min_delta: Annotated[
        float,
        knob("Decrease of the validation loss that counts as better, with patience", ge=0,
             le=1000, live=True, log=True),
    ] = 0.0  # fmt: skip
    restore_best: Annotated[
        bool, knob("Restore the weights of the best epoch when training stops early", live=True)
    ] = True


class Averaging(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """The base class of all kinds of weight averaging: a running average of past weights."""

    def step_share(self) -> float | None:
        """Returns the share of the new weights in the average after a step; None: unchanged."""
        return None

    def epoch_share(self, done: float, count: int) -> float | None:
        """Returns the share of the new weights in the average after an epoch; None: unchanged.

        Args:
            done: the fraction of the run that is over.
            count: how many weights are in the average.
        """
        return None


class NoAveraging(Averaging, frozen=True, kw_only=True, tag="none"):
    """Evaluates the current weights.

    Formula: w̄ = w
    Use: by default; a decaying learning rate has a similar effect.
    Pitfall: with a large constant learning rate the last weights are noisy.
    """


class EMA(Averaging, frozen=True, kw_only=True, tag="ema"):
    """Evaluates an exponential moving average of the weights.

    Formula: w̄ ← decay · w̄ + (1 − decay) · w after every step; w̄ = w after the first
    Use: smoother validation curves, GANs and long runs; training itself is unchanged.
    Pitfall: with a decay too close to 1 for a short run the average lags behind: at first the
      validation loss is worse than without it. It covers about 1 ∕ (1 − decay) steps.
    Source: torch.optim.swa_utils.get_ema_multi_avg_fn, with buffers (batch-norm statistics)
    """

    decay: Annotated[
        float, knob("Fraction of the average that is kept in each step", ge=0, lt=1, live=True)
    ] = 0.99

    def step_share(self) -> float:
        return 1 - self.decay


class SWA(Averaging, frozen=True, kw_only=True, tag="swa"):
    """Evaluates the mean of the weights at the ends of late epochs (Izmailov et al. 2018).

    Formula: w̄ = (w₁ + … + wₙ) ∕ n, one for each epoch after the start
    Use: the end of a run with a constant or cyclic learning rate: a flatter, often better minimum.
    Pitfall: started too early, it includes weights that were still bad. Batch-norm statistics are
      averaged too, not recomputed.
    Source: torch.optim.swa_utils.AveragedModel with use_buffers
    """

    start: Annotated[
        float, knob("Fraction of the run after which averaging starts", ge=0, lt=1, live=True)
    ] = 0.75

    def epoch_share(self, done: float, count: int) -> float | None:
        return 1 / (count + 1) if done > self.start else None


AVERAGINGS = tagged_classes(globals(), Averaging)
"""Every weight averaging that a file can name."""

if TYPE_CHECKING:
    AnyAveraging = Averaging
else:
    AnyAveraging = Union[AVERAGINGS]  # noqa: UP007 (msgspec reads the members at run time)


class Augmentation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Random changes of the training examples, drawn anew for every batch."""

    shift: Annotated[
        float,
        knob("Largest shift of an image in each direction", ge=0, le=64, unit="pixels",
             live=True),
    ] = 0.0  # fmt: skip
    rotation: Annotated[
        float,
        knob("Largest rotation of an image in either direction", ge=0, le=180, unit="degrees",
             live=True),
    ] = 0.0  # fmt: skip
    crop: Annotated[
        float, knob("Largest fraction of an image's sides that a random crop removes", ge=0,
                    lt=1, live=True),
    ] = 0.0  # fmt: skip
    flip: Annotated[float, knob("Probability of a horizontal flip", ge=0, le=1, live=True)] = 0.0
    cutout: Annotated[
        int,
        knob("Side of a gray square in each image (DeVries, Taylor 2017); 0: none", ge=0, le=512,
             unit="pixels", live=True, zero="off"),
    ] = 0  # fmt: skip
    noise: Annotated[
        float,
        knob("Standard deviation of the noise added to inputs, whose own is 1", ge=0, le=10,
             live=True),
    ] = 0.0  # fmt: skip
    mixup: Annotated[
        float,
        knob("Mix pairs of examples by Beta(mixup, mixup) (Zhang et al. 2017); 0: off",
             ge=0, le=10, live=True, zero="off"),
    ] = 0.0  # fmt: skip


IMAGES_ONLY = ("shift", "rotation", "crop", "flip", "cutout")
"""The augmentations that only images can have."""
