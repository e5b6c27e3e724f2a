"""What is told of activations and inputs at a probed step, and that nothing of it stays."""

import pytest
import torch
from torch import nn

from tests.support.tiny import session
from tuilab.engine.probes.activations import ActivationProbe, state_growth, activation_fractions, input_spread, observed_modules
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.step import UNOBSERVED, optimizer_step


def hooks(network: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules()
    )


def test_shares_of_zeros_and_of_dead_units() -> None:
    output = torch.tensor([[0.0, 0.0, 1.0, 2.0], [0.0, 3.0, 0.0, 1.0]])

    zeros, dead, saturated, *_ = activation_fractions(nn.ReLU(), output).tolist()

    assert (zeros, dead, saturated) == (0.5, 0.25, 0.0)


def test_a_unit_of_a_picture_is_a_channel() -> None:
    output = torch.zeros(2, 4, 3, 3)
    output[1, 2, 0, 0] = 1.0

    assert activation_fractions(nn.ReLU(), output)[1] == 0.75


def test_what_lies_at_an_end_is_saturated() -> None:
    assert activation_fractions(nn.Tanh(), torch.tensor([-0.99, 0.98, 0.9, 0.0]))[2] == 0.5
    assert activation_fractions(nn.Sigmoid(), torch.tensor([0.01, 0.99, 0.95, 0.5]))[2] == 0.5


def test_the_spread_of_inputs_is_that_of_the_extreme_features() -> None:
    inputs = torch.tensor([[1.0, -100.0], [3.0, -300.0]])

    told = input_spread(inputs)

    assert told is not None
    assert told.tolist() == [200.0, 100.0, 1.0]
    assert input_spread(torch.ones(2, 3, dtype=torch.int64)) is None


def test_layers_are_named_by_what_they_follow_and_the_last_is_left_out() -> None:
    network = session("Linear 4", "ReLU", "Linear 3", "Tanh", "Linear 3", "ReLU").network

    assert list(observed_modules(network)) == ["ReLU after 1 Linear", "Tanh after 2 Linear"]


def test_a_probed_step_is_looked_at_once_and_leaves_no_hook() -> None:
    subject = session("Linear 4", "ReLU", "Linear 3")
    probe = StepProbe(subject)
    assert hooks(subject.network) == 2

    inputs, targets = subject.next_batch() or pytest.fail("no batch")
    optimizer_step(subject, subject.phases[0], inputs, targets, probe)
    assert hooks(subject.network) == 0

    told = probe.report()
    assert [seen.layer for seen in told.activations] == ["ReLU after 1 Linear"]
    assert 0 <= told.activations[0].dead <= told.activations[0].zeros <= 1
    assert told.inputs is not None
    assert told.inputs.max_std == pytest.approx(inputs.std(0, correction=0).max().item(), rel=1e-5)


def test_a_step_that_is_not_probed_has_no_hook() -> None:
    subject = session("Linear 4", "ReLU", "Linear 3")
    inputs, targets = subject.next_batch() or pytest.fail("no batch")

    optimizer_step(subject, subject.phases[0], inputs, targets, UNOBSERVED)

    assert hooks(subject.network) == 0


def test_what_never_ran_is_not_told_and_leaves_no_hook() -> None:
    network = session("Linear 4", "ReLU", "Linear 3").network
    probe = ActivationProbe(network)

    assert probe.read() == ([], None)
    assert hooks(network) == 0


def test_a_recurrent_state_is_measured_at_both_ends_of_the_sequence() -> None:
    states = torch.tensor([[[1.0, -1.0], [0.0, 0.0], [30.0, 40.0]]])

    *_, size, grown = state_growth(states).tolist()

    assert size == pytest.approx(1250**0.5)
    assert grown == pytest.approx(1250**0.5)


def test_every_recurrent_net_is_watched_by_the_name_of_its_layer() -> None:
    tables = {"data": {"name": "waves"}}
    subject = session("GRU 4 returns=sequence", "RNN 4", "Linear 3", **tables)

    assert list(observed_modules(subject.network)) == ["State of 1 GRU", "State of 2 RNN"]
