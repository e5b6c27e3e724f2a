"""Random inputs and torch's results for the forward pass."""

from collections.abc import Iterator

import torch
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, RandomInputs, single_result


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields neurons, layers (square ones first, where no shape reveals a mistake) and networks."""
    for size in (2, 5):
        x, w, b = rng.normal(size), rng.normal(size), rng.normal(1)[0]
        yield single_result("neuron", torch.tanh(x.dot(w) + b), x=x, w=w, b=b)
    for n, inputs, outputs in ((3, 3, 3), (4, 2, 3), (2, 5, 1)):
        x, weight, bias = rng.normal(n, inputs), rng.normal(outputs, inputs), rng.normal(outputs)
        yield single_result("linear", F.linear(x, weight, bias), x=x, weight=weight, bias=bias)
    for n, sizes in ((2, (2, 2, 2)), (3, (3, 4, 3, 2)), (4, (5, 6, 6, 6, 3)), (2, (3, 2))):
        yield _network(rng, n, sizes)


def _network(rng: RandomInputs, n: int, sizes: tuple[int, ...]) -> Case:
    x = rng.normal(n, sizes[0])
    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights, biases = (
        [rng.normal(*pair) for pair in pairs],
        [rng.normal(pair[0]) for pair in pairs],
    )
    y = x
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        y = F.linear(F.relu(y) if number else y, weight, bias)
    return single_result("forward", y, x=x, weights=weights, biases=biases)
