"""Optimizers against PyTorch's own and their papers; which parameters they decay; live knobs."""

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.support.own import passed
from tuilab.core.catalogue import optimizers as lab
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import declared
from tuilab.engine.model.layers.embedding import ClassToken, LearnedPositions
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.combined import CombinedOptimizer

EVERY: tuple[type[lab.Optimizer], ...] = lab.AnyOptimizer.__args__

INPUTS = torch.randn(500, 5, generator=torch.Generator().manual_seed(2))
TARGETS = (INPUTS[:, 0] * INPUTS[:, 1] + INPUTS[:, 2].sin().mul(40).sin() > 0).long()
"""Too hard for L-BFGS to come to an end in a few steps."""


@pytest.fixture(autouse=True)
def _own() -> None:
    passed("optimizers")


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 16), nn.LayerNorm(16), nn.Tanh(),
        nn.Linear(16, 2),
    )  # fmt: skip


def step(subject: nn.Module, optimizer: torch.optim.Optimizer, knobs: lab.Optimizer) -> float:
    """One step on all examples, as the training loop takes it; the loss before it."""

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(subject(INPUTS), TARGETS)
        loss.backward()
        return loss.detach()

    for group in optimizer.param_groups:
        group["lr"] = knobs.lr * group.get("scale", 1.0)
    if build_optimizer.needs_closure(knobs):
        return float(optimizer.step(closure))
    loss = closure()
    optimizer.step()
    return loss.item()


def row(subject: nn.Module) -> Tensor:
    """All parameters in one row."""
    return torch.cat([p.detach().flatten() for p in subject.parameters()])


# --- what a step does -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("knobs", "reference"),
    [
        (lab.SGD(lr=0.3, momentum=0.9, nesterov=True, weight_decay=0.1), torch.optim.SGD),
        (lab.SGD(lr=0.3, momentum=0.8, dampening=0.5), torch.optim.SGD),
        (lab.Adagrad(lr=0.1, initial_accumulator_value=0.1), torch.optim.Adagrad),
        (lab.Adadelta(rho=0.8, eps=1e-4, weight_decay=0.1), torch.optim.Adadelta),
        (lab.RMSprop(alpha=0.9, momentum=0.5, centered=True), torch.optim.RMSprop),
        (lab.Adam(lr=0.02, betas=(0.8, 0.99), weight_decay=0.1), torch.optim.Adam),
        (lab.Adam(lr=0.02, amsgrad=True), torch.optim.Adam),
        (lab.AdamW(lr=0.02, weight_decay=0.3), torch.optim.AdamW),
        (lab.NAdam(lr=0.02, momentum_decay=0.01), torch.optim.NAdam),
        (lab.NAdam(weight_decay=0.3, decoupled_weight_decay=True), torch.optim.NAdam),
        (lab.RAdam(lr=0.02, weight_decay=0.3, decoupled_weight_decay=True), torch.optim.RAdam),
        (lab.LBFGS(lr=0.5, max_iter=4, history_size=3), torch.optim.LBFGS),
        (lab.LBFGS(lr=0.1, max_iter=3, line_search_fn="none"), torch.optim.LBFGS),
    ],
    ids=lambda knobs: type(knobs).__name__ if isinstance(knobs, lab.Optimizer) else "",
)
def test_every_optimizer_steps_as_torch_does_one_by_one(knobs: Any, reference: Any) -> None:
    ours, theirs = network(), network()
    if isinstance(knobs, lab.Decaying):
        knobs = type(knobs)(**{**_fields(knobs), "weight_decay_on": "all"})
    fast = build_optimizer.build(knobs, ours)
    arguments = {k: v for k, v in _fields(knobs).items() if k != "weight_decay_on"}
    if arguments.get("line_search_fn") == "none":
        arguments["line_search_fn"] = None
    if reference is not torch.optim.LBFGS:
        arguments["foreach"] = False
    slow = reference(theirs.parameters(), **arguments)

    for _ in range(8):
        step(ours, fast, knobs)
        step(theirs, slow, knobs)

    assert torch.allclose(row(ours), row(theirs), atol=2e-6)


def _fields(knobs: lab.Optimizer) -> dict[str, Any]:
    return {name: getattr(knobs, name) for name in knobs.__struct_fields__}


