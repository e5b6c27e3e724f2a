"""Deliberate corruptions: rare classes, wrong labels, and a test set unlike the training set."""

import math
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from tuilab.engine.data.dataset import IGNORE_INDEX, Examples

MAX_SHIFT = 3.0
"""How far a test shift of 1 moves points to the right."""

MAX_ROTATION = math.radians(45)
"""How far a test shift of 1 rotates images."""

MAX_FADE = 0.5
"""How far toward white a test shift of 1 fades images."""

CHUNK_SIZE = 500
"""Images rotated together: few enough for the cache."""


def make_imbalanced(
    examples: Examples, classes: int, ratio: float, generator: Generator
) -> Examples:
    """Keeps (1 - ratio)^c of the examples of class c, at least one, in their order.

    Where every position has a target, the last one is the class of the example.
    """
    labels = examples.targets if examples.targets.dim() == 1 else examples.targets[:, -1]
    is_kept = torch.ones(len(examples), dtype=torch.bool)
    for label in range(classes):
        members = (labels == label).nonzero()[:, 0]
        count = max(1, round(len(members) * (1 - ratio) ** label))
        order = torch.randperm(len(members), generator=generator)
        is_kept[members[order[count:]]] = False
    return examples.select(is_kept.nonzero()[:, 0])


def add_label_noise(
    examples: Examples, classes: int, fraction: float, generator: Generator
) -> Examples:
    """Replaces a fraction of the labels by another class, each of the others equally likely.

    A larger fraction keeps the wrong labels of a smaller one and adds others.
    """
    labels = examples.targets.flatten().clone()
    labeled = (labels != IGNORE_INDEX).nonzero()[:, 0]
    order = labeled[torch.randperm(len(labeled), generator=generator)]
    offsets = torch.randint(1, classes, (len(labeled),), generator=generator)
    wrong = order[: round(fraction * len(labeled))]
    labels[wrong] = (labels[wrong] + offsets[: len(wrong)]) % classes
    return replace(examples, targets=labels.view_as(examples.targets))


def shift_points(points: Tensor, shift: float) -> Tensor:
    """Moves points of the plane, [n, 2], to the right."""
    return points + torch.tensor([MAX_SHIFT * shift, 0.0])


def rotate_and_fade(images: Tensor, shift: float) -> Tensor:
    """Rotates images clockwise and fades them; uint8 [n, channels, height, width], as returned."""
    sine, cosine = math.sin(shift * MAX_ROTATION), math.cos(shift * MAX_ROTATION)
    rotation = torch.tensor([[[cosine, sine, 0.0], [-sine, cosine, 0.0]]])
    chunks = [images[start : start + CHUNK_SIZE] for start in range(0, len(images), CHUNK_SIZE)]
    return torch.cat([_rotate_and_fade(chunk, rotation, MAX_FADE * shift) for chunk in chunks])


def _rotate_and_fade(images: Tensor, rotation: Tensor, fade: float) -> Tensor:
    size = list(images.shape)
    grid = affine_grid(rotation.expand(len(images), 2, 3), size, align_corners=False)
    rotated = grid_sample(images.float(), grid, align_corners=False)
    return (rotated + (255 - rotated) * fade).round().byte()
