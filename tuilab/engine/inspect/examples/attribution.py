"""Why a network says what it says of one example: saliency, occlusion, Grad-CAM."""

import time
from dataclasses import dataclass
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tuilab.core.protocol.inspect.examples_messages import WAYS, Why
from tuilab.engine.inspect.examples.evaluation import answered, still
from tuilab.engine.inspect.examples.loss_survey import chances, each_loss
from tuilab.engine.session import Session

TIME = 0.02
"""Seconds that all places of a patch may take together."""

FEWEST, MOST = 5, 14
"""Places of a patch along each side of a picture."""

PATCH = 5
"""A patch covers one part in so many of each side."""

MOST_HIDDEN = 128
"""Numbers or tokens that are hidden one by one."""

NO_GRADIENT = (
    "There is no gradient to show: on the way from the input to the loss stands a step, or nothing "
    "that can be differentiated. w shows occlusion."
)

NO_TARGET = "Nobody knows what would be right here, so there is no error that could rise."

NO_CONVOLUTION = "Grad-CAM needs a Conv2d layer in a network that tells classes."


@dataclass(frozen=True, slots=True)
class Reason:
    """One heat map, signed, over a picture, over numbers or over tokens."""

    heat: Tensor | None
    about: str


def ways(session: Session, inputs: Tensor, *, is_classes: bool) -> list[Why]:
    """The heat maps there are for this network and such an input."""
    has_maps = inputs.dim() == 4 and _last_convolution(session.network) is not None
    return [way for way in WAYS if way != "gradcam" or (has_maps and is_classes)]


def reason(
    session: Session, why: Why, inputs: Tensor, target: Tensor | None, names: tuple[str, ...]
) -> Reason:
    """The heat map of one example.

    Args:
        inputs: [1, ...], as the network takes them.
        target: of the example, [1, ...]: classes or numbers; None where nobody knows the numbers.
        names: of the classes; empty for numbers.
    """
    if why == "gradcam":
        return gradcam(session, inputs, names)
    if why == "occlusion":
        return occlusion(session, inputs, target, names)
    return saliency(session, inputs, target)


# --- gradient -------------------------------------------------------------------------------------


def saliency(session: Session, inputs: Tensor, target: Tensor | None) -> Reason:
    """dL/dx: its size at each pixel (the largest channel) or token, with its sign for numbers."""
    gradient = input_gradient(session, inputs, target)
    if gradient is None:
        return Reason(None, NO_GRADIENT)
    if target is None:
        return Reason(gradient[0], "dy/dx: + raises the answer when the number grows")
    if not inputs.is_floating_point():
        return Reason(gradient[0].norm(dim=-1), "|dL/dx|: the length of it for each token")
    if gradient.dim() == 4:
        return Reason(gradient[0].abs().amax(0), "|dL/dx|: which pixels change the loss most")
    return Reason(gradient[0], "dL/dx: + raises the loss when the number grows")


def input_gradient(session: Session, inputs: Tensor, target: Tensor | None) -> Tensor | None:
    """dL/dx, or dy/dx without a target; None where there is none.

    For tokens it is that of what the first Embedding gives for them.
    """
    caught: list[Tensor] = []

    def catch(module: nn.Module, given: object, output: Tensor) -> Tensor:
        caught.append(output.detach().requires_grad_())
        return caught[0].clone()  # what follows may write into it

    with still(session, is_graded=True):
        hook = None
        if inputs.is_floating_point():
            inputs = inputs.detach().clone().requires_grad_()
            caught.append(inputs)
        elif (table := _first_embedding(session.network)) is not None:
            hook = table.register_forward_hook(catch)
        try:
            output = answered(session, inputs)
            loss = (output if target is None else each_loss(session, output, target)).sum()
        finally:
            if hook is not None:
                hook.remove()
        if not caught or not loss.requires_grad:
            return None
        [gradient] = torch.autograd.grad(loss, caught[:1], allow_unused=True)
    return gradient if gradient is not None and bool(gradient.any()) else None


def _first_embedding(network: nn.Module) -> nn.Module | None:
    return next((m for m in network.modules() if isinstance(m, nn.Embedding)), None)


# --- occlusion ------------------------------------------------------------------------------------


