"""The learner's own layers and losses in a run: like torch's, only after they passed, well told."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from tests.support import tiny
from tests.support.own import passed
from tuilab.core.catalogue import losses as lab
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
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


def learned(network: nn.Module, x: Tensor) -> list[Tensor]:
    """What comes out and what comes back in training, the statistics, and what comes out then."""
    x = x.clone().requires_grad_()
    network.train()
    output = network(x)
    (output * torch.linspace(0.5, 2, output.numel()).reshape(output.shape)).sum().backward()
    assert x.grad is not None
    back = [x.grad, *(p.grad for p in network.parameters() if p.grad is not None)]
    with torch.no_grad():
        return [output.detach(), *back, *network.buffers(), network.eval()(x)]


@pytest.mark.parametrize(("name", "own", "torchs", "shape"), PAIRS)
def test_a_layer_does_as_torchs_forward_and_back(
    name: str, own: str, torchs: str, shape: tuple[int, ...]
) -> None:
    passed(name)
    torch.manual_seed(0)
    mine, theirs = networks.build((own,), shape), networks.build((torchs,), shape)
    values = [value.clone() for value in theirs.state_dict().values()]
    mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
    x = torch.randn(6, *shape)

    assert_close(learned(mine, x), learned(theirs, x), rtol=1e-4, atol=1e-5)
    assert plan((own,), shape).parameters == sum(p.numel() for p in mine.parameters())


def test_dropout_drops_and_scales_the_same_on_both_ways() -> None:
    passed("dropout")
    network, x = networks.build(("OwnDropout 0.25",), (1000,)), torch.ones(4, 1000)
    x.requires_grad_()

    output = network.train()(x)
    output.sum().backward()

    assert x.grad is not None
    assert output.unique().tolist() == pytest.approx([0, 4 / 3])
    assert 0.2 < float((output == 0).float().mean()) < 0.3
    assert x.grad.equal(output)
    assert network.eval()(x).equal(x)


@pytest.mark.parametrize(
    ("function", "theirs", "classes"),
    [
        ("mse", lab.MSE(), 0), ("huber", lab.Huber(), 0), ("mse", lab.MSE(), 3),
        ("cross_entropy", lab.CrossEntropy(), 3), ("bce", lab.BCE(), 2),
    ],
)  # fmt: skip
def test_a_loss_and_its_gradient_are_as_the_labs(
    function: Any, theirs: lab.Loss, classes: int
) -> None:
    passed("losses")
    torch.manual_seed(0)
    knobs = lab.Own(function=function)
    output = torch.randn(6, theirs.outputs(classes))
    target = torch.randint(classes, (6,)) if classes else torch.randn(6, 1)
    found = []
    for loss in (knobs, theirs):
        given = output.clone().requires_grad_()
        mean = losses.function(loss)(given, target)
        (2 * mean).backward()
        found.append((mean.detach(), given.grad, losses.evaluation(loss)(output, target)))

    assert_close(*found)
    assert knobs.outputs(classes) == theirs.outputs(classes)
    if classes:
        assert_close(losses.probabilities(knobs, output), losses.probabilities(theirs, output))


def test_a_run_of_ones_own_learns_as_torchs_does() -> None:
    for name in ("forward-pass", "activations", "losses"):
        passed(name)
    own = tiny.session("OwnLinear 8", "OwnActivation tanh", "OwnLinear 3", loss={"name": "own"})
    theirs = tiny.session("Linear 8", "Tanh", "Linear 3")
    for session in (own, theirs):
        tiny.steps(session, 30)

    assert_close(list(own.network.parameters()), list(theirs.network.parameters()))
    twin = copy.deepcopy(own.network)
    assert_close(twin(torch.ones(2, 2)), own.network(torch.ones(2, 2)))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("OwnLinear 3", "forward-pass"), ("OwnActivation", "activations"),
        ("OwnDropout", "dropout"), ("OwnBatchNorm", "batch-norm"),
    ],
)  # fmt: skip
def test_a_layer_is_refused_until_its_exercise_has_passed_as_it_stands(
    line: str, name: str
) -> None:
    with pytest.raises(InputError, match=r"network: .*there is no such file yet"):
        networks.build((line,), (3,))

    file = learner_files.write_stub(name)
    passed(name)
    file.write_text(file.read_text() + "\n")
    with pytest.raises(InputError, match=f"your {name} has not passed its check as it stands now"):
        networks.build((line,), (3,))


def test_what_goes_wrong_in_a_run_names_the_function_and_the_line() -> None:
    passed("activations", exercise.find("activations").reference.replace(
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
        losses.function(lab.Own())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"loss": {"name": "own", "function": "bce"}}, "loss.name: own bce is for two classes"),
        (
            {"loss": {"name": "own"}, "task": {"name": "regression"}, "data": {"name": "sine"}},
            "loss.name: own cross_entropy is for classes, not for regression",
        ),
    ],
)
def test_a_loss_that_does_not_fit_is_told(changes: dict[str, Any], says: str) -> None:
    from tuilab.core.experiment.experiment import from_plain
    from tuilab.core.experiment.validation import problems

    experiment = from_plain({"data": {"name": "blobs"}, "network": ["Linear 3"], **changes})

    assert any(problem.startswith(says) for problem in problems(experiment))


def test_what_an_exercise_says_of_its_use_is_a_layer_a_loss_or_an_optimizer() -> None:
    uses = {name: exercise.find(name).use for name in exercise.names()}
    layers = {use.split(": ")[1].rstrip(".") for use in uses.values() if "a layer now" in use}

    assert all(is_line(text) for text in layers) and len(layers) == 5
    assert [name for name, use in uses.items() if "own," in use] == ["losses", "optimizers"]
    assert [name for name, use in uses.items() if not use] == ["backpropagation", "perceptron-rule"]


def is_line(text: str) -> bool:
    return type(parse(text)).__name__.startswith("Own")
