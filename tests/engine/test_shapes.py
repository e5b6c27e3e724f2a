"""Every layer's shape and parameter rule against PyTorch itself."""

from math import prod
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tuilab.engine import network as networks
from tuilab.lab.errors import InputError
from tuilab.lab.layer import Shape
from tuilab.lab.layers import BLOCKS, LAYERS
from tuilab.lab.network import parse, plan

BATCH = 2

BOOLS = st.booleans()
PICTURES = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12))
SHAPES = st.one_of(
    st.tuples(st.integers(1, 12)),
    st.tuples(st.integers(1, 6), st.integers(1, 9)),
    PICTURES,
    PICTURES,
)


def sizes(low: int, high: int) -> Any:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


ARGUMENTS: dict[str, dict[str, Any]] = {
    "Linear": {"out_features": st.integers(1, 12), "bias": BOOLS},
    "Conv2d": {
        "out_channels": st.integers(1, 6),
        "kernel_size": sizes(1, 5),
        "stride": sizes(1, 3),
        "padding": st.one_of(sizes(0, 3), st.sampled_from(["same", "valid"])),
        "dilation": sizes(1, 3),
        "groups": st.integers(1, 3),
        "bias": BOOLS,
    },
    "MaxPool2d": {
        "kernel_size": sizes(1, 5),
        "stride": st.one_of(st.none(), sizes(1, 3)),
        "padding": sizes(0, 3),
    },
    "AdaptiveAvgPool2d": {"output_size": sizes(1, 5)},
    "Dropout": {"p": st.floats(0, 0.9)},
    "BatchNorm1d": {"affine": BOOLS, "momentum": st.floats(0, 1)},
    "LayerNorm": {"elementwise_affine": BOOLS, "eps": st.floats(1e-6, 1)},
    "LeakyReLU": {"negative_slope": st.floats(0, 1)},
    "ELU": {"alpha": st.floats(0.1, 10)},
}
ARGUMENTS["AvgPool2d"] = ARGUMENTS["MaxPool2d"]
ARGUMENTS["BatchNorm2d"] = ARGUMENTS["BatchNorm1d"]


DEFAULTS: dict[str, dict[str, Any]] = {
    "Conv2d": {"kernel_size": 3},
    "MaxPool2d": {"kernel_size": 2},
    "AvgPool2d": {"kernel_size": 2},
    "AdaptiveAvgPool2d": {"output_size": 1},
}
"""What the lab offers where PyTorch has no default."""


def by_torch(name: str, arguments: dict[str, Any], shape: Shape) -> tuple[Shape, int] | None:
    """Output shape and parameters of PyTorch's own module; None where it refuses."""
    inferred: dict[str, tuple[Any, ...]] = {
        "Linear": (shape[-1],), "Conv2d": (shape[0],), "BatchNorm1d": (shape[0],),
        "BatchNorm2d": (shape[0],), "LayerNorm": (shape,),
    }  # fmt: skip
    arguments = {"dim": 1} if name == "Softmax" else arguments
    try:
        module = getattr(nn, name)(*inferred.get(name, ()), **arguments)
        output = module(torch.zeros(BATCH, *shape))
    except (RuntimeError, ValueError):
        return None
    return tuple(output.shape[1:]), sum(p.numel() for p in module.parameters())


def by_the_lab(line: str, shape: Shape) -> tuple[Shape, int] | None:
    try:
        layer = parse(line)
        return layer.output(shape), layer.parameters(shape)
    except InputError:
        return None


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # it is slower, no more
@pytest.mark.parametrize("name", sorted(set(LAYERS) - BLOCKS))
@given(data=st.data())
def test_a_layer_takes_and_gives_what_torch_takes_and_gives(name: str, data: Any) -> None:
    # PyTorch takes a batch of tables for one picture there; the lab refuses it, see test_layers.
    shape = data.draw(PICTURES if name == "Conv2d" or "Pool2d" in name else SHAPES)
    required = [a for a in ARGUMENTS.get(name, {}) if a in ("out_features", "out_channels")]
    arguments = data.draw(st.fixed_dictionaries(
        {key: ARGUMENTS[name][key] for key in required},
        optional={k: v for k, v in ARGUMENTS.get(name, {}).items() if k not in required},
    ))  # fmt: skip
    words = [f"{key}={str(value).replace(' ', '')}" for key, value in arguments.items()]
    line = " ".join([name, *words])

    expected = by_torch(name, DEFAULTS.get(name, {}) | arguments, shape)

    assert by_the_lab(line, shape) == expected
    if expected is not None:
        built = networks.build((line,), shape)
        assert tuple(built(torch.zeros(BATCH, *shape)).shape[1:]) == expected[0]
        assert sum(p.numel() for p in built.parameters()) == expected[1]


BODY = st.lists(
    st.sampled_from([
        "Linear 3", "Linear 5 bias=false", "ReLU", "LayerNorm", "Dropout 0.1", "Flatten",
        ("Residual", "Linear 3"), ("Residual", "Tanh"), ("Repeat 3", "Linear 4", "ELU"),
        ("Repeat 2", ("Residual", "Linear 5"), "GELU"), ("Repeat 2", "Linear 6", "LayerNorm"),
    ]),
    max_size=5,
)  # fmt: skip


@given(BODY, SHAPES)
def test_a_plan_is_what_is_built(lines: list[Any], shape: Shape) -> None:
    planned = plan(tuple(lines), shape)
    if not planned.is_valid:
        return

    network = networks.build(tuple(lines), shape)

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
