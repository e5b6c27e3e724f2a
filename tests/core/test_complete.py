"""Completion of a line: layers, arguments and values."""

from hypothesis import given

from tests.support.network_strategies import LAYER_LINES, TEXTS
from tuilab.core.network.complete import complete
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.registry import LAYERS


def labels(text: str) -> list[str]:
    return [suggestion.label for suggestion in complete(text).suggestions]


def accept_suggestion(text: str, choice: int = 0) -> str:
    completion = complete(text)
    return text[: completion.start] + completion.suggestions[choice].text


def test_an_empty_line_may_be_any_layer() -> None:
    assert labels("") == list(LAYERS)
    assert complete("").suggestions[0].help.startswith("Every output is a weighted sum")


def test_names_are_found_by_beginning_part_and_letters_in_any_case() -> None:
    assert labels("line") == ["Linear", "Bilinear", "OwnLinear"]
    assert labels("relu") == ["ReLU", "ReLU6", "LeakyReLU", "PReLU"]
    assert labels("batchn") == ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "OwnBatchNorm"]
    assert "BatchNorm2d" in labels("bn2")


def test_layers_that_fit_the_input_shape_come_first() -> None:
    def first(text: str, shape: Shape) -> str:
        return complete(text, shape).suggestions[0].label

    assert first("maxp", (3, 28, 28)) == "MaxPool2d"
    assert first("maxp", (3, 28)) == "MaxPool1d"
    assert first("", Tokens((8,), vocabulary=5)) == "Embedding"


def test_a_layer_with_arguments_waits_for_them() -> None:
    assert accept_suggestion("lin") == "Linear "
    assert accept_suggestion("tan") == "Tanh"


def test_arguments_come_with_help_range_and_default() -> None:
    completion = complete("Dropout ")

    assert completion.hint == "p: Probability of dropping each value · 0 ≤ … < 1 · default 0.5"
    assert accept_suggestion("Conv2d 16 k") == "Conv2d 16 kernel_size="


def test_arguments_that_are_given_are_not_offered_again() -> None:
    assert "out_channels" not in labels("Conv2d 16 ")
    assert "stride" not in labels("Conv2d 16 kernel_size=(3, 3) stride=2 ")
    assert labels("Linear 16 bias=false ") == ["frozen"]
    assert labels("Linear 16 bias=false frozen=true ") == []


def test_frozen_comes_last_and_only_where_something_learns() -> None:
    assert labels("Linear ") == ["out_features", "bias", "frozen"]
    assert labels("Residual ") == ["frozen"]
    assert complete("Tanh ").hint == "Tanh takes no arguments"


def test_truth_values_are_offered() -> None:
    assert labels("Linear 16 bias=") == ["true", "false"]
    assert accept_suggestion("Linear 16 bias=f") == "Linear 16 bias=false"


@given(TEXTS)
def test_completing_any_text_replaces_its_end(text: str) -> None:
    completion = complete(text)

    assert 0 <= completion.start <= len(text)


@given(LAYER_LINES)
def test_completing_any_line_replaces_its_end(text: str) -> None:
    for end in range(min(len(text), 80) + 1):
        assert 0 <= complete(text[:end]).start <= end
