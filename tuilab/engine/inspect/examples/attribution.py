"""Attribution of a prediction to the input: saliency, occlusion, Grad-CAM."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tuilab.core.protocol.inspect.examples_messages import ATTRIBUTIONS, Attribution
from tuilab.engine.inspect.evaluation import forward, predicting
from tuilab.engine.inspect.examples.loss_survey import class_probabilities, per_example_loss
from tuilab.engine.session import Session

TIME_BUDGET = 0.02
"""Seconds for all positions of a patch together."""

MIN_POSITIONS, MAX_POSITIONS = 5, 14
"""Positions of a patch along each side of an image."""

PATCHES_PER_SIDE = 5
"""A patch covers one in this many parts of each side."""

MAX_HIDDEN = 128
"""Numbers or tokens that are hidden one by one."""

NO_GRADIENT = (
    "There is no gradient to show: a step function, or nothing that is differentiable, lies "
    "between the input and the loss. w shows occlusion."
)

NO_TARGET = "The correct answer is unknown here, so there is no error that could rise."

NO_CONVOLUTION = "Grad-CAM needs a Conv2d layer in a classifier."


@dataclass(frozen=True, slots=True)
class AttributionMap:
    """A signed map over an image, over numbers or over tokens; None if there is none."""

    heat: Tensor | None
    caption: str


def get_available_attributions(
    session: Session, inputs: Tensor, *, is_classes: bool
) -> list[Attribution]:
    """Returns the attribution methods for this network and such an input, [1, ...]."""
    has_maps = inputs.dim() == 4 and _find_last_convolution(session.network) is not None
    return [method for method in ATTRIBUTIONS if method != "gradcam" or (has_maps and is_classes)]


def attribute(
    session: Session,
    method: Attribution,
    inputs: Tensor,
    target: Tensor | None,
    names: tuple[str, ...],
) -> AttributionMap:
    """Returns the attribution map of one example.

    Args:
        inputs: [1, ...], prepared.
        target: [1, ...], classes or numbers; None if the correct numbers are unknown.
        names: of the classes; empty for numbers.
    """
    if method == "gradcam":
        return compute_gradcam(session, inputs, names)
    if method == "occlusion":
        return compute_occlusion(session, inputs, target, names)
    return compute_saliency(session, inputs, target)


# --- gradient -------------------------------------------------------------------------------------


def compute_saliency(session: Session, inputs: Tensor, target: Tensor | None) -> AttributionMap:
    """Returns dL/dx (Simonyan and others 2014).

    Its size at each pixel (the largest channel) or token; with its sign for numbers.

    Args:
        inputs: [1, ...], prepared.
        target: [1, ...]; None: dy/dx instead.
    """
    gradient = compute_input_gradient(session, inputs, target)
    if gradient is None:
        return AttributionMap(None, NO_GRADIENT)
    if target is None:
        return AttributionMap(gradient[0], "dy/dx: + raises the output when the number grows")
    if not inputs.is_floating_point():
        return AttributionMap(gradient[0].norm(dim=-1), "|dL/dx|: its norm for each token")
    if gradient.dim() == 4:
        caption = "|dL/dx|: which pixels change the loss most"
        return AttributionMap(gradient[0].abs().amax(0), caption)
    return AttributionMap(gradient[0], "dL/dx: + raises the loss when the number grows")


def compute_input_gradient(
    session: Session, inputs: Tensor, target: Tensor | None
) -> Tensor | None:
    """Returns dL/dx, or dy/dx without a target; None if there is none or it is zero.

    For tokens it is the gradient of the first Embedding's output.

    Args:
        inputs: [1, ...], prepared.
        target: [1, ...].

    Returns:
        Shape of `inputs`; for tokens [1, length, features].
    """
    leaves: list[Tensor] = []

    def replace_output(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[0].clone()  # the next layer may write into it

    with predicting(session, gradients=True), ExitStack() as hooks:
        if inputs.is_floating_point():
            inputs = inputs.detach().clone().requires_grad_()
            leaves.append(inputs)
        elif (embedding := _find_first_embedding(session.network)) is not None:
            hooks.enter_context(embedding.register_forward_hook(replace_output))
        output = forward(session, inputs)
        loss = (output if target is None else per_example_loss(session, output, target)).sum()
        if not leaves or not loss.requires_grad:
            return None
        [gradient] = torch.autograd.grad(loss, leaves[:1], allow_unused=True)
    return gradient if gradient is not None and bool(gradient.any()) else None


def _find_first_embedding(network: nn.Module) -> nn.Module | None:
    return next((m for m in network.modules() if isinstance(m, nn.Embedding)), None)


# --- occlusion ------------------------------------------------------------------------------------


def compute_occlusion(
    session: Session, inputs: Tensor, target: Tensor | None, names: tuple[str, ...]
) -> AttributionMap:
    """Returns how far the target's probability drops if a part is hidden (Zeiler, Fergus 2014).

    For numbers instead of classes: how far the error rises.

    Args:
        inputs: [1, ...], prepared.
        target: [1, ...].
        names: of the classes; empty for numbers.
    """
    if target is None:
        return AttributionMap(None, NO_TARGET)
    with predicting(session):
        score = float(_score(session, forward(session, inputs), target)[0])
        hidden, shape = _hide_parts(session, inputs, target)
        scores = [
            _score(session, forward(session, chunk), target) for chunk in torch.split(hidden, 64)
        ]
    drops = (score - torch.cat(scores)).reshape(shape)
    effect = "the probability of the target drops" if names else "the error rises"
    where = "under a patch" if inputs.dim() == 4 else "with this hidden"
    return AttributionMap(drops, f"occlusion: how far {effect} {where}")


def _score(session: Session, output: Tensor, target: Tensor) -> Tensor:
    """Returns the target's probability, mean over positions; for numbers the negative loss: [n]."""
    if target.is_floating_point():
        return -per_example_loss(session, output, target.expand(len(output), *target.shape[1:]))
    probabilities = class_probabilities(session, output)
    classes = target.clamp(min=0).expand(len(output), *target.shape[1:])
    of_target = probabilities.gather(-1, classes[..., None])[..., 0]
    if target.dim() == 1:
        return of_target
    has_target = (target >= 0).to(of_target)
    return (of_target * has_target).flatten(1).sum(1) / has_target.sum().clamp(min=1)


