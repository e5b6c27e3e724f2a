"""The learner's layers and losses in a run: as torch's, only after passing, with clear errors."""

import copy
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from tests.support.not_none import not_none
from tests.support.passed_exercises import pass_exercise
from tests.support.tiny_sessions import make_session, train_steps
from tuilab.core.catalogue import losses as catalogue
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan
from tuilab.engine.metrics import losses
from tuilab.engine.model import build_network as networks

PAIRS = [
    ("forward-pass", "OwnLinear 4", "Linear 4", (3,)),
    ("forward-pass", "OwnLinear 4 bias=false", "Linear 4 bias=false", (5, 3)),
    ("batch-norm", "OwnBatchNorm", "BatchNorm1d", (3,)),
    ("batch-norm", "OwnBatchNorm 0.01 0.5", "BatchNorm1d 0.01 0.5", (3,)),
    ("attention", "OwnAttention 2", "MultiheadAttention 2 bias=false", (5, 4)),
    ("attention", "OwnAttention 2 causal=true", "MultiheadAttention 2 bias=false causal=true",
     (5, 4)),
    *(
        ("activations", f"OwnActivation {name.lower()}", name, (7,))
        for name in ("Sigmoid", "Tanh", "ReLU", "ELU", "SELU", "GELU", "SiLU")
    ),
    ("activations", "OwnActivation leaky_relu", "LeakyReLU", (7,)),
    ("activations", "OwnActivation step", "Step", (7,)),
]  # fmt: skip


def train_step_results(network: nn.Module, x: Tensor) -> list[Tensor]:
    """Returns output and gradients in training, the statistics, and the output in evaluation."""
    x = x.clone().requires_grad_()
    network.train()
    output = network(x)
    (output * torch.linspace(0.5, 2, output.numel()).reshape(output.shape)).sum().backward()
    parameters = [p.grad for p in network.parameters() if p.grad is not None]
    with torch.no_grad():
        return [
            output.detach(),
            not_none(x.grad),
            *parameters,
            *network.buffers(),
            network.eval()(x),
        ]


@pytest.mark.parametrize(("name", "line", "torch_line", "shape"), PAIRS)
def test_a_layer_is_torchs_forward_and_backward(
    name: str, line: str, torch_line: str, shape: tuple[int, ...]
) -> None:
    pass_exercise(name)
    torch.manual_seed(0)
    by_learner, by_torch = networks.build((line,), shape), networks.build((torch_line,), shape)
    values = [value.clone() for value in by_torch.state_dict().values()]
    by_learner.load_state_dict(dict(zip(by_learner.state_dict(), values, strict=True)))
    x = torch.randn(6, *shape)

    assert_close(
        train_step_results(by_learner, x), train_step_results(by_torch, x), rtol=1e-4, atol=1e-5
    )
    assert plan((line,), shape).parameters == sum(p.numel() for p in by_learner.parameters())


def test_dropout_drops_and_scales_the_same_forward_and_backward() -> None:
    pass_exercise("dropout")
    network, x = networks.build(("OwnDropout 0.25",), (1000,)), torch.ones(4, 1000)
    x.requires_grad_()

    output = network.train()(x)
    output.sum().backward()

    assert sorted(set(output.flatten().tolist())) == pytest.approx([0, 4 / 3])
    assert 0.2 < float((output == 0).float().mean()) < 0.3
    assert not_none(x.grad).equal(output)
    assert network.eval()(x).equal(x)


