"""An experiment: its defaults, its knobs, its changes and its errors."""

from typing import Any

import pytest
from hypothesis import given

from tests.support.experiment_strategies import EXPERIMENTS
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    Experiment,
    experiment_from_dict,
    experiment_to_dict,
    get_live_changes,
    iter_knobs,
    name_of,
    option_types,
    value_at,
    with_value,
)
from tuilab.core.experiment.validation import find_errors

XOR = experiment_from_dict(
    {
        "network": ["Linear 4", "Tanh", "Dropout 0.1", "Linear 2"],
        "data": {"name": "xor"},
        "optimizer": {"name": "sgd", "lr": 0.5, "momentum": 0.9},
    }
)


@given(EXPERIMENTS)
def test_an_experiment_equals_the_one_built_from_its_tables(experiment: Experiment) -> None:
    assert experiment_from_dict(experiment_to_dict(experiment)) == experiment


@given(EXPERIMENTS)
def test_every_knob_holds_the_value_at_its_key(experiment: Experiment) -> None:
    for knob in iter_knobs(experiment):
        assert value_at(experiment, knob.key) == knob.value
        assert with_value(experiment, knob.key, knob.value) == experiment


def test_every_knob_has_help_and_every_number_a_range() -> None:
    for knob in iter_knobs(XOR):
        assert knob.help, knob.key
        if knob.kind in ("int", "float"):
            assert knob.minimum is not None, knob.key


def test_changing_one_key_leaves_the_rest() -> None:
    changed = with_value(XOR, "optimizer.lr", 0.25)

    assert changed.optimizer.lr == 0.25
    assert with_value(changed, "optimizer.lr", 0.5) == XOR
    assert XOR.optimizer.lr == 0.5


def test_another_optimizer_keeps_changed_knobs_and_uses_its_own_defaults() -> None:
    changed = with_value(XOR, "optimizer.name", "rmsprop")

    assert value_at(changed, "optimizer.name") == "rmsprop"
    assert value_at(changed, "optimizer.momentum") == 0.9
    assert value_at(changed, "optimizer.lr") == 0.5

    fresh = with_value(
        experiment_from_dict({"optimizer": {"name": "sgd"}}), "optimizer.name", "adam"
    )

    assert value_at(fresh, "optimizer.lr") == 1e-3


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("optimizer.lr", -1, "optimizer.lr: expected a number ≥ 0"),
        ("optimizer.momentum", 1.0, "optimizer.momentum: expected a number < 1"),
        ("optimizer.lr", "fast", "optimizer.lr: expected a number, got text"),
        ("optimizer.lrr", 1, 'optimizer: there is no key "lrr" here; nearest to "lrr" is "lr"'),
        ("optimizer.learning_rate", 1, '"learning_rate" is called "lr" here'),
        ("optimizer.name", "sdg", 'optimizer.name: there is no "sdg"; nearest to "sdg" is "sgd"'),
        ("optimizr.lr", 1, "optimizr.lr: there is no such key; there is optimizer.lr"),
        ("lr", 1, "lr: there is no such key; there is optimizer.lr"),
        ("data.batch_size", 1.5, "data.batch_size: expected a whole number, got a fraction"),
        ("data.batch_size", -1, "data.batch_size: expected a whole number ≥ 0"),
        ("data.features", ["x1", "x3"], 'data.features[1]: there is no "x3"; known: x1, x2'),
        ("data.normalize", 1, "data.normalize: expected true or false, got a whole number"),
        ("task", "clasification", 'nearest to "clasification" is "classification"'),
        ("training", 3, "training: expected a table, got a whole number"),
        ("network", "Linear 2", "network: expected a list of lines"),
        ("network", ["ReLU", 3], 'network[1]: expected a line such as "Linear 16", or a list'),
    ],
)
def test_a_bad_value_is_refused_with_the_key_and_a_fix(
    key: str, value: object, problem: str
) -> None:
    with pytest.raises(InputError) as error:
        with_value(XOR, key, value)

    assert problem in str(error.value)


def test_a_table_without_a_name_lists_the_names() -> None:
    with pytest.raises(InputError, match="optimizer: it needs a name, one of sgd, adagrad"):
        experiment_from_dict({"optimizer": {"lr": 0.1}})


