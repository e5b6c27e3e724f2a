"""The scalar engine computes the derivatives of autograd, to 1e-10."""

import doctest
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.support.not_none import not_none
from tuilab.scratch import scalar
from tuilab.scratch.scalar import MLP, Value, bce, cross_entropy, mse

EXACT = 1e-10
NUMBERS = st.floats(-3, 3)


def test_the_examples_in_the_docstring_are_correct() -> None:
    assert doctest.testmod(scalar).failed == 0


# --- operations ---------------------------------------------------------------------------------

UNARY: dict[str, tuple[Callable[[Value], Value], Callable[[Tensor], Tensor]]] = {
    "negative": (lambda x: -x, lambda x: -x),
    "difference": (lambda x: 2 - x, lambda x: 2 - x),
    "square": (lambda x: x**2, lambda x: x**2),
    "constant": (lambda x: x**0, lambda x: x**0),
    "exp": (lambda x: (x * 0.3).exp(), lambda x: (x * 0.3).exp()),
    "log": (lambda x: (x * x + 1).log(), lambda x: (x * x + 1).log()),
    "reciprocal": (lambda x: 1 / (x * x + 0.5), lambda x: 1 / (x * x + 0.5)),
    "root": (lambda x: (x * x + 1) ** 0.5, lambda x: (x * x + 1) ** 0.5),
    "tanh": (Value.tanh, torch.tanh),
    "sigmoid": (Value.sigmoid, torch.sigmoid),
    "softplus": (Value.softplus, lambda x: F.softplus(x, threshold=1000)),
    "relu": (Value.relu, torch.relu),
    "leaky_relu": (lambda x: x.relu(0.1), lambda x: F.leaky_relu(x, 0.1)),
}

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / (y * y + 1),
}


@st.composite
def expressions(draw: st.DrawFn) -> tuple[list[float], list[tuple[str, int, int]]]:
    """Draws numbers, and steps that each compute another one from one or two earlier ones."""
    numbers = draw(st.lists(NUMBERS, min_size=1, max_size=4))
    steps = []
    for count in range(draw(st.integers(1, 12))):
        earlier = st.integers(0, len(numbers) + count - 1)
        name = draw(st.sampled_from([*(f"1 {n}" for n in UNARY), *(f"2 {n}" for n in BINARY)]))
        steps.append((name, draw(earlier), draw(earlier)))
    return numbers, steps


def calculate(values: list[Any], steps: Sequence[tuple[str, int, int]], engine: int) -> Any:
    for name, first, second in steps:
        kind, _, function = name.partition(" ")
        if kind == "2":
            new = BINARY[function](values[first], values[second])
        else:
            new = UNARY[function][engine](values[first])
        values.append(new / (new * new + 4) * 8)  # bounded, so that chains stay finite
    return sum(values)


@given(expressions())
def test_any_expression_has_the_gradients_of_autograd(
    expression: tuple[list[float], list[tuple[str, int, int]]],
) -> None:
    numbers, steps = expression
    values = [Value(number) for number in numbers]
    tensors = [torch.tensor(number, dtype=torch.double, requires_grad=True) for number in numbers]

    result, expected = calculate([*values], steps, 0), calculate([*tensors], steps, 1)
    result.backward()
    expected.backward()

    assert result.data == pytest.approx(expected.item(), rel=EXACT, abs=EXACT)
    expected_gradients = [t.grad.item() for t in tensors if t.grad is not None]
    gradients = [value.grad for value in values]
    assert gradients == pytest.approx(expected_gradients, rel=EXACT, abs=EXACT)


@pytest.mark.parametrize("x", [-800.0, -1.0, 0.0, 1.0, 800.0])
def test_large_numbers_do_not_overflow(x: float) -> None:
    for function in (Value.sigmoid, Value.softplus, Value.tanh):
        value = Value(x)
        result = function(value)
        result.backward()
        assert math.isfinite(result.data) and math.isfinite(value.grad)


def test_a_value_that_is_used_twice_sums_both_gradients() -> None:
    x = Value(3.0)

    (x * x + x).backward()

    assert x.grad == 7.0


