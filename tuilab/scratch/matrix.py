"""Backpropagation in plain Python, one layer at a time, over a whole batch.

Where `scalar` differentiates every single number, here a layer is one step whose derivative was
derived once, on paper. A batch is a list of rows, one for each example. Each layer has two methods:

- forward: computes its outputs y from its inputs x, and stores what the backward pass needs;
- backward: from ∂L∕∂y, the gradient of the loss L with respect to its outputs, it computes ∂L∕∂x
  for the layer before it, and ∂L∕∂W for its own weights.

>>> network = Network([Linear([[0.5, -0.5]], [0.1]), Tanh()])
>>> y = network.forward([[1.0, 2.0]])
>>> loss, gradient = mse(y, [[1.0]])
>>> network.backward(gradient)          # no one needs the gradient of the inputs
>>> network.layers[0].weight_gradient == [[g * x for x in (1.0, 2.0)] for g in (
...     2 * (y[0][0] - 1) * (1 - y[0][0] ** 2),)]
True
"""

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Protocol

Row = list[float]
Matrix = list[Row]
"""Rows of equal length: the examples of a batch, or the weights of each output."""


def dot(a: Row, b: Row) -> float:
    """Returns the dot product Σ aᵢ bᵢ."""
    total: float = sum(map(mul, a, b))
    return total


def transpose(a: Matrix) -> Matrix:
    """Returns the rows as columns."""
    return [list(column) for column in zip(*a, strict=True)]


def matmul_transposed(a: Matrix, b: Matrix) -> Matrix:
    """Returns the matrix product a bᵀ: each row of a times each row of b."""
    return [[dot(row, other) for other in b] for row in a]


# --- layers -------------------------------------------------------------------------------------


class Layer(Protocol):
    """One step from the inputs to the loss."""

    def forward(self, x: Matrix) -> Matrix:
        """Returns the outputs for a batch."""

    def backward(self, gradient: Matrix) -> Matrix:
        """Returns ∂L∕∂x for ∂L∕∂y of the last batch."""


class Linear:
    """y = x Wᵀ + b.

    Args:
        weight: W, one row for each output.
        bias: b, one number for each output.
    """

    def __init__(self, weight: Matrix, bias: Row) -> None:
        self.weight, self.bias = weight, bias
        self.weight_gradient: Matrix = []
        self.bias_gradient: Row = []

    def forward(self, x: Matrix) -> Matrix:
        """Returns a weighted sum of all inputs plus a bias, for each output."""
        self.x = x
        return [[dot(row, w) + b for w, b in zip(self.weight, self.bias, strict=True)] for row in x]

    def backward(self, gradient: Matrix) -> Matrix:
        """Computes ∂L∕∂W = (∂L∕∂y)ᵀ x and ∂L∕∂b = Σ ∂L∕∂y over the examples; returns ∂L∕∂y W."""
        by_output = transpose(gradient)
        self.weight_gradient = matmul_transposed(by_output, transpose(self.x))
        self.bias_gradient = [sum(column) for column in by_output]
        return matmul_transposed(gradient, transpose(self.weight))


class Activation:
    """y = f(x) for each number: ∂L∕∂x = ∂L∕∂y · f′(x).

    Args:
        function: f.
        slope: f′ as a function of x and y, since it is often simple in terms of y.
    """

    def __init__(
        self, function: Callable[[float], float], slope: Callable[[float, float], float]
    ) -> None:
        self.function, self.slope = function, slope

    def forward(self, x: Matrix) -> Matrix:
        """Applies f."""
        self.x, self.y = x, [[self.function(number) for number in row] for row in x]
        return self.y

    def backward(self, gradient: Matrix) -> Matrix:
        """Multiplies by f′."""
        return [
            [g * self.slope(x, y) for g, x, y in zip(*rows, strict=True)]
            for rows in zip(gradient, self.x, self.y, strict=True)
        ]


class Tanh(Activation):
    """f′ = 1 − f²."""

    def __init__(self) -> None:
        super().__init__(math.tanh, lambda x, y: 1 - y * y)


class Sigmoid(Activation):
    """f = 1 ∕ (1 + e⁻ˣ), f′ = f (1 − f)."""

    def __init__(self) -> None:
        super().__init__(logistic, lambda x, y: y * (1 - y))


