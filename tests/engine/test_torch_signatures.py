"""The table of PyTorch's arguments agrees with PyTorch, and what it prints is read."""

import inspect

import pytest
from torch import nn

from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.plan import plan, to_tuples
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


TEXT, SEQUENCE, IMAGE = Tokens((20,), vocabulary=97), (28, 28), (3, 28, 28)

PRINTED: list[tuple[nn.Module, Shape]] = [
    (nn.Sequential(nn.Flatten(), nn.Linear(2352, 8), nn.ReLU(inplace=True)), IMAGE),
    (nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), nn.GELU("tanh"),
                   nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(8, 3)), IMAGE),
    (nn.Conv2d(3, 8, 3, 2, 1, groups=1, bias=False, padding_mode="circular"), IMAGE),
    (nn.Sequential(nn.Conv1d(28, 16, 5, groups=4), nn.MaxPool1d(2), nn.BatchNorm1d(16)), SEQUENCE),
    (nn.Sequential(nn.Conv3d(1, 4, 3, padding="same"), nn.AvgPool3d(2)), (1, 8, 8, 8)),
    (nn.Sequential(nn.Upsample(scale_factor=2), nn.ConvTranspose2d(3, 8, 4, 2, 1)), IMAGE),
    (nn.Sequential(nn.ZeroPad2d(1), nn.ReflectionPad2d((1, 2, 1, 2)), nn.PReLU(3)), IMAGE),
    (nn.LSTM(28, 64, 2, batch_first=True, dropout=0.2, bidirectional=True), SEQUENCE),
    (nn.Sequential(nn.GRU(28, 8), nn.LayerNorm(8), nn.GRU(8, 4), nn.Linear(4, 2)), SEQUENCE),
    (nn.Sequential(nn.Embedding(97, 16, padding_idx=0), nn.Flatten(), nn.Linear(320, 2)), TEXT),
    (nn.EmbeddingBag(97, 16, mode="max"), TEXT),
    (nn.Sequential(nn.LayerNorm((28,)), nn.RMSNorm(28), nn.Dropout(0.1), nn.Softmax(-1)), SEQUENCE),
    (nn.Sequential(nn.GroupNorm(3, 3), nn.InstanceNorm2d(3, affine=True), nn.PixelShuffle(1)),
     IMAGE),
    (nn.Sequential(nn.Unflatten(1, (4, 7)), nn.Bilinear(7, 7, 3)), (28,)),
]  # fmt: skip


@pytest.mark.parametrize(("module", "shape"), PRINTED, ids=lambda value: str(value)[:20])
def test_what_torch_prints_is_the_same_network(module: nn.Module, shape: Shape) -> None:
    planned = plan(to_tuples(str(module)), shape)

    assert [row.problem for row in planned.rows if row.problem] == []
    assert planned.parameters == sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (nn.MultiheadAttention(28, 4), "MultiheadAttention 4"),
        (nn.TransformerEncoderLayer(28, 4, 64, dropout=0.2),
         "TransformerEncoderLayer 4 dim_feedforward=64 dropout=0.2"),
        (nn.TransformerEncoder(nn.TransformerEncoderLayer(28, 4, 64, batch_first=True), 3),
         "TransformerEncoderLayer 4 dim_feedforward=64"),
        (nn.TransformerDecoderLayer(28, 4, 64), "TransformerDecoderLayer 4 dim_feedforward=64"),
    ],
)  # fmt: skip
def test_printed_attention_says_what_torch_does_not_print(module: nn.Module, line: str) -> None:
    for text in (str(module), str(nn.Sequential(module))):
        problem = plan(to_tuples(text), SEQUENCE).rows[-1].problem
        assert problem.startswith("torch does not print the number of heads")
        assert f"write {line} with" in problem
