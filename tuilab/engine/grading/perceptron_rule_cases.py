"""Cases for the perceptron rule."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tuilab.engine.grading.case import Case, Draw, one


def cases(draw: Draw) -> Iterator[Case]:
    """Single examples, batches, and a few epochs."""
    yield from _predictions(draw)
    for turns in (True, False):
        for side in (1, -1):
            for target in (1.0, 0.0):
                yield _update(draw, turns, side, target)
    for epochs in (2, 3):
        yield _training(draw, epochs)


def _predict(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.linear(x, w[None], b[None])[:, 0].gt(0).float()


def _predictions(draw: Draw) -> Iterator[Case]:
    x, w = draw.normal(4, 2), draw.normal(2)
    b = -(x @ w).mean().round(decimals=2)  # some on either side
    yield one("predict", _predict(x, w, b), x=x, w=w, b=b)
    x, w = draw.normal(12, 3), draw.normal(3)
    x[0] = w * 0.3 / w.dot(w)  # z = 0.3 + b, then −0.3 + b: the bias decides about both
    x[1] = -x[0]
    b = torch.tensor(0.6)
    yield one("predict", _predict(x, w, b), x=x, w=w, b=b)
    x, b = torch.cat([torch.zeros(1, 3), draw.normal(3, 3)]), torch.tensor(0.0)
    yield one("predict", _predict(x, w, b), x=x, w=w, b=b)  # the first is exactly on the line


def _step(x: Tensor, t: Tensor, w: Tensor, b: Tensor, lr: float) -> tuple[Tensor, Tensor]:
    """The rule is a step down the gradient of (y − t) z, with y held fixed."""
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    z = torch.nn.functional.linear(x, w, b)
    ((z > 0).float().sub(t) * z).backward()  # type: ignore[no-untyped-call]
    assert w.grad is not None and b.grad is not None
    return (w - lr * w.grad).detach(), (b - lr * b.grad).detach()


def _update(draw: Draw, turns: bool, side: int, target: float) -> Case:
    """One example on a side of the line w·x = 0; the bias turns the answer round, or not."""
    x, w, lr = draw.normal(3), draw.normal(3), 0.1
    w = w if float(x @ w) * side > 0 else -w
    b = torch.tensor(round(-float(x @ w) - 0.4 * side, 2) if turns else 0.3 * side)
    t = torch.tensor(target)
    inputs = {"x": x, "target": t, "w": w, "b": b, "lr": lr}
    return Case("update", inputs, _step(x, t, w, b, lr), ("w", "b"))


def _training(draw: Draw, epochs: int) -> Case:
    """Two clouds that overlap, so that every epoch has something to mend."""
    xs, t = draw.normal(10, 2), draw.binary(10)
    first, first_b = draw.normal(2), draw.normal(1)[0]
    w, b = first, first_b
    for _ in range(epochs):
        for x, target in zip(xs, t, strict=True):
            w, b = _step(x, target, w, b, 0.5)
    inputs = {"xs": xs, "targets": t, "w": first, "b": first_b, "lr": 0.5, "epochs": epochs}
    return Case("train", inputs, (w, b), ("w", "b"))
