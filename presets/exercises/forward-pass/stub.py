"""The forward pass of a multi-layer perceptron.

One neuron:      a = tanh(w·x + b)
One layer:       Z = X Wᵀ + b         torch keeps W as (out, in), a row for each neuron
A network:       A₁ = relu(X W₁ᵀ + b₁),  A₂ = relu(A₁ W₂ᵀ + b₂),  …
                 the last layer has no activation: its outputs are the logits

X is a batch: n rows, one example in each.
"""

import torch
from torch import Tensor


def neuron(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return tanh(w·x + b) of one example: x and w are (d,), b is (); gives ()."""
    raise NotImplementedError


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return X Wᵀ + b: x is (n, in), weight is (out, in), bias is (out,); gives (n, out)."""
    raise NotImplementedError


def forward(x: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    """Return the logits of a network with any number of layers and ReLU between them."""
    raise NotImplementedError
