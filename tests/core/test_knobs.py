"""Knobs as they are declared, and steps of their values."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.experiment_strategies import EXPERIMENTS
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.catalogue.data.points import Spiral
from tuilab.core.catalogue.layers.convolution import Conv2d
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, iter_knobs, with_value
from tuilab.core.experiment.form import iter_form_knobs, parse_input
from tuilab.core.experiment.knob_steps import step_value
from tuilab.core.experiment.knobs import Knob, default_knobs


def knob(experiment: Experiment, key: str) -> Knob:
    return next(knob for knob in iter_knobs(experiment) if knob.key == key)


def test_a_knob_has_help_a_range_a_unit_and_a_default() -> None:
    lr = knob(with_value(Experiment(), "optimizer.lr", 0.5), "optimizer.lr")

    assert (lr.value, lr.default, lr.range) == (0.5, 0.001, "0 ≤ … ≤ 1,000")
    assert lr.help == "Step size: what each update is multiplied by"
    assert (lr.group, lr.label, lr.is_live, lr.is_logarithmic) == ("optimizer", "lr", True, True)
    assert knob(Experiment(), "training.epochs").unit == "epochs"


def test_a_bound_that_is_not_allowed_itself_is_marked() -> None:
    eps = knob(Experiment(), "optimizer.eps")

    assert (eps.range, eps.is_minimum_open, eps.is_maximum_open) == ("0 < … ≤ 1", True, False)


def test_a_knob_that_is_off_at_zero_says_so() -> None:
    """A knob of whose 0 the help says that it is no quantity has a word for it."""
    for key in ("data.batch_size", "training.clip_grad_norm", "regularization.patience"):
        (other,) = {"all", "off"} & {knob(Experiment(), key).describe(0)}
        assert parse_input(knob(Experiment(), key), other) == 0
    for each in iter_knobs(Experiment()):
        if re.search(r"\b0: (off|none|no )", each.help):
            assert each.describe(0) == "off", each.key
        assert each.describe(2) == "2" or each.kind not in ("int", "float")


@pytest.mark.parametrize("data, word", [(Spiral(), "off"), (Glyphs(), "auto")])
def test_zero_top_classes_are_off_where_there_are_few(data: DataSet, word: str) -> None:
    top_k = next(k for k in iter_form_knobs(Experiment(data=data)) if k.key == "task.top_k")
    assert top_k.describe(top_k.value) == word


def test_choices_are_the_names_of_a_file() -> None:
    assert knob(Experiment(), "schedule.name").choices[:3] == ("constant", "step", "multi_step")
    assert knob(Experiment(), "initialization.weights").choices[0] == "default"
    assert knob(Experiment(data=Glyphs()), "data.alphabet").kind == "choice"
    assert knob(Experiment(), "data.features").kind == "choices"
    assert knob(Experiment(), "optimizer.betas").kind == "list"


def test_the_arguments_of_a_layer_are_knobs_too() -> None:
    assert list(default_knobs(Linear)) == ["out_features", "bias", "frozen"]
    assert default_knobs(Linear)["out_features"].is_required
    assert default_knobs(Conv2d)["kernel_size"].default == 3


@given(EXPERIMENTS)
def test_every_value_of_an_experiment_is_allowed(experiment: Experiment) -> None:
    for one in iter_knobs(experiment):
        assert with_value(experiment, one.key, one.value) == experiment


@given(EXPERIMENTS, st.sampled_from([1, -1]))
def test_a_step_leads_to_an_allowed_value(experiment: Experiment, direction: int) -> None:
    for one in iter_knobs(experiment):
        value = step_value(one, direction)
        with_value(experiment, one.key, value)
        if one.kind in ("int", "float"):
            assert (value - one.value) * direction >= 0, one.key


@given(EXPERIMENTS, st.text(max_size=8))
def test_a_value_that_is_not_allowed_is_an_input_error(experiment: Experiment, text: str) -> None:
    for one in iter_knobs(experiment):
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
        ("loss.name", "mse", "soft_cross_entropy", "l1"),
        ("training.device", "auto", "auto", "auto"),
    ],
)
def test_steps_are_round_numbers_inside_the_range(
    key: str, value: object, down: object, up: object
) -> None:
    one = knob(with_value(Experiment(), key, value), key)

    assert (step_value(one, -1), step_value(one, 1)) == (down, up)


def test_a_step_comes_near_a_bound_that_is_not_allowed_itself() -> None:
    sgd = with_value(Experiment(), "optimizer.name", "sgd")
    near = with_value(sgd, "optimizer.momentum", 0.95)
    nearer = with_value(sgd, "optimizer.momentum", 0.99)

    assert step_value(knob(near, "optimizer.momentum"), 1) == 0.99
    assert step_value(knob(nearer, "optimizer.momentum"), 1) == 0.998
    assert step_value(knob(nearer, "optimizer.momentum"), -1) == 0.95
