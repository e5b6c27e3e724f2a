"""PyTorch's order of arguments and PyTorch code as lines: understood, or refused with a reason."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.network_strategies import TEXTS
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.experiment.toml_file import find_presets, read
from tuilab.core.experiment.warnings import find_notes, find_warnings
from tuilab.core.network.edit import parse_typed_line
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.parse import format_layer, parse
from tuilab.core.network.plan import PlanRow, plan, to_tuples
from tuilab.core.network.torch_code import join_lines, read_code

TEXT = Tokens((20,), vocabulary=97)
SEQUENCE, IMAGE = (28, 28), (3, 28, 28)


def plan_line(line: Any, shape: Shape) -> PlanRow:
    """Returns the first row of the plan of a line as a file has it."""
    return plan(to_tuples([line]), shape).rows[0]


MEANS_THE_SAME = [
    ("Linear 2 8", "Linear 8", (2,)),
    ("Linear 2 8 false", "Linear 8 bias=false", (2,)),
    ("Linear 8 in_features=2", "Linear 8", (2,)),
    ("Conv1d 3 8 5", "Conv1d 8 5", (3, 40)),
    ("Conv2d 1 16 3", "Conv2d 16 3", (1, 28, 28)),
    ("Conv2d 3 64 7", "Conv2d 64 7", IMAGE),
    ("Conv2d 3 6 5", "Conv2d 6 5", IMAGE),
    ("Conv2d 3 16 (3,5)", "Conv2d 16 (3,5)", IMAGE),
    ("Conv2d 3 8 kernel_size=3", "Conv2d 8 kernel_size=3", IMAGE),
    ("Conv2d 3 16 3 padding=same", "Conv2d 16 3 padding=same", IMAGE),
    ("Conv2d 8 4 4 2 1", "Conv2d 4 4 2 1", (8, 8, 8)),
    ("Conv2d 8 16 1", "Conv2d 16 1", (8, 8, 8)),
    ("ConvTranspose2d 16 8 4 2 1", "ConvTranspose2d 8 4 2 1", (16, 8, 8)),
    ("BatchNorm1d 16", "BatchNorm1d", (16,)),
    ("BatchNorm2d 3 1e-3", "BatchNorm2d 1e-3", IMAGE),
    ("BatchNorm2d 1", "BatchNorm2d", (1, 28, 28)),
    ("InstanceNorm2d 3", "InstanceNorm2d", IMAGE),
    ("GroupNorm 4 16", "GroupNorm 4", (16, 8, 8)),
    ("LayerNorm 28", "LayerNorm", SEQUENCE),
    ("LayerNorm (3,28,28)", "LayerNorm", IMAGE),
    ("RMSNorm 28", "RMSNorm", SEQUENCE),
    ("LSTM 28 64", "LSTM 64", SEQUENCE),
    ("LSTM 28 64 2", "LSTM 64 2", SEQUENCE),
    ("GRU 28 64", "GRU 64", SEQUENCE),
    ("RNN 28 64 1 relu", "RNN 64 nonlinearity=relu", SEQUENCE),
    ("Embedding 97 64", "Embedding 64", TEXT),
    ("Embedding 97 64 0", "Embedding 64 0", TEXT),
    ("MultiheadAttention 28 4", "MultiheadAttention 4", SEQUENCE),
    ("TransformerEncoderLayer 28 4", "TransformerEncoderLayer 4", SEQUENCE),
    ("TransformerEncoderLayer 28 4 64", "TransformerEncoderLayer 4 64", SEQUENCE),
    ("nn.Linear(2, 8)", "Linear 8", (2,)),
    ("nn.Linear 2 8", "Linear 8", (2,)),
    ("  torch.nn.Linear( 2,\n 8 ) , ", "Linear 8", (2,)),
    ("self.fc1 = nn.Linear(in_features=2, out_features=8, bias=False)", "Linear 8 false", (2,)),
    ("(0): Linear(in_features=2, out_features=8, bias=True)", "Linear 8", (2,)),
    ("nn.Conv2d(3, 16, 3, padding='same', padding_mode='zeros')", "Conv2d 16 padding=same", IMAGE),
    ("nn.Conv2d(3, 3, 3)", "Conv2d 3 3", IMAGE),
    ("nn.LSTM(28, 2, batch_first=True)", "LSTM 2", SEQUENCE),
    ("nn.Embedding(97, 2)", "Embedding 2", TEXT),
    ("nn.LayerNorm([3, 28, 28])", "LayerNorm", IMAGE),
    ("nn.BatchNorm2d(num_features=3)", "BatchNorm2d", IMAGE),
    ("nn.ReLU(inplace=True)", "ReLU", (2,)),
    ("nn.MaxPool2d(2, 2)", "MaxPool2d 2 2", IMAGE),
    ("nn.Flatten()", "Flatten", IMAGE),
    ("nn.Unflatten(1, (4, 7))", "Unflatten (4,7)", (28,)),
    ("nn.TransformerEncoderLayer(d_model=28, nhead=4, batch_first=True)",
     "TransformerEncoderLayer 4", SEQUENCE),
    ("(0): Conv1d(28, 4, kernel_size=(3,), stride=(2,))", "Conv1d 4 3 2", SEQUENCE),
    ("ConvTranspose1d(28, 5, kernel_size=(3,), stride=(2,))",
     "ConvTranspose1d 5 kernel_size=3 stride=2", SEQUENCE),
    ("Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), padding_mode=reflect)",
     "Conv2d 8 (3,3) (1,1) (1,1) padding_mode=reflect", IMAGE),
    ("AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))", "AvgPool1d 2 2 0", SEQUENCE),
    ("nn.Linear(28*28, 16 * 5 * 5)", "Linear 400", (784,)),
    ("model = nn.Linear(2, 8).to(device)", "Linear 8", (2,)),
    ("nn.Linear(2, 8),  # hidden (8 units)", "Linear 8", (2,)),
    ("nn.Bilinear(20, 20, 40)", "Bilinear 40", (20,)),
    ("Bilinear 20 20 40", "Bilinear 40", (20,)),
]  # fmt: skip
"""A line, the same in the lab's own order, and the shape of the input."""


