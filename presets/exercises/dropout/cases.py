"""Random inputs and torch's results for dropout."""

from collections.abc import Iterator

import torch

from tuilab.engine.grading.case import Case, RandomInputs, compute_gradient, single_result


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields several rates in training, a rate of 0, and inference."""
    for name in ("dropout", "dropout_backward", "spatial_dropout"):
        for p, training in ((0.5, True), (0.25, True), (0.8, True), (0.4, False), (0.0, True)):
            yield _case(rng, name, p, training)


def _case(rng: RandomInputs, name: str, p: float, training: bool) -> Case:
    is_spatial = name == "spatial_dropout"
    shape = (2, 2, 2, 2) if is_spatial else (2, 3) if p == 0.5 else (3, 5)
    x, noise = rng.normal(*shape), rng.uniform(*shape[: 2 if is_spatial else 4])
    noise = (noise * 98).round() / 100
    noise.view(-1)[0], noise.view(-1)[1] = 0.0, 0.97  # at least one value is dropped and one stays
    mask = noise.ge(p)[..., None, None] if is_spatial else noise.ge(p)
    factor = mask.float() / (1 - p) if training else torch.ones(())
    first = "gradient" if name == "dropout_backward" else "x"
    expected = compute_gradient(lambda point: point * factor * x, torch.ones_like(x))
    return single_result(name, expected, **{first: x, "p": p, "noise": noise, "training": training})
