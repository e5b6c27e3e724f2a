"""Statistics of activations and inputs at a measured step; the probe leaves no hook behind."""

import pytest
import torch
from torch import nn

from tests.support.not_none import not_none
from tests.support.tiny_sessions import make_session
from tuilab.engine.probes.activations import (
    ActivationProbe,
    activation_fractions,
    input_statistics,
    observed_modules,
    state_growth,
)
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.step import UNOBSERVED, optimizer_step


def count_hooks(network: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules()
    )


def test_fractions_of_zeros_and_of_dead_units() -> None:
    output = torch.tensor([[0.0, 0.0, 1.0, 2.0], [0.0, 3.0, 0.0, 1.0]])

    zeros, dead, saturated, *_ = activation_fractions(nn.ReLU(), output).tolist()

    assert (zeros, dead, saturated) == (0.5, 0.25, 0.0)


def test_a_unit_of_an_image_is_a_channel() -> None:
    output = torch.zeros(2, 4, 3, 3)
    output[1, 2, 0, 0] = 1.0

    assert activation_fractions(nn.ReLU(), output)[1] == 0.75


def test_outputs_near_an_asymptote_are_saturated() -> None:
    assert activation_fractions(nn.Tanh(), torch.tensor([-0.99, 0.98, 0.9, 0.0]))[2] == 0.5
    assert activation_fractions(nn.Sigmoid(), torch.tensor([0.01, 0.99, 0.95, 0.5]))[2] == 0.5


def test_input_statistics_are_those_of_the_extreme_features() -> None:
    inputs = torch.tensor([[1.0, -100.0], [3.0, -300.0]])

    statistics = not_none(input_statistics(inputs))

    assert statistics.tolist() == [200.0, 100.0, 1.0]
    assert input_statistics(torch.ones(2, 3, dtype=torch.int64)) is None


def test_activations_are_named_by_the_layer_before_and_the_last_is_excluded() -> None:
    network = make_session("Linear 4", "ReLU", "Linear 3", "Tanh", "Linear 3", "ReLU").network

    assert list(observed_modules(network)) == ["ReLU after 1 Linear", "Tanh after 2 Linear"]


def test_a_step_is_measured_once_and_leaves_no_hook() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    probe = StepProbe(session)
    assert count_hooks(session.network) == 2

    inputs, targets = not_none(session.next_batch())
    optimizer_step(session, session.phases[0], inputs, targets, probe)
    assert count_hooks(session.network) == 0

    report = probe.report()
    assert [stats.layer for stats in report.activations] == ["ReLU after 1 Linear"]
    assert 0 <= report.activations[0].dead <= report.activations[0].zeros <= 1
    assert report.inputs is not None
    assert report.inputs.max_std == pytest.approx(
        inputs.std(0, correction=0).max().item(), rel=1e-5
    )


def test_a_step_that_is_not_measured_has_no_hook() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    inputs, targets = not_none(session.next_batch())

    optimizer_step(session, session.phases[0], inputs, targets, UNOBSERVED)

    assert count_hooks(session.network) == 0


def test_a_network_that_did_not_run_gives_no_statistics_and_keeps_no_hook() -> None:
    network = make_session("Linear 4", "ReLU", "Linear 3").network
    probe = ActivationProbe(network, observed_modules(network))

    assert probe.read() == ([], None)
    assert count_hooks(network) == 0


def test_a_recurrent_state_is_measured_at_both_ends_of_the_sequence() -> None:
    states = torch.tensor([[[1.0, -1.0], [0.0, 0.0], [30.0, 40.0]]])

    *_, rms, growth, _ = state_growth(states).tolist()

    assert rms == pytest.approx(1250**0.5)
    assert growth == pytest.approx(1250**0.5)


def test_every_recurrent_state_is_named_by_its_layer() -> None:
    lines = "GRU 4 returns=sequence", "RNN 4", "Linear 3"
    session = make_session(*lines, data={"name": "waves"})

    assert list(observed_modules(session.network)) == ["State of 1 GRU", "State of 2 RNN"]