@pytest.mark.parametrize(("line", "plain", "shape"), MEANS_THE_SAME)
def test_an_input_size_that_matches_is_dropped_and_said(
    line: str, plain: str, shape: Shape
) -> None:
    row, expected = plan_line(line, shape), plan_line(plain, shape)

    assert (row.problem, row.layer) == ("", expected.layer)
    assert (row.output, row.parameters) == (expected.output, expected.parameters)
    has_no_size = any(name in plain for name in ("ReLU", "Pool", "Flatten", "Unflatten"))
    assert bool(row.note or row.doubt) != has_no_size
    assert not (expected.note or expected.doubt)


@pytest.mark.parametrize(
    ("line", "shape", "problem"),
    [
        ("Linear 3 8", (2,), "in_features is 3 here"),
        ("nn.Linear(3, 8)", (2,), "in_features is 3 here"),
        ("LSTM 27 64 2", SEQUENCE, "input_size is 27 here"),
        ("nn.LSTM(10, 64)", SEQUENCE, "input_size is 10 here"),
        ("nn.Conv2d(1, 16, 3)", IMAGE, "in_channels is 1 here"),
        ("BatchNorm2d 16", IMAGE, "num_features is 16 here"),
        ("GroupNorm 3 16", IMAGE, "num_channels is 16 here"),
        ("nn.Embedding(50, 64)", TEXT, "num_embeddings is 50 here"),
        ("nn.MultiheadAttention(64, 4)", SEQUENCE, "embed_dim is 64 here"),
    ],
)
def test_an_input_size_that_does_not_match_is_an_error(
    line: str, shape: Shape, problem: str
) -> None:
    row = plan_line(line, shape)

    assert row.problem.startswith(problem)
    assert "leave it out: " in row.problem


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("Conv2d 16 3", (16, 8, 8)),
        ("Conv2d 16 3 1", IMAGE),
        ("Conv2d 64 3 1 1", (64, 8, 8)),
        ("Conv2d 3 3 3", IMAGE),
        ("Conv2d 3 16 16", (3, 32, 32)),
        ("Conv2d 3 8 4", IMAGE),
        ("Conv2d 1 16 3", IMAGE),
        ("ConvTranspose2d 8 4 2 1", (8, 8, 8)),
        ("LSTM 28 2", SEQUENCE),
        ("LSTM 10 64", SEQUENCE),
        ("Embedding 97 0", TEXT),
        ("Embedding 97", TEXT),
        ("TransformerEncoderLayer 4 28", SEQUENCE),
        ("MultiheadAttention 4 0.1", SEQUENCE),
        ("Linear 8 false", (8,)),
        ("PReLU 28", SEQUENCE),
    ],
)
def test_a_line_in_the_order_of_the_lab_means_what_it_always_meant(line: str, shape: Shape) -> None:
    row, layer = plan_line(line, shape), parse(line)

    assert row.layer == layer
    assert row.output == layer.output_shape(shape)
    assert row.problem == row.note == ""


