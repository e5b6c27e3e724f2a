"""Initializations against torch.nn.init, their formulas, and their purpose."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import pi, sqrt
from typing import Literal, TypeVar

import pytest
import torch
from torch import Tensor, nn

from tuilab.core.catalogue.initializations import (
    INITIALIZATIONS,
    LSUV,
    Constant,
    Default,
    Initialization,
    KaimingNormal,
    KaimingUniform,
    LecunNormal,
    LecunUniform,
    Normal,
    Orthogonal,
    Sparse,
    TruncatedNormal,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
)
from tuilab.core.errors import InputError
from tuilab.engine.model.gains import gain_of, measure_gain
from tuilab.engine.model.initialization import initialize
from tuilab.engine.model.layers.blocks import LayerStack, Residual
from tuilab.engine.model.layers.embedding import ClassToken, LearnedPositions
from tuilab.engine.model.layers.sequence import set_forget_bias
from tuilab.engine.model.layers.torchvision_models import Backbone

M = TypeVar("M", bound=nn.Module)

Layer = nn.Linear | nn.Conv1d | nn.Conv2d


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def initialize_seeded(module: M, config: Initialization) -> M:
    """Initializes a module with the same seed each time and returns it."""
    torch.manual_seed(7)
    initialize(module, config)
    return module


def mlp(*widths: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers[:-1])


# --- each against torch or its formula ------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "by_torch"),
    [
        (XavierUniform(), nn.init.xavier_uniform_),
        (XavierNormal(), nn.init.xavier_normal_),
        (XavierNormal(nonlinearity="tanh"), lambda w: nn.init.xavier_normal_(w, 5 / 3)),
        (KaimingUniform(), lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        (KaimingNormal(), lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
        (
            KaimingNormal(mode="fan_out", nonlinearity="selu"),
            lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="selu"),
        ),
        (LecunUniform(), lambda w: nn.init.kaiming_uniform_(w, nonlinearity="linear")),
        (LecunNormal(), lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear")),
        (Orthogonal(gain=2.0), lambda w: nn.init.orthogonal_(w, 2.0)),
        (TruncatedNormal(std=0.5), lambda w: nn.init.trunc_normal_(w, 0, 0.5, -1.0, 1.0)),
        (Normal(std=0.3), lambda w: nn.init.normal_(w, std=0.3)),
        (Uniform(bound=0.3), lambda w: nn.init.uniform_(w, -0.3, 0.3)),
        (Constant(value=0.3), lambda w: nn.init.constant_(w, 0.3)),
        (Zeros(), nn.init.zeros_),
        (Sparse(sparsity=0.5, std=0.2), lambda w: nn.init.sparse_(w.flatten(1), 0.5, 0.2)),
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(20, 30),
        lambda: nn.Conv2d(4, 6, 3),
        lambda: nn.Conv1d(4, 8, 5, groups=2),
    ],
)
def test_each_is_what_torch_draws_from_the_same_seed(
    config: Initialization, by_torch: Callable[[Tensor], object], make: Callable[[], Layer]
) -> None:
    ours, theirs = initialize_seeded(make(), config), make()

    torch.manual_seed(7)
    by_torch(theirs.weight.data)

    assert torch.allclose(ours.weight, theirs.weight, atol=1e-7)


@pytest.mark.parametrize(
    ("config", "std"),
    [
        (XavierUniform(), sqrt(2 / 700)),
        (XavierNormal(), sqrt(2 / 700)),
        (KaimingUniform(), sqrt(2 / 400)),
        (KaimingNormal(), sqrt(2 / 400)),
        (KaimingNormal(mode="fan_out"), sqrt(2 / 300)),
        (LecunUniform(), sqrt(1 / 400)),
        (LecunNormal(), sqrt(1 / 400)),
        (Default(), sqrt(1 / 1200)),
        (TruncatedNormal(std=0.5), 0.5 * 0.8796),
        (Normal(std=0.5), 0.5),
        (Uniform(bound=0.5), 0.5 / sqrt(3)),
        (Sparse(sparsity=0.75, std=0.5), 0.5 * sqrt(0.25)),
        (Constant(value=2.0), 0.0),
    ],
)
def test_each_has_the_standard_deviation_of_its_formula(config: Initialization, std: float) -> None:
    layer = initialize_seeded(nn.Linear(400, 300), config)

    assert layer.weight.std().item() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("std", [0.02, 1.0, 5.0, 0.0])
def test_a_truncated_normal_ends_at_two_standard_deviations_of_any_size(std: float) -> None:
    weight = initialize_seeded(nn.Linear(400, 300), TruncatedNormal(std=std)).weight

    assert weight.abs().max().item() <= 2 * std * (1 + 1e-6)
    assert weight.abs().max().item() == pytest.approx(2 * std, rel=0.01)
    # Of N(0, 1) cut at ±2: 1 − 4 φ(2) ∕ (2 Φ(2) − 1).
    mass = 0.9544997
    truncated = sqrt(1 - 4 * (2 / sqrt(2 * pi)) * torch.tensor(-2.0).exp().item() / 2 / mass)
    assert weight.std().item() == pytest.approx(truncated * std, rel=0.01)


@pytest.mark.parametrize("make", [lambda: nn.Linear(50, 20), lambda: nn.Conv2d(3, 8, 3)])
def test_an_orthogonal_matrix_preserves_lengths(make: Callable[[], Layer]) -> None:
    matrix = initialize_seeded(make(), Orthogonal(gain=1.5)).weight.flatten(1)

    assert torch.allclose(matrix @ matrix.T, 1.5**2 * torch.eye(len(matrix)), atol=1e-5)


def test_sparse_zeroes_the_same_fraction_of_each_column() -> None:
    weight = initialize_seeded(nn.Linear(30, 20), Sparse(sparsity=0.75)).weight

    assert (weight == 0).sum(dim=0).tolist() == [15] * 30


@pytest.mark.parametrize("kind", INITIALIZATIONS)
def test_equal_seeds_give_equal_weights(kind: type[Initialization]) -> None:
    def draw() -> list[Tensor]:
        torch.manual_seed(5)
        network = mlp(6, 8, 3)
        initialize(network, kind(), torch.randn(16, 6))
        return list(network.parameters())

    assert all(torch.equal(a, b) for a, b in zip(draw(), draw(), strict=True))


@pytest.mark.parametrize("kind", INITIALIZATIONS)
def test_biases_are_zero_where_that_is_chosen_and_else_torchs(kind: type[Initialization]) -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.GRU(5, 3, batch_first=True))
    before = [p.clone() for n, p in network.named_parameters() if "bias" in n]

    initialize(network[0], kind(), torch.randn(9, 4))
    initialize(network, kind() if kind is not LSUV else Orthogonal())
    biases = [p for n, p in network.named_parameters() if "bias" in n]
    assert all(torch.equal(a, b) for a, b in zip(before, biases, strict=True))

    initialize(network, Orthogonal(bias="zeros"))
    assert not any(bias.any() for bias in biases)


# --- layers of all kinds --------------------------------------------------------------------


def test_norms_positions_and_pretrained_layers_are_not_initialize_seeded() -> None:
    trained = Backbone(nn.Linear(4, 4), is_pretrained=True)
    network = nn.Sequential(
        nn.LayerNorm((3, 4)), nn.BatchNorm1d(4), LearnedPositions(3, 4), ClassToken(4), trained
    )
    before = [p.clone() for p in network.parameters()]

    initialize(network, Constant(value=0.5, bias="zeros"))

    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_each_gate_of_a_recurrent_layer_is_initialized_separately(
    kind: type[nn.RNN | nn.GRU | nn.LSTM], gates: int
) -> None:
    layer = kind(64, 32, num_layers=2, bidirectional=True)

    initialize_seeded(layer, XavierNormal())

    weights = dict(layer.named_parameters())
    for gate in weights["weight_ih_l0"].chunk(gates):
        assert gate.std().item() == pytest.approx(sqrt(2 / (64 + 32)), rel=0.1)
    for name in ("weight_hh_l0", "weight_hh_l1_reverse"):
        for gate in weights[name].chunk(gates):
            assert torch.allclose(gate @ gate.T, torch.eye(32), atol=1e-5)


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_the_gain_of_orthogonal_matrices_holds_for_recurrent_ones(
    kind: type[nn.RNN | nn.GRU | nn.LSTM], gates: int, gain: float
) -> None:
    layer = initialize_seeded(kind(16, 16, num_layers=2), Orthogonal(gain=gain))

    for name, weight in layer.named_parameters():
        if "weight" in name:
            for gate in weight.chunk(gates):
                torch.testing.assert_close(gate @ gate.T, gain**2 * torch.eye(16))


def test_all_matrices_of_a_recurrent_layer_are_the_same_where_that_is_chosen() -> None:
    layer = initialize_seeded(nn.LSTM(4, 3), Constant(value=0.25))

    weights = dict(layer.named_parameters())
    assert torch.all(weights["weight_ih_l0"] == 0.25)
    assert torch.all(weights["weight_hh_l0"] == 0.25)


def test_opened_forget_gates_stay_open() -> None:
    layer = nn.LSTM(4, 3)
    set_forget_bias(layer, 1.0)

    initialize(layer, Orthogonal(bias="zeros"))

    biases = dict(layer.named_parameters())
    assert biases["bias_ih_l0"].tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6
    assert not biases["bias_hh_l0"].any()


def test_queries_keys_and_values_are_initialized_separately() -> None:
    attention = initialize_seeded(nn.MultiheadAttention(16, 4), Orthogonal())

    for matrix in (*attention.in_proj_weight.chunk(3), attention.out_proj.weight):
        assert torch.allclose(matrix @ matrix.T, torch.eye(16), atol=1e-5)


def test_an_embedding_follows_absolute_numbers_only() -> None:
    embedding = nn.Embedding(50, 8, padding_idx=2)
    before = embedding.weight.clone()

    assert torch.equal(initialize_seeded(embedding, KaimingNormal()).weight, before)
    assert initialize_seeded(embedding, Normal(std=0.02)).weight.std().item() == pytest.approx(
        0.02, rel=0.1
    )
    assert not embedding.weight[2].any()


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (3, 1), (2, 2), (6, 3)])
def test_a_transposed_convolution_preserves_the_variance(kernel: int, stride: int) -> None:
    layer = initialize_seeded(nn.ConvTranspose2d(64, 32, kernel, stride, bias=False), LecunNormal())

    signal = layer(torch.randn(8, 64, 12, 12))[..., kernel:-kernel, kernel:-kernel]

    assert signal.std().item() == pytest.approx(1, rel=0.05)


# --- gains ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "gain"),
    [
        (nn.ReLU(), sqrt(2)), (nn.Tanh(), 5 / 3), (nn.Sigmoid(), 1.0), (None, 1.0),
        (nn.LeakyReLU(0.2), sqrt(2 / 1.04)), (nn.PReLU(3, init=0.2), sqrt(2 / 1.04)),
        (nn.SELU(), 1.0), (nn.GELU(), 1.4681), (nn.SiLU(), 1.5592), (nn.Hardswish(), 1.5670),
        (nn.Mish(), 1.4523), (nn.ELU(), 1.2777), (nn.Softplus(), 1.0831), (nn.Hardtanh(), 1.3918),
    ],
)  # fmt: skip
def test_the_gain_of_an_activation_preserves_the_mean_square(
    module: nn.Module | None, gain: float
) -> None:
    assert gain_of(module) == pytest.approx(gain, rel=2e-3)


def test_the_measured_gain_is_the_exact_one_where_that_is_known() -> None:
    assert measure_gain(nn.ReLU()) == pytest.approx(sqrt(2), rel=1e-3)


@pytest.mark.parametrize(
    "module", [nn.ELU(), nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.Mish(), nn.Softplus(), nn.SELU()]
)
def test_inputs_of_mean_square_1_lead_to_outputs_of_mean_square_1(module: nn.Module) -> None:
    z = torch.randn(400_000, generator=torch.Generator().manual_seed(1))

    assert module(gain_of(module) * z).square().mean().item() == pytest.approx(1, rel=0.01)


DEEP_ACTIVATIONS: list[tuple[type[nn.Module], float, float]] = [
    (nn.ReLU, 0.2, 4.0), (nn.LeakyReLU, 0.2, 4.0), (nn.ELU, 0.6, 1.6), (nn.SELU, 0.8, 1.25),
    (nn.GELU, 0.1, 6.0), (nn.SiLU, 0.3, 20.0), (nn.Mish, 0.1, 6.0), (nn.Hardswish, 0.5, 25.0),
    (nn.Softplus, 0.7, 1.5), (nn.Tanh, 0.4, 1.0), (nn.Sigmoid, 0.4, 1.0),
]  # fmt: skip
"""How much the root mean square may change over 30 layers of width 128; a gain of 1 ∕ √E[f(z)²] let
SiLU and Hardswish grow 80- and 280-fold."""


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("config", [KaimingNormal, KaimingUniform])
@pytest.mark.parametrize(("activation", "low", "high"), DEEP_ACTIVATIONS)
def test_with_auto_thirty_layers_keep_the_size_of_their_inputs(
    activation: type[nn.Module],
    low: float,
    high: float,
    config: type[KaimingNormal | KaimingUniform],
    mode: Literal["fan_in", "fan_out"],
) -> None:
    inputs = torch.randn(256, 128)
    for bias in ("zeros", "default"):
        network = mlp(*[128] * 31, activation=activation).append(activation())
        initialize_seeded(network, config(mode=mode, nonlinearity="auto", bias=bias))

        with torch.no_grad():
            ratio = network(inputs).square().mean().sqrt().item()

        assert low < ratio < high


@pytest.mark.parametrize(
    ("module", "slope"),
    [
        (nn.ReLU(), 1.0), (nn.LeakyReLU(), 1.0), (nn.ELU(), 0.898), (nn.SELU(), 0.783),
        (nn.Softplus(), 0.535), (nn.Mish(), 1.052), (nn.GELU(), 1.084), (nn.SiLU(), 1.147),
        (nn.Hardswish(), 1.202),
    ],
)  # fmt: skip
def test_mean_square_1_is_a_fixed_point_that_is_stable_where_the_function_allows_it(
    module: nn.Module, slope: float
) -> None:
    z, gain = torch.randn(400_000, generator=torch.Generator().manual_seed(1)), gain_of(module)

    def next_mean_square(square: float) -> float:
        return float(module(gain * sqrt(square) * z).square().mean())

    assert next_mean_square(1.0) == pytest.approx(1, rel=0.01)
    measured = (next_mean_square(1.02) - next_mean_square(0.98)) / 0.04
    assert measured == pytest.approx(slope, rel=0.02)


THIRTY_LAYERS: list[tuple[type[nn.Module], tuple[float, float], tuple[float, float]]] = [
    (nn.ReLU, (0.5, 1.3), (0.6, 1.4)), (nn.ELU, (0.7, 1.2), (1.3, 2.5)),
    (nn.SELU, (0.8, 1.1), (1.7, 3.5)), (nn.Mish, (0.4, 1.3), (1.2, 3.5)),
    (nn.GELU, (0.3, 1.6), (1.1, 4.0)), (nn.SiLU, (1.2, 5.0), (3.5, 15)),
    (nn.Hardswish, (2.2, 8.0), (9, 40)), (nn.Softplus, (0.8, 1.2), (1e-8, 1e-6)),
]  # fmt: skip
"""How much the root mean square of the outputs and of the gradients changes over 30 layers.

