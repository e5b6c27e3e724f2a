"""Automatic differentiation in plain Python, one number at a time.

It is one idea. Every computed number stores two things: which numbers it was computed from, and how
much it would change if one of those changed a little, its slope:

>>> x, y = Value(3.0), Value(4.0)
>>> loss = x * y + x            # change x by 0.001 and it changes by 0.005; y, by 0.003
>>> loss.backward()
>>> x.grad, y.grad
(5.0, 3.0)

A computation of many steps is then a chain of such slopes, and the chain rule says how to combine
them: multiply along each path, add where paths meet. `backward` does that for all numbers at once,
from the result back to the inputs. This is all that a network needs to learn:

>>> network = MLP(2, [4, 1], Random(1))
>>> for step in range(200):
...     loss = sum(bce(network([x, y]), [x != y]) for x in (0, 1) for y in (0, 1))
...     for weight in network.parameters():
...         weight.grad = 0.0
...     loss.backward()
...     for weight in network.parameters():
...         weight.data -= 0.5 * weight.grad
>>> [round(network([x, y])[0].sigmoid().data) for x in (0, 1) for y in (0, 1)]
[0, 1, 1, 0]
"""

import math
from collections.abc import Sequence
from random import Random


class Value:
    """A number that knows what it was computed from.

    Args:
        data: the number itself.
        parents: the values that it was computed from; none for a weight or an input.
        slopes: for each parent, by how much this number grows when that one grows by 1.
    """

    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(
        self, data: float, parents: tuple["Value", ...] = (), slopes: tuple[float, ...] = ()
    ) -> None:
        self.data, self.parents, self.slopes = float(data), parents, slopes
        self.grad = 0.0
        "How much the result of the computation grows when this number grows by 1."

    # --- forward: every operation stores its own slopes, and nothing else --------------------

    def __add__(self, other: "Value | float") -> "Value":
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "Value | float") -> "Value":
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> "Value":
        """Returns xⁿ for a plain number n: (xⁿ)′ = n xⁿ⁻¹."""
        slope = n * math.pow(self.data, n - 1) if n else 0.0
        return Value(math.pow(self.data, n), (self,), (slope,))

    def exp(self) -> "Value":
        """Returns eˣ: (eˣ)′ = eˣ."""
        y = math.exp(self.data)
        return Value(y, (self,), (y,))

    def log(self) -> "Value":
        """Returns ln x: (ln x)′ = 1 ∕ x."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def tanh(self) -> "Value":
        """Returns tanh x: (tanh x)′ = 1 − tanh² x."""
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y * y,))

    def sigmoid(self) -> "Value":
        """Returns σ(x) = 1 ∕ (1 + e⁻ˣ): σ′ = σ (1 − σ)."""
        y = logistic(self.data)
        return Value(y, (self,), (y * (1 - y),))

    def softplus(self) -> "Value":
        """Returns ln(1 + eˣ), whose slope is σ(x), in a form where no eˣ overflows."""
        x = self.data
        return Value(max(x, 0.0) + math.log1p(math.exp(-abs(x))), (self,), (logistic(x),))

    def relu(self, below: float = 0.0) -> "Value":
        """Returns x above zero and `below` · x otherwise; at zero the slope is `below`."""
        slope = 1.0 if self.data > 0 else below
        return Value(self.data * slope, (self,), (slope,))

    # --- what follows from these -------------------------------------------------------------

    def __neg__(self) -> "Value":
        return self * -1.0

    def __sub__(self, other: "Value | float") -> "Value":
        return self + -other

    def __truediv__(self, other: "Value | float") -> "Value":
        return self * as_value(other) ** -1.0

    def __rsub__(self, other: float) -> "Value":
        return -self + other

    def __rtruediv__(self, other: float) -> "Value":
        return self**-1.0 * other

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self) -> str:
        return f"Value({self.data:g}, grad={self.grad:g})"

    # --- backward: the chain rule -------------------------------------------------------------

    def backward(self) -> None:
        """Adds to the `grad` of every value how much this one grows with it.

        The grad of a value is complete when all values computed from it have been processed, so
        they are visited from the result back to the inputs. Weights and inputs accumulate the
        gradients of several results, until their grad is set to 0.
        """
        order = self.history()
        for value in order:
            if value.parents:
                value.grad = 0.0
        self.grad = 1.0
        for value in reversed(order):
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.grad += slope * value.grad

    def history(self) -> list["Value"]:
        """Returns all values that this one depends on, and itself last, in topological order.

        The search is depth first, with a stack instead of recursion, which Python would abort
        after a thousand steps. A value is pushed twice, and is in order when it is popped for the
        second time, after all its parents.
        """
        order: list[Value] = []
        visited: set[Value] = set()
        stack = [(self, False)]
        while stack:
            value, is_second = stack.pop()
            if is_second:
                order.append(value)
            elif value not in visited:
                visited.add(value)
                stack.append((value, True))
                stack.extend((parent, False) for parent in value.parents)
        return order


def as_value(number: Value | float) -> Value:
    """Returns the number as a value without parents."""
    return number if isinstance(number, Value) else Value(number)


def logistic(x: float) -> float:
    """Returns 1 ∕ (1 + e⁻ˣ), in the form whose power is below 1."""
    y = math.exp(-abs(x))
    return 1 / (1 + y) if x >= 0 else y / (1 + y)


# --- a network --------------------------------------------------------------------------------


class Neuron:
    """A weighted sum of all inputs plus a bias: w · x + b."""

    def __init__(self, weights: Sequence[float], bias: float = 0.0) -> None:
        self.weights, self.bias = [Value(weight) for weight in weights], Value(bias)

    def __call__(self, x: Sequence[Value | float]) -> Value:
        return sum((w * x_i for w, x_i in zip(self.weights, x, strict=True)), self.bias)


class Layer:
    """Neurons with the same inputs."""

    def __init__(self, neurons: Sequence[Neuron]) -> None:
        self.neurons = neurons

    def __call__(self, x: Sequence[Value | float]) -> list[Value]:
        return [neuron(x) for neuron in self.neurons]


class MLP:
    """A sequence of layers, with tanh between them.

    Weights are drawn uniformly from ±1 ∕ √inputs, as PyTorch does, so that a sum of many inputs
    starts no larger than one of few.
    """

    def __init__(self, inputs: int, sizes: Sequence[int], random: Random) -> None:
        self.layers = []
        for size in sizes:
            bound = inputs**-0.5
            rows = [[random.uniform(-bound, bound) for _ in range(inputs)] for _ in range(size)]
            self.layers.append(Layer([Neuron(row) for row in rows]))
            inputs = size

    def __call__(self, x: Sequence[Value | float]) -> list[Value]:
        for layer in self.layers[:-1]:
            x = [value.tanh() for value in layer(x)]
        return self.layers[-1](x)

    def parameters(self) -> list[Value]:
        """Returns all weights and biases."""
        neurons = [neuron for layer in self.layers for neuron in layer.neurons]
        return [value for neuron in neurons for value in (*neuron.weights, neuron.bias)]


# --- losses of one example ----------------------------------------------------------------------


def mse(outputs: Sequence[Value], target: Sequence[float]) -> Value:
    """Returns the mean squared error: mean (z − y)²."""
    errors = [z - y for z, y in zip(outputs, target, strict=True)]
    return sum((e * e for e in errors), Value(0.0)) * (1 / len(errors))


def bce(outputs: Sequence[Value], target: Sequence[float]) -> Value:
    """Returns −ln σ(z) for the target 1 or −ln(1 − σ(z)) for 0, where σ(z) is the probability of 1.

    Both are ln(1 + eᶻ) − y z, which stays exact where σ(z) is close to 0 or 1.
    """
    (z,), (y,) = outputs, target
    return z.softplus() - z * y


def cross_entropy(outputs: Sequence[Value], target: Sequence[float]) -> Value:
    """Returns −Σ q ln p for the target probabilities q of all classes, where p = softmax(z).

    So ln pᵢ = zᵢ − ln Σ eᶻ. The largest z is subtracted first: it changes no p and keeps eᶻ small.
    """
    largest = max(z.data for z in outputs)
    shifted = [z - largest for z in outputs]
    total = sum((z.exp() for z in shifted), Value(0.0)).log()
    return sum((q * (total - z) for z, q in zip(shifted, target, strict=True) if q), Value(0.0))
