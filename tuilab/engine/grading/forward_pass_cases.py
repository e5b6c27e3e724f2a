"""Cases for the forward pass."""

from collections.abc import Iterator

import torch
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, Draw, one


def cases(draw: Draw) -> Iterator[Case]:
    """Neurons, layers (square ones first: shapes hide nothing) and whole networks."""
    for size in (2, 5):
        x, w, b = draw.normal(size), draw.normal(size), draw.normal(1)[0]
        yield one("neuron", torch.tanh(x.dot(w) + b), x=x, w=w, b=b)
    for n, inputs, outputs in ((3, 3, 3), (4, 2, 3), (2, 5, 1)):
        x, weight, bias = draw.normal(n, inputs), draw.normal(outputs, inputs), draw.normal(outputs)
        yield one("linear", F.linear(x, weight, bias), x=x, weight=weight, bias=bias)
    for n, sizes in ((2, (2, 2, 2)), (3, (3, 4, 3, 2)), (4, (5, 6, 6, 6, 3)), (2, (3, 2))):
        yield _network(draw, n, sizes)


def _network(draw: Draw, n: int, sizes: tuple[int, ...]) -> Case:
    x = draw.normal(n, sizes[0])
    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights, biases = (
        [draw.normal(*pair) for pair in pairs],
        [draw.normal(pair[0]) for pair in pairs],
    )
    y = x
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        y = F.linear(F.relu(y) if number else y, weight, bias)
    return one("forward", y, x=x, weights=weights, biases=biases)