def test_lion_is_that_of_the_paper() -> None:
    knobs = lab.Lion(lr=0.01, betas=(0.8, 0.95), weight_decay=0.5, weight_decay_on="all")
    ours = nn.Parameter(torch.linspace(-1, 1, 7))
    theirs, mean = ours.detach().clone(), torch.zeros(7)
    optimizer = build_optimizer.build(knobs, [ours])

    for number in range(6):
        gradient = torch.sin(5 * ours.detach() + number)
        ours.grad = gradient
        optimizer.step()
        # arXiv 2302.06675, algorithm 2, line by line.
        update = torch.sign(0.8 * mean + 0.2 * gradient)
        theirs = theirs - 0.01 * (update + 0.5 * theirs)
        mean = 0.95 * mean + 0.05 * gradient

    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("kind", EVERY)
def test_every_optimizer_lowers_a_loss(kind: type[lab.Optimizer]) -> None:
    subject, knobs = network(), kind()
    if kind in (lab.Lion, lab.RAdam, lab.Adam, lab.AdamW, lab.NAdam):
        knobs = kind(lr=0.02)
    optimizer = build_optimizer.build(knobs, subject)

    losses = [step(subject, optimizer, knobs) for _ in range(20)]

    assert losses[-1] < 0.97 * losses[0], losses


# --- Muon -----------------------------------------------------------------------------------


def test_muon_turns_hidden_matrices_and_leaves_the_rest_to_adamw() -> None:
    subject = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Flatten(1, 2), nn.Linear(6, 8), LearnedPositions(16, 8),
        nn.LayerNorm((16, 8)), nn.RNN(8, 8, batch_first=True), nn.Linear(8, 3),
    )  # fmt: skip

    optimizer = build_optimizer.build(lab.Muon(), subject)

    assert isinstance(optimizer, CombinedOptimizer)
    muon, adamw = optimizer.optimizers
    turned = {id(p) for group in muon.param_groups for p in group["params"]}
    names = [name for name, p in subject.named_parameters() if id(p) in turned]
    assert isinstance(muon, torch.optim.Muon)
    assert isinstance(adamw, torch.optim.AdamW)
    assert names == ["2.weight", "5.weight_ih_l0", "5.weight_hh_l0"]
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len([*subject.parameters()])


def test_muon_steps_as_torch_does_with_an_adamw_beside_it() -> None:
    knobs = lab.Muon(lr=0.02, weight_decay=0.1, adamw_lr=0.1, adjust_lr_fn="match_rms_adamw")
    ours, theirs = network(), network()
    optimizer = build_optimizer.build(knobs, ours)
    hidden = [theirs[0].weight, theirs[2].weight]
    others = [p for p in theirs.parameters() if all(p is not h for h in hidden)]
    muon = torch.optim.Muon(hidden, 0.02, 0.1, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in others if p.ndim > 1], "weight_decay": 0.1},
            {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=0.002,
    )

    for _ in range(5):
        step(ours, optimizer, knobs)
        for one in (muon, adamw):
            one.zero_grad()
        F.cross_entropy(theirs(INPUTS), TARGETS).backward()
        for one in (muon, adamw):
            one.step()

    assert torch.allclose(row(ours), row(theirs), atol=1e-6)


def test_muon_without_a_hidden_matrix_is_refused() -> None:
    with pytest.raises(InputError, match=r"optimizer\.name: muon moves the matrices of hidden"):
        build_optimizer.build(lab.Muon(), nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(2, 2)))


# --- weight decay ---------------------------------------------------------------------------


def everything() -> nn.Sequential:
    return nn.Sequential(
        nn.Embedding(9, 4), LearnedPositions(3, 4), ClassToken(4), nn.MultiheadAttention(4, 2),
        nn.LayerNorm((3, 4)), nn.RMSNorm((3, 4)), nn.GroupNorm(1, 4), nn.BatchNorm2d(4),
        nn.PReLU(4), nn.LSTM(4, 3), nn.Conv2d(4, 2, 3), nn.ConvTranspose2d(2, 4, 3),
        nn.Linear(4, 2),
    )  # fmt: skip


