"""Dropout, as it should be."""

from torch import Tensor


def dropout(x: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return x with dropout."""
    if not training:
        return x
    mask = (noise >= p).to(x.dtype)
    return x * mask / (1 - p)


def dropout_backward(gradient: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return the gradient with respect to x."""
    if not training:
        return gradient
    mask = (noise >= p).to(gradient.dtype)
    return gradient * mask / (1 - p)


def spatial_dropout(x: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return x with whole channels dropped."""
    if not training:
        return x
    mask = (noise >= p).to(x.dtype)[:, :, None, None]
    return x * mask / (1 - p)
