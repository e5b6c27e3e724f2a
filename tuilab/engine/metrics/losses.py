"""What the engine computes for each loss of the catalogue, and how to read a network's output.

A new loss is a struct in `core/catalogue/losses.py` and, here, a function marked `@loss(…)`: it
takes the struct, the output and the target, and returns the mean loss. A class is built from the
struct once per run and then called with output and target. A loss that is the mean of one value for
each example, or of each output, has a `reduction` like those of torch: with "none" it returns these
values, so that several networks get theirs at once (`engine/seeds`).

Outputs are [batch, outputs], or [batch, *positions, outputs] where every position has a target.
Targets are class indices, int64 [batch, *positions], or numbers, float in the output's shape.
Positions whose target is `IGNORE_INDEX` do not count. The mean over no targets, or over classes
whose weights are 0, is 0: it would be NaN, and every weight with it after one step.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue import losses as catalogue
from tuilab.core.catalogue.losses import CrossEntropy, Loss, equivalent_loss, smoothed_entropy
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.learner_code.learner_loss import LearnerLoss
from tuilab.engine.registry import Registry

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Output and target to the mean loss []."""

LOSSES: Registry[type[Loss], Callable[..., Any]] = Registry("loss")
loss = LOSSES.register

loss(catalogue.LearnerLoss)(LearnerLoss)


def build_loss(config: Loss, class_weights: Tensor | None = None) -> LossFunction:
    """Returns the function that training minimizes.

    Args:
        class_weights: the weight of each class, [classes], see `compute_class_weights`.
    """
    implementation = LOSSES[type(config)]
    if isinstance(implementation, type):
        built: LossFunction = implementation(config)
        return built
    options = {} if class_weights is None else {"class_weights": class_weights}
    return partial(implementation, config, **options)


def build_evaluation_loss(config: Loss) -> LossFunction:
    """Returns the loss for held-out examples: without label smoothing and class weights."""
    return build_loss(config.for_evaluation())


def compute_class_weights(config: Loss, targets: Tensor, classes: int) -> Tensor | None:
    """Returns the weight of each class, float32 [classes], on the targets' device, or None.

    Balanced weights give every class the same sum over the training examples:
    examples ∕ (classes · examples of the class), as in scikit-learn.

    Args:
        targets: class indices of the training examples, int64 [examples, *positions].
    """
    if weight := getattr(config, "weight", ()):
        return torch.tensor(weight, device=targets.device)
    if not getattr(config, "balanced", False):
        return None
    counts = torch.bincount(targets[targets != IGNORE_INDEX].flatten(), minlength=classes).float()
    return counts.sum() / (len(counts) * counts.clamp(min=1))


# --- one function for each loss -----------------------------------------------------------------


