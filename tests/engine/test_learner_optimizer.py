"""The learner's own optimizer in a run: like torch's, only after it has passed, and well told."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.support.own import passed
from tuilab.core.catalogue import optimizers as lab
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
from tuilab.engine.optim import build_optimizer

OTHERS: dict[str, lab.Optimizer] = {
    "sgd": lab.SGD(lr=0.02),
    "momentum": lab.SGD(lr=0.02, momentum=0.9),
    "nesterov": lab.SGD(lr=0.02, momentum=0.9, nesterov=True),
    "rmsprop": lab.RMSprop(lr=0.02),
    "adam": lab.Adam(lr=0.02),
    "adamw": lab.AdamW(lr=0.02, weight_decay=0.01, weight_decay_on="all"),
}


def trained(knobs: lab.Optimizer) -> torch.Tensor:
    """The weights after a few steps."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.randn(20, 4)
    optimizer: Any = build_optimizer.build(knobs, network)
    for _ in range(5):
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("step", OTHERS)
def test_it_trains_as_torch_does(step: Any) -> None:
    passed("optimizers")

    mine, theirs = trained(lab.Own(lr=0.02, step=step)), trained(OTHERS[step])

    assert torch.allclose(mine, theirs, atol=1e-5)


def test_it_is_refused_until_it_has_passed_as_it_stands() -> None:
    with pytest.raises(InputError, match=r"optimizer.name: .*there is no such file yet"):
        trained(lab.Own())

    file = learner_files.write_stub("optimizers")
    with pytest.raises(InputError, match="has not passed its check as it stands now"):
        trained(lab.Own())

    passed("optimizers")
    file.write_text(file.read_text() + "\n")
    with pytest.raises(InputError, match="has not passed its check as it stands now"):
        trained(lab.Own())


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("return w - lr * g\n", "return w[0]\n", r"it returned \(4,\) instead of \(8, 4\)"),
        ("return w - lr * g\n", "pass\n", "it returned NoneType instead of"),
        ("return w - lr * g\n", "return w / {}\n", r"line 13: TypeError: unsupported operand"),
    ],
)
def test_what_goes_wrong_in_a_run_names_the_function(right: str, wrong: str, says: str) -> None:
    passed("optimizers", exercise.find("optimizers").reference.replace(right, wrong))

    with pytest.raises(InputError, match=f"optimizer.step: .*your sgd failed: {says}"):
        trained(lab.Own(step="sgd"))
