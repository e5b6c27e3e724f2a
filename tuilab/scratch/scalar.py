"""Automatic differentiation in plain Python, one number at a time.

The whole of it is one thought. Every number that is calculated remembers two things: which numbers
it was made of, and how much it would change if one of those changed a little, its slope:

>>> x, y = Value(3.0), Value(4.0)
>>> loss = x * y + x            # change x by 0.001 and it changes by 0.005; y, by 0.003
>>> loss.backward()
>>> x.grad, y.grad
(5.0, 3.0)

A calculation of many steps is then a chain of such slopes, and the chain rule says what to do with
them: multiply along the way, add up where ways meet. `backward` does that for all numbers at once,
from the result back to where it began. With it a network learns, and that is all there is to it:

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
    """A number that knows what it was made of.

    Args:
        data: the number itself.
        parents: the values that it was calculated from; none for a weight or an input.
        slopes: for each parent, by how much this number grows when that one grows by 1.
    """

    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(
        self, data: float, parents: tuple["Value", ...] = (), slopes: tuple[float, ...] = ()
    ) -> None:
        self.data, self.parents, self.slopes = float(data), parents, slopes
        self.grad = 0.0
        "How much the result of the calculation grows when this number grows by 1."

    # --- forward: every operation says its own slopes, and nothing else ----------------------

    def __add__(self, other: "Value | float") -> "Value":
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "Value | float") -> "Value":
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> "Value":
        """To the power of a plain number: (xⁿ)′ = n xⁿ⁻¹."""
        slope = n * math.pow(self.data, n - 1) if n else 0.0
        return Value(math.pow(self.data, n), (self,), (slope,))

    def exp(self) -> "Value":
        """(eˣ)′ = eˣ."""
        y = math.exp(self.data)
        return Value(y, (self,), (y,))

    def log(self) -> "Value":
        """(ln x)′ = 1 ∕ x."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def tanh(self) -> "Value":
        """(tanh x)′ = 1 − tanh² x."""
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y * y,))

    def sigmoid(self) -> "Value":
        """σ(x) = 1 ∕ (1 + e⁻ˣ), and σ′ = σ (1 − σ)."""
        y = logistic(self.data)
        return Value(y, (self,), (y * (1 - y),))

    def softplus(self) -> "Value":
        """ln(1 + eˣ), whose slope is σ(x); written so that no eˣ grows too large."""
        x = self.data
        return Value(max(x, 0.0) + math.log1p(math.exp(-abs(x))), (self,), (logistic(x),))

    def relu(self, below: float = 0.0) -> "Value":
        """x above zero, `below` · x under it; at zero itself the slope is taken as `below`."""
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
        """Add to the `grad` of every value how much this one grows with it.

        A value's own grad is complete once all that was made of it have passed theirs on, so the
        way goes from the result to the beginnings, each value after all that were made of it.
        Weights and inputs add up what several results tell them, until their grad is set to 0.
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
        """All values behind this one and itself last, each after those it was made of.

        A topological order, found depth first. A stack stands for recursion, which Python would
        give up after a thousand steps; a value is put on it twice, and is in order when it comes
        up for the second time, with all its parents behind it.
        """
        order: list[Value] = []
        seen: set[Value] = set()
        stack = [(self, False)]
        while stack:
            value, is_second = stack.pop()
            if is_second:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack.extend((parent, False) for parent in value.parents)
        return order


def as_value(number: Value | float) -> Value:
    """The number as one that a calculation can be followed back to."""
    return number if isinstance(number, Value) else Value(number)


def logistic(x: float) -> float:
    """1 ∕ (1 + e⁻ˣ), of the two ways to write it the one whose power is below 1."""
    y = math.exp(-abs(x))
    return 1 / (1 + y) if x >= 0 else y / (1 + y)


# --- a network --------------------------------------------------------------------------------


class Neuron:
    """A weighted sum of all inputs and a bias: w · x + b."""

    def __init__(self, weights: Sequence[float], bias: float = 0.0) -> None:
        self.weights, self.bias = [Value(weight) for weight in weights], Value(bias)

    def __call__(self, x: Sequence[Value | float]) -> Value:
        return sum((w * x_i for w, x_i in zip(self.weights, x, strict=True)), self.bias)


class Layer:
    """Neurons side by side, which all see the same inputs."""

    def __init__(self, neurons: Sequence[Neuron]) -> None:
        self.neurons = neurons

    def __call__(self, x: Sequence[Value | float]) -> list[Value]:
        return [neuron(x) for neuron in self.neurons]


class MLP:
    """Layers one after another, with tanh between them.

    Weights are drawn uniformly within ±1 ∕ √inputs, as PyTorch does, so that a sum of many inputs
    begins no larger than one of few.
    """

    def __init__(self, inputs: int, sizes: Sequence[int], random: Random) -> None:
        self.layers = []
        for size in sizes:
            reach = inputs**-0.5
            rows = [[random.uniform(-reach, reach) for _ in range(inputs)] for _ in range(size)]
            self.layers.append(Layer([Neuron(row) for row in rows]))
            inputs = size

    def __call__(self, x: Sequence[Value | float]) -> list[Value]:
        for layer in self.layers[:-1]:
            x = [value.tanh() for value in layer(x)]
        return self.layers[-1](x)

    def parameters(self) -> list[Value]:
        """All that is learned."""
        neurons = [neuron for layer in self.layers for neuron in layer.neurons]
        return [value for neuron in neurons for value in (*neuron.weights, neuron.bias)]


# --- what is wrong with its outputs -------------------------------------------------------------


def mse(outputs: Sequence[Value], wanted: Sequence[float]) -> Value:
    """Mean squared error of one example: mean (z − y)²."""
    errors = [z - y for z, y in zip(outputs, wanted, strict=True)]
    return sum((e * e for e in errors), Value(0.0)) * (1 / len(errors))


def bce(outputs: Sequence[Value], wanted: Sequence[float]) -> Value:
    """Surprise at 0 or 1 where σ(z) is the chance of 1: −ln σ(z) or −ln(1 − σ(z)).

    Both are in ln(1 + eᶻ) − y z, which stays exact where σ(z) is nearly 0 or 1.
    """
    (z,), (y,) = outputs, wanted
    return z.softplus() - z * y


def cross_entropy(outputs: Sequence[Value], wanted: Sequence[float]) -> Value:
    """Surprise at the wanted chances q of all classes: −Σ q ln p, where p = softmax(z).

    So ln pᵢ = zᵢ − ln Σ eᶻ. The largest z is taken off first: it changes no p and keeps eᶻ small.
    """
    largest = max(z.data for z in outputs)
    shifted = [z - largest for z in outputs]
    total = sum((z.exp() for z in shifted), Value(0.0)).log()
    return sum((q * (total - z) for z, q in zip(shifted, wanted, strict=True) if q), Value(0.0))