@pytest.mark.parametrize(
    ("function", "by_torch", "classes"),
    [
        ("mse", catalogue.MSE(), 0), ("huber", catalogue.Huber(), 0), ("mse", catalogue.MSE(), 3),
        ("cross_entropy", catalogue.CrossEntropy(), 3), ("bce", catalogue.BCE(), 2),
    ],
)  # fmt: skip
def test_a_loss_and_its_gradient_are_those_of_the_built_in_loss(
    function: Literal["mse", "huber", "cross_entropy", "bce"],
    by_torch: catalogue.Loss,
    classes: int,
) -> None:
    pass_exercise("losses")
    torch.manual_seed(0)
    config = catalogue.LearnerLoss(function=function)
    output = torch.randn(6, by_torch.outputs(classes))
    target = torch.randint(classes, (6,)) if classes else torch.randn(6, 1)
    results = []
    for loss in (config, by_torch):
        inputs = output.clone().requires_grad_()
        mean = losses.build_loss(loss)(inputs, target)
        (2 * mean).backward()
        evaluated = losses.build_evaluation_loss(loss)(output, target)
        results.append((mean.detach(), inputs.grad, evaluated))

    assert_close(*results)
    assert config.outputs(classes) == by_torch.outputs(classes)
    if classes:
        assert_close(losses.probabilities(config, output), losses.probabilities(by_torch, output))


def test_a_run_with_learner_code_trains_as_with_torchs() -> None:
    for name in ("forward-pass", "activations", "losses"):
        pass_exercise(name)
    learner = make_session("OwnLinear 8", "OwnActivation tanh", "OwnLinear 3", loss={"name": "own"})
    by_torch = make_session("Linear 8", "Tanh", "Linear 3")
    for session in (learner, by_torch):
        train_steps(session, 30)

    assert_close(list(learner.network.parameters()), list(by_torch.network.parameters()))
    twin = copy.deepcopy(learner.network)
    assert_close(twin(torch.ones(2, 2)), learner.network(torch.ones(2, 2)))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("OwnLinear 3", "forward-pass"), ("OwnActivation", "activations"),
        ("OwnDropout", "dropout"), ("OwnBatchNorm", "batch-norm"),
    ],
)  # fmt: skip
def test_a_layer_is_refused_until_the_current_code_has_passed(line: str, name: str) -> None:
    with pytest.raises(InputError, match=r"network: .*there is no such file yet"):
        networks.build((line,), (3,))

    file = learner_files.write_stub(name)
    pass_exercise(name)
    file.write_text(file.read_text() + "\n")
    with pytest.raises(
        InputError, match=f"your {name} has not passed its check in its present form"
    ):
        networks.build((line,), (3,))


def test_a_failure_in_a_run_names_the_function_and_the_line() -> None:
    pass_exercise("activations", exercise.find("activations").reference.replace(
        "return 2 / (1 + torch.exp(-2 * x)) - 1", "return x[0] / 0 if len(x) > 3 else x + {}"
    ))  # fmt: skip
    network = networks.build(("OwnActivation tanh",), (3,))

    with pytest.raises(
        InputError, match=r"network: .*your tanh failed: it returned \(3,\) instead"
    ):
        network(torch.ones(4, 3))
    with pytest.raises(InputError, match=r"your tanh failed: line \d+: TypeError"):
        network(torch.ones(2, 3))
    with pytest.raises(InputError, match=r"loss.name: .*there is no such file yet"):
        losses.build_loss(catalogue.LearnerLoss())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": {"name": "own", "function": "bce"}}, "loss.name: own bce is for two classes"),
        (
            {"loss": {"name": "own"}, "task": {"name": "regression"}, "data": {"name": "sine"}},
            "loss.name: own cross_entropy is for classes, not for regression",
        ),
    ],
)
def test_a_loss_that_does_not_fit_is_reported(changes: dict[str, Any], message: str) -> None:
    experiment = experiment_from_dict(
        {"data": {"name": "blobs"}, "network": ["Linear 3"], **changes}
    )

    assert any(error.startswith(message) for error in find_errors(experiment))


def test_the_use_of_an_exercise_is_a_layer_a_loss_or_an_optimizer() -> None:
    uses = {name: exercise.find(name).use for name in exercise.exercise_names()}
    layers = {use.split(": ")[1].rstrip(".") for use in uses.values() if "a layer now" in use}

    assert all(is_line(text) for text in layers) and len(layers) == 5
    assert [name for name, use in uses.items() if "own," in use] == ["losses", "optimizers"]
    assert [name for name, use in uses.items() if not use] == ["backpropagation", "perceptron-rule"]


def is_line(text: str) -> bool:
    return type(parse(text)).__name__.startswith("Own")