class LeakyReLU(Activation):
    """f′ = 1 above zero, a small slope below."""

    def __init__(self, below: float) -> None:
        super().__init__(lambda x: x if x > 0 else below * x, lambda x, y: 1.0 if x > 0 else below)


class ReLU(LeakyReLU):
    """f′ = 1 above zero, 0 below."""

    def __init__(self) -> None:
        super().__init__(below=0.0)


class Network:
    """A sequence of layers; the backward pass runs from the last to the first."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers

    def forward(self, x: Matrix) -> Matrix:
        """Returns the outputs of the last layer."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, gradient: Matrix) -> None:
        """Computes ∂L∕∂W in every layer, from ∂L∕∂y of the last."""
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)

    def weights(self) -> list[Row]:
        """Returns all weights and biases, row by row; changing a row changes the network."""
        return [row for layer in self._linear() for row in (*layer.weight, layer.bias)]

    def gradients(self) -> list[Row]:
        """Returns ∂L∕∂W and ∂L∕∂b of the last backward pass, in the order of `weights`."""
        return [
            row for layer in self._linear() for row in (*layer.weight_gradient, layer.bias_gradient)
        ]

    def _linear(self) -> list[Linear]:
        return [layer for layer in self.layers if isinstance(layer, Linear)]


# --- losses: the mean over a batch, and ∂L∕∂z ----------------------------------------------------


def mse(z: Matrix, target: Matrix) -> tuple[float, Matrix]:
    """Returns L = mean (z − y)² and ∂L∕∂z = 2 (z − y) ∕ count."""
    count = len(z) * len(z[0])
    errors = [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(z, target, strict=True)]
    loss = sum(dot(row, row) for row in errors) / count
    return loss, [[2 * e / count for e in row] for row in errors]


def bce(z: Matrix, target: Matrix) -> tuple[float, Matrix]:
    """Returns L = mean of −y ln σ(z) − (1 − y) ln(1 − σ(z)) and ∂L∕∂z = (σ(z) − y) ∕ examples.

    The loss is computed as max(z, 0) − y z + ln(1 + e^−|z|), where no power overflows.
    """
    pairs = [(a, b) for (a,), (b,) in zip(z, target, strict=True)]
    losses = [max(a, 0.0) - a * b + math.log1p(math.exp(-abs(a))) for a, b in pairs]
    return sum(losses) / len(z), [[(logistic(a) - b) / len(z)] for a, b in pairs]


def cross_entropy(z: Matrix, target: Matrix) -> tuple[float, Matrix]:
    """Returns L = mean of −Σ q ln p with p = softmax(z), and ∂L∕∂z = (p − q) ∕ examples.

    Args:
        target: q, the probability of each class; the row of each example sums to 1.
    """
    loss, gradient = 0.0, []
    for row, q in zip(z, target, strict=True):
        largest = max(row)  # subtracted first: it changes no p, and no power overflows
        powers = [math.exp(a - largest) for a in row]
        total = sum(powers)
        loss += math.log(total) + largest - dot(row, q)
        gradient.append([(e / total - b) / len(z) for e, b in zip(powers, q, strict=True)])
    return loss / len(z), gradient


def logistic(x: float) -> float:
    """Returns 1 ∕ (1 + e⁻ˣ), in the form whose power is below 1."""
    y = math.exp(-abs(x))
    return 1 / (1 + y) if x >= 0 else y / (1 + y)


# --- the optimizer ------------------------------------------------------------------------------


class SGD:
    """Gradient descent with momentum: v ← μ v + g, w ← w − lr v."""

    def __init__(self, network: Network, lr: float, momentum: float = 0.0) -> None:
        self.network, self.lr, self.momentum = network, lr, momentum
        self.velocity = [[0.0] * len(row) for row in network.weights()]

    def step(self) -> None:
        """Updates every weight by the running sum of its gradients."""
        rows = zip(self.network.weights(), self.network.gradients(), self.velocity, strict=True)
        for weights, gradient, velocity in rows:
            for i, g in enumerate(gradient):
                velocity[i] = self.momentum * velocity[i] + g
                weights[i] -= self.lr * velocity[i]
