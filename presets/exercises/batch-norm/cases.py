"""Random inputs and torch's results for batch normalization."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, RandomInputs, single_result

EPS = 0.05
"""Large enough that its place in the formula shows in the result."""

OUTPUTS = ("y", "running_mean", "running_var")


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields square batches first, where no shape reveals a wrong axis."""
    for n, d, momentum in ((3, 3, 0.1), (5, 2, 0.3), (4, 6, 0.1)):
        x = rng.normal(n, d, scale=0.8) + rng.normal(d)
        gamma, beta = rng.normal(d) + 1.5, rng.normal(d)
        running = {"running_mean": rng.normal(d), "running_var": rng.uniform(d) + 0.5}
        inputs = {"x": x, "gamma": gamma, "beta": beta, **running}
        yield Case(
            "forward_train",
            {**inputs, "momentum": momentum, "eps": EPS},
            _train(**inputs, momentum=momentum),
            OUTPUTS,
        )
        y = F.batch_norm(x, running["running_mean"], running["running_var"], gamma, beta, eps=EPS)
        yield single_result("forward_eval", y, **inputs, eps=EPS)
        yield _backward(rng.normal(n, d), x, gamma, beta)


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
