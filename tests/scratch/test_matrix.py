"""The backward pass of the matrix engine agrees with autograd in every layer, to 1e-10."""

import doctest
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tuilab.scratch import matrix
from tuilab.scratch.matrix import (
    SGD,
    LeakyReLU,
    Linear,
    Matrix,
    Network,
    ReLU,
    Sigmoid,
    Tanh,
    bce,
    cross_entropy,
    mse,
)

EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10}


def test_the_examples_in_the_docstring_are_correct() -> None:
    assert doctest.testmod(matrix).failed == 0


def assert_close(actual: Matrix, expected: Tensor | None) -> None:
    assert expected is not None
    torch.testing.assert_close(torch.tensor(actual, dtype=torch.double), expected.double(), **EXACT)


def random_tensor(*sizes: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*sizes, dtype=torch.double, generator=generator).requires_grad_()


# --- layers -------------------------------------------------------------------------------------


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(0, 999))
def test_a_linear_layer_is_torchs_forward_and_backward(
    examples: int, inputs: int, outputs: int, seed: int
) -> None:
    x, weight = (
        random_tensor(examples, inputs, seed=seed),
        random_tensor(outputs, inputs, seed=seed + 1),
    )
    bias, gradient = (
        random_tensor(outputs, seed=seed + 2),
        random_tensor(examples, outputs, seed=seed + 3),
    )
    expected = F.linear(x, weight, bias)
    expected.backward(gradient)
    layer = Linear(weight.tolist(), bias.tolist())

    assert_close(layer.forward(x.tolist()), expected)
    assert_close(layer.backward(gradient.tolist()), x.grad)
    assert_close(layer.weight_gradient, weight.grad)
    assert_close([layer.bias_gradient], None if bias.grad is None else bias.grad[None])


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (ReLU(), torch.relu),
        (LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2)),
        (Tanh(), torch.tanh),
        (Sigmoid(), torch.sigmoid),
    ],
    ids=["relu", "leaky_relu", "tanh", "sigmoid"],
)
def test_an_activation_and_its_derivative_are_those_of_torch(
    layer: matrix.Layer, function: Callable[[Tensor], Tensor]
) -> None:
    numbers = [-800.0, -3.0, -0.1, 0.0, 0.1, 3.0, 800.0]
    x = torch.tensor([numbers, numbers[::-1]], dtype=torch.double, requires_grad=True)
    gradient = random_tensor(2, 7)
    expected = function(x)
    expected.backward(gradient)

    assert_close(layer.forward(x.tolist()), expected)
    assert_close(layer.backward(gradient.tolist()), x.grad)


# --- losses -------------------------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(2, 5), st.sampled_from([0.0, 0.1]), st.integers(0, 999))
def test_cross_entropy_is_that_of_torch(
    examples: int, classes: int, smoothing: float, seed: int
) -> None:
    z = (random_tensor(examples, classes, seed=seed).detach() * 30).requires_grad_()
    target = torch.arange(examples) % classes
    expected = F.cross_entropy(z, target, label_smoothing=smoothing)
    expected.backward()
    probabilities = F.one_hot(target, classes).double() * (1 - smoothing) + smoothing / classes

    loss, gradient = cross_entropy(z.tolist(), probabilities.tolist())

    assert loss == pytest.approx(expected.item(), rel=1e-10)
    assert_close(gradient, z.grad)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 999))
def test_mse_is_that_of_torch(examples: int, outputs: int, seed: int) -> None:
    z, targets = (
        random_tensor(examples, outputs, seed=seed),
        random_tensor(examples, outputs, seed=seed + 1),
    )
    expected = F.mse_loss(z, targets)
    expected.backward()

    loss, gradient = mse(z.tolist(), targets.tolist())

    assert loss == pytest.approx(expected.item(), rel=1e-10)
    assert_close(gradient, z.grad)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=6))
def test_bce_is_that_of_torch(numbers: list[float]) -> None:
    z = torch.tensor(numbers, dtype=torch.double)[:, None].requires_grad_()
    targets = (torch.arange(len(numbers)) % 2).double()[:, None]
    expected = F.binary_cross_entropy_with_logits(z, targets)
    expected.backward()

    loss, gradient = bce(z.tolist(), targets.tolist())

    assert loss == pytest.approx(expected.item(), rel=1e-10, abs=1e-10)
    assert_close(gradient, z.grad)


# --- learning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_twenty_steps_end_at_the_weights_of_torch(momentum: float) -> None:
    first, last = nn.Linear(3, 5).double(), nn.Linear(5, 2).double()
    torch_network = nn.Sequential(first, nn.Tanh(), last)
    network = Network(
        [Linear(first.weight.tolist(), first.bias.tolist()), Tanh(),
         Linear(last.weight.tolist(), last.bias.tolist())]
    )  # fmt: skip
    x, targets = random_tensor(8, 3).detach(), random_tensor(8, 2, seed=1).detach()
    our_optimizer = SGD(network, lr=0.1, momentum=momentum)
    optimizer = torch.optim.SGD(torch_network.parameters(), lr=0.1, momentum=momentum)

    for _ in range(20):
        network.backward(mse(network.forward(x.tolist()), targets.tolist())[1])
        our_optimizer.step()
        optimizer.zero_grad()
        F.mse_loss(torch_network(x), targets).backward()
        optimizer.step()

    rows = [row for linear in (first, last) for row in (*linear.weight, linear.bias)]
    for actual, expected in zip(network.weights(), rows, strict=True):
        assert_close([actual], expected.detach()[None])
