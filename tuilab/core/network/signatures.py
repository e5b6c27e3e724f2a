"""PyTorch's own arguments of layers: their order, the size of the input, and what the lab decides.

A layer's arguments here are those of its `torch.nn` class without the size of the input, which is
inferred. Code that was written for PyTorch has it, most often as the first argument.
"""

from typing import Any

from tuilab.core.network.layer import Layer, Shape, Tokens, argument_names

_CONVOLUTION = "in_channels out_channels kernel_size stride padding"
_NORM = "num_features eps momentum affine track_running_stats"
_RECURRENT = "num_layers {}bias batch_first dropout bidirectional proj_size"
_TRANSFORMER = (
    "d_model nhead dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias"
)

_SIGNATURES = {
    "Linear": "in_features out_features bias",
    "Bilinear": "in1_features in2_features out_features bias",
    "Conv": f"{_CONVOLUTION} dilation groups bias padding_mode",
    "ConvTranspose": f"{_CONVOLUTION} output_padding groups bias dilation padding_mode",
    "BatchNorm": _NORM,
    "InstanceNorm": _NORM,
    "GroupNorm": "num_groups num_channels eps affine",
    "LayerNorm": "normalized_shape eps elementwise_affine bias",
    "RMSNorm": "normalized_shape eps elementwise_affine",
    "RNN": f"input_size hidden_size {_RECURRENT.format('nonlinearity ')}",
    "LSTM": f"input_size hidden_size {_RECURRENT.format('')}",
    "GRU": f"input_size hidden_size {_RECURRENT.format('')}",
    "Embedding": "num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq "
    "sparse",
    "EmbeddingBag": "num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode "
    "sparse",
    "MultiheadAttention": "embed_dim num_heads dropout bias add_bias_kv add_zero_attn kdim vdim "
    "batch_first",
    "TransformerEncoderLayer": _TRANSFORMER,
    "TransformerDecoderLayer": _TRANSFORMER,
    "MaxPool": "kernel_size stride padding dilation return_indices ceil_mode",
    "AvgPool": "kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "Dropout": "p inplace",
    "AlphaDropout": "p inplace",
    "Softmax": "dim",
    "LogSoftmax": "dim",
    "Unflatten": "dim unflattened_size",
    "Upsample": "size scale_factor mode align_corners",
}
"""The positional arguments in PyTorch's order, where it is not the lab's; layers that exist for
several ranks are without their `1d`, `2d` or `3d`."""

INPUT_SIZES = {
    "in_features": -1, "in1_features": -1, "input_size": -1, "embed_dim": -1, "d_model": -1,
    "in_channels": 0, "num_features": 0, "num_channels": 0,
    "num_embeddings": None, "normalized_shape": None,
}  # fmt: skip
"""Arguments that say how large the input is, with the axis of an example that they are the size of;
None: see `input_size`."""

SECOND_SIZES = ("in2_features", "kdim", "vdim")
"""Arguments that say how many features the second input has."""

FIXED: dict[str, tuple[Any, ...]] = {
    "inplace": (True, False), "batch_first": (True, False), "device": (None,), "dtype": (None,),
    "padding_mode": ("zeros",), "track_running_stats": (True,), "return_indices": (False,),
    "add_bias_kv": (False,), "add_zero_attn": (False,), "kdim": (None,), "vdim": (None,),
    "proj_size": (0,), "align_corners": (None, False), "divisor_override": (None,),
    "recompute_scale_factor": (None,), "max_norm": (None,), "norm_type": (2,),
    "scale_grad_by_freq": (False,), "sparse": (False,), "dim": (-1, 1, None),
}  # fmt: skip
"""Arguments that a layer of the lab may lack, with the values that change nothing: examples always
come batch first, and no layer overwrites its input."""


def torch_arguments(kind: type[Layer]) -> tuple[str, ...]:
    """Returns the positional arguments of the `torch.nn` class in its order."""
    name = kind.__name__
    signature = _SIGNATURES.get(name, _SIGNATURES.get(name.removesuffix("d")[:-1], ""))
    if not signature and kind.family == "activation":
        return (*argument_names(kind), "inplace")
    return tuple(signature.split()) or argument_names(kind)


def size_argument(kind: type[Layer]) -> str:
    """Returns the argument of the `torch.nn` class that is the size of the input; empty: none."""
    known = (name for name in torch_arguments(kind) if name in INPUT_SIZES)
    return next((name for name in known if name not in kind.__struct_fields__), "")


def input_size(name: str, shape: Shape) -> Any:
    """Returns what an argument of `INPUT_SIZES` is for an input shape."""
    if name == "num_embeddings":
        return shape.vocabulary if isinstance(shape, Tokens) else None
    if name == "normalized_shape":
        sizes = shape if len(shape) > 2 else shape[-1:]
        return sizes[0] if len(sizes) == 1 else tuple(sizes)
    return shape[INPUT_SIZES[name] or 0]
