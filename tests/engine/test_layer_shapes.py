"""The output shape and parameter count of every layer, compared with PyTorch."""

from collections.abc import Callable
from math import prod
from typing import Any, cast

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from tuilab.core.catalogue.layers import (
    activation,
    convolution,
    dropout,
    linear,
    normalization,
    padding,
    pooling,
)
from tuilab.core.catalogue.layers import shape as shape_layers
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Shape
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan
from tuilab.core.network.registry import LAYERS
from tuilab.engine.model import build_network

BATCH = 2

DrawSize = Callable[[int, int], st.SearchStrategy[Any]]

BOOLS = st.booleans()
DIMS = st.sampled_from([1, 2, 3, 4, -1, -2, -3, -4])
ROWS = st.tuples(st.integers(1, 6), st.integers(1, 12))
IMAGES = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12))
VOLUMES = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 6), st.integers(1, 6))
SHAPES = st.one_of(st.tuples(st.integers(1, 12)), ROWS, IMAGES, IMAGES, VOLUMES)


def sizes(low: int, high: int) -> st.SearchStrategy[int | tuple[int, int]]:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


def sizes_3d(low: int, high: int) -> st.SearchStrategy[int | tuple[int, ...]]:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number, number))


def margins(count: int) -> st.SearchStrategy[int | tuple[int, ...]]:
    number = st.integers(0, 4)
    return st.one_of(number, st.tuples(*[number] * count))


def optional(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), value)


def window_arguments(size: DrawSize) -> dict[str, dict[str, st.SearchStrategy[Any]]]:
    """Returns strategies for the arguments of layers with a window; `size` draws from a range."""
    sliding = {"kernel_size": size(1, 5), "stride": optional(size(1, 3)), "padding": size(0, 3)}
    return {
        "Conv": {
            "out_channels": st.integers(1, 6), "kernel_size": size(1, 5), "stride": size(1, 3),
            "padding": st.one_of(size(0, 3), st.sampled_from(["same", "valid"])),
            "dilation": size(1, 3), "groups": st.integers(1, 3), "bias": BOOLS,
            "padding_mode": st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
        },
        "ConvTranspose": {
            "out_channels": st.integers(1, 6), "kernel_size": size(1, 5), "stride": size(1, 3),
            "padding": size(0, 3), "output_padding": size(0, 2), "dilation": size(1, 3),
            "groups": st.integers(1, 3), "bias": BOOLS,
        },
        "MaxPool": {**sliding, "dilation": size(1, 3), "ceil_mode": BOOLS},
        "AvgPool": {**sliding, "ceil_mode": BOOLS, "count_include_pad": BOOLS},
        "AdaptiveAvgPool": {"output_size": size(1, 5)},
        "AdaptiveMaxPool": {"output_size": size(1, 5)},
    }  # fmt: skip


PADS = ("ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad")

