"""Error messages about input that cannot be used."""

import pytest

from tuilab.core.errors import InputError, describe_msgspec_error, find_near, suggest


def test_an_error_reads_from_the_outside_in() -> None:
    error = InputError("expected a number", "optimizer.lr").within("x.toml:3")

    assert str(error) == "x.toml:3: optimizer.lr: expected a number"
    assert error.problem == "expected a number"


@pytest.mark.parametrize(
    ("word", "known", "suggestion"),
    [
        ("sdg", ["sgd", "adam"], 'nearest to "sdg" is "sgd"'),
        ("linear", ["Linear", "ReLU"], 'nearest to "linear" is "Linear"'),
        ("learning_rate", ["lr", "weight_decay"], '"learning_rate" is called "lr" here'),
        ("qqq", ["sgd", "adam"], "known: sgd, adam"),
        ("qqq", [], ""),
        ("qqq", [f"word{number}" for number in range(13)], ""),
    ],
)
def test_the_nearest_known_word_is_suggested(word: str, known: list[str], suggestion: str) -> None:
    assert suggest(word, known) == suggestion


COMMANDS = ["open", "train", "find", "validate", "export", "presets", "check", "layers", "explain",
            "devices", "ps", "attach", "stop", "runs", "diagnose", "lessons", "glossary", "spiral",
            "moons", "xor", "language-model", "glyphs-vit", "fashion-mnist-cnn"]  # fmt: skip
NAMES = ["Linear", "Conv1d", "Conv2d", "AvgPool1d", "MaxPool1d", "BatchNorm1d", "LSTM", "RNN",
         "ReLU", "ELU", "good", "huber", "NaN", "adam", "adamw", "sgd", "mse", "cosine",
         "cross_entropy", "batch_size", "learning rate", "regularization"]  # fmt: skip
KEYS = ["optimizer.lr", "optimizer.momentum", "data.noise", "data.root", "training.epochs"]


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("trian", COMMANDS, "train"),
        ("spirol", COMMANDS, "spiral"),
        ("mons", COMMANDS, "moons"),
        ("moon", COMMANDS, "moons"),
        ("xorr", COMMANDS, "xor"),
        ("preset", COMMANDS, "presets"),
        ("diagnos", COMMANDS, "diagnose"),
        ("langauge-model", COMMANDS, "language-model"),
        ("language_model", COMMANDS, "language-model"),
        ("fashion", COMMANDS, "fashion-mnist-cnn"),
        ("vit", COMMANDS, "glyphs-vit"),
        ("linaer", NAMES, "Linear"),
        ("Rellu", NAMES, "ReLU"),
        ("conv2", NAMES, "Conv2d"),
        ("Conv", NAMES, "Conv1d"),
        ("adma", NAMES, "adam"),
        ("sdg", NAMES, "sgd"),
        ("cosin", NAMES, "cosine"),
        ("crossentropy", NAMES, "cross_entropy"),
        ("leraning_rate", NAMES, "learning rate"),
        ("regularisation", NAMES, "regularization"),
        ("optimzer.lr", KEYS, "optimizer.lr"),
        ("optimizer.momentun", KEYS, "optimizer.momentum"),
    ],
)
def test_a_typing_error_a_beginning_and_a_part_are_near(
    word: str, known: list[str], near: str
) -> None:
    assert find_near(word, known) == near


FAR = ["foo", "bar", "baz", "hello", "banana", "house", "help", "version", "color", "python",
       "tree", "list", "q", "", "ne", "."]  # fmt: skip


@pytest.mark.parametrize("word", FAR)
def test_no_other_word_is_near(word: str) -> None:
    assert find_near(word, [*COMMANDS, *NAMES, *KEYS]) == ""


@pytest.mark.parametrize("key", ["data.foo", "foo.lr", "optimizer.epochs", "lr"])
def test_both_parts_of_a_key_have_to_be_near(key: str) -> None:
    assert find_near(key, KEYS) == ""


@pytest.mark.parametrize(
    ("message", "key", "sentence"),
    [
        ("Expected `int`, got `str` - at `$.data.samples`", "data.samples",
         "expected a whole number, got text"),
        ("Expected `float` >= 0.0 - at `$.optimizer.lr`", "optimizer.lr", "expected a number ≥ 0"),
        ("Expected `int`, got `float` - at `$.seed`", "seed",
         "expected a whole number, got a fraction"),
        ("Expected `array` of length 2, got 1", "", "expected a list of length 2, got 1"),
    ],
)  # fmt: skip
def test_messages_of_msgspec_are_in_plain_english(message: str, key: str, sentence: str) -> None:
    assert describe_msgspec_error(message) == (key, sentence)
