"""Random augmentation of a batch of training examples, all at once on its device."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from tuilab.core.catalogue.regularization import Augmentation


def augment(inputs: Tensor, config: Augmentation, background: Tensor | float = 0.0) -> Tensor:
    """Changes each of the prepared inputs in its own random way.

    Args:
        inputs: float [n, ...]; images are [n, channels, height, width].
        background: the value of an empty pixel, [channels, 1, 1] or one number.

    Returns:
        float, the same shape as `inputs`.
    """
    if inputs.dim() == 4:
        if config.shift or config.rotation or config.crop or config.flip:
            inputs = _transform(inputs - background, config) + background
        if config.cutout:
            inputs = _cut_out(inputs, config.cutout)
    if config.noise:
        inputs = inputs + config.noise * torch.randn_like(inputs)
    return inputs


def _transform(images: Tensor, config: Augmentation) -> Tensor:
    """Shifts, rotates, crops and flips in one sampling, so that images blur only once."""
    count, _, height, width = images.shape
    angle = _uniform(count, images.device) * math.radians(config.rotation)
    size = 1 - config.crop * torch.rand(count, device=images.device)
    flip = 1 - 2 * (torch.rand(count, device=images.device) < config.flip).to(images.dtype)
    cos, sin = angle.cos() * size, angle.sin() * size
    margin = 1 - size
    x = _uniform(count, images.device) * (2 * config.shift / width + margin)
    y = _uniform(count, images.device) * (2 * config.shift / height + margin)
    matrix = torch.stack(
        [
            torch.stack([cos * flip, -sin * height / width, x], dim=1),
            torch.stack([sin * flip * width / height, cos, y], dim=1),
        ],
        dim=1,
    )
    grid = affine_grid(matrix, list(images.shape), align_corners=False)
    sampled = grid_sample(images, grid, padding_mode="border", align_corners=False)
    return sampled * _coverage(grid, size)[:, None]


def _coverage(grid: Tensor, size: Tensor) -> Tensor:
    """Returns the part of each sampled pixel that lies on the image, [n, height, width].

    A pixel that is sampled near the border of a crop lies on the image as a whole: `grid_sample`
    with padding by zeros would mix background into it.

    Args:
        grid: where each pixel is sampled, from −1 to 1 on the image: [n, height, width, 2].
        size: the side of a sampled pixel, in pixels of the image: [n].
    """
    sides = grid.new_tensor([grid.shape[2], grid.shape[1]])
    distance = (1 - grid.abs()) * sides / 2  # from the border of the image, in its pixels
    return (distance / size[:, None, None, None] + 0.5).clamp(0, 1).prod(dim=3)


def _cut_out(images: Tensor, side: int) -> Tensor:
    """Sets a square around a random pixel of each image to 0, the mean of normalized images."""
    count, _, height, width = images.shape
    masks = []
    for length in (height, width):
        center = torch.randint(length, (count, 1), device=images.device)
        offset = torch.arange(length, device=images.device) - center
        masks.append((offset >= -(side // 2)) & (offset < side - side // 2))
    hole = masks[0][:, :, None] & masks[1][:, None, :]
    return images.masked_fill(hole[:, None], 0.0)


def _uniform(count: int, device: torch.device) -> Tensor:
    """Draws numbers from −1 to 1, [count]."""
    return 2 * torch.rand(count, device=device) - 1


def mixup(inputs: Tensor, alpha: float) -> tuple[Tensor, Tensor, float]:
    """Mixes each example with another one of its batch (mixup; Zhang et al. 2017).

    Args:
        inputs: float [n, ...].

    Returns:
        The mixed inputs, the same shape; the index of each example's partner, int64 [n]; and the
        weight of the example itself.
    """
    weight = float(torch._sample_dirichlet(torch.full((2,), float(alpha)))[0])
    partners = torch.randperm(len(inputs), device=inputs.device)
    return torch.lerp(inputs[partners], inputs, weight), partners, weight