def test_a_second_backward_pass_adds_up_in_the_leaves_only() -> None:
    x = Value(3.0)
    result = (x * 2) * (x * 2)

    result.backward()
    result.backward()

    assert x.grad == 2 * 24.0


def test_a_chain_of_20_000_steps_needs_no_recursion() -> None:
    x = Value(1.0)
    last = x
    for _ in range(20_000):
        last = last + 0.0

    last.backward()

    assert x.grad == 1.0


# --- networks and losses ------------------------------------------------------------------------


def to_torch(network: MLP) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in network.layers:
        rows = [[weight.data for weight in neuron.weights] for neuron in layer.neurons]
        linear = nn.Linear(len(rows[0]), len(rows), dtype=torch.double)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(rows, dtype=torch.double))
            biases = [neuron.bias.data for neuron in layer.neurons]
            linear.bias.copy_(torch.tensor(biases, dtype=torch.double))
        modules += [linear, nn.Tanh()]
    return nn.Sequential(*modules[:-1])


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 99))
def test_any_network_has_the_gradients_of_autograd(
    inputs: int, sizes: list[int], seed: int
) -> None:
    random = Random(seed)
    network = MLP(inputs, sizes, random)
    for weight in network.parameters():
        weight.data = random.gauss(0, 1)
    x = [random.gauss(0, 1) for _ in range(inputs)]
    targets = [random.gauss(0, 1) for _ in range(sizes[-1])]
    torch_network = to_torch(network)

    mse(network(x), targets).backward()
    output = torch_network(torch.tensor(x, dtype=torch.double))
    F.mse_loss(output, torch.tensor(targets, dtype=torch.double)).backward()

    torch_gradients = [p.grad.tolist() for p in torch_network.parameters() if p.grad is not None]
    expected = [
        number
        for rows, biases in zip(torch_gradients[::2], torch_gradients[1::2], strict=True)
        for weights, bias in zip(rows, biases, strict=True)
        for number in (*weights, bias)
    ]
    assert [w.grad for w in network.parameters()] == pytest.approx(expected, rel=EXACT, abs=EXACT)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6), st.data())
def test_cross_entropy_is_that_of_torch(numbers: list[float], data: st.DataObject) -> None:
    target = data.draw(st.integers(0, len(numbers) - 1))
    smoothing = data.draw(st.sampled_from([0.0, 0.1]))
    z = torch.tensor(numbers, dtype=torch.double, requires_grad=True)
    expected = F.cross_entropy(z, torch.tensor(target), label_smoothing=smoothing)
    base = smoothing / len(numbers)
    probabilities = [base + (1 - smoothing) * (i == target) for i in range(len(numbers))]

    assert_same_gradients(
        [Value(number) for number in numbers], probabilities, cross_entropy, z, expected
    )


@given(st.floats(-50, 50), st.sampled_from([0.0, 1.0]))
def test_bce_is_that_of_torch(number: float, targets: float) -> None:
    z = torch.tensor([number], dtype=torch.double, requires_grad=True)
    target = torch.tensor([targets], dtype=torch.double)

    assert_same_gradients(
        [Value(number)], [targets], bce, z, F.binary_cross_entropy_with_logits(z, target)
    )


def assert_same_gradients(
    values: list[Value],
    targets: list[float],
    loss: Callable[[Sequence[Value], Sequence[float]], Value],
    z: Tensor,
    expected: Tensor,
) -> None:
    result = loss(values, targets)
    result.backward()
    expected.backward()
    assert result.data == pytest.approx(expected.item(), rel=EXACT, abs=EXACT)
    assert [v.grad for v in values] == pytest.approx(
        not_none(z.grad).tolist(), rel=EXACT, abs=EXACT
    )


def test_the_code_stays_short() -> None:
    lines = Path(scalar.__file__).read_text().splitlines()
    quotes = [i for i, line in enumerate(lines) for _ in range(line.count('"""'))]
    docstring_lines = {
        i for a, b in zip(quotes[::2], quotes[1::2], strict=True) for i in range(a, b + 1)
    }
    code = [line for i, line in enumerate(lines) if i not in docstring_lines and line.strip()]

    # micrograd, with fewer operations and no losses, has about 110.
    assert len([line for line in code if not line.strip().startswith("#")]) <= 120
