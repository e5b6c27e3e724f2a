"""Error messages about input that cannot be used."""

import pytest

from tuilab.core.errors import InputError, describe_msgspec_error, suggest


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
