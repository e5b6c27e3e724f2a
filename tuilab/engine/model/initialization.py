"""Weight initialization.

Norms, learned positions and class tokens keep PyTorch's initialization, and pretrained layers their
weights.
"""

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from tuilab.core.catalogue.initializations import LSUV, Default, Initialization, Orthogonal
from tuilab.core.errors import InputError
from tuilab.engine.model.build_network import parameters_by_layer
from tuilab.engine.model.fills import FILLS
from tuilab.engine.model.gains import following_activations
from tuilab.engine.model.layers.sequence import set_forget_bias
from tuilab.engine.model.layers.torchvision_models import pretrained_modules
from tuilab.engine.model.lsuv import scale_to_unit_variance
from tuilab.engine.model.weight_matrices import WeightMatrix, split_weight_matrices

SCALED_BY_LSUV = (nn.Linear, _ConvNd)
"""Layers with one weight that their output is proportional to."""

LOOKUPS = (nn.Embedding, nn.EmbeddingBag)
"""Layers with a vector for each token."""

INITIALIZED = (*SCALED_BY_LSUV, nn.Bilinear, nn.RNNBase, nn.MultiheadAttention, *LOOKUPS)
"""Layers whose weights follow the experiment's initialization."""


def initialize(
    network: nn.Module, config: Initialization, inputs: Tensor | None = None
) -> list[str]:
    """Initializes the matrices and kernels of a new network in place.

    Args:
        inputs: prepared training examples [batch, *shape] on the network's device, for LSUV.

    Returns:
        The labels of layers whose output LSUV could not bring to variance 1.
    """
    excluded = pretrained_modules(network)
    modules = [m for m in network.modules() if isinstance(m, INITIALIZED) and m not in excluded]
    activations = following_activations(network, INITIALIZED)
    with torch.no_grad():
        for module in modules:
            for matrix in split_weight_matrices(module, activations[module]):
                _fill_matrix(matrix, config)
            if isinstance(module, LOOKUPS) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0
            if config.bias == "zeros":
                _zero_biases(module)
    if not isinstance(config, LSUV):
        return []
    if inputs is None:
        raise InputError("lsuv needs training examples to measure with", "initialization.weights")
    scaled: list[nn.Module] = [m for m in modules if isinstance(m, SCALED_BY_LSUV)]
    return _labels(network, scale_to_unit_variance(network, scaled, config, inputs))


def _labels(network: nn.Module, modules: list[nn.Module]) -> list[str]:
    weights = {id(module.weight) for module in modules}
    return [
        label
        for label, parameters in parameters_by_layer(network).items()
        if any(id(parameter) in weights for parameter in parameters)
    ]


def _zero_biases(module: nn.Module) -> None:
    for name, parameter in module.named_parameters(recurse=False):
        if "bias" in name:
            parameter.zero_()
    if isinstance(module, nn.LSTM) and hasattr(module, "forget_bias"):
        set_forget_bias(module, module.forget_bias)  # type: ignore[arg-type]


def _fill_matrix(matrix: WeightMatrix, config: Initialization) -> None:
    if isinstance(config, Default) or (config.follows_fan and matrix.kind == "lookup"):
        return
    if config.follows_fan and matrix.kind == "recurrent" and not isinstance(config, Orthogonal):
        config = Orthogonal()
    weight = matrix.weight
    # Filled in contiguous order: a channels-last weight would get other random numbers.
    values = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)
    FILLS[type(config)](values, matrix, config)
    weight.copy_(values)
