"""Cases for batch normalization."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, Draw, one

EPS = 0.05
"""Large enough to see where it stands."""

NEW = ("y", "running_mean", "running_var")


def cases(draw: Draw) -> Iterator[Case]:
    """Square batches first, so that no shape hides a wrong axis."""
    for n, d, momentum in ((3, 3, 0.1), (5, 2, 0.3), (4, 6, 0.1)):
        x = draw.normal(n, d, scale=0.8) + draw.normal(d)
        gamma, beta = draw.normal(d) + 1.5, draw.normal(d)
        running = {"running_mean": draw.normal(d), "running_var": draw.uniform(d) + 0.5}
        inputs = {"x": x, "gamma": gamma, "beta": beta, **running}
        yield Case(
            "forward_train",
            {**inputs, "momentum": momentum, "eps": EPS},
            _train(**inputs, momentum=momentum),
            NEW,
        )
        y = F.batch_norm(x, running["running_mean"], running["running_var"], gamma, beta, eps=EPS)
        yield one("forward_eval", y, **inputs, eps=EPS)
        yield _backward(draw.normal(n, d), x, gamma, beta)


def _train(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
) -> tuple[Tensor, ...]:
    mean, var = running_mean.clone(), running_var.clone()
    y = F.batch_norm(x, mean, var, gamma, beta, training=True, momentum=momentum, eps=EPS)
    return y, mean, var


def _backward(upstream: Tensor, x: Tensor, gamma: Tensor, beta: Tensor) -> Case:
    points = [point.clone().requires_grad_() for point in (x, gamma, beta)]
    y = F.batch_norm(points[0], None, None, points[1], points[2], training=True, eps=EPS)
    expected = torch.autograd.grad((y * upstream).sum(), points)
    inputs = {"gradient": upstream, "x": x, "gamma": gamma, "eps": EPS}
    return Case("backward", inputs, expected, ("dx", "dgamma", "dbeta"))
