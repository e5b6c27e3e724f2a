"""`Linear auto`: the last layer takes its size from the data, the task and the loss."""

import pytest

from tuilab.core.experiment.experiment import Experiment, experiment_from_dict, split_changes
from tuilab.core.experiment.experiment import with_value as change
from tuilab.core.experiment.fit_output import fit_output
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.line import Line

MLP = ("Linear 8", "ReLU", "Linear auto")
IMAGE_AUTOENCODER = ("Flatten", "Linear 8", "Linear auto", "Unflatten (1,28,28)")


def make(network: tuple[Line, ...], *changes: tuple[str, object]) -> Experiment:
    experiment = Experiment(network=network)
    for key, value in changes:
        experiment = change(experiment, key, value)
    return experiment


@pytest.mark.parametrize(
    ("network", "changes", "sized"),
    [
        (MLP, [("data.name", "blobs"), ("data.centers", 5)], "Linear 5"),
        (MLP, [("loss.name", "bce")], "Linear 1"),
        (MLP, [("data.name", "sine")], "Linear 1"),
        (("Linear out_features=auto bias=false",), [], "Linear out_features=2 bias=false"),
        (("Linear auto", "Step"), [("task", "perceptron"), ("loss.name", "zero_one")], "Linear 1"),
        (("Flatten", "Linear auto"), [("data.name", "glyphs")], "Linear 10"),
        (
            MLP,
            [("data.name", "swiss_roll"), ("task", "autoencoder"), ("loss.name", "mse")],
            "Linear 3",
        ),
        (
            IMAGE_AUTOENCODER,
            [("data.name", "glyphs"), ("task", "autoencoder"), ("loss.name", "mse")],
            "Linear 784",
        ),
        (("Embedding 8", "Linear auto"), [("data.name", "python_source")], "Linear 97"),
        ((("Sequential", "Linear 4", "Linear auto"),), [], "Linear 2"),
    ],
)
def test_auto_is_the_number_of_outputs_that_is_needed(
    network: tuple[Line, ...], changes: list[tuple[str, object]], sized: str
) -> None:
    experiment = make(network, *changes)

    assert find_errors(experiment) == []
    assert sized in str(experiment.sized_network)
    texts = [row.text for row in experiment.plan.rows]
    assert any("auto" in text for text in texts)  # the lines are shown as they were written
    assert not any(sized == text for text in texts)


def test_both_networks_of_a_gan_are_sized() -> None:
    network: tuple[Line, ...] = (
        ("Generator", "Linear 8", "Linear auto"), ("Discriminator", "Linear 8", "Linear auto"),
    )  # fmt: skip
    experiment = make(network, ("task", "gan"), ("loss.name", "bce"))

    assert find_errors(experiment) == []
    assert [str(block[-1]) for block in experiment.sized_network] == ["Linear 2", "Linear 1"]


def test_without_its_data_auto_is_no_problem_of_the_network() -> None:
    experiment = make(MLP, ("data.name", "table"), ("data.path", "/nowhere.csv"))

    assert [error.partition(":")[0] for error in find_errors(experiment)] == ["data"]
    assert not any(row.problem for row in experiment.plan.rows)


def test_a_loss_that_resizes_the_network_needs_a_restart() -> None:
    before = make(MLP)

    live, restart = split_changes(before, change(before, "loss.name", "bce"))

    assert live == {}
    assert restart[0] == "loss.name"
    assert split_changes(before, change(before, "loss.name", "focal"))[1] == []


@pytest.mark.parametrize(
    ("network", "changes", "fitted"),
    [
        (("Linear 8", "ReLU", "Linear 7"), [], MLP),
        (("Linear 8", "ReLU"), [], MLP),
        ((), [], ("Linear auto",)),
        (("Linear 8", "Linear 7 bias=false", "Softmax"), [],
         ("Linear 8", "Linear auto bias=false", "Softmax")),
        (("Conv2d 4", "Linear 7"), [("data.name", "glyphs")],
         ("Conv2d 4", "Flatten", "Linear auto")),
        (("Linear 3",), [("task", "perceptron"), ("loss.name", "zero_one")],
         ("Linear auto", "Step")),
        (("Linear 8", ("Sequential", "ReLU", ("Sequential", "Linear 7"))), [],
         ("Linear 8", ("Sequential", "ReLU", ("Sequential", "Linear auto")))),
        (("Linear 8", ("Sequential", "ReLU", "Linear 7"), "Softmax"), [],
         ("Linear 8", ("Sequential", "ReLU", "Linear auto"), "Softmax")),
        (("Linear 8", ("Residual", "Linear 8")), [],
         ("Linear 8", ("Residual", "Linear 8"), "Linear auto")),
        (("Linear 8", ("Repeat 2", "Linear 8")), [],
         ("Linear 8", ("Repeat 2", "Linear 8"), "Linear auto")),
        (("Flatten", "Linear 8"), [("data.name", "glyphs"), ("task", "autoencoder"),
                                   ("loss.name", "mse")],
         ("Flatten", "Linear 8", "Flatten", "Linear auto", "Unflatten (1,28,28)")),
        (("Flatten", "Linear 8", "Unflatten (2,4)"),
         [("data.name", "glyphs"), ("task", "autoencoder"), ("loss.name", "mse")],
         ("Flatten", "Linear 8", "Unflatten (2,4)", "Flatten", "Linear auto",
          "Unflatten (1,28,28)")),
        (("LSTM 3",), [], None),
    ],
)  # fmt: skip
def test_an_output_that_does_not_fit_is_mended(
    network: tuple[Line, ...], changes: list[tuple[str, object]], fitted: object
) -> None:
    assert fit_output(make(network, *changes)) == fitted


def test_a_file_keeps_auto() -> None:
    experiment = experiment_from_dict({"network": list(MLP), "data": {"name": "moons"}})

    assert experiment.network == MLP
    assert experiment.plan.output == (2,)
