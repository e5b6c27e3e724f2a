"""The engines of `tuilab.scratch` at work in the lab: forward and backward in plain Python.

Weights go to them as lists, and gradients come back as tensors. What follows the gradient
(optimizer, penalties, limits) and what merely looks at the network (validation, pictures) is
torch's as ever, on the same weights. Weights and gradients are float64, in which both agree to the
last few bits.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy, Loss
from tuilab.engine.model.layers.blocks import Row
from tuilab.engine.tasks.task import Task
from tuilab.scratch import matrix, scalar
from tuilab.scratch.matrix import Matrix
from tuilab.scratch.scalar import Value

Values = list[Value]

Learned = tuple[float, Matrix, list[tuple[Matrix, list[float]]]]
"""The mean loss of a batch, its outputs, and the gradients of weight and bias of each Linear."""


class Scratch(Task):
    """Classification and regression whose derivatives are worked out in plain Python."""

    def predict(self, inputs: Tensor) -> Tensor:
        """Outputs for prepared inputs."""
        return super().predict(inputs.double())

    def backward(self, inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Add the gradients of a batch, or of its share of one."""
        learn = ENGINES[self.experiment.training.engine]
        self._show(inputs)
        rows = inputs.flatten(1).tolist()
        loss, outputs, gradients = learn(
            self.network, self.experiment.loss, rows, self._rows(wanted)
        )
        linears = [module for module in self.network.modules() if isinstance(module, nn.Linear)]
        for linear, found in zip(linears, gradients, strict=True):
            for parameter, gradient in zip((linear.weight, linear.bias), found, strict=True):
                if parameter is not None and parameter.requires_grad:
                    before = 0 if parameter.grad is None else parameter.grad
                    parameter.grad = before + share * parameter.new_tensor(gradient)
        return _tensor(loss, inputs), _tensor(outputs, inputs)

    def _show(self, inputs: Tensor) -> None:
        """Let a probe that watches torch's layers see them at work; most steps have none."""
        if self.network._forward_pre_hooks:
            with torch.no_grad():
                self.network(inputs.double())

    def _rows(self, wanted: Tensor) -> Matrix:
        """What the outputs of each example are compared with: numbers, or chances of classes."""
        loss = self.experiment.loss
        if not wanted.is_floating_point() and not isinstance(loss, BCE):
            wanted = F.one_hot(wanted, len(self.dataset.classes)).double()
            if isinstance(loss, CrossEntropy):
                spread = loss.label_smoothing / wanted.shape[1]
                wanted = wanted * (1 - loss.label_smoothing) + spread
        rows: Matrix = wanted.reshape(len(wanted), -1).double().tolist()
        return rows


def _tensor(numbers: Any, like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=torch.double, device=like.device)


def _layers(
    network: nn.Module, table: dict[type[nn.Module], Callable[[Any], Any]]
) -> Iterator[Any]:
    """The layers of a network in the words of an engine.

    Inputs come as rows, and each number passes an activation by itself: there is nothing left
    for Flatten to do.
    """
    for module in network.modules():
        if not isinstance(module, (Row, nn.Flatten, nn.Identity)):
            yield table[type(module)](module)


def _weights(linear: nn.Linear) -> tuple[Matrix, list[float]]:
    bias = linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
    return linear.weight.tolist(), bias.tolist()


# --- number by number -----------------------------------------------------------------------------


def _neurons(linear: nn.Linear) -> scalar.Layer:
    rows = zip(*_weights(linear), strict=True)
    return scalar.Layer([scalar.Neuron(weights, bias) for weights, bias in rows])


def _each(function: Callable[[Value], Value]) -> Callable[[Values], Values]:
    return lambda values: [function(value) for value in values]


SCALAR: dict[type[nn.Module], Callable[[Any], Callable[[Values], Values]]] = {
    nn.Linear: _neurons,
    nn.ReLU: lambda module: _each(Value.relu),
    nn.LeakyReLU: lambda module: _each(lambda value: value.relu(module.negative_slope)),
    nn.Tanh: lambda module: _each(Value.tanh),
    nn.Sigmoid: lambda module: _each(Value.sigmoid),
}

SCALAR_LOSSES: dict[type[Loss], Callable[[Values, list[float]], Value]] = {
    CrossEntropy: scalar.cross_entropy, BCE: scalar.bce, MSE: scalar.mse,
}  # fmt: skip


def _by_scalars(network: nn.Module, loss: Loss, inputs: Matrix, wanted: Matrix) -> Learned:
    """Example by example, so that the graph of one is all that is held."""
    layers = list(_layers(network, SCALAR))
    total, outputs = 0.0, []
    for row, right in zip(inputs, wanted, strict=True):
        values = [Value(number) for number in row]
        for layer in layers:
            values = layer(values)
        part = SCALAR_LOSSES[type(loss)](values, right) * (1 / len(inputs))
        part.backward()
        total += part.data
        outputs.append([value.data for value in values])
    return total, outputs, [_slopes(layer) for layer in layers if isinstance(layer, scalar.Layer)]


def _slopes(layer: scalar.Layer) -> tuple[Matrix, list[float]]:
    rows = [[weight.grad for weight in neuron.weights] for neuron in layer.neurons]
    return rows, [neuron.bias.grad for neuron in layer.neurons]


# --- layer by layer -------------------------------------------------------------------------------


MATRIX: dict[type[nn.Module], Callable[[Any], matrix.Layer]] = {
    nn.Linear: lambda module: matrix.Linear(*_weights(module)),
    nn.ReLU: lambda module: matrix.ReLU(),
    nn.LeakyReLU: lambda module: matrix.LeakyReLU(module.negative_slope),
    nn.Tanh: lambda module: matrix.Tanh(),
    nn.Sigmoid: lambda module: matrix.Sigmoid(),
}

MATRIX_LOSSES: dict[type[Loss], Callable[[Matrix, Matrix], tuple[float, Matrix]]] = {
    CrossEntropy: matrix.cross_entropy, BCE: matrix.bce, MSE: matrix.mse,
}  # fmt: skip


def _by_layers(network: nn.Module, loss: Loss, inputs: Matrix, wanted: Matrix) -> Learned:
    layers = matrix.Network(list(_layers(network, MATRIX)))
    outputs = layers.forward(inputs)
    mean, gradient = MATRIX_LOSSES[type(loss)](outputs, wanted)
    layers.backward(gradient)
    linears = [layer for layer in layers.layers if isinstance(layer, matrix.Linear)]
    return mean, outputs, [(layer.weight_gradient, layer.bias_gradient) for layer in linears]


ENGINES = {"scalar": _by_scalars, "matrix": _by_layers}
"""How each engine learns from a batch."""
