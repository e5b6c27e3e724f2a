"""The table of PyTorch's arguments agrees with PyTorch."""

import inspect

import pytest
from torch import nn

from tuilab.core.network.registry import LAYERS
from tuilab.core.network.signatures import FIXED, size_argument, torch_arguments

RECURRENT = ("RNN", "LSTM", "GRU")
"""Their signature is (*args, **kwargs); torch documents it in the docstring."""

NAMES = sorted(
    name for name in LAYERS if hasattr(nn, name) and name not in (*RECURRENT, "Identity")
)


def without_fixed(name: str, arguments: tuple[str, ...]) -> list[str]:
    """Returns the arguments of a layer that are not the same for every line of the lab."""
    fields = LAYERS[name].__struct_fields__
    return [argument for argument in arguments if argument in fields or argument not in FIXED]


@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_are_in_the_order_of_torch(name: str) -> None:
    parameters = tuple(inspect.signature(getattr(nn, name).__init__).parameters)[1:]

    known = without_fixed(name, torch_arguments(LAYERS[name]))

    own_order = [argument for argument in parameters if argument in known]
    assert own_order == known
    required = [
        parameter.name
        for parameter in list(inspect.signature(getattr(nn, name).__init__).parameters.values())[1:]
        if parameter.default is inspect.Parameter.empty
        and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    assert set(required) - set(FIXED) <= set(known)


@pytest.mark.parametrize("name", RECURRENT)
def test_the_arguments_of_recurrent_layers_are_those_of_torch(name: str) -> None:
    kind = LAYERS[name]
    values = {"input_size": 3, "hidden_size": 4, "num_layers": 2, "nonlinearity": "relu",
              "bias": False, "batch_first": True, "dropout": 0.5, "bidirectional": True,
              "proj_size": 0}  # fmt: skip
    names = torch_arguments(kind)
    by_position = getattr(nn, name)(*(values[argument] for argument in names))

    for argument in names:
        if argument != "nonlinearity":
            assert getattr(by_position, argument) == values[argument]
    assert size_argument(kind) == "input_size"
