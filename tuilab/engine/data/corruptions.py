"""Data made worse on purpose: rare classes, wrong labels, a test unlike the training."""

import math
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from tuilab.engine.data.dataset import IGNORED, Part

MOVED = 3.0
"""How far a shift of 1 moves points of the plane aside."""

TURNED = math.radians(45)
"""How far a shift of 1 turns pictures."""

PALED = 0.5
"""How far towards white a shift of 1 makes pictures paler."""

AT_ONCE = 500
"""Pictures turned together: few enough for the cache."""


def imbalanced(part: Part, classes: int, ratio: float, chance: Generator) -> Part:
    """Keep (1 - ratio)^c of the examples of class c, and one at least, in their order.

    Of an example with a target at every position, the last one counts.
    """
    last = part.targets if part.targets.dim() == 1 else part.targets[:, -1]
    kept = torch.ones(len(part), dtype=torch.bool)
    for each in range(classes):
        members = (last == each).nonzero()[:, 0]
        count = max(1, round(len(members) * (1 - ratio) ** each))
        order = torch.randperm(len(members), generator=chance)
        kept[members[order[count:]]] = False
    return part.at(kept.nonzero()[:, 0])


def mislabelled(part: Part, classes: int, share: float, chance: Generator) -> Part:
    """Give a share of the labels another class, each of the others equally likely.

    With more noise the same labels are wrong in the same way, and others besides.
    """
    labels = part.targets.flatten().clone()
    asked = (labels != IGNORED).nonzero()[:, 0]
    order = asked[torch.randperm(len(asked), generator=chance)]
    steps = torch.randint(1, classes, (len(asked),), generator=chance)
    wrong = order[: round(share * len(asked))]
    labels[wrong] = (labels[wrong] + steps[: len(wrong)]) % classes
    return replace(part, targets=labels.view_as(part.targets))


def aside(points: Tensor, shift: float) -> Tensor:
    """Points of the plane moved to the right."""
    return points + torch.tensor([MOVED * shift, 0.0])


def turned(pictures: Tensor, shift: float) -> Tensor:
    """Pictures turned clockwise and paler; bytes [n, channels, height, width]."""
    sine, cosine = math.sin(shift * TURNED), math.cos(shift * TURNED)
    turn = torch.tensor([[[cosine, sine, 0.0], [-sine, cosine, 0.0]]])
    starts = range(0, len(pictures), AT_ONCE)
    return torch.cat([_turned(pictures[at : at + AT_ONCE], turn, PALED * shift) for at in starts])


def _turned(pictures: Tensor, turn: Tensor, paled: float) -> Tensor:
    size = list(pictures.shape)
    grid = affine_grid(turn.expand(len(pictures), 2, 3), size, align_corners=False)
    seen = grid_sample(pictures.float(), grid, align_corners=False)
    return (seen + (255 - seen) * paled).round().byte()
