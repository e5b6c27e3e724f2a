"""The learner's optimizer in a run: like torch's, only after it has passed, with clear errors."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.support.learner import pass_exercise
from tuilab.core.catalogue import optimizers as catalogue
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
from tuilab.engine.optim import build_optimizer

TORCH: dict[str, catalogue.Optimizer] = {
    "sgd": catalogue.SGD(lr=0.02),
    "momentum": catalogue.SGD(lr=0.02, momentum=0.9),
    "nesterov": catalogue.SGD(lr=0.02, momentum=0.9, nesterov=True),
    "rmsprop": catalogue.RMSprop(lr=0.02),
    "adam": catalogue.Adam(lr=0.02),
    "adamw": catalogue.AdamW(lr=0.02, weight_decay=0.01, weight_decay_on="all"),
}


def train_weights(config: catalogue.Optimizer) -> torch.Tensor:
    """Returns the weights after a few steps."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.randn(20, 4)
    optimizer: Any = build_optimizer.build(config, network)
    for _ in range(5):
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("step", TORCH)
def test_the_learners_optimizer_trains_as_torchs_does(step: Any) -> None:
    pass_exercise("optimizers")

    learner, torchs = (
        train_weights(catalogue.LearnerOptimizer(lr=0.02, step=step)),
        train_weights(TORCH[step]),
    )

    assert torch.allclose(learner, torchs, atol=1e-5)


def test_an_optimizer_is_refused_until_it_has_passed_in_its_present_form() -> None:
    with pytest.raises(InputError, match=r"optimizer.name: .*there is no such file yet"):
        train_weights(catalogue.LearnerOptimizer())

    file = learner_files.write_stub("optimizers")
    with pytest.raises(InputError, match="has not passed its check in its present form"):
        train_weights(catalogue.LearnerOptimizer())

    pass_exercise("optimizers")
    file.write_text(file.read_text() + "\n")
    with pytest.raises(InputError, match="has not passed its check in its present form"):
        train_weights(catalogue.LearnerOptimizer())


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("return w - lr * g\n", "return w[0]\n", r"it returned \(4,\) instead of \(8, 4\)"),
        ("return w - lr * g\n", "pass\n", "it returned NoneType instead of"),
        ("return w - lr * g\n", "return w / {}\n", r"line 13: TypeError: unsupported operand"),
    ],
)
def test_a_failure_in_a_run_names_the_function(right: str, wrong: str, message: str) -> None:
    pass_exercise("optimizers", exercise.find("optimizers").reference.replace(right, wrong))

    with pytest.raises(InputError, match=f"optimizer.step: .*your sgd failed: {message}"):
        train_weights(catalogue.LearnerOptimizer(step="sgd"))
