"""The perceptron rule, as it should be."""

from torch import Tensor


def predict(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return 1.0 or 0.0 for each example."""
    z = x @ w + b
    return (z > 0).to(x.dtype)


def update(x: Tensor, target: Tensor, w: Tensor, b: Tensor, lr: float) -> tuple[Tensor, Tensor]:
    """Return the new w and b after one example."""
    y = (x @ w + b > 0).to(x.dtype)
    error = target - y
    return w + lr * error * x, b + lr * error


def train(
    xs: Tensor, targets: Tensor, w: Tensor, b: Tensor, lr: float, epochs: int
) -> tuple[Tensor, Tensor]:
    """Go `epochs` times through all examples in order."""
    for _ in range(epochs):
        for x, target in zip(xs, targets, strict=True):
            w, b = update(x, target, w, b, lr)
    return w, b
