"""A network that is changed while it trains: same outputs, same optimizer, same generators."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.support.bitwise import find_differences
from tests.support.tiny_sessions import flatten_parameters, layer_at, make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.core.network.line import Line
from tuilab.core.network.surgery import plan_surgery
from tuilab.engine import checkpoint, checkpoint_file
from tuilab.engine.live_surgery import change_network
from tuilab.engine.model import build_network
from tuilab.engine.model.surgery import (
    fill,
    find_sources,
    find_twins,
    map_tensors,
    zero_added_biases,
)
from tuilab.engine.session import Session

MLP: tuple[Line, ...] = ("Linear 8", "ReLU", "Linear 6", "BatchNorm1d", "Tanh", "Linear 3")
WIDER: tuple[Line, ...] = ("Linear 12", "ReLU", "Linear 16", "BatchNorm1d", "Tanh", "Linear 3")


def operate(
    before: tuple[Line, ...], after: tuple[Line, ...], shape: tuple[int, ...],
    noise: float = 0.1, dtype: torch.dtype = torch.float64,
) -> float:  # fmt: skip
    """Returns the largest difference of the outputs of a random network that is changed."""
    torch.manual_seed(3)
    old = build_network.build(before, shape).to(dtype)
    for parameter in old.parameters():  # also the scales of norms, which begin alike
        parameter.data += 0.1 * torch.randn_like(parameter)
    old(torch.randn(16, *shape, dtype=dtype))  # running statistics
    plan = plan_surgery(before, after, shape, twins=find_twins(old, before))
    assert plan.is_possible, plan.obstacles
    assert plan.preserves_output, plan.surgeries
    new = build_network.build(after, shape).to(dtype)
    sources = find_sources(old, before, new, after, plan, noise)
    fill(new, after, plan)
    zero_added_biases(new, sources)
    new.load_state_dict(map_tensors(sources, old.state_dict(), new.state_dict()))
    inputs = torch.randn(8, *shape, dtype=dtype)
    with torch.no_grad():
        return float((old.eval()(inputs) - new.eval()(inputs)).abs().max())


WIDTHS = st.integers(1, 9)
ACTIVATIONS = st.sampled_from(["ReLU", "Tanh", "GELU", "LeakyReLU 0.1", "PReLU", "Identity"])


@st.composite
def grown_networks(draw: st.DrawFn) -> tuple[tuple[Line, ...], tuple[Line, ...], tuple[int, ...]]:
    """Draws a random network, and the same wider and deeper."""
    is_image = draw(st.booleans())
    layer, norm = ("Conv2d {} padding=1", "BatchNorm2d") if is_image else ("Linear {}", "LayerNorm")
    before: list[Line] = []
    after: list[Line] = []
    for _ in range(draw(st.integers(1, 3))):
        width = draw(WIDTHS) + 1
        wider = width * draw(st.integers(1, 3)) if not is_image else width + draw(WIDTHS) - 1
        before.append(layer.format(width))
        after.append(layer.format(wider))
        if draw(st.booleans()):
            before.append(norm)
            after.append(norm)
        activation = draw(ACTIVATIONS)
        before.append(activation)
        after.append(activation)
        match draw(st.integers(0, 3)):
            case 0:
                after.append(layer.format(wider + draw(WIDTHS) - 1))
            case 1:
                inside = [layer.format(width), "ReLU", layer.format(width)]
                before.append(("Residual", *inside))
                after.append(("Residual", layer.format(width + 2), "ReLU", layer.format(wider)))
            case 2:
                block = ("Residual", layer.format(draw(WIDTHS)), "Tanh", layer.format(wider))
                after.append(block)
    if is_image:
        before += ["MaxPool2d 2", "Flatten"]
        after += ["MaxPool2d 2", "Flatten"]
    return (*before, "Linear 3"), (*after, "Linear 3"), ((2, 6, 6) if is_image else (3,))


@settings(max_examples=60, deadline=None)
@given(grown_networks(), st.sampled_from([0.0, 0.1]))
def test_grown_networks_compute_the_same(
    networks: tuple[tuple[Line, ...], tuple[Line, ...], tuple[int, ...]], noise: float
) -> None:
    before, after, shape = networks
    if not plan_surgery(before, after, shape).preserves_output:
        return  # a LayerNorm over features of which some have more copies
    assert operate(before, after, shape, noise) < 1e-12
    assert operate(before, after, shape, noise, torch.float32) < 1e-5


@pytest.mark.parametrize(
    ("before", "after", "shape"),
    [
        (("Conv1d 4", "BatchNorm1d", "ReLU", "AdaptiveAvgPool1d 1", "Flatten", "Linear 3"),
         ("Conv1d 7", "BatchNorm1d", "ReLU", "Conv1d 7 padding=same", "ReLU",
          "AdaptiveAvgPool1d 1", "Flatten", "Linear 3"), (2, 9)),
        (("Linear 4", "ReLU", "Unflatten (4,1,1)", "ConvTranspose2d 6 4", "ReLU",
          "ConvTranspose2d 1 4 stride=2", "Flatten"),
         ("Linear 4", "ReLU", "Unflatten (4,1,1)", "ConvTranspose2d 9 4", "ReLU",
          "ConvTranspose2d 1 4 stride=2", "Flatten"), (2,)),
        (("Linear 4", "LSTM 5 returns=sequence", "SelectPosition -1", "Linear 3"),
         ("Linear 7", "LSTM 5 returns=sequence", "SelectPosition -1", "Linear 3"), (6, 2)),
        (("Transpose", "Conv1d 4", "Transpose", "MeanOverPositions", "Linear 3"),
         ("Transpose", "Conv1d 6", "Transpose", "MeanOverPositions", "Linear 3"), (6, 2)),
        ((("Parallel", "Conv2d 3 padding=1", "Conv2d 2 1"), "ReLU", "Flatten", "Linear 3"),
         (("Parallel", "Conv2d 5 padding=1", "Conv2d 4 1"), "ReLU", "Flatten", "Linear 3"),
         (1, 4, 4)),
        ((("Repeat 2", "Linear 4", "ReLU", "Linear 3"), "Linear 3"),
         (("Repeat 2", "Linear 7", "ReLU", "Linear 3"), "Linear 3"), (3,)),
        (("Linear 4 bias=false", "ReLU", "Linear 3"), ("Linear 9", "ReLU", "Linear 3"), (2,)),
        (("Conv2d 3 5 padding=2 dilation=1", "ReLU", "Flatten", "Linear 3"),
         ("Conv2d 3 5 padding=2 dilation=1", "ReLU", "Conv2d 5 5 padding=4 dilation=2",
          "Flatten", "Linear 3"), (1, 6, 6)),
    ],
)  # fmt: skip
def test_layers_of_many_kinds_compute_the_same(
    before: tuple[Line, ...], after: tuple[Line, ...], shape: tuple[int, ...]
) -> None:
    assert operate(before, after, shape) < 1e-12


def test_the_reverse_brings_the_same_outputs_back() -> None:
    session = make_session(*MLP)
    train_steps(session, 7)
    for lines in (WIDER, (*WIDER[:2], "Linear 20", *WIDER[2:]), WIDER, MLP):
        assert change_network(session, lines).difference < 1e-5


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop", "lion", "adagrad", "nadam"])
def test_copies_are_remembered_as_if_they_had_been_there_all_along(optimizer: str) -> None:
    """A network that is widened and trained equals one that is trained and widened."""
    tables: dict[str, Any] = {"optimizer": {"name": optimizer, "lr": 0.01}}
    if optimizer == "sgd":
        tables["optimizer"]["momentum"] = 0.9
    late, early = (make_session(*MLP, **tables) for _ in range(2))
    for session in (late, early):
        session.use_network(session.network.double())
    late.dataset.train.inputs.data = late.dataset.train.inputs.double()
    early.dataset.train.inputs.data = early.dataset.train.inputs.double()
    change_network(early, WIDER, noise=0.0)
    for session in (late, early):
        train_steps(session, 1)
    change_network(late, WIDER, noise=0.0)
    states = [
        {n: s.optimizer.state[p] for n, p in s.network.named_parameters()} for s in (late, early)
    ]
    for name, state in states[0].items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor) and value.dim():
                torch.testing.assert_close(value, states[1][name][key], rtol=1e-6, atol=1e-12)


def test_copies_do_not_stay_copies() -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3", epochs=30)
    train_steps(session, 5)
    change_network(session, ("Linear 8", "Tanh", "Linear 3"))
    weight = session.parameters[0].detach()
    assert torch.equal(weight[:4], weight[4:])
    train_steps(session, 20)
    weight = session.parameters[0].detach()
    assert float((weight[:4] - weight[4:]).abs().max()) > 1e-3


@pytest.mark.parametrize("optimizer", ["muon", "lbfgs", "adafactor", "rprop", "asgd", "radam"])
def test_every_optimizer_goes_on(optimizer: str) -> None:
    session = make_session(*MLP, optimizer={"name": optimizer}, epochs=9)
    train_steps(session, 4)
    event = change_network(session, WIDER)
    assert event.difference < 1e-4
    assert bool(event.forgotten) is (optimizer in ("lbfgs", "adafactor"))
    train_steps(session, 4)
    assert flatten_parameters(session).isfinite().all()


@pytest.mark.parametrize("averaging", ["ema", "swa"])
def test_the_average_of_the_weights_is_changed_as_well(averaging: str) -> None:
    tables: dict[str, Any] = {"averaging": {"name": averaging}, "epochs": 8}
    session = make_session(*MLP, regularization={"patience": 9}, **tables)
    train_steps(session, 45)
    inputs = session.dataset.train.inputs
    before = session.predict(inputs)
    change_network(session, WIDER)
    torch.testing.assert_close(session.predict(inputs), before, rtol=1e-4, atol=1e-5)
    assert session.early_stopping.restore()
    train_steps(session, 3)


def test_generators_and_position_are_as_before() -> None:
    session = make_session("Linear 8", "ReLU", "Dropout 0.5", "Linear 3")
    train_steps(session, 3)
    state, position = torch.get_rng_state(), (session.step, session.epoch, session.offset)
    change_network(session, ("Linear 9", "ReLU", "Dropout 0.5", "Linear 3"))
    assert torch.equal(torch.get_rng_state(), state)
    assert (session.step, session.epoch, session.offset) == position


def test_it_goes_on_from_a_checkpoint_bitwise() -> None:
    session = make_session(*MLP, epochs=4)
    train_steps(session, 6)
    change_network(session, WIDER)
    state = checkpoint.capture_state(session)
    train_steps(session, 9)
    resumed = Session("run", session.experiment, session.dataset, session.device)
    checkpoint.restore_state(resumed, state)
    train_steps(resumed, 9)
    assert torch.equal(flatten_parameters(session), flatten_parameters(resumed))


def test_after_a_failure_it_goes_back_to_the_changed_network() -> None:
    session = make_session(*MLP)
    train_steps(session, 3)
    change_network(session, WIDER)
    good = flatten_parameters(session)
    session.parameters[0].data.fill_(float("nan"))
    checkpoint.rewind(session)
    assert torch.equal(flatten_parameters(session), good)


def test_a_layer_is_reset() -> None:
    session = make_session(*MLP)
    train_steps(session, 5)
    first, third = (layer_at(session, index, nn.Linear).weight.detach().clone() for index in (0, 2))
    event = change_network(session, MLP, reset=((2,),))
    assert event.changes == ["Linear begins with new weights"]
    assert torch.equal(layer_at(session, 0, nn.Linear).weight, first)
    assert not torch.equal(layer_at(session, 2, nn.Linear).weight, third)
    assert layer_at(session, 2, nn.Linear).weight not in session.optimizer.state
    with pytest.raises(InputError, match="ReLU has no weights to reset"):
        change_network(session, MLP, reset=((1,),))


def test_labels_follow_their_layers() -> None:
    session = make_session("Linear 8", "ReLU", "Linear 3")
    event = change_network(session, ("Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 3"))
    assert event.layers == {"1 Linear": "1 Linear", "2 Linear": "3 Linear"}


def test_what_is_not_possible_changes_nothing() -> None:
    session = make_session(*MLP)
    train_steps(session, 3)
    before = flatten_parameters(session)
    network, optimizer = session.network, session.optimizer
    for lines, reason in (
        (("Linear 8", "Linear 3"), "line"),
        (("Linear 8", "ReLU", "Linear 4"), "network"),
        (MLP, "the network is the same"),
    ):
        with pytest.raises(InputError, match=reason):
            change_network(session, lines)
    session.parameters[0].data[0, 0] = float("inf")
    with pytest.raises(InputError, match="not finite"):
        change_network(session, WIDER)
    assert session.network is network
    assert session.optimizer is optimizer
    assert torch.equal(flatten_parameters(session)[1:], before[1:])


def test_a_gan_keeps_both_sides() -> None:
    lines: tuple[Line, ...] = (
        ("Generator", "Linear 8", "ReLU", "Linear 2"),
        ("Discriminator", "Linear 8", "ReLU", "Linear 1"),
    )
    session = make_session(
        *lines, task={"name": "gan", "latent": 3}, loss={"name": "bce"}, data={"name": "blobs"}
    )
    train_steps(session, 3)
    event = change_network(
        session,
        (("Generator", "Linear 12", "ReLU", "Linear 2"),
         ("Discriminator", "Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 1")),
    )  # fmt: skip
    assert event.difference < 1e-5
    train_steps(session, 3)


def test_the_snapshot_before_a_change_has_the_network_before() -> None:
    session = make_session(*MLP)
    train_steps(session, 3)
    before = checkpoint.capture_state(session)["network"]
    change_network(session, WIDER)
    train_steps(session, 2)
    state = session.snapshots.load(3)
    assert find_differences(state["network"], before) == []
    assert checkpoint_file.decode_experiment(state, Path()).network == MLP
