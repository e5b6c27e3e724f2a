"""Where the nodes of a graph are drawn: neighbors near each other, groups apart."""

import torch
from torch import Tensor

ITERATIONS = 120

GRAVITY = 0.05
"""Keeps parts without edges between them together."""

EQUALIZED = 0.4
"""Share of a node's rank in its position, so that no corner is crowded and none is empty."""


def place_nodes(adjacency: Tensor) -> Tensor:
    """Places nodes by forces: edges pull with equal force at any length, all nodes push.

    The equal force makes groups visible (LinLog, Noack 2007); the same graph has equal positions.

    Args:
        adjacency: [nodes, nodes] of zeros and ones, symmetric.

    Returns: [nodes, 2], from 0 to 1.
    """
    adjacency = adjacency.cpu().double()
    nodes = len(adjacency)
    degrees = adjacency.sum(0)
    mass = degrees + 1
    positions = torch.randn(nodes, 2, generator=torch.Generator().manual_seed(0)).double()
    scale = float(degrees.sum() / mass.sum() ** 2) or 1 / max(1, nodes)
    for iteration in range(ITERATIONS):
        distances = torch.cdist(positions, positions).clamp_min(1e-3)
        push = scale * mass[:, None] * mass / distances.square() - adjacency / distances
        # The sum over all others of push * (position - other).
        forces = push.sum(1, keepdim=True) * positions - push @ positions
        forces = forces / mass[:, None] - GRAVITY * positions
        reach = 0.5 * (1 - iteration / ITERATIONS)
        positions += forces * (reach / forces.norm(dim=1).clamp_min(reach))[:, None]
    return torch.stack([_scale(axis) for axis in positions.T], 1)


def _scale(values: Tensor) -> Tensor:
    """Maps values [nodes] to 0 to 1, partly by their rank."""
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low).clamp_min(1e-9)
    rank = values.argsort().argsort().double() / max(1, len(values) - 1)
    return (1 - EQUALIZED) * scaled + EQUALIZED * rank