def occlusion(
    session: Session, inputs: Tensor, target: Tensor | None, names: tuple[str, ...]
) -> Reason:
    """How far the probability of the target drops where the input is hidden.

    For numbers instead of classes: how far the error rises.
    """
    if target is None:
        return Reason(None, NO_TARGET)
    with still(session):
        before = float(_score(session, answered(session, inputs), target)[0])
        hidden, shape = _hidden(session, inputs, target)
        scores = [
            _score(session, answered(session, some), target) for some in torch.split(hidden, 64)
        ]
    drops = (before - torch.cat(scores)).reshape(shape)
    what = "the probability of the target drops" if names else "the error rises"
    where = "under a patch" if inputs.dim() == 4 else "with this hidden"
    return Reason(drops, f"occlusion: how far {what} {where}")


def _score(session: Session, output: Tensor, target: Tensor) -> Tensor:
    """The probability of the target, mean over positions; for numbers minus the loss."""
    if target.is_floating_point():
        return -each_loss(session, output, target.expand(len(output), *target.shape[1:]))
    sure = chances(session, output)
    right = target.clamp(min=0).expand(len(output), *target.shape[1:])
    found = sure.gather(-1, right[..., None])[..., 0]
    if target.dim() == 1:
        return found
    asked = (target >= 0).to(found)
    return (found * asked).flatten(1).sum(1) / asked.sum().clamp(min=1)


def _hidden(session: Session, inputs: Tensor, target: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Copies of an input, a part of each hidden, and the shape of what they are the parts of."""
    if inputs.dim() == 4:
        begun = time.perf_counter()
        _score(session, answered(session, inputs.expand(4, -1, -1, -1).contiguous()), target)
        each = (time.perf_counter() - begun) / 4
        side = max(FEWEST, min(MOST, isqrt(int(TIME / max(each, 1e-6)))))
        return patched(inputs, side), (side, side)
    places = min(inputs.shape[1], MOST_HIDDEN)
    copies = inputs.repeat(places, *[1] * (inputs.dim() - 1))
    number = torch.arange(places, device=inputs.device)
    copies[number, number] = 0  # the mean, where numbers are normalized; the first token
    return copies, (places,)


def patched(inputs: Tensor, side: int) -> Tensor:
    """A picture, [1, C, H, W], under a patch at each of side · side places, rows from the top.

    The patch is as bright as the middle one of the picture's pixels, so that black stays black.
    """
    height, width = inputs.shape[-2:]
    tall, wide = max(1, height // PATCH), max(1, width // PATCH)
    middle = inputs.flatten(2).median(2).values[0]
    copies = inputs.repeat(side * side, 1, 1, 1)
    for row in range(side):
        top = round(row * (height - tall) / max(1, side - 1))
        for column in range(side):
            left = round(column * (width - wide) / max(1, side - 1))
            copies[row * side + column, :, top : top + tall, left : left + wide] = middle[
                :, None, None
            ]
    return copies


# --- Grad-CAM -------------------------------------------------------------------------------------


def gradcam(session: Session, inputs: Tensor, names: tuple[str, ...]) -> Reason:
    """Where the last convolution speaks for the class that is predicted (Selvaraju et al. 2017)."""
    layer = _last_convolution(session.network)
    if layer is None or not names:
        return Reason(None, NO_CONVOLUTION)
    caught: list[Tensor] = []

    def catch(module: nn.Module, given: object, output: Tensor) -> Tensor:
        caught.append(output.detach().requires_grad_())
        return caught[-1].clone()  # what follows may write into it

    hook = layer.register_forward_hook(catch)
    try:
        with still(session, is_graded=True):
            answer = answered(session, inputs)[0].flatten()
            if len(answer) == 1:  # one logit: its sign tells the class
                number = int(answer[0] > 0)
                score = answer[0] if number else -answer[0]
            else:
                number = int(answer.argmax())
                score = answer[number]
            [gradient] = torch.autograd.grad(score, caught[-1:])
    finally:
        hook.remove()
    maps = caught[-1].detach()
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * maps).sum(1, keepdim=True).relu().float()
    heat = F.interpolate(heat, inputs.shape[-2:], mode="bilinear", align_corners=False)[0, 0]
    return Reason(heat, f"Grad-CAM: where the last Conv2d speaks for {names[number]}")


def _last_convolution(network: nn.Module) -> nn.Module | None:
    # Not what is made of one, such as the PatchEmbedding of a transformer: that gives tokens.
    found = [m for m in network.modules() if type(m) is nn.Conv2d]
    return found[-1] if found else None
