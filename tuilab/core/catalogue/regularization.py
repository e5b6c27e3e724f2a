"""What keeps a network from learning its examples by heart: penalties, limits, averages."""

from typing import Annotated

from msgspec import Struct

from tuilab.core.experiment.knobs import knob


class Regularization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Penalties in the loss, limits on the weights, and when to stop."""

    l1: Annotated[
        float,
        knob("Adds l1 · Σ|w| to the loss: pulls weights to exactly zero", ge=0, le=10, live=True,
             log=True),
    ] = 0.0  # fmt: skip
    l2: Annotated[
        float,
        knob("Adds l2 · Σw²∕2 to the loss: with plain SGD the same as weight decay", ge=0, le=10,
             live=True, log=True),
    ] = 0.0  # fmt: skip
    max_norm: Annotated[
        float,
        knob("Longest weight vector that a unit may have; 0 is no limit", ge=0, le=1e6, live=True,
             log=True),
    ] = 0.0  # fmt: skip
    gradient_noise: Annotated[
        float,
        knob("Noise added to the gradient, fading as 1 ∕ (1 + step)^0.55 (Neelakantan 2015)",
             ge=0, le=10, live=True, log=True),
    ] = 0.0  # fmt: skip
    patience: Annotated[
        int,
        knob("Stop after so many epochs without a better validation loss; 0: never", ge=0,
             le=1_000_000, unit="epochs", live=True, log=True),
    ] = 0  # fmt: skip
    min_delta: Annotated[
        float,
        knob("How much lower a validation loss must be to count as better, with patience", ge=0,
             le=1000, live=True, log=True),
    ] = 0.0  # fmt: skip
    restore_best: Annotated[
        bool, knob("Where patience ends, go back to the weights of the best epoch", live=True)
    ] = True


class Averaging(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every averaging has."""


class NoAveraging(Averaging, frozen=True, kw_only=True, tag="none"):
    """Measure and keep the weights as they are.

    Formula: w̄ = w
    Use: by default; a falling learning rate does much of the same.
    Pitfall: with a large constant learning rate the last weights are a matter of luck.
    """


class EMA(Averaging, frozen=True, kw_only=True, tag="ema"):
    """Measure a running mean of the weights, in which old ones fade.

    Formula: w̄ ← decay · w̄ + (1 − decay) · w after every step; w̄ = w after the first
    Use: for steadier validation curves, and for GANs and long runs; training itself is unchanged.
    Pitfall: a decay too near to 1 for a short run leaves the mean behind: at first the
      validation curve is worse than without. About 1 ∕ (1 − decay) steps are in the mean.
    Source: torch.optim.swa_utils.get_ema_multi_avg_fn, with buffers (statistics of batch norm)
    """

    decay: Annotated[
        float, knob("How much of the mean stays in each step", ge=0, lt=1, live=True)
    ] = 0.99


class SWA(Averaging, frozen=True, kw_only=True, tag="swa"):
    """Measure the plain mean of the weights at the ends of late epochs (Izmailov 2018).

    Formula: w̄ = (w₁ + … + wₙ) ∕ n, one for each epoch after the start
    Use: at the end of a run with a constant or cyclic learning rate: a flatter, often better place.
    Pitfall: begun too early it averages in weights that were still bad. The statistics of
      batch norm are averaged along, not measured again.
    Source: torch.optim.swa_utils.AveragedModel with use_buffers
    """

    start: Annotated[
        float, knob("Part of the run after which epochs count", ge=0, lt=1, live=True)
    ] = 0.75


AnyAveraging = NoAveraging | EMA | SWA
"""Every averaging of weights by its name in a file."""


class Augmentation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Random changes to the training examples, other ones each time they come."""

    shift: Annotated[
        float,
        knob("Farthest shift of a picture in each direction", ge=0, le=64, unit="pixels",
             live=True),
    ] = 0.0  # fmt: skip
    rotation: Annotated[
        float,
        knob("Farthest turn of a picture either way", ge=0, le=180, unit="degrees", live=True),
    ] = 0.0  # fmt: skip
    crop: Annotated[
        float, knob("Part of a picture's sides that a random crop may cut away", ge=0, lt=1,
                    live=True),
    ] = 0.0  # fmt: skip
    flip: Annotated[
        float, knob("Chance to mirror a picture left to right", ge=0, le=1, live=True)
    ] = 0.0
    cutout: Annotated[
        int,
        knob("Side of a square set to grey in each picture (DeVries 2017); 0: none", ge=0, le=512,
             unit="pixels", live=True),
    ] = 0  # fmt: skip
    noise: Annotated[
        float,
        knob("Spread of the noise added to inputs, which have spread 1", ge=0, le=10, live=True),
    ] = 0.0  # fmt: skip
    mixup: Annotated[
        float,
        knob("Mix pairs of examples and their losses by Beta(mixup, mixup) (Zhang 2017); 0: none",
             ge=0, le=10, live=True),
    ] = 0.0  # fmt: skip


PICTURES_ONLY = ("shift", "rotation", "crop", "flip", "cutout")
"""The changes that mean nothing to an input that is no picture."""
