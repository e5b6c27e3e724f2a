"""Errors of an experiment are found before a run, with a plain message and the key."""

import pytest

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of, option_types, with_value
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.line import Line

PLAIN = ("Linear 8", "ReLU", "Linear 2")
SCALAR = ("training.engine", "scalar")
GAN = (("Generator", "Linear 8", "Linear 2"), ("Discriminator", "Linear 8", "Linear 1"))


def errors_of(network: tuple[Line, ...], *changes: tuple[str, object]) -> list[str]:
    experiment = Experiment(network=network)
    for key, value in changes:
        experiment = with_value(experiment, key, value)
    return find_errors(experiment)


LBFGS = ("optimizer.name", "lbfgs")
ADVERSARIAL = (("task", "gan"), ("loss.name", "bce"))
ROSENBLATT = (("task", "perceptron"), ("loss.name", "zero_one"))


@pytest.mark.parametrize(
    ("network", "changes", "words"),
    [
        (PLAIN, [("data.name", "blobs"), ("loss.name", "bce")], "bce is for two classes"),
        (("Linear 4", "Flatten", "LSTM 8", "Linear 2"), [], "LSTM expects [length,"),
        (PLAIN, [("augmentation.rotation", 10.0)], "is for images"),
        (PLAIN, [("augmentation.cutout", 4)], "is for images"),
        (PLAIN, [("data.name", "copy"), ("augmentation.mixup", 0.2)], "augmentation.mixup"),
        (PLAIN, [("data.name", "copy"), ("augmentation.noise", 0.2)], "consists of tokens"),
        (PLAIN, [LBFGS, ("training.precision", "fp16")], "use fp32"),
        (PLAIN, [LBFGS, ("regularization.gradient_noise", 0.1)], "needs the same loss"),
        (PLAIN, [LBFGS, ("augmentation.mixup", 0.1)], "needs the same loss"),
        (PLAIN, [("loss.weight", (1.0, 2.0, 3.0))], "3 weights for 2 classes"),
        (PLAIN, [("loss.weight", (0.0, 0.0))], "all weights are 0"),
        (
            GAN,
            [*ADVERSARIAL, ("data.name", "blobs"), ("data.label_noise", 0.1)],
            "does not use labels",
        ),
        (GAN, [*ADVERSARIAL, LBFGS], "needs one loss to minimize"),
        (GAN, [*ADVERSARIAL, ("training.accumulation", 2)], "draws new noise for each micro-batch"),
        (PLAIN, [("data.name", "communities"), ("training.accumulation", 2)], "cannot be divided"),
        (GAN, [*ADVERSARIAL, ("regularization.patience", 2)], "remove it"),
        (GAN, [*ADVERSARIAL, ("schedule.name", "plateau")], "remove it"),
        (("Linear 1", "Step"), [*ROSENBLATT, LBFGS], "needs one loss to minimize"),
        (("Linear 1", "Step"), [*ROSENBLATT, ("training.precision", "bf16")], "supports fp32 only"),
        (
            ("Linear 1", "Step"),
            [*ROSENBLATT, ("training.checkpointing", True)],
            "no activations",
        ),
        (("Linear 8", "GELU", "Dropout 0.1", "Linear 2"), [SCALAR], "but not GELU, Dropout; use"),
        ((("Residual", "Linear 2"), "Linear 2"), [SCALAR], "but not Residual"),
        (PLAIN, [("data.name", "glyphs"), SCALAR], "needs one dimension here, and this is [1, "),
        (PLAIN, [("data.name", "copy"), SCALAR], "has one at each position"),
        (GAN, [*ADVERSARIAL, SCALAR], "scalar does not support gan"),
        (PLAIN, [("loss.name", "hinge"), SCALAR], "supports cross_entropy, bce, mse"),
        (PLAIN, [("loss.balanced", True), SCALAR], "loss.balanced: engine scalar does not support"),
        (PLAIN, [("augmentation.mixup", 0.1), SCALAR], "mixup: engine scalar does not support it"),
        (PLAIN, [("training.precision", "bf16"), SCALAR], "precision: engine scalar does not"),
        (PLAIN, [("training.device", "cuda"), SCALAR], "runs on the CPU only"),
        (
            PLAIN,
            [("data.name", "fashion_mnist"), ("data.batch_size", 0), SCALAR],
            "set the number of",
        ),
        (("Linear 9999", "Linear 2"), [SCALAR], "a data.batch_size of at most 2, a smaller"),
        (("Linear 99999", "Linear 2"), [SCALAR], "weights; use a smaller network, or torch"),
        (
            PLAIN,
            [("regularization.patience", 2), ("data.validation", 0.0)],
            "early stopping watches the validation loss",
        ),
    ],
)
def test_an_experiment_with_an_error_is_refused_with_its_key(
    network: tuple[Line, ...], changes: list[tuple[str, object]], words: str
) -> None:
    matches = [text for text in errors_of(network, *changes) if words in text]

    assert matches, errors_of(network, *changes)
    assert matches[0].split(":")[0].split("[")[0].split(".")[0] in Experiment.__struct_fields__


@pytest.mark.parametrize(
    ("network", "changes"),
    [
        (PLAIN, [LBFGS]),
        (GAN, [*ADVERSARIAL, ("training.precision", "bf16"), ("training.checkpointing", True)]),
        (("Linear 1", "Step"), [*ROSENBLATT, ("training.accumulation", 3)]),
    ],
)
def test_an_experiment_without_errors_is_not_refused(
    network: tuple[Line, ...], changes: list[tuple[str, object]]
) -> None:
    assert errors_of(network, *changes) == []


@pytest.mark.parametrize("name", [name_of(kind) for kind in option_types("data")])
def test_early_stopping_and_plateau_need_validation_examples_for_every_data_set(name: str) -> None:
    is_held_out = with_value(Experiment(), "data.name", name).data.validation > 0
    for change in (("regularization.patience", 3), ("schedule.name", "plateau")):
        errors = errors_of(PLAIN, ("data.name", name), change)
        refusals = [text for text in errors if text.startswith(("regularization", "schedule"))]
        assert bool(refusals) != is_held_out


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer.lr", -0.1),
        ("schedule.warmup", -1.0),
        ("loss.label_smoothing", 1.5),
        ("regularization.l1", -1.0),
        ("regularization.patience", 2.5),
        ("averaging.decay", 1.0),
        ("augmentation.flip", 1.1),
        ("augmentation.crop", 1.0),
        ("training.epochs", 0),
        ("training.accumulation", 0),
        ("training.precision", "fp8"),
        ("training.checkpointing", "yes"),
        ("data.batch_size", -1),
        ("data.name", "moon"),
        ("initialization.weights", "kaimng"),
        ("seed", 1.5),
    ],
)
def test_a_knob_of_every_kind_names_itself_when_out_of_range(key: str, value: object) -> None:
    experiment = with_value(Experiment(), "averaging.name", "ema")

    with pytest.raises(InputError) as error:
        with_value(experiment, key, value)

    assert key in str(error.value)
