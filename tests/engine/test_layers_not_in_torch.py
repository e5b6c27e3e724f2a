"""Layers that PyTorch does not have, against their formulas; and blocks of layers."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from tests.support.not_none import not_none
from tuilab.core.network.layer import Shape
from tuilab.core.network.line import Line
from tuilab.core.network.plan import plan
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.blocks import LayerStack, Parallel
from tuilab.engine.model.layers.dropout import DropConnect, Reparameterization

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


def build_checked(*lines: Line, shape: Shape) -> LayerStack:
    """Builds a network and checks its plan."""
    torch.manual_seed(0)
    planned = plan(lines, shape)
    network = build_network.build(lines, shape)
    assert planned.is_valid
    assert planned.parameters == sum(p.numel() for p in network.parameters())
    assert planned.output == tuple(network(torch.zeros(2, *shape)).shape[1:])
    return network


# --- Step ---------------------------------------------------------------------------------------


def test_a_step_is_1_above_zero_else_0() -> None:
    step = build_checked("Step", shape=(5,))

    x = torch.tensor([[-3.0, -1e-9, 0.0, 1e-9, 3.0]])

    assert step(x).tolist() == [[0, 0, 0, 1, 1]]


def test_no_gradient_flows_through_a_step() -> None:
    network = build_checked("Linear 4", "Step", "Linear 1", shape=(3,))

    network(torch.randn(8, 3)).sum().backward()

    gradients = [not_none(parameter.grad).any() for parameter in network.parameters()]
    assert gradients == [False, False, True, True]


# --- DropConnect --------------------------------------------------------------------------------


def test_dropconnect_is_a_linear_in_evaluation() -> None:
    network = build_checked("DropConnect 4 0.3", shape=(3,)).eval()
    (layer,) = network
    assert isinstance(layer, DropConnect)
    x = torch.randn(5, 3)

    assert_close(network(x), x @ layer.weight.T + layer.bias)


def test_dropconnect_drops_single_weights_for_each_example() -> None:
    network = build_checked("DropConnect 3 0.25 bias=false", shape=(1,))
    (layer,) = network
    assert isinstance(layer, DropConnect)

    is_kept = network(torch.ones(4000, 1)) / (layer.weight.T / 0.75)

    assert set(is_kept.round(decimals=4).flatten().tolist()) == {0.0, 1.0}
    assert_close(is_kept.mean(0), torch.full((3,), 0.75), atol=0.03, rtol=0)
    assert 0 < torch.corrcoef(is_kept.T)[0, 1].abs() < 0.1  # outputs lose theirs independently


@given(SHAPES, st.sampled_from(["0", "0.2", "0.7"]))
def test_the_mean_of_dropconnect_in_training_is_its_output_in_evaluation(
    shape: Shape, p: str
) -> None:
    network = build_checked(f"DropConnect 2 {p}", shape=shape)
    x = torch.randn(shape)

    samples = network(x.expand(2000, *shape))

    expected = network.eval()(x[None])[0]
    error = (samples.mean(0) - expected).abs() / (samples.std(0) / 2000**0.5 + 1e-6)
    assert error.max() < 6, "standard errors"


# --- Reparameterization -------------------------------------------------------------------------


def test_the_code_is_the_mean_in_evaluation_and_a_sample_around_it_in_training() -> None:
    network = build_checked("Reparameterization", shape=(4,))
    x = torch.tensor([[3.0, -1.0, 0.0, 2 * torch.tensor(0.5).log()]])

    samples = network(x.expand(20_000, 4))

    assert_close(samples.mean(0), torch.tensor([3.0, -1.0]), atol=0.05, rtol=0)
    assert_close(samples.std(0), torch.tensor([1.0, 0.5]), atol=0.02, rtol=0)
    assert_close(network.eval()(x), x[:, :2])


@given(SHAPES.map(lambda shape: (*shape[:-1], 2 * shape[-1])))
def test_the_kl_divergence_is_that_of_the_two_normal_distributions(shape: Shape) -> None:
    network = build_checked("Reparameterization", shape=shape)
    (layer,) = network
    assert isinstance(layer, Reparameterization)
    x = torch.randn(3, *shape, dtype=torch.float64, requires_grad=True)

    network(x)

    mean, log_variance = x.chunk(2, dim=-1)
    code, prior = Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)
    assert_close(layer.kl, kl_divergence(code, prior).flatten(1).sum(1).mean())
    assert layer.kl.requires_grad


def test_a_network_with_a_code_can_be_copied_after_a_batch() -> None:
    network = build_checked("Linear 4", "Reparameterization", shape=(4,))

    network(torch.randn(2, 4))

    assert copy.deepcopy(network) is not network


# --- arguments and axes -------------------------------------------------------------------------


def test_each_position_of_a_sequence_is_normalized_by_itself_and_an_image_as_a_whole() -> None:
    x = torch.randn(2, 5, 4)
    assert_close(build_checked("LayerNorm", shape=(5, 4))(x), nn.LayerNorm(4)(x))
    assert_close(build_checked("RMSNorm", shape=(5, 4))(x), nn.RMSNorm(4)(x))

    x = torch.randn(2, 3, 4, 4)
    assert_close(build_checked("LayerNorm", shape=(3, 4, 4))(x), nn.LayerNorm([3, 4, 4])(x))
    assert_close(build_checked("RMSNorm", shape=(3, 4, 4))(x), nn.RMSNorm([3, 4, 4])(x))


@pytest.mark.parametrize(("shape", "dim"), [((3,), 1), ((5, 3), 2), ((3, 4, 4), 1)])
def test_probabilities_are_over_the_features_and_over_the_channels_of_images(
    shape: Shape, dim: int
) -> None:
    x = torch.randn(2, *shape)

    assert_close(build_checked("Softmax", shape=shape)(x), x.softmax(dim))
    assert_close(build_checked("LogSoftmax", shape=shape)(x), x.log_softmax(dim))


def test_arguments_reach_torch() -> None:
    lines = (
        "ConvTranspose2d 4 4 stride=2 padding=1 bias=false", "LeakyReLU 0.2", "GELU tanh",
        "Upsample scale_factor=2 mode=bilinear", "Softplus 2", "PReLU 4 0.1",
        "MaxPool2d 3 2 ceil_mode=true", "AvgPool2d 2 count_include_pad=false padding=1",
        "GroupNorm 2 eps=0.1", "Flatten 2",
    )  # fmt: skip
    reference = nn.Sequential(
        nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2),
        nn.GELU("tanh"), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Softplus(2),
        nn.PReLU(4, 0.1), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.GroupNorm(2, 4, eps=0.1),
        nn.Flatten(2),
    )  # fmt: skip
    network = build_checked(*lines, shape=(3, 5, 5))
    reference.load_state_dict(network.state_dict())
    x = torch.randn(2, 3, 5, 5)

    assert_close(network(x), reference(x))


# --- blocks -------------------------------------------------------------------------------------


def _branch_outputs(block: nn.Module, x: Tensor) -> list[Tensor]:
    assert isinstance(block, Parallel)
    return [branch(x) for branch in block.inside]


def test_branches_get_the_same_input_and_are_concatenated() -> None:
    lines = ("Parallel", "Identity", ("Sequential", "Conv2d 4 3 padding=1", "ReLU"))
    (block,) = build_checked(lines, shape=(3, 6, 6))
    x = torch.randn(2, 3, 6, 6)

    assert block(x).shape == (2, 7, 6, 6)
    assert_close(block(x), torch.cat(_branch_outputs(block, x), dim=1))

    (block,) = build_checked(("Parallel", "Linear 2", "Linear 3"), shape=(4, 5))
    x = torch.randn(2, 4, 5)

    assert block(x).shape == (2, 4, 5)
    assert_close(block(x), torch.cat(_branch_outputs(block, x), dim=-1))


def test_named_groups_do_not_change_the_computation() -> None:
    groups = (
        ("Encoder", "Linear 2"),
        ("Decoder", "Linear 4"),
        ("Sequential", ("Repeat 2", "Tanh")),
    )

    network = build_checked(*groups, shape=(4,))

    plain = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 4), nn.Tanh(), nn.Tanh())
    for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        theirs.data.copy_(ours)
    x = torch.randn(3, 4)
    assert_close(network(x), plain(x))