@loss(CrossEntropy)
def cross_entropy(
    config: CrossEntropy, output: Tensor, target: Tensor, class_weights: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Returns −log softmax(output)[target], []: torch.nn.CrossEntropyLoss.

    output [batch, *positions, classes], target int64 [batch, *positions], class_weights [classes].
    """
    smoothing = config.label_smoothing
    if target.dim() == 1 and class_weights is None:
        return F.cross_entropy(output, target, label_smoothing=smoothing, reduction=reduction)
    if target.dim() > 1:  # reshaped, not selected: selecting would wait for the device
        output, target = output.flatten(0, -2), target.flatten()
    is_used = target != IGNORE_INDEX
    if class_weights is None:
        mean = F.cross_entropy(output, target, label_smoothing=smoothing)
        return torch.where(is_used.any(), mean, 0.0)
    weight = class_weights.to(output)
    total = F.cross_entropy(output, target, weight, reduction="sum", label_smoothing=smoothing)
    return _divide(total, weight, target)


def _divide(total: Tensor, weight: Tensor, target: Tensor) -> Tensor:
    """Returns a sum of losses by the sum of the weights of their targets; 0 where that is 0.

    weight: [classes], target: int64 [n].
    """
    weight_sum = (weight[target.clamp(min=0)] * (target != IGNORE_INDEX)).sum()
    has_weight = weight_sum > 0  # with smoothing, `total` is not 0 even where this sum is
    return torch.where(has_weight, total, 0.0) / torch.where(has_weight, weight_sum, 1.0)


@loss(catalogue.NLL)
def negative_log_likelihood(
    config: catalogue.NLL, output: Tensor, target: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    """Returns the mean of −output[target], []: torch.nn.NLLLoss; 0 without targets.

    output: log-probabilities [batch, *positions, classes], target int64 [batch, *positions],
    class_weights [classes].
    """
    output, target = output.flatten(0, -2), target.flatten()
    ones = output.new_ones(output.shape[-1])
    weight = ones if class_weights is None else class_weights.to(output)
    return _divide(F.nll_loss(output, target, weight, reduction="sum"), weight, target)


@loss(catalogue.BCE)
def binary_cross_entropy(
    config: catalogue.BCE, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the binary cross-entropy of logits, []: torch.nn.BCEWithLogitsLoss.

    output [batch, 1], target int64 or float [batch].
    """
    pos_weight = None if config.pos_weight == 1 else output.new_tensor(config.pos_weight)
    return F.binary_cross_entropy_with_logits(
        output.squeeze(1), target.to(output.dtype), pos_weight=pos_weight, reduction=reduction
    )


@loss(catalogue.MultiLabelBCE)
def multi_label_binary_cross_entropy(
    config: catalogue.MultiLabelBCE, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the mean binary cross-entropy of logits, []: torch.nn.BCEWithLogitsLoss.

    output [batch, labels], target float [batch, labels], 1 where a label applies.
    """
    pos_weight = None if config.pos_weight == 1 else output.new_tensor(config.pos_weight)
    target = target.to(output.dtype)
    return F.binary_cross_entropy_with_logits(
        output, target, pos_weight=pos_weight, reduction=reduction
    )


@loss(catalogue.SoftCrossEntropy)
def soft_cross_entropy(
    config: catalogue.SoftCrossEntropy, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns −Σ target · log softmax(output), [], mean over the batch: torch.nn.CrossEntropyLoss.

    output [batch, classes], target float [batch, classes], rows that sum to 1.
    """
    target = target.to(output.dtype)
    smoothing = config.label_smoothing
    return F.cross_entropy(output, target, label_smoothing=smoothing, reduction=reduction)


@loss(catalogue.MSE)
def mean_squared_error(
    config: catalogue.MSE, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the mean squared error, []: torch.nn.MSELoss.

    Either output and target have the same shape, or output is [batch, *positions, classes] and
    target int64 [batch, *positions], which is compared as one-hot.
    """
    if target.is_floating_point():
        return F.mse_loss(output, target, reduction=reduction)
    output, target = flatten_positions(output, target)
    if not len(target):
        return output.sum()
    one_hot = F.one_hot(target, output.shape[1]).to(output.dtype)
    return F.mse_loss(output, one_hot, reduction=reduction)


@loss(catalogue.L1)
def mean_absolute_error(
    config: catalogue.L1, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the mean absolute error, [], of tensors of the same shape: torch.nn.L1Loss."""
    return F.l1_loss(output, target, reduction=reduction)


@loss(catalogue.Huber)
def huber(
    config: catalogue.Huber, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the Huber loss, [], of tensors of the same shape: torch.nn.HuberLoss."""
    return F.huber_loss(output, target, delta=config.delta, reduction=reduction)


@loss(catalogue.SmoothL1)
def smooth_l1(
    config: catalogue.SmoothL1, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the smooth L1 loss, [], of tensors of the same shape: torch.nn.SmoothL1Loss."""
    return F.smooth_l1_loss(output, target, beta=config.beta, reduction=reduction)


@loss(catalogue.Focal)
def focal(config: catalogue.Focal, output: Tensor, target: Tensor) -> Tensor:
    """Returns the mean of −(1 − p)^γ log p, [] (Lin et al. 2017).

    output [batch, *positions, classes], target int64 [batch, *positions].
    """
    output, target = flatten_positions(output, target)
    if not len(target):
        return output.sum()
    nll = F.cross_entropy(output, target, reduction="none")
    # Where p rounds to 1, the slope of (1 − p)^γ is infinite for γ < 1, and infinity · 0 is NaN:
    # a limit that no other 1 − p reaches has the slope 0.
    complement = -torch.expm1(-nll)
    return (complement.clamp(min=torch.finfo(nll.dtype).tiny) ** config.gamma * nll).mean()


@loss(catalogue.Hinge)
def hinge(
    config: catalogue.Hinge, output: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """Returns the hinge loss, []: torch.nn.MultiMarginLoss, or with one output max(0, m − y z).

    output [batch, *positions, classes or 1], target int64 [batch, *positions].
    """
    output, target = flatten_positions(output, target)
    if not len(target):
        return output.sum()
    if output.shape[1] == 1:
        sign = 2 * target.to(output.dtype) - 1
        values = (config.margin - sign * output[:, 0]).relu()
        return values if reduction == "none" else values.mean()
    return F.multi_margin_loss(output, target, margin=config.margin, reduction=reduction)


@loss(catalogue.KL)
def kl_divergence(config: catalogue.KL, output: Tensor, target: Tensor) -> Tensor:
    """Returns the KL divergence from the smoothed one-hot target, []: torch.nn.KLDivLoss.

    output [batch, *positions, classes], target int64 [batch, *positions].
    """
    output, target = flatten_positions(output, target)
    if not len(target):
        return output.sum()
    nll = F.cross_entropy(output, target, label_smoothing=config.label_smoothing)
    return nll - smoothed_entropy(config.label_smoothing, output.shape[1])


@loss(catalogue.ZeroOne)
def zero_one(config: catalogue.ZeroOne, output: Tensor, target: Tensor) -> Tensor:
    """Returns the fraction of wrong predictions, []: output [batch, 1], target int64 [batch]."""
    return (predict_classes(output) != target).float().mean()


# --- reading an output --------------------------------------------------------------------------


def flatten_positions(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Turns positions into examples and removes those that are ignored.

    output [batch, *positions, classes] and target [batch, *positions] become [n, classes] and [n];
    numbers and single classes are returned unchanged.
    """
    if target.is_floating_point() or target.dim() < 2:
        return output, target
    output, target = output.flatten(0, -2), target.flatten()
    is_used = target != IGNORE_INDEX
    return (output, target) if is_used.all() else (output[is_used], target[is_used])


def probabilities(config: Loss, output: Tensor) -> Tensor:
    """Returns the probability of each class, [batch, classes], for an output [batch, outputs].

    Rows sum to about 1. A single output is the logit of the second of two classes.
    """
    if output.shape[1] == 1:
        second = output if isinstance(config, catalogue.ZeroOne) else output.sigmoid()
        return torch.cat([1 - second, second], dim=1)
    if isinstance(equivalent_loss(config), catalogue.MSE):
        return output.clamp(0, 1)
    return output.softmax(dim=1)


def class_scores(config: Loss, output: Tensor) -> Tensor:
    """Returns scores [batch, classes] that order examples as their `probabilities` do.

    They are the logits of each class against all others, log p ∕ (1 − p): probabilities round to
    exactly 0 or 1 where these still differ.

    Args:
        output: [batch, outputs]. A single output is the logit of the second of two classes.
    """
    if output.shape[1] == 1:
        return torch.cat([-output, output], dim=1)
    if isinstance(equivalent_loss(config), catalogue.MSE):
        return output
    if output.shape[1] == 2:
        return output - output.flip(1)
    logs = output.log_softmax(dim=1)
    best = output.argmax(dim=1, keepdim=True)
    # The best class may have a p that rounds to 1, so its 1 − p is the sum of the others.
    others = output.scatter(1, best, -torch.inf).logsumexp(dim=1, keepdim=True)
    odds = logs - torch.log1p(-logs.exp().clamp(max=0.5))
    return odds.scatter(1, best, output.gather(1, best) - others)


def predict_classes(output: Tensor) -> Tensor:
    """Returns the most likely class, int64 [batch, *positions], of [batch, *positions, outputs].

    A single output decides between two classes by its sign.
    """
    if output.shape[-1] == 1:
        return (output[..., 0] > 0).long()
    return output.argmax(dim=-1)
