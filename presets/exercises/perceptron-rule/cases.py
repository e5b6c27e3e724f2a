"""Random inputs and torch's results for the perceptron rule."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tuilab.engine.grading.case import Case, RandomInputs, single_result


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields single examples, batches, and a few epochs."""
    yield from _predictions(rng)
    for flips in (True, False):
        for side in (1, -1):
            for target in (1.0, 0.0):
                yield _update(rng, flips, side, target)
    for epochs in (2, 3):
        yield _training(rng, epochs)


def _predict(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.linear(x, w[None], b[None])[:, 0].gt(0).float()


def _predictions(rng: RandomInputs) -> Iterator[Case]:
    x, w = rng.normal(4, 2), rng.normal(2)
    b = -(x @ w).mean().round(decimals=2)  # points on both sides of the line
    yield single_result("predict", _predict(x, w, b), x=x, w=w, b=b)
    x, w = rng.normal(12, 3), rng.normal(3)
    x[0] = w * 0.3 / w.dot(w)  # z = 0.3 + b, then −0.3 + b: the bias decides both
    x[1] = -x[0]
    b = torch.tensor(0.6)
    yield single_result("predict", _predict(x, w, b), x=x, w=w, b=b)
    x, b = torch.cat([torch.zeros(1, 3), rng.normal(3, 3)]), torch.tensor(0.0)
    # The first is exactly on the line.
    yield single_result("predict", _predict(x, w, b), x=x, w=w, b=b)


def _step(x: Tensor, t: Tensor, w: Tensor, b: Tensor, lr: float) -> tuple[Tensor, Tensor]:
    """Takes one step of the rule: down the gradient of (y − t) z with y held constant."""
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    z = torch.nn.functional.linear(x, w, b)
    ((z > 0).float().sub(t) * z).backward()  # type: ignore[no-untyped-call]
    assert w.grad is not None and b.grad is not None
    return (w - lr * w.grad).detach(), (b - lr * b.grad).detach()


def _update(rng: RandomInputs, flips: bool, side: int, target: float) -> Case:
    """Returns one example on a side of the line w·x = 0, whose answer the bias flips or keeps."""
    x, w, lr = rng.normal(3), rng.normal(3), 0.1
    w = w if float(x @ w) * side > 0 else -w
    b = torch.tensor(round(-float(x @ w) - 0.4 * side, 2) if flips else 0.3 * side)
    t = torch.tensor(target)
    inputs = {"x": x, "target": t, "w": w, "b": b, "lr": lr}
    return Case("update", inputs, _step(x, t, w, b, lr), ("w", "b"))


def _training(rng: RandomInputs, epochs: int) -> Case:
    """Returns a few epochs on overlapping classes, so that every epoch makes mistakes."""
    xs, t = rng.normal(10, 2), rng.binary(10)
    initial_w, initial_b = rng.normal(2), rng.normal(1)[0]
    w, b = initial_w, initial_b
    for _ in range(epochs):
        for x, target in zip(xs, t, strict=True):
            w, b = _step(x, target, w, b, 0.5)
    inputs = {"xs": xs, "targets": t, "w": initial_w, "b": initial_b, "lr": 0.5, "epochs": epochs}
    return Case("train", inputs, (w, b), ("w", "b"))
