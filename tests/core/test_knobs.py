"""Hyperparameters as their declarations tell them, and one step up or down from a value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.experiments import EXPERIMENTS
from tuilab.core.catalogue.data_sets import Glyphs
from tuilab.core.catalogue.layers.convolution import Conv2d
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, knobs, with_value
from tuilab.core.experiment.knob_steps import stepped
from tuilab.core.experiment.knobs import Knob, declared
from tuilab.core.format import compact


def knob(experiment: Experiment, key: str) -> Knob:
    return next(knob for knob in knobs(experiment) if knob.key == key)


def test_a_knob_tells_its_help_range_unit_and_default() -> None:
    lr = knob(with_value(Experiment(), "optimizer.lr", 0.5), "optimizer.lr")

    assert (lr.value, lr.default, lr.range) == (0.5, 0.001, "0 ≤ … ≤ 1\u2009000")
    assert lr.help == "How far each step moves the weights"
    assert (lr.group, lr.label, lr.live, lr.log) == ("optimizer", "lr", True, True)
    assert knob(Experiment(), "training.epochs").unit == "epochs"


def test_a_bound_that_is_not_allowed_itself_is_told_apart() -> None:
    eps = knob(Experiment(), "optimizer.eps")

    assert (eps.range, eps.open_minimum, eps.open_maximum) == ("0 < … ≤ 1", True, False)


def test_choices_are_the_names_of_a_file() -> None:
    assert knob(Experiment(), "schedule.name").choices[:3] == ("constant", "step", "multi_step")
    assert knob(Experiment(), "initialization.weights").choices[0] == "default"
    assert knob(Experiment(data=Glyphs()), "data.alphabet").kind == "choice"
    assert knob(Experiment(), "data.features").kind == "choices"
    assert knob(Experiment(), "optimizer.betas").kind == "list"


def test_the_arguments_of_a_layer_are_knobs_too() -> None:
    assert list(declared(Linear)) == ["out_features", "bias", "frozen"]
    assert declared(Linear)["out_features"].is_required
    assert declared(Conv2d)["kernel_size"].default == 3


@given(EXPERIMENTS)
def test_every_experiment_can_keep_each_of_its_values(experiment: Experiment) -> None:
    for one in knobs(experiment):
        assert with_value(experiment, one.key, one.value) == experiment


@given(EXPERIMENTS, st.sampled_from([1, -1]))
def test_a_step_leads_to_a_value_that_the_knob_can_have(
    experiment: Experiment, direction: int
) -> None:
    for one in knobs(experiment):
        value = stepped(one, direction)
        with_value(experiment, one.key, value)
        if one.kind in ("int", "float"):
            assert (value - one.value) * direction >= 0, one.key


@given(EXPERIMENTS, st.text(max_size=8))
def test_what_a_knob_cannot_have_is_an_input_error(experiment: Experiment, text: str) -> None:
    for one in knobs(experiment):
        try:
            with_value(experiment, one.key, text)
        except InputError as error:
            assert error.where[0].startswith(one.key)


@pytest.mark.parametrize(
    ("key", "value", "down", "up"),
    [
        ("optimizer.lr", 1e-3, 5e-4, 2e-3),
        ("optimizer.lr", 3e-3, 2e-3, 5e-3),
        ("optimizer.lr", 0.0, 0.0, 1e-4),
        ("optimizer.lr", 1000.0, 500.0, 1000.0),
        ("optimizer.weight_decay", 1e-10, 0.0, 2e-10),
        ("optimizer.eps", 1e-10, 1e-10, 2e-10),
        ("data.batch_size", 32, 16, 64),
        ("data.batch_size", 100, 50, 200),
        ("data.batch_size", 1, 0, 2),
        ("training.epochs", 10, 5, 20),
        ("seed", 0, 0, 1),
        ("data.noise", 0.12, 0.1, 0.15),
        ("data.noise", 0.95, 0.9, 1.0),
        ("data.normalize", True, False, False),
        ("loss.name", "mse", "bce", "l1"),
        ("training.device", "auto", "auto", "auto"),
    ],
)
def test_steps_are_round_numbers_inside_the_range(key: str, value: Any, down: Any, up: Any) -> None:
    one = knob(with_value(Experiment(), key, value), key)

    assert (stepped(one, -1), stepped(one, 1)) == (down, up)


def test_a_step_comes_near_a_bound_that_is_not_allowed_itself() -> None:
    sgd = with_value(Experiment(), "optimizer.name", "sgd")
    near = with_value(sgd, "optimizer.momentum", 0.95)
    nearer = with_value(sgd, "optimizer.momentum", 0.99)

    assert stepped(knob(near, "optimizer.momentum"), 1) == 0.99
    assert stepped(knob(nearer, "optimizer.momentum"), 1) == 0.998
    assert stepped(knob(nearer, "optimizer.momentum"), -1) == 0.95


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "1e-3"), (0.00125, "1.25e-3"), (0.01, "0.01"), (0.5, "0.5"), (25.0, "25"),
        (0.0, "0"), (1e9, "1e9"), (12345, "12\u2009345"), (10**15, "1e+15"), (False, "false"),
        ((0.9, 0.999), "0.9, 0.999"), ("adamw", "adamw"),
    ],
)  # fmt: skip
def test_values_are_written_short_and_exact(value: Any, text: str) -> None:
    assert compact(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_short_number_is_the_same_number(value: float) -> None:
    assert float(compact(value).replace("\u2009", "")) == value