NORM = {"affine": BOOLS, "momentum": st.floats(0, 1), "track_running_stats": BOOLS, "bias": BOOLS}

ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Linear": {"out_features": st.integers(1, 12), "bias": BOOLS},
    **{f"{name}1d": strategies for name, strategies in window_arguments(st.integers).items()},
    **{f"{name}2d": strategies for name, strategies in window_arguments(sizes).items()},
    **{f"{name}3d": strategies for name, strategies in window_arguments(sizes_3d).items()},
    **{f"{name}{rank}d": {"padding": margins(2 * rank)} for name in PADS for rank in (1, 2, 3)},
    **{f"ConstantPad{rank}d": {"padding": margins(2 * rank), "value": st.floats(-2, 2)}
       for rank in (1, 2, 3)},
    "Flatten": {"start_dim": st.integers(1, 4), "end_dim": st.integers(-3, 4)},
    "Unflatten": {
        "unflattened_size": st.lists(
            st.sampled_from([-1, 1, 1, 2, 2, 3, 4]), min_size=1, max_size=4
        ).map(tuple),
        "dim": st.sampled_from([1, 1, 2, 3, -1, -2]),
    },
    "Upsample": {
        "size": sizes(1, 9), "scale_factor": st.floats(0.05, 4),
        "mode": st.sampled_from(["nearest", "linear", "bilinear", "bicubic", "trilinear"]),
        "align_corners": st.just(True),
    },
    "PixelShuffle": {"upscale_factor": st.integers(1, 3)},
    **{name: {"p": st.floats(0, 0.9)}
       for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")},
    **{f"{name}Norm{rank}d": NORM for name in ("Batch", "Instance") for rank in (1, 2, 3)},
    "GroupNorm": {"num_groups": st.integers(1, 4), "affine": BOOLS, "bias": BOOLS},
    "LocalResponseNorm": {
        "size": st.integers(1, 5), "alpha": st.floats(0, 2), "beta": st.floats(0, 2),
        "k": st.floats(0.5, 2),
    },
    "LayerNorm": {"elementwise_affine": BOOLS, "bias": BOOLS, "eps": st.floats(1e-6, 1)},
    "RMSNorm": {"elementwise_affine": BOOLS, "eps": optional(st.floats(1e-6, 1))},
    "LeakyReLU": {"negative_slope": st.floats(0, 1)},
    "PReLU": {"num_parameters": st.integers(1, 6), "init": st.floats(-1, 1)},
    "ELU": {"alpha": st.floats(0.1, 10)},
    "GELU": {"approximate": st.sampled_from(["none", "tanh"])},
    "Softplus": {"beta": st.floats(0.1, 10), "threshold": st.floats(1, 30)},
    "CELU": {"alpha": st.floats(0.1, 10)},
    "Hardtanh": {"min_val": st.floats(-2, 1), "max_val": st.floats(-1, 2)},
    "GLU": {"dim": DIMS},
    "Softmax": {"dim": DIMS},
    "LogSoftmax": {"dim": DIMS},
}  # fmt: skip

DEFAULTS: dict[str, dict[str, Any]] = {
    f"{name}{rank}d": {argument: default}
    for names, argument, default in (
        (("Conv", "ConvTranspose"), "kernel_size", 3),
        (("MaxPool", "AvgPool"), "kernel_size", 2),
        (("AdaptiveAvgPool", "AdaptiveMaxPool"), "output_size", 1),
    )
    for name in names
    for rank in (1, 2, 3)
}
"""The defaults of the lab where PyTorch has none."""

NOT_COMPARED = {"Step", "DropConnect", "Reparameterization", "Bilinear"}
"""Layers that PyTorch lacks, or that have two inputs: they have tests of their own."""

FILES = (
    linear, convolution, pooling, padding, shape_layers, dropout, normalization, activation
)  # fmt: skip
NAMES = sorted(
    name
    for name, kind in LAYERS.items()
    if kind.__module__ in {file.__name__ for file in FILES} and name not in NOT_COMPARED
)
"""Layers of sequences, attention, graphs and whole models have tests of their own."""


def shape_arguments(name: str, shape: Shape) -> tuple[list[Any], dict[str, Any]]:
    """Returns the arguments that torch needs about the input shape: positional, and keywords."""
    features = shape if len(shape) >= 3 else shape[-1:]
    if name in ("LayerNorm", "RMSNorm"):
        return [], {"normalized_shape": features}
    if name in ("Softmax", "LogSoftmax"):
        return [], {"dim": 1 if len(shape) >= 3 else -1}
    if name == "GroupNorm":
        return [], {"num_channels": shape[0]}
    if name == "Unflatten":
        return [], {"dim": 1}
    if name == "Linear":
        return [shape[-1]], {}
    is_by_channel = name.startswith(("Conv", "BatchNorm", "InstanceNorm"))
    return ([shape[0]] if is_by_channel else []), {}


def build_by_torch(name: str, arguments: dict[str, Any], shape: Shape) -> nn.Module | None:
    """Returns torch's own module; None if it refuses some batch or its output is empty."""
    positional, keywords = shape_arguments(name, shape)
    try:
        module = getattr(nn, name)(*positional, **keywords | arguments)
        output = module(torch.zeros(BATCH, *shape))
        module.eval()(torch.zeros(1, *shape))
    except (RuntimeError, ValueError, NotImplementedError, IndexError, AssertionError):
        return None
    return cast(nn.Module, module) if output.numel() else None