Where the slope of the fixed point is above 1, the examples of a batch drift apart: most shrink, and
a few grow and dominate the mean, less in a wider network. No gain prevents it.
"""


@pytest.mark.parametrize("width", [128, 256, 512])
@pytest.mark.parametrize(("activation", "outputs", "gradients"), THIRTY_LAYERS)
def test_over_widths_and_seeds_thirty_layers_change_little(
    activation: type[nn.Module],
    outputs: tuple[float, float],
    gradients: tuple[float, float],
    width: int,
) -> None:
    logs = torch.zeros(2)
    for seed in range(5):
        torch.manual_seed(seed)
        inputs = torch.randn(64, width, requires_grad=True)
        network = mlp(*[width] * 31, activation=activation).append(activation())
        initialize(network, KaimingNormal(nonlinearity="auto", bias="zeros"))
        output = network(inputs)
        (gradient,) = torch.autograd.grad((output * torch.randn_like(output)).sum(), inputs)
        logs += torch.stack([t.detach().square().mean().log() / 2 for t in (output, gradient)]) / 5

    forward, backward = logs.exp().tolist()
    assert outputs[0] < forward < outputs[1]
    assert gradients[0] < backward < gradients[1]


def test_the_gain_of_a_function_that_no_gain_suits_is_finite() -> None:
    functions: list[Callable[[Tensor], Tensor]] = [
        torch.zeros_like, torch.ones_like, lambda z: z * torch.nan, lambda z: z / 0, torch.sign,
        lambda z: 0.1 * z.tanh(),
    ]  # fmt: skip
    assert all(0 < measure_gain(function) < 100 for function in functions)


def test_auto_uses_the_gain_of_the_activation_after_each_layer() -> None:
    network = nn.Sequential(
        nn.Linear(300, 400), nn.BatchNorm1d(400), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(400, 300), nn.Tanh(), nn.Linear(300, 300), nn.Linear(300, 200), nn.Softmax(1),
    )  # fmt: skip

    initialize_seeded(network, KaimingNormal(nonlinearity="auto"))

    gains = [
        layer.weight.std().item() * sqrt(layer.in_features)
        for layer in network
        if isinstance(layer, nn.Linear)
    ]
    assert gains == pytest.approx([sqrt(2), 5 / 3, 1.0, 1.0], rel=0.02)


def test_auto_knows_the_activation_inside_an_encoder_layer() -> None:
    layer = nn.TransformerEncoderLayer(256, 4, 256, activation="relu", batch_first=True)

    initialize_seeded(layer, KaimingNormal(nonlinearity="auto"))

    assert layer.linear1.weight.std().item() == pytest.approx(sqrt(2 / 256), rel=0.02)
    assert layer.linear2.weight.std().item() == pytest.approx(sqrt(1 / 256), rel=0.02)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.SELU])
def test_with_auto_a_network_of_six_layers_preserves_the_variance(
    activation: type[nn.Module],
) -> None:
    network = mlp(*[256] * 7, activation=activation)

    initialize_seeded(network, KaimingNormal(nonlinearity="auto", bias="zeros"))

    # The last layer has gain 1, so that the size is that of the activations before it.
    assert 0.6 < network(torch.randn(64, 256)).std().item() < 1.8


# --- LSUV -----------------------------------------------------------------------------------


def output_stds(network: nn.Module, inputs: Tensor) -> Iterator[float]:
    """Yields the standard deviation of the output of each layer with a weight."""
    stds: list[float] = []
    layers = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    hooks = [m.register_forward_hook(lambda m, i, o: stds.append(o.std().item())) for m in layers]
    with torch.no_grad():
        network.eval()(inputs)
    for hook in hooks:
        hook.remove()
    return iter(stds)


def convnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.Sigmoid(), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(16 * 16, 10),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (lambda: mlp(*[40] * 20), lambda: torch.randn(128, 40)),
        (lambda: mlp(2, 30, 30, 3, activation=nn.Tanh), lambda: 5 * torch.randn(128, 2) + 3),
        (convnet, lambda: torch.rand(64, 1, 12, 12)),
    ],
    ids=["deep ReLU", "Tanh", "convnet"],
)
def test_lsuv_brings_every_layer_to_standard_deviation_1(
    network: Callable[[], nn.Sequential], inputs: Callable[[], Tensor]
) -> None:
    built, batch = network(), inputs()

    assert initialize(built, LSUV(), batch) == []

    assert all(abs(std - 1) <= 0.1 for std in output_stds(built, batch))


def test_lsuv_reaches_through_blocks_and_an_encoder_layer() -> None:
    network = nn.Sequential(
        nn.Linear(5, 16),
        Residual(LayerStack(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))),
        nn.TransformerEncoderLayer(16, 2, 32, batch_first=True),
        nn.Linear(16, 3),
    )
    batch = torch.randn(32, 7, 5)

    assert initialize(network, LSUV(tolerance=0.02), batch) == []

    network.eval()
    with torch.no_grad():
        assert network[0](batch).std().item() == pytest.approx(1, abs=0.02)
        assert network(batch).std().item() == pytest.approx(1, abs=0.02)


def test_lsuv_starts_from_orthogonal_matrices_and_keeps_the_mode_of_the_network() -> None:
    network = mlp(10, 10, 10)

    initialize(network, LSUV(), torch.randn(64, 10))

    weight = network[0].weight
    assert isinstance(weight, Tensor)
    product = weight @ weight.T
    assert torch.allclose(product, product[0, 0] * torch.eye(10), atol=1e-5)
    assert network.training
    assert not network[0]._forward_hooks
    assert all(p.requires_grad and p.grad is None for p in network.parameters())


def test_lsuv_names_the_layers_that_it_could_not_scale() -> None:
    network = nn.Sequential(nn.Linear(4, 6), nn.Threshold(1e9, 0.0), nn.Linear(6, 2, bias=False))

    assert initialize(network, LSUV(), torch.randn(32, 4)) == ["2 Linear"]


def test_lsuv_without_examples_is_refused() -> None:
    with pytest.raises(InputError, match="training examples"):
        initialize(mlp(2, 3), LSUV())