@pytest.mark.parametrize(
    ("network", "shape", "problem"),
    [
        (["Save a", "Linear 20", "nn.Bilinear(20, 30, 40)"], (30,), "write Bilinear 40 input2=a"),
        (["nn.Bilinear(20, 30, 40)"], (20,), "put Save NAME above, then Bilinear 40 input2=NAME"),
        (["Save a", "Linear 20", "Bilinear 20 30 40 input2=a"], (30,), ""),
        (["Save a", "Linear 20", "Bilinear 20 31 40 input2=a"], (30,), "leave in2_features out"),
        (["Save m", "Linear 4", "MultiheadAttention 2 kdim=7 vdim=7 memory=m"], (5, 7), ""),
        (["nn.MultiheadAttention(4, 2, kdim=7, vdim=7)"], (5, 4), "put Save NAME above"),
        (["Bilinear 40 in2_features=none"], (20,), "is the size of the second input"),
    ],
)
def test_the_size_of_a_second_input_is_compared_with_it(
    network: list[str], shape: Shape, problem: str
) -> None:
    last = plan(to_tuples(network), shape).rows[-1]

    assert problem in last.problem
    assert bool(last.problem) == bool(problem)


def test_a_part_that_cannot_be_read_is_a_row_of_its_own() -> None:
    code = "nn.Sequential(nn.Linear(2, 8), nn.Foo(3), nn.Linear(8, n), *[nn.ReLU()])"

    rows = plan(to_tuples(code), (2,)).rows

    assert [row.problem.partition(";")[0] for row in rows] == [
        "", "there is no layer Foo", "n is a name in your code", "",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [
    "model = nn.Sequential(\n  nn.Linear(2, 8),  # first\n\n  nn.ReLU()\n)\n",
    "Sequential(\n  (0): Linear(in_features=2, out_features=8, bias=True)\n  (1): ReLU()\n)",
    "Sequential(\n  (a): Sequential(\n    (0): nn.Linear(2, 8)\n  )\n  (act): ReLU()\n)",
])  # fmt: skip
def test_code_joined_to_one_line_means_the_same(text: str) -> None:
    joined = join_lines(text)

    assert "\n" not in joined
    assert read_code(joined) == read_code(text) is not None
    assert join_lines("\nLinear 8\nReLU") == "Linear 8"


@pytest.mark.parametrize("form", ["[('a', {}), ('b', {})]", "{{'a': {}, 'b': {}}}"])
def test_the_names_of_an_ordered_dict_are_left_out(form: str) -> None:
    inside = form.format("nn.Linear(2, 8)", "nn.ReLU()")
    code = f"nn.Sequential(OrderedDict({inside}))"

    assert to_tuples(code) == ("Linear 8 in_features=2", "ReLU")


def test_an_ambiguous_line_says_how_it_was_read() -> None:
    assert plan_line("LSTM 28 64", SEQUENCE).doubt == (
        "read in PyTorch's order: LSTM 64 after input_size=28, not LSTM 28 num_layers=64"
    )
    assert plan_line("LSTM 28 2", SEQUENCE).doubt == (
        "read as LSTM 28 num_layers=2; in PyTorch's order it would be LSTM 2 after input_size=28"
    )
    assert plan_line("LSTM 64 2", SEQUENCE).doubt == ""
    experiment = experiment_from_dict({"network": ["Linear 2 8", "Linear 2"], "data": "moons"} | {
        "data": {"name": "moons"}})  # fmt: skip
    assert find_notes(experiment) == ["network[0]: in_features=2 is inferred: the same as Linear 8"]