def _hide_parts(session: Session, inputs: Tensor, target: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Returns copies of an input, each with one part hidden, and the shape of the parts."""
    if inputs.dim() == 4:
        start_time = time.perf_counter()
        _score(session, forward(session, inputs.expand(4, -1, -1, -1).contiguous()), target)
        seconds = (time.perf_counter() - start_time) / 4
        affordable = isqrt(int(TIME_BUDGET / max(seconds, 1e-6)))
        side = max(MIN_POSITIONS, min(MAX_POSITIONS, affordable))
        return mask_patches(inputs, side), (side, side)
    length = min(inputs.shape[1], MAX_HIDDEN)
    copies = inputs.repeat(length, *[1] * (inputs.dim() - 1))
    number = torch.arange(length, device=inputs.device)
    copies[number, number] = 0  # the mean of normalized numbers; the first token
    return copies, (length,)


def mask_patches(inputs: Tensor, side: int) -> Tensor:
    """Returns an image under a patch at each of side · side positions: [side * side, C, H, W].

    The patch has the median of the image's pixels, so that a black background stays black.

    Args:
        inputs: [1, C, H, W].
    """
    height, width = inputs.shape[-2:]
    patch_height = max(1, height // PATCHES_PER_SIDE)
    patch_width = max(1, width // PATCHES_PER_SIDE)
    median = inputs.flatten(2).median(2).values[0][:, None, None]
    copies = inputs.repeat(side * side, 1, 1, 1)
    for row in range(side):
        top = round(row * (height - patch_height) / max(1, side - 1))
        for column in range(side):
            left = round(column * (width - patch_width) / max(1, side - 1))
            patch = slice(top, top + patch_height), slice(left, left + patch_width)
            copies[row * side + column, :, *patch] = median
    return copies


# --- Grad-CAM -------------------------------------------------------------------------------------


def compute_gradcam(session: Session, inputs: Tensor, names: tuple[str, ...]) -> AttributionMap:
    """Returns where the last convolution supports the predicted class (Selvaraju and others 2017).

    Args:
        inputs: [1, C, H, W], prepared.
        names: of the classes.
    """
    layer = _find_last_convolution(session.network)
    if layer is None or not names:
        return AttributionMap(None, NO_CONVOLUTION)
    leaves: list[Tensor] = []

    def replace_output(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[-1].clone()  # the next layer may write into it

    with predicting(session, gradients=True), layer.register_forward_hook(replace_output):
        output = forward(session, inputs)[0].flatten()
        if len(output) == 1:  # a single logit: its sign is the class
            number = int(output[0] > 0)
            score = output[0] if number else -output[0]
        else:
            number = int(output.argmax())
            score = output[number]
        [gradient] = torch.autograd.grad(score, leaves[-1:])
    maps = leaves[-1].detach()
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * maps).sum(1, keepdim=True).relu().float()
    heat = F.interpolate(heat, inputs.shape[-2:], mode="bilinear", align_corners=False)[0, 0]
    caption = f"Grad-CAM: where the last Conv2d supports {names[number]}"
    return AttributionMap(heat, caption)


def _find_last_convolution(network: nn.Module) -> nn.Module | None:
    # Not a subclass, such as the PatchEmbedding of a transformer: that outputs tokens.
    convolutions = [m for m in network.modules() if type(m) is nn.Conv2d]
    return convolutions[-1] if convolutions else None
