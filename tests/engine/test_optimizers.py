"""Optimizers against those of PyTorch and their papers; which parameters decay; live knobs."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from tests.support.installed_optimizers import (
    INSTALLED_OPTIMIZERS,
    IS_SCHEDULEFREE_INSTALLED,
)
from tests.support.passed_exercises import pass_exercise
from tuilab.core.catalogue import optimizers as catalogue
from tuilab.core.catalogue.regularization import NoAveraging
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import Knob, default_knobs
from tuilab.engine.model.layers.embedding import ClassToken, LearnedPositions
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.optim.weight_average import WeightAverage

INPUTS = torch.randn(500, 5, generator=torch.Generator().manual_seed(2))
TARGETS = (INPUTS[:, 0] * INPUTS[:, 1] + INPUTS[:, 2].sin().mul(40).sin() > 0).long()
"""Too hard for L-BFGS to converge in a few steps."""


@pytest.fixture(autouse=True)
def passed_exercise() -> None:
    pass_exercise("optimizers")


def build_small_network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 16), nn.LayerNorm(16), nn.Tanh(),
        nn.Linear(16, 2),
    )  # fmt: skip


def step(network: nn.Module, optimizer: Optimizer, config: catalogue.Optimizer) -> float:
    """Takes one step on all examples, as the training loop does; returns the loss before it."""

    def closure() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(INPUTS), TARGETS)
        loss.backward()
        return loss.detach().item()

    for group in optimizer.param_groups:
        group["lr"] = config.lr * group.get("scale", 1.0)
    if config.needs_closure:
        return optimizer.step(closure)
    loss = closure()
    optimizer.step()
    return loss


def flat_weights(network: nn.Module) -> Tensor:
    """Returns all parameters in one row."""
    return torch.cat([p.detach().flatten() for p in network.parameters()])


# --- steps ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "reference"),
    [
        (catalogue.SGD(lr=0.3, momentum=0.9, nesterov=True, weight_decay=0.1), torch.optim.SGD),
        (catalogue.SGD(lr=0.3, momentum=0.8, dampening=0.5), torch.optim.SGD),
        (catalogue.Adagrad(lr=0.1, initial_accumulator_value=0.1), torch.optim.Adagrad),
        (catalogue.Adadelta(rho=0.8, eps=1e-4, weight_decay=0.1), torch.optim.Adadelta),
        (catalogue.RMSprop(alpha=0.9, momentum=0.5, centered=True), torch.optim.RMSprop),
        (catalogue.Adam(lr=0.02, betas=(0.8, 0.99), weight_decay=0.1), torch.optim.Adam),
        (catalogue.Adam(lr=0.02, amsgrad=True), torch.optim.Adam),
        (catalogue.AdamW(lr=0.02, weight_decay=0.3), torch.optim.AdamW),
        (catalogue.NAdam(lr=0.02, momentum_decay=0.01), torch.optim.NAdam),
        (catalogue.NAdam(weight_decay=0.3, decoupled_weight_decay=True), torch.optim.NAdam),
        (
            catalogue.RAdam(lr=0.02, weight_decay=0.3, decoupled_weight_decay=True),
            torch.optim.RAdam,
        ),
        (catalogue.Adamax(lr=0.02, betas=(0.8, 0.99), weight_decay=0.1), torch.optim.Adamax),
        (catalogue.ASGD(lr=0.3, lambd=0.01, alpha=0.5, weight_decay=0.1), torch.optim.ASGD),
        (catalogue.LBFGS(lr=0.5, max_iter=4, history_size=3), torch.optim.LBFGS),
        (catalogue.LBFGS(lr=0.1, max_iter=3, line_search_fn="none"), torch.optim.LBFGS),
    ],
    ids=lambda config: type(config).__name__ if isinstance(config, catalogue.Optimizer) else "",
)
def test_every_optimizer_steps_as_torch_does(
    config: catalogue.Optimizer, reference: Callable[..., Optimizer]
) -> None:
    ours, by_torch = build_small_network(), build_small_network()
    if isinstance(config, catalogue.WeightDecayOptimizer):
        config = type(config)(**{**arguments_of(config), "weight_decay_on": "all"})
    our_optimizer = build_optimizer.build(config, ours)
    arguments = {k: v for k, v in arguments_of(config).items() if k != "weight_decay_on"}
    if arguments.get("line_search_fn") == "none":
        arguments["line_search_fn"] = None
    if reference is not torch.optim.LBFGS:
        arguments["foreach"] = False
    torch_optimizer = reference(by_torch.parameters(), **arguments)

    for _ in range(8):
        step(ours, our_optimizer, config)
        step(by_torch, torch_optimizer, config)

    assert torch.allclose(flat_weights(ours), flat_weights(by_torch), atol=2e-6)


@pytest.mark.parametrize(
    ("config", "reference", "arguments"),
    [
        (
            catalogue.Adafactor(lr=0.05, beta2_decay=-0.6, eps=0.01, d=2.0),
            torch.optim.Adafactor,
            {"lr": 0.05, "beta2_decay": -0.6, "eps": (None, 0.01), "d": 2.0},
        ),
        (
            catalogue.Rprop(lr=0.02, eta_minus=0.4, eta_plus=1.1, min_step=1e-4, max_step=0.05),
            torch.optim.Rprop,
            {"lr": 0.02, "etas": (0.4, 1.1), "step_sizes": (1e-4, 0.05)},
        ),
    ],
    ids=["Adafactor", "Rprop"],
)
def test_optimizers_with_pairs_of_arguments_step_as_torch_does(
    config: catalogue.Optimizer, reference: Callable[..., Optimizer], arguments: dict[str, Any]
) -> None:
    ours, by_torch = build_small_network(), build_small_network()
    our_optimizer = build_optimizer.build(config, ours)
    torch_optimizer = reference(by_torch.parameters(), foreach=False, **arguments)

    for _ in range(8):
        step(ours, our_optimizer, config)
        step(by_torch, torch_optimizer, config)

    assert torch.allclose(flat_weights(ours), flat_weights(by_torch), atol=2e-6)


def arguments_of(config: catalogue.Optimizer) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__struct_fields__}


def test_lion_is_the_algorithm_of_the_paper() -> None:
    config = catalogue.Lion(lr=0.01, betas=(0.8, 0.95), weight_decay=0.5, weight_decay_on="all")
    ours = nn.Parameter(torch.linspace(-1, 1, 7))
    by_paper, mean = ours.detach().clone(), torch.zeros(7)
    optimizer = build_optimizer.build(config, nn.ParameterList([ours]))

    for number in range(6):
        gradient = torch.sin(5 * ours.detach() + number)
        ours.grad = gradient
        optimizer.step()
        # arXiv 2302.06675, algorithm 2, line by line.
        update = torch.sign(0.8 * mean + 0.2 * gradient)
        by_paper = by_paper - 0.01 * (update + 0.5 * by_paper)
        mean = 0.95 * mean + 0.05 * gradient

    assert torch.allclose(ours, by_paper, atol=1e-6)


@pytest.mark.parametrize("kind", INSTALLED_OPTIMIZERS)
def test_every_optimizer_lowers_a_loss(kind: type[catalogue.Optimizer]) -> None:
    network, config = build_small_network(), kind()
    if kind in (catalogue.Lion, catalogue.RAdam, catalogue.Adam, catalogue.AdamW, catalogue.NAdam):
        config = kind(lr=0.02)
    elif kind in (catalogue.ASGD, catalogue.Adafactor, catalogue.ScheduleFreeAdamW):
        config = kind(lr=0.2)
    optimizer = build_optimizer.build(config, network)

    losses = [step(network, optimizer, config) for _ in range(20)]

    assert losses[-1] < 0.97 * losses[0], losses


# --- schedule-free ------------------------------------------------------------------------------


def test_schedule_free_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schedulefree", None)

    with pytest.raises(InputError, match=r"uv pip install 'tuilab\[schedule-free\]'"):
        build_optimizer.build(catalogue.ScheduleFreeAdamW(), build_small_network())


@pytest.mark.skipif(not IS_SCHEDULEFREE_INSTALLED, reason="an optional dependency")
def test_schedule_free_trains_and_evaluates_what_the_library_does() -> None:
    import schedulefree

    config = catalogue.ScheduleFreeAdamW(lr=0.05, warmup_steps=2, weight_decay=0.1)
    ours, by_library = build_small_network(), build_small_network()
    optimizer = build_optimizer.build(replace(config, weight_decay_on="all"), ours)
    reference = schedulefree.AdamWScheduleFree(
        by_library.parameters(), lr=0.05, warmup_steps=2, weight_decay=0.1
    )
    reference.train()
    average = WeightAverage(ours)

    for _ in range(6):
        step(ours, optimizer, config)
        average.step(NoAveraging(), optimizer)
        step(by_library, reference, config)
    trained = flat_weights(ours)

    assert torch.equal(trained, flat_weights(by_library))
    reference.eval()
    with average.swapped_in(NoAveraging()):
        assert torch.allclose(flat_weights(ours), flat_weights(by_library), atol=1e-6)
        assert not torch.allclose(flat_weights(ours), trained, atol=1e-3)
    assert torch.equal(flat_weights(ours), trained)


# --- Muon -----------------------------------------------------------------------------------


def test_muon_updates_hidden_matrices_and_adamw_the_rest() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Flatten(1, 2), nn.Linear(6, 8), LearnedPositions(16, 8),
        nn.LayerNorm((16, 8)), nn.RNN(8, 8, batch_first=True), nn.Linear(8, 3),
    )  # fmt: skip

    optimizer = build_optimizer.build(catalogue.Muon(), network)

    assert isinstance(optimizer, CombinedOptimizer)
    muon, adamw = optimizer.optimizers
    muon_ids = {id(p) for group in muon.param_groups for p in group["params"]}
    names = [name for name, p in network.named_parameters() if id(p) in muon_ids]
    assert isinstance(muon, torch.optim.Muon)
    assert isinstance(adamw, torch.optim.AdamW)
    assert names == ["2.weight", "5.weight_ih_l0", "5.weight_hh_l0"]
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len([*network.parameters()])


def test_muon_steps_as_torch_does_together_with_an_adamw() -> None:
    config = catalogue.Muon(lr=0.02, weight_decay=0.1, adamw_lr=0.1, adjust_lr_fn="match_rms_adamw")
    ours, by_torch = build_small_network(), build_small_network()
    optimizer = build_optimizer.build(config, ours)
    hidden = [p for n, p in by_torch.named_parameters() if n in ("0.weight", "2.weight")]
    others = [p for p in by_torch.parameters() if all(p is not h for h in hidden)]
    muon = torch.optim.Muon(hidden, 0.02, 0.1, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in others if p.ndim > 1], "weight_decay": 0.1},
            {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=0.002,
    )

    for _ in range(5):
        step(ours, optimizer, config)
        for each in (muon, adamw):
            each.zero_grad()
        F.cross_entropy(by_torch(INPUTS), TARGETS).backward()
        for each in (muon, adamw):
            each.step()

    assert torch.allclose(flat_weights(ours), flat_weights(by_torch), atol=1e-6)


def test_muon_without_a_hidden_matrix_is_refused() -> None:
    with pytest.raises(InputError, match=r"optimizer\.name: muon updates the matrices of hidden"):
        build_optimizer.build(catalogue.Muon(), nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(2, 2)))


# --- weight decay ---------------------------------------------------------------------------


def all_kinds_of_layers() -> nn.Sequential:
    return nn.Sequential(
        nn.Embedding(9, 4), LearnedPositions(3, 4), ClassToken(4), nn.MultiheadAttention(4, 2),
        nn.LayerNorm((3, 4)), nn.RMSNorm((3, 4)), nn.GroupNorm(1, 4), nn.BatchNorm2d(4),
        nn.PReLU(4), nn.LSTM(4, 3), nn.Conv2d(4, 2, 3), nn.ConvTranspose2d(2, 4, 3),
        nn.Linear(4, 2),
    )  # fmt: skip


def test_only_matrices_and_kernels_decay() -> None:
    network = all_kinds_of_layers()
    optimizer = build_optimizer.build(catalogue.AdamW(weight_decay=0.1), network)

    decayed = {
        id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]
    }

    assert [name for name, p in network.named_parameters() if id(p) in decayed] == [
        "3.in_proj_weight", "3.out_proj.weight",
        "9.weight_ih_l0", "9.weight_hh_l0",
        "10.weight", "11.weight", "12.weight",
    ]  # fmt: skip
    assert len(optimizer.param_groups) == 2


@pytest.mark.parametrize(
    "kind", [k for k in INSTALLED_OPTIMIZERS if issubclass(k, catalogue.WeightDecayOptimizer)]
)
def test_weight_decay_acts_on_weights_or_on_all_and_changes_live(
    kind: type[catalogue.WeightDecayOptimizer],
) -> None:
    network = build_small_network()
    optimizer = build_optimizer.build(kind(weight_decay=0.5), network)
    assert {g["weight_decay"] for g in optimizer.param_groups if g["decays"]} == {0.5}
    assert {g["weight_decay"] for g in optimizer.param_groups if not g["decays"]} == {0.0}

    build_optimizer.update_hyperparameters(
        optimizer, kind(weight_decay=0.25, weight_decay_on="all")
    )
    assert {g["weight_decay"] for g in optimizer.param_groups} == {0.25}

    build_optimizer.update_hyperparameters(optimizer, kind(weight_decay=0.0))
    assert {g["weight_decay"] for g in optimizer.param_groups} == {0.0}


def test_every_parameter_is_in_one_group() -> None:
    for kind in INSTALLED_OPTIMIZERS:
        optimizer = build_optimizer.build(kind(), all_kinds_of_layers())
        ids = [id(p) for group in optimizer.param_groups for p in group["params"]]
        assert len(ids) == len(set(ids)) == len([*all_kinds_of_layers().parameters()]), kind


def test_tied_weights_are_in_one_group() -> None:
    embedding, output = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
    output.weight = embedding.weight
    network = nn.Sequential(embedding, nn.Linear(4, 4), output)

    optimizer = build_optimizer.build(catalogue.AdamW(), network)

    assert sum(len(group["params"]) for group in optimizer.param_groups) == 3


# --- while it runs --------------------------------------------------------------------------


def _other_value(value: Any, knob: Knob) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return tuple(0.5 * part for part in value)
    if isinstance(value, int):
        return max(1, value // 3)
    if isinstance(value, str):
        return next(choice for choice in knob.choices if choice != value)
    return 0.5 * value if value else 0.5


LIVE = [
    (kind, name)
    for kind in INSTALLED_OPTIMIZERS
    for name, knob in default_knobs(kind).items()
    if knob.is_live
]


@pytest.mark.parametrize(("kind", "name"), LIVE, ids=lambda x: getattr(x, "__name__", x))
def test_every_live_knob_can_change_between_steps(
    kind: type[catalogue.Optimizer], name: str
) -> None:
    network, first = build_small_network(), kind()
    other = kind(**{name: _other_value(getattr(first, name), default_knobs(kind)[name])})
    optimizer = build_optimizer.build(first, network)

    for config in (first, first, other, other, first, other):
        build_optimizer.update_hyperparameters(optimizer, config)
        before = flat_weights(network)
        step(network, optimizer, config)
        assert not torch.equal(flat_weights(network), before)
        assert flat_weights(network).isfinite().all()


def test_changing_a_knob_keeps_the_state() -> None:
    network = build_small_network()
    optimizer = build_optimizer.build(catalogue.Adam(), network)
    step(network, optimizer, catalogue.Adam())
    weight = network.get_parameter("0.weight")
    mean = optimizer.state[weight]["exp_avg"].clone()

    build_optimizer.update_hyperparameters(optimizer, catalogue.Adam(lr=0.5, betas=(0.5, 0.9)))

    assert torch.equal(optimizer.state[weight]["exp_avg"], mean)
    assert {g["betas"] for g in optimizer.param_groups} == {(0.5, 0.9)}


def test_changing_the_initial_accumulator_of_adagrad_shifts_the_sums() -> None:
    first, other = build_small_network(), build_small_network()
    shifted = build_optimizer.build(catalogue.Adagrad(), first)
    step(first, shifted, catalogue.Adagrad())
    expected = build_optimizer.build(catalogue.Adagrad(initial_accumulator_value=0.25), other)
    step(other, expected, catalogue.Adagrad())

    build_optimizer.update_hyperparameters(
        shifted, catalogue.Adagrad(initial_accumulator_value=0.25)
    )

    for ours, by_torch in zip(first.parameters(), other.parameters(), strict=True):
        assert torch.allclose(shifted.state[ours]["sum"], expected.state[by_torch]["sum"])


@pytest.mark.parametrize("kind", INSTALLED_OPTIMIZERS)
def test_a_frozen_layer_stays_and_is_trained_again_when_unfrozen(
    kind: type[catalogue.Optimizer],
) -> None:
    options = {"momentum": 0.9, "dampening": 0.5} if kind is catalogue.SGD else {}
    network, config = build_small_network(), kind(**options)
    optimizer = build_optimizer.build(config, network)
    layer = network[2]
    weight = network.get_parameter("2.weight")
    before = weight.clone()

    layer.requires_grad_(False)
    for parameter in layer.parameters():
        parameter.grad = None
    step(network, optimizer, config)
    step(network, optimizer, config)
    assert torch.equal(weight, before)

    layer.requires_grad_(True)
    step(network, optimizer, config)
    trained = weight.clone()
    assert not torch.equal(trained, before)

    layer.requires_grad_(False)
    for parameter in layer.parameters():
        parameter.grad = None
    step(network, optimizer, config)
    assert torch.equal(weight, trained)


def test_lbfgs_steps_on_channels_last_kernels() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 2))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer.build(catalogue.LBFGS(max_iter=4), network)
    inputs = torch.randn(8, 2, 4, 4).to(memory_format=torch.channels_last)

    def closure() -> float:
        optimizer.zero_grad()
        loss = network(inputs).square().mean()
        loss.backward()
        return float(loss.detach())

    first = optimizer.step(closure)
    assert closure() < first


def test_only_lbfgs_needs_a_closure() -> None:
    assert [kind for kind in INSTALLED_OPTIMIZERS if kind().needs_closure] == [catalogue.LBFGS]


# --- combined -------------------------------------------------------------------------------


def combine_two(kind: type[catalogue.Optimizer]) -> tuple[list[nn.Module], CombinedOptimizer]:
    networks: list[nn.Module] = [build_small_network(1), build_small_network(2)]
    return networks, CombinedOptimizer([build_optimizer.build(kind(), part) for part in networks])


@pytest.mark.parametrize("kind", [catalogue.AdamW, catalogue.Muon, catalogue.LBFGS])
def test_combined_optimizers_step_as_each_does_by_itself(kind: type[catalogue.Optimizer]) -> None:
    (network, _), combined = combine_two(kind)
    other = build_small_network(1)
    optimizer = build_optimizer.build(kind(), other)

    for _ in range(3):
        step(other, optimizer, kind())
        step(network, combined.optimizers[0], kind())

    assert torch.equal(flat_weights(network), flat_weights(other))


def test_a_scale_multiplies_the_learning_rate_of_one_of_them() -> None:
    _, combined = combine_two(catalogue.Muon)

    build_optimizer.scale_lr(combined.optimizers[0], 3.0)
    build_optimizer.update_hyperparameters(combined.optimizers[1], catalogue.Muon(adamw_lr=0.5))

    assert [group["scale"] for group in combined.param_groups] == pytest.approx(
        [3.0, 0.15, 0.15, 1.0, 0.5, 0.5]
    )


@pytest.mark.parametrize("kind", INSTALLED_OPTIMIZERS)
def test_a_saved_optimizer_resumes_bit_by_bit(kind: type[catalogue.Optimizer]) -> None:
    uninterrupted, interrupted = build_small_network(), build_small_network()
    first = build_optimizer.build(kind(), uninterrupted)
    second = build_optimizer.build(kind(), interrupted)
    for _ in range(3):
        step(uninterrupted, first, kind())
        step(interrupted, second, kind())

    file = io.BytesIO()
    torch.save({"network": interrupted.state_dict(), "optimizer": second.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed = build_small_network(seed=9)
    resumed.load_state_dict(saved["network"])
    third = build_optimizer.build(kind(), resumed)
    third.load_state_dict(saved["optimizer"])
    for _ in range(3):
        step(uninterrupted, first, kind())
        step(resumed, third, kind())

    assert torch.equal(flat_weights(uninterrupted), flat_weights(resumed))


def test_two_networks_with_muon_are_restored_from_a_file() -> None:
    networks, combined = combine_two(catalogue.Muon)
    for network, optimizer in zip(networks, combined.optimizers, strict=True):
        step(network, optimizer, catalogue.Muon())
    file = io.BytesIO()
    torch.save(combined.state_dict(), file)
    file.seek(0)

    other_networks, restored = combine_two(catalogue.Muon)
    restored.load_state_dict(torch.load(file, weights_only=True))

    for parameter, other in zip(
        (p for network in networks for p in network.parameters()),
        (p for network in other_networks for p in network.parameters()),
        strict=True,
    ):
        for name, value in combined.state[parameter].items():
            assert torch.equal(restored.state[other][name], value)
    second = restored.optimizers[1]
    assert isinstance(second, CombinedOptimizer)
    muon = second.optimizers[0]
    assert muon.param_groups[0] is restored.param_groups[3]
    assert muon.state is restored.state
