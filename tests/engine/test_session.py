"""A session: changes of its knobs, and what it refuses."""

from typing import Any

import pytest
import torch

from tests.support.datasets import CPU
from tests.support.not_none import not_none
from tests.support.tiny_sessions import (
    flatten_parameters,
    load_session,
    make_dataset,
    make_experiment,
    make_session,
    train_steps,
)
from tuilab.core.errors import InputError
from tuilab.engine.session import Session
from tuilab.engine.train import train


def test_live_knobs_reach_the_optimizer_and_the_loop() -> None:
    session = make_session(optimizer={"name": "sgd", "lr": 0.1}, epochs=50)
    train_steps(session, 2)

    session.set_knob("optimizer.lr", 0.01)
    session.set_knob("optimizer.momentum", 0.5)
    session.set_knob("optimizer.weight_decay", 0.2)
    session.set_knob("data.batch_size", 20)
    event = session.set_knob("training.epochs", 1)

    group = session.optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.5, 0.2)
    assert (event.step, event.key, event.value) == (2, "training.epochs", 1)
    list(train(session))
    assert group["lr"] == 0.01
    assert session.step == 2 + 2  # 37 examples were left, in batches of 20


def test_dropout_changes_during_training_also_inside_blocks() -> None:
    block = ["Repeat 2", "Linear 8", "Dropout 0.1"]
    session = make_session("Linear 8", block, "Dropout 0.2", "Linear 3")

    session.set_knob(
        "network", ["Linear 8", ["Repeat 2", "Linear 8", "Dropout 0.6"], "Dropout 0.7", "Linear 3"]
    )

    probabilities = [m.p for m in session.network.modules() if isinstance(m, torch.nn.Dropout)]
    assert probabilities == [0.6, 0.6, 0.7]


@pytest.mark.parametrize(
    ("key", "value"),
    [("network", ["Linear 9", "Tanh", "Linear 3"]), ("data.noise", 0.5), ("seed", 3)],
)
def test_a_change_that_needs_a_restart_is_refused_with_a_reason(key: str, value: object) -> None:
    with pytest.raises(InputError, match="needs a restart"):
        make_session().set_knob(key, value)


@pytest.mark.parametrize(
    ("key", "value"), [("optimizer.lr", -1), ("data.batch_size", -1), ("optimizer.lrr", 1)]
)
def test_an_invalid_live_value_changes_nothing(key: str, value: object) -> None:
    session = make_session()
    before = session.experiment

    with pytest.raises(InputError):
        session.set_knob(key, value)

    assert session.experiment is before


def test_another_optimizer_continues_with_the_same_weights() -> None:
    session = make_session(optimizer={"name": "sgd", "lr": 0.1})
    train_steps(session, 3)
    before = flatten_parameters(session)

    session.set_knob("optimizer.name", "adam")

    assert isinstance(session.optimizer, torch.optim.Adam)
    assert torch.equal(flatten_parameters(session), before)
    train_steps(session, 1)
    assert not torch.equal(flatten_parameters(session), before)


def test_a_batch_of_one_under_batch_norm_is_refused_before_training() -> None:
    with pytest.raises(InputError, match="batch norm cannot train on a batch of one"):
        make_session("Linear 8", "BatchNorm1d", "Linear 3", batch_size=1)


def test_a_last_batch_of_one_under_batch_norm_is_left_out() -> None:
    with_norm = make_session("Linear 8", "BatchNorm1d", "Linear 3", batch_size=8, epochs=1)
    without = make_session(batch_size=8, epochs=1)  # 57 = 7 * 8 + 1

    list(train(with_norm))
    list(train(without))

    assert (with_norm.step, without.step) == (7, 8)


def test_no_examples_are_refused_before_training() -> None:
    with pytest.raises(InputError, match="no examples"):
        Session("run", make_experiment(), make_dataset(examples=0), CPU)


def test_unchanged_layers_keep_their_weights() -> None:
    before = make_session("Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 3")
    after = make_session(
        "Linear 8", "Tanh", "Linear 5", "Tanh", "Linear 8", "Tanh", "Linear 3", seed=9
    )

    note = after.copy_unchanged_weights(before)

    assert note == "2 of 4 layers keep their weights"
    old, new = before.network.state_dict(), after.network.state_dict()
    assert torch.equal(new["0.weight"], old["0.weight"])
    assert torch.equal(new["6.weight"], old["4.weight"])


def test_the_session_reports_its_parameters_examples_and_device() -> None:
    event = make_session().started_event()

    assert event.parameters == 2 * 8 + 8 + 8 * 3 + 3
    assert event.batches == 6
    assert event.examples == {"train": 57, "validation": 20, "test": 20}
    assert event.device == "cpu"


def test_a_prediction_that_fails_leaves_the_network_training() -> None:
    session = make_session("Linear 8", "Dropout 0.5", "Linear 3")

    with pytest.raises(RuntimeError):
        session.predict(torch.zeros(4, 7))

    assert session.network.training


def test_a_value_that_could_not_be_started_with_is_not_set() -> None:
    session = make_session()

    with pytest.raises(InputError, match=r"loss\.weight: 2 weights for 3 classes"):
        session.set_knob("loss.weight", (1.0, 2.0))
    with pytest.raises(InputError, match="Nesterov needs a momentum"):
        session.set_knob("optimizer.name", "sgd")
        session.set_knob("optimizer.nesterov", True)

    assert session.experiment.loss == make_experiment().loss
    list(train(session))
    session.set_knob("loss.weight", (1.0, 2.0, 3.0))
    assert not_none(session.task.class_weights).tolist() == [1, 2, 3]


@pytest.mark.parametrize("first", [[], [["Residual", "GroupNorm 1"]], ["CELU"]])
def test_a_group_norm_of_the_input_trains_in_channels_last_format(first: list[Any]) -> None:
    network = [*first, "GroupNorm 1", "Conv2d 4 3", "Flatten", "Linear 10"]
    session = load_session(
        {"network": network, "data": {"name": "glyphs", "samples": 40, "batch_size": 20}}
    )
    before = flatten_parameters(session)

    train_steps(session, 1)

    assert session.is_channels_last
    assert not torch.equal(flatten_parameters(session), before)
