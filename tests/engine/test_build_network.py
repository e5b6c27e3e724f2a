"""A built network: freezing, live knobs, copying weights."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.support.bitwise import find_differences
from tests.support.network_strategies import example_line
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Tokens
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan
from tuilab.core.network.registry import BLOCKS, LAYERS
from tuilab.engine.model import build_network

pytestmark = pytest.mark.usefixtures("passed_exercises")

CONVNET = (
    "Conv2d 4 3 padding=1",
    "BatchNorm2d",
    ("Residual", "Conv2d 4 3 padding=1", "BatchNorm2d"),
    "Flatten",
    "Linear 3",
)
IMAGES = torch.randn(6, 2, 5, 5, generator=torch.Generator().manual_seed(0))


def train_briefly(network: nn.Module, x: Tensor = IMAGES) -> dict[str, Tensor]:
    """Trains a few steps; returns all weights and statistics."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        network.train()
        network(x).square().sum().backward()
        optimizer.step()
    return copy.deepcopy(network.state_dict())


def changed_modules(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """Returns the names of the modules whose state differs."""
    return {name.rpartition(".")[0] for name in before if not before[name].equal(after[name])}


# --- freezing -----------------------------------------------------------------------------------


def test_a_frozen_layer_keeps_its_weights_and_its_statistics() -> None:
    lines = (CONVNET[0], "BatchNorm2d frozen=true", *CONVNET[2:])
    network = build_network.build(lines, (2, 5, 5))
    before = copy.deepcopy(network.state_dict())

    after = train_briefly(network)

    assert changed_modules(before, after) == {"0", "2.inside.0", "2.inside.1", "4"}
    assert not network[1].training and network.training


def test_all_layers_of_a_frozen_block_are_frozen() -> None:
    head, *inside = CONVNET[2]
    lines = (*CONVNET[:2], (f"{head} frozen=true", *inside), *CONVNET[3:])
    network = build_network.build(lines, (2, 5, 5))
    before = copy.deepcopy(network.state_dict())

    assert changed_modules(before, train_briefly(network)) == {"0", "1", "4"}


def test_layers_can_be_frozen_and_unfrozen_during_training() -> None:
    network = build_network.build(CONVNET, (2, 5, 5))
    start = train_briefly(network)
    frozen = (f"{CONVNET[0]} frozen=true", *CONVNET[1:])

    build_network.apply_live_knobs(network, frozen)
    assert all(p.grad is None for p in network[0].parameters())
    later = train_briefly(network)
    build_network.apply_live_knobs(network, CONVNET)
    end = train_briefly(network)

    assert "0" not in changed_modules(start, later)
    assert changed_modules(later, end) == {"0", "1", "2.inside.0", "2.inside.1", "4"}


def test_a_copy_of_a_frozen_network_stays_frozen() -> None:
    network = build_network.build((*CONVNET[:1], "BatchNorm2d frozen=true"), (2, 5, 5))

    twin = copy.deepcopy(network)
    twin.train()

    assert not twin[1].training


def test_freezing_keeps_the_mode_of_other_layers() -> None:
    network = build_network.build(CONVNET, (2, 5, 5)).eval()

    build_network.freeze(network, CONVNET)

    assert not any(module.training for module in network.modules())


# --- live knobs ---------------------------------------------------------------------------------


LIVE = [
    (name, knob)
    for name, kind in LAYERS.items()
    for knob, declaration in default_knobs(kind).items()
    if declaration.is_live and knob != "frozen"
]


@pytest.mark.parametrize(("name", "knob"), LIVE)
def test_every_live_knob_of_a_layer_can_change(name: str, knob: str) -> None:
    shape = {"1d": (3, 4), "2d": (3, 4, 4), "3d": (3, 4, 4, 4)}.get(name[-2:], (3,))
    line = example_line(LAYERS[name])
    network = build_network.build((line,), shape)

    build_network.apply_live_knobs(network, (f"{line} {knob}=0.25",))

    assert getattr(network[0], knob) == 0.25


def test_the_p_of_each_dropout_changes_by_itself() -> None:
    def lines(first: float, second: float, third: float) -> tuple[Line, ...]:
        inside = (f"Dropout {second}", ("Residual", f"AlphaDropout {third}"))
        return f"DropConnect 3 {first}", ("Repeat 2", *inside), "Tanh"

    network = build_network.build(lines(0.5, 0.5, 0.5), (3,))

    build_network.apply_live_knobs(network, lines(0.1, 0.2, 0.3))

    probabilities = [module.p for module in network.modules() if hasattr(module, "p")]
    assert probabilities == [0.1, 0.2, 0.3, 0.2, 0.3]


INPUTS = (Tokens((4,), vocabulary=5), (4,), (4, 4), (4, 8, 8), (392,), (4, 4, 4, 4))
"""Each layer accepts one of these shapes."""

# --- copying weights -----------------------------------------------------------------------


def test_layers_that_did_not_change_keep_weights_and_statistics() -> None:
    old = build_network.build((*CONVNET[:2], "BatchNorm2d affine=false", *CONVNET[3:]), (2, 5, 5))
    train_briefly(old)
    new = build_network.build(
        (*CONVNET[:2], "BatchNorm2d affine=false", "Flatten", "Linear 8", "Linear 3"), (2, 5, 5)
    )

    copied = build_network.copy_unchanged(old, new)

    assert copied == (3, 5)
    for index in (0, 1, 2):
        assert find_differences(old[index].state_dict(), new[index].state_dict()) == []


@pytest.mark.parametrize("name", sorted(set(LAYERS) - set(BLOCKS) - {"Backbone"}))
def test_the_weights_of_every_layer_are_copied_and_have_a_label(name: str) -> None:
    line = example_line(LAYERS[name])
    shape = next(shape for shape in INPUTS if plan((line,), shape).is_valid)
    old, new = build_network.build((line,), shape), build_network.build((line,), shape)

    copied, layers = build_network.copy_unchanged(old, new)

    assert copied == layers
    assert all(map(torch.equal, old.state_dict().values(), new.state_dict().values()))
    labeled = [
        p for parameters in build_network.parameters_by_layer(new).values() for p in parameters
    ]
    assert len(labeled) == len(list(new.parameters()))
    assert bool(labeled) == bool(parse(line).count_parameters(shape))


# --- properties ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("BatchNorm1d", (3,)), ("BatchNorm1d", (3, 1)), ("BatchNorm1d", (3, 2)),
        ("BatchNorm2d", (3, 1, 1)), ("BatchNorm2d", (3, 1, 2)), ("InstanceNorm2d", (3, 1, 2)),
        ("GroupNorm 1", (3,)), ("LayerNorm", (1,)), ("RMSNorm", (1,)), ("Dropout", (3,)),
    ],
)  # fmt: skip
def test_a_batch_of_one_is_refused_only_where_torch_refuses_it(
    line: str, shape: tuple[int, ...]
) -> None:
    assert plan((line,), shape).is_valid
    network = build_network.build((line,), shape)

    try:
        network(torch.zeros(1, *shape))
        is_refused = False
    except ValueError:
        is_refused = True

    assert build_network.has_batch_norm(network) == is_refused


def test_channels_last_is_for_two_dimensional_convolutions() -> None:
    assert build_network.has_convolution(build_network.build(CONVNET, (2, 5, 5)))
    assert not build_network.has_convolution(build_network.build(("Conv1d 3", "Flatten"), (2, 5)))
