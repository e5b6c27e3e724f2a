"""Attention layers against torch's modules and the formulas of the papers."""

from math import sqrt
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.support.build_layer import build_layer
from tests.support.not_none import not_none
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.attention import (
    Attention,
    DecoderBlock,
    EncoderLayer,
    SelfAttention,
)

M = TypeVar("M", bound=nn.Module)

BATCH = 2
BOOLS = st.booleans()
HEADS = st.integers(1, 4)
CAUSAL = [
    "MultiheadAttention 2 causal=true", "TransformerEncoderLayer 2 16 dropout=0 causal=true",
    "TransformerEncoderLayer 2 16 dropout=0 norm_first=true causal=true", "DecoderBlock 2",
]  # fmt: skip


def add_noise(module: M) -> M:
    """Makes biases and scales neither 0 nor 1, so that a missing one shows; returns the module."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def line_of(name: str, arguments: dict[str, Any]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in arguments.items())])


def assert_planned(line: str, shape: Shape, module: nn.Module, y: Tensor) -> None:
    layer = parse(line)
    assert layer.output_shape(shape) == tuple(y.shape[1:])
    assert layer.count_parameters(shape) == sum(p.numel() for p in module.parameters())


@given(HEADS, st.integers(1, 3), st.integers(1, 5), BOOLS, BOOLS, BOOLS)
def test_attention_gives_what_torch_gives_with_equal_weights(
    heads: int, head_size: int, length: int, bias: bool, causal: bool, keep_weights: bool
) -> None:
    shape = (length, heads * head_size)
    line = f"MultiheadAttention {heads} bias={bias} causal={causal}"
    layer = add_noise(build_layer(line, shape, SelfAttention))
    reference = nn.MultiheadAttention(shape[1], heads, bias=bias, batch_first=True)
    reference.load_state_dict(layer.inside.state_dict())
    x = torch.randn(BATCH, *shape)
    layer.keep_weights = keep_weights

    y = layer(x)

    mask = torch.full((length, length), float("-inf")).triu(1) if causal else None
    expected, weights = reference(x, x, x, attn_mask=mask, average_attn_weights=False)
    torch.testing.assert_close(y, expected, atol=1e-5, rtol=1e-4)
    if keep_weights:
        torch.testing.assert_close(layer.weights, not_none(weights).detach(), atol=1e-5, rtol=1e-4)
    else:
        assert layer.weights is None
    assert_planned(line, shape, layer, y)


ENCODER: dict[str, Any] = {
    "nhead": HEADS,
    "dim_feedforward": st.integers(1, 9),
    "activation": st.sampled_from(["relu", "gelu"]),
    "norm_first": BOOLS,
    "bias": BOOLS,
    "layer_norm_eps": st.sampled_from([1e-5, 0.1]),
}


@settings(max_examples=30)
@given(st.fixed_dictionaries(ENCODER), st.integers(1, 3), st.integers(1, 5), BOOLS, BOOLS)
def test_an_encoder_layer_gives_what_torch_gives_with_equal_weights(
    arguments: dict[str, Any], head_size: int, length: int, causal: bool, is_evaluation: bool
) -> None:
    shape = (length, arguments["nhead"] * head_size)
    line = line_of("TransformerEncoderLayer", {**arguments, "dropout": 0.0, "causal": causal})
    layer = add_noise(build_layer(line, shape, EncoderLayer))
    reference = nn.TransformerEncoderLayer(shape[1], dropout=0.0, batch_first=True, **arguments)
    reference.load_state_dict(layer.inside.state_dict())
    x = torch.randn(BATCH, *shape)
    if is_evaluation:
        layer.eval()

    with torch.set_grad_enabled(not is_evaluation):  # without gradients torch has another code path
        y = layer(x)

    mask = torch.full((length, length), float("-inf")).triu(1) if causal else None
    torch.testing.assert_close(y, reference(x, src_mask=mask), atol=1e-4, rtol=1e-4)
    assert_planned(line, shape, layer, y)


@settings(max_examples=30)
@given(HEADS, st.integers(1, 3), st.integers(1, 5), st.one_of(st.none(), st.integers(1, 9)), BOOLS)
def test_a_decoder_block_is_the_formula(
    heads: int, head_size: int, length: int, units: int | None, bias: bool
) -> None:
    shape = (length, heads * head_size)
    line = f"DecoderBlock {heads} dim_feedforward={units} bias={bias}"
    layer = add_noise(build_layer(line, shape, DecoderBlock))
    x = torch.randn(BATCH, *shape)

    y = layer(x)

    with torch.no_grad():
        torch.testing.assert_close(y, decoder_block(layer, x, heads), atol=1e-4, rtol=1e-4)
    assert_planned(line, shape, layer, y)


def decoder_block(layer: DecoderBlock, x: Tensor, heads: int) -> Tensor:
    """Computes x + attention(norm x), then x + W₂ GELU(W₁ norm x), by head and position."""
    q, k, v = layer.attention.queries_keys_values(layer.norm1(x)).chunk(3, dim=-1)
    head_size = x.shape[-1] // heads
    outputs = torch.zeros_like(x)
    for head in range(heads):
        part = slice(head * head_size, (head + 1) * head_size)
        for t in range(x.shape[1]):
            scores = (k[:, : t + 1, part] @ q[:, t, part, None])[..., 0] / sqrt(head_size)
            weights = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
            outputs[:, t, part] = (weights[..., None] * v[:, : t + 1, part]).sum(dim=1)
    x = x + layer.attention.join(outputs)
    hidden = layer.linear1(layer.norm2(x))
    gelu = hidden * 0.5 * (1 + torch.erf(hidden / sqrt(2)))
    result: Tensor = x + layer.linear2(gelu)
    return result


@pytest.mark.parametrize("line", CAUSAL)
@pytest.mark.parametrize("is_evaluation", [False, True])
def test_no_position_of_a_causal_layer_attends_to_later_ones(
    line: str, is_evaluation: bool
) -> None:
    layer = build_layer(line, (6, 8), nn.Module).train(not is_evaluation)
    x = torch.randn(BATCH, 6, 8)
    changed = x.clone()
    changed[:, 3:] += 5 * torch.randn(BATCH, 3, 8)

    with torch.set_grad_enabled(not is_evaluation):
        before, after = layer(x), layer(changed)

    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().amax(dim=2).min() > 1e-3


def test_a_layer_that_is_not_causal_attends_to_all_positions() -> None:
    for line in ("MultiheadAttention 2", "TransformerEncoderLayer 2 16 dropout=0"):
        layer = build_layer(line, (6, 8), nn.Module)
        x = torch.randn(BATCH, 6, 8)
        changed = x.clone()
        changed[:, 5] += 5

        assert (layer(x) - layer(changed)).abs().amax(dim=2).min() > 1e-4


@pytest.mark.parametrize("line", [*CAUSAL, "MultiheadAttention 2", "TransformerEncoderLayer 2 16"])
def test_attention_weights_are_stored_on_request_and_change_nothing(line: str) -> None:
    layer = build_layer(line, (6, 8), nn.Module).eval()
    attention = next(module for module in layer.modules() if isinstance(module, Attention))
    x = torch.randn(BATCH, 6, 8)
    expected = layer(x)
    assert attention.weights is None

    attention.keep_weights = True
    y = layer(x)

    torch.testing.assert_close(y, expected)
    assert attention.weights is not None and attention.weights.shape == (BATCH, 2, 6, 6)
    torch.testing.assert_close(attention.weights.sum(dim=3), torch.ones(BATCH, 2, 6))
    if "causal=true" in line or line.startswith("Decoder"):
        assert not attention.weights.triu(1).any()
    attention.keep_weights = False
    layer(x)
    assert attention.weights is None


@pytest.mark.parametrize(
    "line",
    ["MultiheadAttention 2 dropout=0.5", "TransformerEncoderLayer 2 16", "DecoderBlock 2 none 0.5"],
)
def test_dropout_acts_in_training_only(line: str) -> None:
    layer = build_layer(line, (6, 8), nn.Module)
    x = torch.randn(BATCH, 6, 8)

    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


def test_a_causal_layer_accepts_a_shorter_text() -> None:
    for line in CAUSAL:
        layer = build_layer(line, (6, 8), nn.Module)
        x = torch.randn(BATCH, 6, 8)

        torch.testing.assert_close(layer(x[:, :2]), layer(x)[:, :2])


def test_no_position_of_a_language_model_attends_to_later_ones() -> None:
    lines = (
        "Embedding 8", "PositionalEncoding learned", "DecoderBlock 2",
        ("Residual", "LayerNorm", "MultiheadAttention 2 causal=true"), "LayerNorm", "Linear 5",
    )  # fmt: skip
    network = build_network.build(lines, Tokens((6,), vocabulary=5))
    text = torch.randint(5, (BATCH, 6))
    other = text.clone()
    other[:, 3:] = (text[:, 3:] + 1) % 5

    before, after = network(text), network(other)

    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().amax(dim=2).min() > 1e-4


ATTENTION_ROLES = ["MultiheadAttention (qkv)", "Linear (out_proj)"]
MLP_ROLES = ["Linear (mlp 1)", "Linear (mlp 2)"]
GPT_ROLES = ["LayerNorm (attention)", "Linear (qkv)", "Linear (out_proj)", "LayerNorm (mlp)"]


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        (["MultiheadAttention 2"], ["MultiheadAttention", "Linear (out_proj)"]),
        (
            ["TransformerEncoderLayer 2 8", "Linear 3"],
            [*ATTENTION_ROLES, *MLP_ROLES, "LayerNorm (attention)", "LayerNorm (mlp)", "Linear"],
        ),
        (
            [("Repeat 2", "DecoderBlock 2"), ("Residual", "LayerNorm", "Linear 8")],
            [*GPT_ROLES, *MLP_ROLES, *GPT_ROLES, *MLP_ROLES, "LayerNorm", "Linear"],
        ),
    ],
)
def test_layers_inside_of_one_line_differ_by_their_roles(
    lines: list[Line], labels: list[str]
) -> None:
    network = build_network.build(tuple(lines), (6, 8))

    numbered = [f"{number} {label}" for number, label in enumerate(labels, 1)]
    assert list(build_network.parameters_by_layer(network)) == numbered


def test_positions_have_the_name_of_their_line() -> None:
    network = build_network.build(("PositionalEncoding learned", "Linear 4"), (6, 8))

    labels = list(build_network.parameters_by_layer(network))
    assert labels == ["1 PositionalEncoding", "2 Linear"]
