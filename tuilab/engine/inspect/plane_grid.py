"""A grid of points over the plane of two inputs."""

from collections.abc import Sequence

import torch
from torch import Tensor


def build_plane_grid(bounds: Sequence[float], width: int, height: int) -> Tensor:
    """Returns the centers of the cells of a grid, row by row from the top: [height * width, 2].

    Args:
        bounds: left, right, bottom, top.
    """
    left, right, bottom, top = bounds
    x = cell_centers(left, right, width)
    y = cell_centers(bottom, top, height).flip(0)
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns.flatten(), rows.flatten()], dim=1)


def cell_centers(low: float, high: float, count: int) -> Tensor:
    """Returns the centers of equal cells from low to high: [count]."""
    return low + (torch.arange(count) + 0.5) * (high - low) / count