def test_only_matrices_and_kernels_decay() -> None:
    subject = everything()
    optimizer = build_optimizer.build(lab.AdamW(weight_decay=0.1), subject)

    decayed = {
        id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]
    }

    assert [name for name, p in subject.named_parameters() if id(p) in decayed] == [
        "3.in_proj_weight", "3.out_proj.weight",
        "9.weight_ih_l0", "9.weight_hh_l0",
        "10.weight", "11.weight", "12.weight",
    ]  # fmt: skip
    assert len(optimizer.param_groups) == 2


@pytest.mark.parametrize("kind", [k for k in EVERY if issubclass(k, lab.Decaying)])
def test_weight_decay_pulls_weights_and_on_demand_all_and_moves_live(kind: Any) -> None:
    subject = network()
    optimizer = build_optimizer.build(kind(weight_decay=0.5), subject)
    assert {g["weight_decay"] for g in optimizer.param_groups if g["decays"]} == {0.5}
    assert {g["weight_decay"] for g in optimizer.param_groups if not g["decays"]} == {0.0}

    build_optimizer.adjust(optimizer, kind(weight_decay=0.25, weight_decay_on="all"))
    assert {g["weight_decay"] for g in optimizer.param_groups} == {0.25}

    build_optimizer.adjust(optimizer, kind(weight_decay=0.0))
    assert {g["weight_decay"] for g in optimizer.param_groups} == {0.0}


def test_all_parameters_are_moved_once() -> None:
    for kind in EVERY:
        optimizer = build_optimizer.build(kind(), everything())
        held = [id(p) for group in optimizer.param_groups for p in group["params"]]
        assert len(held) == len(set(held)) == len([*everything().parameters()]), kind


def test_tied_weights_are_moved_once() -> None:
    subject = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 9, bias=False))
    subject[2].weight = subject[0].weight

    optimizer = build_optimizer.build(lab.AdamW(), subject)

    assert sum(len(group["params"]) for group in optimizer.param_groups) == 3


# --- while it runs --------------------------------------------------------------------------


def _other(value: Any, knob: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return tuple(0.5 * part for part in value)
    if isinstance(value, int):
        return max(1, value // 3)
    if isinstance(value, str):
        return next(choice for choice in knob.choices if choice != value)
    return 0.5 * value if value else 0.5


LIVE = [(kind, name) for kind in EVERY for name, knob in declared(kind).items() if knob.live]


@pytest.mark.parametrize(("kind", "name"), LIVE, ids=lambda x: getattr(x, "__name__", x))
def test_every_live_knob_moves_to_and_fro_between_steps(kind: Any, name: str) -> None:
    subject, first = network(), kind()
    other = kind(**{name: _other(getattr(first, name), declared(kind)[name])})
    optimizer = build_optimizer.build(first, subject)

    for knobs in (first, first, other, other, first, other):
        build_optimizer.adjust(optimizer, knobs)
        before = row(subject)
        step(subject, optimizer, knobs)
        assert not torch.equal(row(subject), before)
        assert row(subject).isfinite().all()


def test_a_knob_that_is_moved_leaves_the_memory_of_past_gradients() -> None:
    subject = network()
    optimizer = build_optimizer.build(lab.Adam(), subject)
    step(subject, optimizer, lab.Adam())
    mean = optimizer.state[subject[0].weight]["exp_avg"].clone()

    build_optimizer.adjust(optimizer, lab.Adam(lr=0.5, betas=(0.5, 0.9)))

    assert torch.equal(optimizer.state[subject[0].weight]["exp_avg"], mean)
    assert {g["betas"] for g in optimizer.param_groups} == {(0.5, 0.9)}


def test_sums_of_adagrad_that_begin_elsewhere_are_moved_along() -> None:
    first, other = network(), network()
    moved = build_optimizer.build(lab.Adagrad(), first)
    step(first, moved, lab.Adagrad())
    began_there = build_optimizer.build(lab.Adagrad(initial_accumulator_value=0.25), other)
    step(other, began_there, lab.Adagrad())

    build_optimizer.adjust(moved, lab.Adagrad(initial_accumulator_value=0.25))

    for ours, theirs in zip(first.parameters(), other.parameters(), strict=True):
        assert torch.allclose(moved.state[ours]["sum"], began_there.state[theirs]["sum"])


@pytest.mark.parametrize("kind", EVERY)
def test_a_layer_that_is_frozen_stays_and_then_learns_again(kind: type[lab.Optimizer]) -> None:
    more = {"momentum": 0.9, "dampening": 0.5} if kind is lab.SGD else {}
    subject, knobs = network(), kind(**more)
    optimizer = build_optimizer.build(knobs, subject)
    layer, before = subject[2], subject[2].weight.clone()

    layer.requires_grad_(False)
    for parameter in layer.parameters():
        parameter.grad = None
    step(subject, optimizer, knobs)
    step(subject, optimizer, knobs)
    assert torch.equal(layer.weight, before)

    layer.requires_grad_(True)
    step(subject, optimizer, knobs)
    learned = layer.weight.clone()
    assert not torch.equal(learned, before)

    layer.requires_grad_(False)
    for parameter in layer.parameters():
        parameter.grad = None
    step(subject, optimizer, knobs)
    assert torch.equal(layer.weight, learned)


def test_lbfgs_steps_on_channels_last_kernels() -> None:
    subject = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 2))
    subject.to(memory_format=torch.channels_last)
    optimizer = build_optimizer.build(lab.LBFGS(max_iter=4), subject)
    inputs = torch.randn(8, 2, 4, 4).to(memory_format=torch.channels_last)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = subject(inputs).square().mean()
        loss.backward()
        return loss.detach()

    first = float(optimizer.step(closure))
    assert float(closure()) < first


