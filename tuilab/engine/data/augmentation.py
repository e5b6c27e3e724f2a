"""Random changes to a batch of training examples, all at once on its device."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from tuilab.core.catalogue.regularization import Augmentation


def augmented(inputs: Tensor, knobs: Augmentation, background: Tensor | float = 0.0) -> Tensor:
    """Prepared inputs, each changed in its own way.

    Args:
        inputs: float [n, ...]; pictures are [n, channels, height, width].
        background: the value of nothing in a picture, [channels, 1, 1] or one number.
    """
    if inputs.dim() == 4:
        if knobs.shift or knobs.rotation or knobs.crop or knobs.flip:
            inputs = _moved(inputs - background, knobs) + background
        if knobs.cutout:
            inputs = _cut_out(inputs, knobs.cutout)
    if knobs.noise:
        inputs = inputs + knobs.noise * torch.randn_like(inputs)
    return inputs


def _moved(pictures: Tensor, knobs: Augmentation) -> Tensor:
    """Shifted, turned, cropped and mirrored in one sampling, so that they blur only once."""
    count, _, height, width = pictures.shape
    angle = _between(count, pictures) * math.radians(knobs.rotation)
    size = 1 - knobs.crop * torch.rand(count, device=pictures.device)
    mirror = 1 - 2 * (torch.rand(count, device=pictures.device) < knobs.flip).to(pictures.dtype)
    cos, sin = angle.cos() * size, angle.sin() * size
    room = 1 - size
    across = _between(count, pictures) * (2 * knobs.shift / width + room)
    down = _between(count, pictures) * (2 * knobs.shift / height + room)
    matrix = torch.stack(
        [
            torch.stack([cos * mirror, -sin * height / width, across], dim=1),
            torch.stack([sin * mirror * width / height, cos, down], dim=1),
        ],
        dim=1,
    )
    grid = affine_grid(matrix, list(pictures.shape), align_corners=False)
    return grid_sample(pictures, grid, align_corners=False)


def _cut_out(pictures: Tensor, side: int) -> Tensor:
    """A square of mean grey (0 when normalized) around a random pixel of each picture."""
    count, _, height, width = pictures.shape
    masks = []
    for length in (height, width):
        middle = torch.randint(length, (count, 1), device=pictures.device)
        place = torch.arange(length, device=pictures.device) - middle
        masks.append((place >= -(side // 2)) & (place < side - side // 2))
    hole = masks[0][:, :, None] & masks[1][:, None, :]
    return pictures.masked_fill(hole[:, None], 0.0)


def _between(count: int, like: Tensor) -> Tensor:
    """Even chance from −1 to 1."""
    return 2 * torch.rand(count, device=like.device) - 1


def mixed(inputs: Tensor, alpha: float) -> tuple[Tensor, Tensor, float]:
    """Each example with another of its batch: the mixture, whose the others are, and the share
    of its own (Zhang and others 2017)."""
    share = float(torch._sample_dirichlet(torch.full((2,), float(alpha)))[0])
    others = torch.randperm(len(inputs), device=inputs.device)
    return torch.lerp(inputs[others], inputs, share), others, share