def test_a_pasted_sequential_becomes_lines() -> None:
    code = """nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),  # LeNet
        nn.Flatten(),
        nn.Linear(864, 10),
    )"""
    printed = """Sequential(
      (0): Linear(in_features=2, out_features=8, bias=True)
      (1): Sequential(
        (0): ReLU()
        (1): Linear(in_features=8, out_features=3, bias=True)
      )
    )"""

    assert to_tuples(code) == to_tuples([code]) == (
        "Conv2d 6 kernel_size=5 in_channels=3", "ReLU", "MaxPool2d 2", "Flatten",
        "Linear 10 in_features=864",
    )  # fmt: skip
    assert plan(to_tuples(code), IMAGE).is_valid
    assert plan(to_tuples(printed), (2,)).output == (3,)
    branches = to_tuples([["Parallel", "nn.Sequential(nn.Linear(2, 3), nn.ReLU())", "Identity"]])
    assert branches == (("Parallel", ("Sequential", "Linear 3 in_features=2", "ReLU"), "Identity"),)
    assert plan(branches, (2,)).output == (5,)
    assert parse_typed_line("nn.Linear(2, 8)") == "Linear 8 in_features=2"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nn.Linear(2,", "nn.Linear(2, cannot be read as a call"),
        ("nn.Foo(2)", "there is no layer Foo"),
        ("nn.Linear(__import__('os').system('x'), 3)", "cannot be read as a call"),
        ("nn.Linear(*[2, 3])", "cannot be read as a call"),
        ("nn.Linear(2, 3, True, None, None, 7)", "cannot be read as a call"),
        ("nn.Sequential(nn.Linear(2, n))", "n is a name in your code; write its value"),
        ("nn.ModuleList([nn.Linear(2, 8)])", "a ModuleList does not say in which order"),
        ("nn.LSTMCell(28, 64)", "a cell takes one step; LSTM takes all of them"),
        ("nn.Sequential(*[nn.Linear(2, 2) for _ in sizes])", "only a loop over range(n)"),
        ("nn.Sequential(nn.Linear(2, 8), F.relu)", ""),
        ("class Net(nn.Module):", "class is not read; paste calls of layers"),
        ("Net(\n  (fc): Linear(in_features=2, out_features=8, bias=True)\n)",
         "Net is a class of its own, and only its forward() says"),
        ("nn.utils.weight_norm(nn.Linear(2, 8))", "there is no layer utils.weight_norm"),
    ],
)  # fmt: skip
def test_code_that_is_not_a_call_of_a_layer_is_a_problem_of_its_line(
    line: str, problem: str
) -> None:
    assert problem in plan_line(line, (2,)).problem


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("nn.Linear(2, 8),\nnn.ReLU(),", ("Linear 8 in_features=2", "ReLU")),
        ("    self.a = nn.Linear(2, 8)  # in\n\n    self.b = nn.ReLU()\n",
         ("Linear 8 in_features=2", "ReLU")),
        ("(0): Linear(in_features=2, out_features=8, bias=True)\n  (1): ReLU()",
         ("Linear 8 in_features=2", "ReLU")),
        ("layers = [\n    nn.Linear(2, 8),\n    nn.ReLU(),\n]", ("Linear 8 in_features=2", "ReLU")),
        ("nn.Sequential(*[nn.Linear(8, 8) for _ in range(3)])",
         (("Repeat 3", "Linear 8 in_features=8"),)),
        ("nn.TransformerEncoder(nn.TransformerEncoderLayer(28, 4), 6)",
         (("Repeat 6", "TransformerEncoderLayer 4 d_model=28"),)),
        ("nn.TransformerEncoder(encoder_layer=nn.TransformerEncoderLayer(28, 4), num_layers=2, "
         "norm=nn.LayerNorm(28))",
         (("Repeat 2", "TransformerEncoderLayer 4 d_model=28"), "LayerNorm normalized_shape=28")),
        ("nn.Sequential(nn.LazyConv2d(16, 3), nn.LazyBatchNorm2d(), nn.LazyLinear(10))",
         ("Conv2d 16 kernel_size=3", "BatchNorm2d", "Linear 10")),
        ("nn.Sequential(nn.LSTM(28, 64), nn.Dropout(0.1), nn.GRU(64, 32), nn.Linear(32, 10))",
         ("LSTM 64 input_size=28 returns=sequence", "Dropout 0.1", "GRU 32 input_size=64",
          "Linear 10 in_features=32")),
    ],
)  # fmt: skip
def test_several_calls_are_lines(code: str, lines: tuple[Any, ...]) -> None:
    assert to_tuples(code) == to_tuples([code]) == to_tuples([join_lines(code)]) == lines


@pytest.mark.parametrize("line", ["nn.LSTM(28, 64)", "nn.GRU(28, 64)", "LSTM 28 64"])
def test_a_recurrent_layer_of_pytorch_says_that_it_returns_the_last_state(line: str) -> None:
    assert "returns=sequence passes on all of them" in plan_line(line, SEQUENCE).note
    assert plan_line(line + " returns=sequence", SEQUENCE).note == "" or "(" in line
    assert plan_line("LSTM 64", SEQUENCE).note == ""


@given(st.one_of(TEXTS, st.text("nLiear.(),23=[]*'\n", max_size=40)))
@example("(" * 5000)
@example("nn.Linear(" + "-" * 90_000 + "1)")
@example("nn.Sequential(" * 3000 + ")" * 3000)
def test_any_text_is_a_line_or_not_code(text: str) -> None:
    code = read_code(text)

    assert code is None or isinstance(code, (str, tuple))


@pytest.mark.parametrize("name", sorted(find_presets()))
def test_no_preset_is_ambiguous(name: str) -> None:
    experiment = read(find_presets()[name].path)

    assert find_notes(experiment) == []
    assert not any("order" in warning for warning in find_warnings(experiment))


def test_a_formatted_layer_is_parsed_as_the_same() -> None:
    for line, plain, _ in MEANS_THE_SAME:
        layer = parse(plain)
        assert parse(format_layer(layer)) == layer, line
    with pytest.raises(InputError, match="no argument padding_mode"):
        parse("Linear 3 padding_mode=zeros")