def plan_layer(line: str, shape: Shape) -> tuple[Shape, int] | None:
    """Returns output shape and parameter count by the catalogue; None if it refuses."""
    try:
        layer = parse(line)
        return layer.output_shape(shape), layer.count_parameters(shape)
    except InputError:
        return None


def shapes_for(name: str) -> st.SearchStrategy[Any]:
    """Draws shapes that torch cannot confuse with those of an example without a batch."""
    if name == "BatchNorm1d":
        return SHAPES
    by_rank = {"1d": ROWS, "2d": IMAGES, "3d": VOLUMES}
    return by_rank.get(name[-2:], IMAGES if name == "PixelShuffle" else SHAPES)


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # only slower
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_layer_has_the_inputs_and_outputs_of_torchs(name: str, data: st.DataObject) -> None:
    shape = data.draw(shapes_for(name))
    known, knobs = ARGUMENTS.get(name, {}), default_knobs(LAYERS[name])
    arguments = data.draw(st.fixed_dictionaries(
        {key: value for key, value in known.items() if knobs[key].is_required},
        optional={key: value for key, value in known.items() if not knobs[key].is_required},
    ))  # fmt: skip
    assume(arguments.get("dim") != -len(shape) - 1)  # the batch
    words = [f"{key}={str(value).replace(' ', '')}" for key, value in arguments.items()]
    line = " ".join([name, *words])

    expected = build_by_torch(name, DEFAULTS.get(name, {}) | arguments, shape)

    planned = plan_layer(line, shape)
    assert (planned is None) == (expected is None)
    if expected is not None:
        (built,) = build_network.build((line,), shape).eval()
        built.load_state_dict(expected.state_dict())
        x = torch.randn(BATCH, *shape)
        assert_close(built(x), expected(x), equal_nan=True)
        parameters = sum(p.numel() for p in expected.parameters())
        assert planned == (tuple(expected(x).shape[1:]), parameters)


@pytest.mark.parametrize("name", ["LayerNorm", "RMSNorm"])
@pytest.mark.parametrize("sizes", [(5,), (4, 5), (3, 4, 5)])
def test_the_last_dimensions_of_a_norm_are_those_of_torch(name: str, sizes: Shape) -> None:
    words = str(sizes).replace(" ", "").replace(",)", ")")
    line, shape = f"{name} normalized_shape={words}", (3, 4, 5)
    expected: nn.Module = getattr(nn, name)(sizes)
    x = torch.randn(BATCH, *shape)

    (built,) = build_network.build((line,), shape)

    assert_close(built(x), expected(x))
    assert plan_layer(line, shape) == (shape, sum(p.numel() for p in expected.parameters()))


BODY = st.lists(
    st.sampled_from([
        "Linear 3", "Linear 5 bias=false", "ReLU", "LayerNorm", "Dropout 0.1", "Flatten",
        ("Residual", "Linear 3"), ("Residual", "Tanh"), ("Repeat 3", "Linear 4", "ELU"),
        ("Repeat 2", ("Residual", "Linear 5"), "GELU"), ("Repeat 2", "Linear 6", "LayerNorm"),
    ]),
    max_size=5,
)  # fmt: skip


@given(BODY, SHAPES)
def test_a_plan_agrees_with_the_built_network(lines: list[Line], shape: Shape) -> None:
    planned = plan(tuple(lines), shape)
    if not planned.is_valid:
        return

    network = build_network.build(tuple(lines), shape)

    assert planned.output == tuple(network(torch.zeros(BATCH, *shape)).shape[1:])
    assert planned.parameters == sum(p.numel() for p in network.parameters())


def test_a_convnet_by_hand() -> None:
    lines = (
        "Conv2d 16 kernel_size=3 padding=1",
        "MaxPool2d 2",
        ("Residual", "Conv2d 16 kernel_size=3 padding=1", "BatchNorm2d", "ReLU"),
        "Flatten",
        "Linear 10",
    )

    planned = plan(lines, (1, 28, 28))

    assert planned.output == (10,)
    assert planned.parameters == 16 * 10 + (16 * 145 + 2 * 16) + (prod((16, 14, 14)) + 1) * 10
