"""Training with the engines of `tuilab.scratch`: forward and backward pass in plain Python.

Weights are passed to them as lists, and their gradients become tensors. What uses the gradients
(optimizer, penalties, limits) and what only reads the network (validation, views) is torch's, on
the same weights. Weights and gradients are float64, in which both agree to the last few bits.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy, Loss
from tuilab.engine.model.layers.blocks import LayerStack
from tuilab.engine.tasks.task import Task, with_gradients
from tuilab.scratch import matrix, scalar
from tuilab.scratch.matrix import Matrix
from tuilab.scratch.scalar import Value

Values = list[Value]

BatchResult = tuple[float, Matrix, list[tuple[Matrix, list[float]]]]
"""The mean loss of a batch, its outputs, and the gradients of weight and bias of each Linear."""


class PlainPythonTask(Task):
    """Classification and regression whose derivatives are computed in plain Python."""

    def predict(self, inputs: Tensor) -> Tensor:
        """Returns outputs [batch, outputs] for prepared inputs [batch, *shape]."""
        return super().predict(inputs.double())

    def compute_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the loss [], whose gradients are the engine's, and the output, both float64.

        inputs: [batch, *shape], targets: int64 [batch] or float [batch, outputs].
        """
        engine = ENGINES[self.experiment.training.engine]
        self._call_hooks(inputs)
        rows = inputs.flatten(1).tolist()
        loss, outputs, gradients = engine(
            self.network, self.experiment.loss, rows, self._target_rows(targets)
        )
        linears = [module for module in self.network.modules() if isinstance(module, nn.Linear)]
        parameter_gradients = {
            parameter: parameter.new_tensor(gradient)
            for linear, pair in zip(linears, gradients, strict=True)
            for parameter, gradient in zip((linear.weight, linear.bias), pair, strict=True)
            if parameter is not None
        }
        return with_gradients(_tensor(loss, inputs), parameter_gradients), _tensor(outputs, inputs)

    def _call_hooks(self, inputs: Tensor) -> None:
        """Runs torch's layers for their forward hooks; most steps have none."""
        if self.network._forward_pre_hooks:
            with torch.no_grad():
                self.network(inputs.double())

    def _target_rows(self, targets: Tensor) -> Matrix:
        """Returns what the outputs are compared with: numbers, or class probabilities."""
        loss = self.experiment.loss
        if not targets.is_floating_point() and not isinstance(loss, BCE):
            targets = F.one_hot(targets, len(self.dataset.classes)).double()
            if isinstance(loss, CrossEntropy):
                share = loss.label_smoothing / targets.shape[1]
                targets = targets * (1 - loss.label_smoothing) + share
        rows: Matrix = targets.reshape(len(targets), -1).double().tolist()
        return rows


def _tensor(numbers: Any, like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=torch.double, device=like.device)


def _layers(
    network: nn.Module, table: dict[type[nn.Module], Callable[[Any], Any]]
) -> Iterator[Any]:
    """Yields the layers of a network as those of an engine.

    Inputs are rows, and activations act on each number, so Flatten has nothing to do.
    """
    for module in network.modules():
        if not isinstance(module, (LayerStack, nn.Flatten, nn.Identity)):
            yield table[type(module)](module)


def _weights(linear: nn.Linear) -> tuple[Matrix, list[float]]:
    bias = linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
    return linear.weight.tolist(), bias.tolist()


# --- scalar by scalar -----------------------------------------------------------------------------


def _neurons(linear: nn.Linear) -> scalar.Layer:
    rows = zip(*_weights(linear), strict=True)
    return scalar.Layer([scalar.Neuron(weights, bias) for weights, bias in rows])


def _each(function: Callable[[Value], Value]) -> Callable[[Values], Values]:
    return lambda values: [function(value) for value in values]


SCALAR_LAYERS: dict[type[nn.Module], Callable[[Any], Callable[[Values], Values]]] = {
    nn.Linear: _neurons,
    nn.ReLU: lambda module: _each(Value.relu),
    nn.LeakyReLU: lambda module: _each(lambda value: value.relu(module.negative_slope)),
    nn.Tanh: lambda module: _each(Value.tanh),
    nn.Sigmoid: lambda module: _each(Value.sigmoid),
}

SCALAR_LOSSES: dict[type[Loss], Callable[[Values, list[float]], Value]] = {
    CrossEntropy: scalar.cross_entropy, BCE: scalar.bce, MSE: scalar.mse,
}  # fmt: skip


def _run_scalar_engine(
    network: nn.Module, loss: Loss, inputs: Matrix, targets: Matrix
) -> BatchResult:
    """Processes one example at a time, so that only its graph is in memory."""
    layers = list(_layers(network, SCALAR_LAYERS))
    total, outputs = 0.0, []
    for row, target in zip(inputs, targets, strict=True):
        values = [Value(number) for number in row]
        for layer in layers:
            values = layer(values)
        term = SCALAR_LOSSES[type(loss)](values, target) * (1 / len(inputs))
        term.backward()
        total += term.data
        outputs.append([value.data for value in values])
    return (
        total,
        outputs,
        [_gradients(layer) for layer in layers if isinstance(layer, scalar.Layer)],
    )


def _gradients(layer: scalar.Layer) -> tuple[Matrix, list[float]]:
    rows = [[weight.grad for weight in neuron.weights] for neuron in layer.neurons]
    return rows, [neuron.bias.grad for neuron in layer.neurons]


# --- layer by layer -------------------------------------------------------------------------------


MATRIX_LAYERS: dict[type[nn.Module], Callable[[Any], matrix.Layer]] = {
    nn.Linear: lambda module: matrix.Linear(*_weights(module)),
    nn.ReLU: lambda module: matrix.ReLU(),
    nn.LeakyReLU: lambda module: matrix.LeakyReLU(module.negative_slope),
    nn.Tanh: lambda module: matrix.Tanh(),
    nn.Sigmoid: lambda module: matrix.Sigmoid(),
}

MATRIX_LOSSES: dict[type[Loss], Callable[[Matrix, Matrix], tuple[float, Matrix]]] = {
    CrossEntropy: matrix.cross_entropy, BCE: matrix.bce, MSE: matrix.mse,
}  # fmt: skip


def _run_matrix_engine(
    network: nn.Module, loss: Loss, inputs: Matrix, targets: Matrix
) -> BatchResult:
    layers = matrix.Network(list(_layers(network, MATRIX_LAYERS)))
    outputs = layers.forward(inputs)
    mean, gradient = MATRIX_LOSSES[type(loss)](outputs, targets)
    layers.backward(gradient)
    linears = [layer for layer in layers.layers if isinstance(layer, matrix.Linear)]
    return mean, outputs, [(layer.weight_gradient, layer.bias_gradient) for layer in linears]


ENGINES = {"scalar": _run_scalar_engine, "matrix": _run_matrix_engine}
"""How each engine processes a batch."""