def test_a_learning_rate_can_change_during_training_and_a_wider_layer_cannot() -> None:
    faster = with_value(XOR, "optimizer.lr", 1.0)
    wider = with_value(XOR, "network", ["Linear 8", "Tanh", "Dropout 0.1", "Linear 2"])

    assert get_live_changes(XOR, faster) == {"optimizer.lr": 1.0}
    assert get_live_changes(XOR, wider) is None
    assert get_live_changes(XOR, XOR) == {}


def test_dropout_changes_during_training_as_a_change_of_the_network() -> None:
    lines = ("Linear 4", "Tanh", "Dropout 0.3", "Linear 2")

    assert get_live_changes(XOR, with_value(XOR, "network", lines)) == {"network": lines}


def test_another_optimizer_changes_during_training_by_its_name_first() -> None:
    changes = get_live_changes(XOR, with_value(XOR, "optimizer.name", "adam"))

    assert changes is not None
    assert next(iter(changes)) == "optimizer.name"


@pytest.mark.parametrize("key", ["seed", "data.name", "data.noise", "initialization.weights"])
def test_a_change_of_the_initial_state_needs_a_restart(key: str) -> None:
    values = {
        "seed": 1, "data.name": "spiral", "data.noise": 0.5, "initialization.weights": "zeros",
    }  # fmt: skip

    assert get_live_changes(XOR, with_value(XOR, key, values[key])) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"network": []}, "network: it has no layers yet; add Linear 2"),
        (
            {"network": ["Tanh"]},
            "network: no layer has weights to train; add Linear 2",
        ),
        ({"network": ["Linear 3"]}, "network: its output is [3], but 2 classes with cross_entropy"),
        (
            {"network": ["Linear 2", "Conv2d 4"]},
            "network[1]: Conv2d expects [channels,",
        ),
        ({"network": ["Lnear 2"]}, 'network[0]: there is no layer Lnear; nearest to "Lnear" is'),
        (
            {"task": "regression"},
            "task: Xor is for classification or perceptron or gan, not regression",
        ),
        (
            {"data.name": "plane", "task": "classification"},
            "task: Plane is for regression, not classification",
        ),
        ({"data.features": []}, "data.features: choose at least one feature"),
        ({"loss.name": "bce"}, "2 classes with bce need [1]; end it with Linear 1"),
        ({"loss.name": "bce", "data.name": "blobs"}, "bce is for two classes"),
        (
            {"optimizer.momentum": 0.0, "optimizer.nesterov": True},
            "optimizer.nesterov: Nesterov needs a momentum above 0",
        ),
    ],
)
def test_an_experiment_that_cannot_be_started_has_errors(
    changes: dict[str, object], problem: str
) -> None:
    experiment = XOR
    for key, value in changes.items():
        experiment = with_value(experiment, key, value)

    assert any(problem in error for error in find_errors(experiment)), find_errors(experiment)


def test_a_valid_experiment_has_no_errors() -> None:
    assert find_errors(XOR) == []


def test_another_data_set_drops_values_that_do_not_fit_it() -> None:
    graph = with_value(Experiment(), "data.name", "communities")
    graph = with_value(with_value(graph, "data.noise", 4.0), "data.features", 3)
    graph = with_value(graph, "data.validation", 0.5)

    moons = with_value(graph, "data.name", "moons")

    assert value_at(moons, "data.noise") == 0.0
    assert value_at(moons, "data.features") == ("x1", "x2")
    assert moons.data.validation == 0.5


def test_task_and_loss_follow_a_data_set_that_they_do_not_fit() -> None:
    spiral = Experiment(network=("Linear 8", "Tanh", "Linear 2"))

    plane = with_value(spiral, "data.name", "plane")
    back = with_value(plane, "data.name", "moons")

    assert (name_of(plane.task), name_of(plane.loss)) == ("regression", "mse")
    assert name_of(back.task) == "classification"
    assert name_of(with_value(plane, "task", "classification").task) == "classification"


@pytest.mark.parametrize("task", option_types("task"), ids=name_of)
@pytest.mark.parametrize("is_short", [True, False])
def test_a_task_without_a_loss_has_its_own(task: type[Any], is_short: bool) -> None:
    name = name_of(task)
    experiment = experiment_from_dict({"task": name if is_short else {"name": name}})

    assert name_of(experiment.loss) == task.loss
    assert name in experiment.loss.tasks
