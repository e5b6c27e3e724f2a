"""The best constant predictor: a network that has learned anything has a lower loss."""

import torch
from torch import Tensor

from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.metrics.losses import LossFunction

MAX_FIT_TARGETS, MAX_FIT_ITERATIONS = 4096, 30
"""Targets that the numeric search uses, and its steps."""

CHUNK = 4096
"""Targets whose loss is computed at a time."""

MIN_SHARE = 1e-9
"""Share of a class that does not occur, so that its logit is finite."""


def fit_constant(loss: LossFunction, targets: Tensor, outputs: int) -> Tensor:
    """Returns the output that is best if it is the same for every example.

    It starts from the closed forms (log shares and shares of the classes, mean and median of
    numbers) and improves the best of them numerically, so any loss has its own optimum.

    targets: int64 [n, *positions], then the result is [outputs]; or float [n, *shape], then it is
    [*shape].
    """
    targets = _drop_ignored(targets)
    starts = _closed_forms(targets, outputs)
    some = targets[:: max(1, len(targets) // MAX_FIT_TARGETS)]

    def measure(output: Tensor) -> Tensor:
        return loss(_repeat(output, some), some)

    best = min(starts, key=lambda start: float(measure(start)))
    fitted = best.clone().requires_grad_()
    search = torch.optim.LBFGS(
        [fitted], max_iter=MAX_FIT_ITERATIONS, line_search_fn="strong_wolfe", tolerance_grad=1e-6
    )

    def closure() -> Tensor:
        search.zero_grad()
        value = measure(fitted)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        search.step(closure)  # type: ignore[no-untyped-call]
    fitted = fitted.detach()
    return fitted if float(measure(fitted)) < float(measure(best)) else best


@torch.no_grad()
def constant_loss(loss: LossFunction, constant: Tensor, targets: Tensor) -> float:
    """Returns the mean loss of a constant output.

    constant: from `fit_constant`, targets: int64 [n, *positions] or float [n, *shape].
    """
    targets = _drop_ignored(targets)
    total = 0.0
    for chunk in torch.split(targets, CHUNK):
        total += float(loss(_repeat(constant, chunk), chunk)) * len(chunk)
    return total / len(targets)


def _drop_ignored(targets: Tensor) -> Tensor:
    """Returns classes as [n], without positions that are ignored; numbers unchanged."""
    if targets.is_floating_point():
        return targets
    flat = targets.flatten()
    return flat[flat != IGNORE_INDEX]


def _closed_forms(targets: Tensor, outputs: int) -> list[Tensor]:
    if targets.is_floating_point():
        return [targets.mean(dim=0), targets.median(dim=0).values]
    counts = torch.bincount(targets, minlength=max(2, outputs)).float()
    shares = (counts / counts.sum()).clamp(min=MIN_SHARE)
    if outputs == 1:
        logit = (shares[1] / shares[0]).log()
        return [logit[None], torch.sign(logit)[None]]
    return [shares.log(), shares]


def _repeat(output: Tensor, targets: Tensor) -> Tensor:
    """Returns the output once for each target."""
    return output.expand(len(targets), *output.shape)
