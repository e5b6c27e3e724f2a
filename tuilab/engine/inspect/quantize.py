"""Signed tensors as bytes for the wire."""

import torch
from torch import Tensor

from tuilab.core.protocol.inspect.quantization import STEPS, ZERO


def quantize(values: Tensor, max_abs: Tensor | float) -> Tensor:
    """Scales values to bytes around `ZERO`, rounded to `STEPS` steps on either side.

    Args:
        values: [...]; what is not finite counts as 0.
        max_abs: a number, or a tensor broadcastable to [...]; mapped to the largest byte.

    Returns:
        uint8 [...].
    """
    finite = values.detach().float().nan_to_num(0.0, 0.0, 0.0)
    scale = torch.as_tensor(max_abs, device=values.device, dtype=torch.float32)
    scaled = finite / scale.clamp(min=torch.finfo(torch.float32).tiny)
    return (scaled.clamp(-1, 1).mul(STEPS).round() + ZERO).to(torch.uint8)


def quantize_all(values: Tensor) -> tuple[bytes, float]:
    """Returns values, [...], flattened, as bytes, and their largest absolute value."""
    finite = values.detach().float().cpu().nan_to_num(0.0, 0.0, 0.0).flatten()
    max_abs = float(finite.abs().max()) if len(finite) else 0.0
    return bytes(quantize(finite, max_abs).tolist()), max_abs
