"""The learner's optimizer in a run: as torch's, only after passing, with clear errors."""

from typing import Literal

import pytest
import torch
from torch import nn

from tests.support.passed_exercises import pass_exercise
from tuilab.core.catalogue import optimizers as catalogue
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
from tuilab.engine.optim import build_optimizer

StepName = Literal["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"]

TORCH: dict[StepName, catalogue.Optimizer] = {
    "sgd": catalogue.SGD(lr=0.02),
    "momentum": catalogue.SGD(lr=0.02, momentum=0.9),
    "nesterov": catalogue.SGD(lr=0.02, momentum=0.9, nesterov=True),
    "rmsprop": catalogue.RMSprop(lr=0.02),
    "adam": catalogue.Adam(lr=0.02),
    "adamw": catalogue.AdamW(lr=0.02, weight_decay=0.01, weight_decay_on="all"),
}


def weights_after_training(config: catalogue.Optimizer) -> torch.Tensor:
    """Returns the weights after a few steps."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.randn(20, 4)
    optimizer = build_optimizer.build(config, network)
    for _ in range(5):
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("step", TORCH)
def test_the_learners_optimizer_trains_as_torchs(step: StepName) -> None:
    pass_exercise("optimizers")

    learner, expected = (
        weights_after_training(catalogue.LearnerOptimizer(lr=0.02, step=step)),
        weights_after_training(TORCH[step]),
    )

    assert torch.allclose(learner, expected, atol=1e-5)


def test_an_optimizer_is_refused_until_the_current_code_has_passed() -> None:
    with pytest.raises(InputError, match=r"optimizer.name: .*there is no such file yet"):
        weights_after_training(catalogue.LearnerOptimizer())

    file = learner_files.write_stub("optimizers")
    with pytest.raises(InputError, match="has not passed its check in its present form"):
        weights_after_training(catalogue.LearnerOptimizer())

    pass_exercise("optimizers")
    file.write_text(file.read_text() + "\n")
    with pytest.raises(InputError, match="has not passed its check in its present form"):
        weights_after_training(catalogue.LearnerOptimizer())


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
        weights_after_training(catalogue.LearnerOptimizer(step="sgd"))