def test_only_lbfgs_needs_a_closure() -> None:
    assert [kind for kind in EVERY if build_optimizer.needs_closure(kind())] == [lab.LBFGS]


# --- together -------------------------------------------------------------------------------


def two_sides(kind: type[lab.Optimizer]) -> tuple[list[nn.Module], CombinedOptimizer]:
    sides: list[nn.Module] = [network(1), network(2)]
    return sides, CombinedOptimizer([build_optimizer.build(kind(), side) for side in sides])


@pytest.mark.parametrize("kind", [lab.AdamW, lab.Muon, lab.LBFGS])
def test_optimizers_together_step_as_each_by_itself(kind: type[lab.Optimizer]) -> None:
    (side, _), both = two_sides(kind)
    alone = network(1)
    optimizer = build_optimizer.build(kind(), alone)

    for _ in range(3):
        step(alone, optimizer, kind())
        step(side, both.optimizers[0], kind())

    assert torch.equal(row(side), row(alone))


def test_a_scale_multiplies_the_rate_of_one_of_them() -> None:
    _, both = two_sides(lab.Muon)

    build_optimizer.scale(both.optimizers[0], 3.0)
    build_optimizer.adjust(both.optimizers[1], lab.Muon(adamw_lr=0.5))

    assert [group["scale"] for group in both.param_groups] == pytest.approx(
        [3.0, 0.15, 0.15, 1.0, 0.5, 0.5]
    )


@pytest.mark.parametrize("kind", EVERY)
def test_one_that_was_saved_goes_on_bitwise_as_if_nothing_had_happened(kind: Any) -> None:
    whole, parted = network(), network()
    first = build_optimizer.build(kind(), whole)
    second = build_optimizer.build(kind(), parted)
    for _ in range(3):
        step(whole, first, kind())
        step(parted, second, kind())

    file = io.BytesIO()
    torch.save({"network": parted.state_dict(), "optimizer": second.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed = network(seed=9)
    resumed.load_state_dict(saved["network"])
    third = build_optimizer.build(kind(), resumed)
    third.load_state_dict(saved["optimizer"])
    for _ in range(3):
        step(whole, first, kind())
        step(resumed, third, kind())

    assert torch.equal(row(whole), row(resumed))


def test_two_sides_with_muon_survive_a_file() -> None:
    sides, both = two_sides(lab.Muon)
    for side, one in zip(sides, both.optimizers, strict=True):
        step(side, one, lab.Muon())
    file = io.BytesIO()
    torch.save(both.state_dict(), file)
    file.seek(0)

    others, again = two_sides(lab.Muon)
    again.load_state_dict(torch.load(file, weights_only=True))

    for parameter, same in zip(
        (p for side in sides for p in side.parameters()),
        (p for side in others for p in side.parameters()),
        strict=True,
    ):
        for name, memory in both.state[parameter].items():
            assert torch.equal(again.state[same][name], memory)
    muon = again.optimizers[1].optimizers[0]
    assert muon.param_groups[0] is again.param_groups[3]
    assert muon.state is again.state
