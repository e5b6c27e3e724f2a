"""Images as bytes for the wire, no larger than they are shown."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.protocol.inspect.examples_messages import MAX_IMAGE_SIDE
from tuilab.engine.data.dataset import Dataset


def denormalize(dataset: Dataset, prepared: Tensor) -> Tensor:
    """Returns normalized images as bytes; images that never were bytes are stretched to 0–255.

    Args:
        prepared: [n, channels, height, width].

    Returns:
        uint8, the same shape.
    """
    if dataset.shift is not None and dataset.scale is not None:
        prepared = prepared / dataset.scale + dataset.shift
    else:
        low, high = prepared.amin(), prepared.amax()
        prepared = (prepared - low) / (high - low).clamp(min=1e-12) * 255
    return prepared.float().nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8)


def encode_image(image: Tensor, max_side: int = MAX_IMAGE_SIDE) -> tuple[bytes, list[int]]:
    """Returns an image as bytes, channels last, and its shape, shrunk if it is too large.

    Args:
        image: uint8 [channels, height, width]; unless there are one or three channels, the first
            is shown.
    """
    if image.shape[0] not in (1, 3):
        image = image[:1]
    if max(image.shape[1:]) > max_side:
        smaller = F.adaptive_avg_pool2d(
            image[None].float(), shrink_to_fit(image.shape[1:], max_side)
        )
        image = smaller[0].round().to(torch.uint8)
    return bytes(image.permute(1, 2, 0).flatten().tolist()), list(image.shape)


def shrink_to_fit(shape: Sequence[int], max_side: int = MAX_IMAGE_SIDE) -> tuple[int, int]:
    """Returns height and width scaled down to a maximum side; what fits stays."""
    scale = min(1.0, max_side / max(shape))
    return max(1, int(shape[0] * scale)), max(1, int(shape[1] * scale))
