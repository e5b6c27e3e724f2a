"""Networks of nested blocks: the plan agrees with the network that torch builds, line by line."""

import copy
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.support.network_strategies import line_paths
from tests.support.tiny_sessions import make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import MAX_DEPTH, MAX_READ_DEPTH, plan, to_tuples
from tuilab.engine import checkpoint
from tuilab.engine.model import build_network

BATCH = 2

MAX_NUMBERS = 20_000
"""Larger networks, such as those that double their features many times, are not built."""

BY_SHAPE: list[tuple[Shape, list[str]]] = [
    ((6,), ["Linear 6", "Linear 4 bias=false", "Tanh", "LayerNorm", "BatchNorm1d", "Identity",
            "Unflatten (2,-1)", "Flatten", "Transpose", "Linear 6 6"]),
    ((4, 6), ["Transpose", "Linear 4", "Linear 6", "LSTM 6 returns=sequence", "GRU 4", "Flatten",
              "Conv1d 4 padding=same", "MaxPool1d 2", "MeanOverPositions", "MultiheadAttention 2",
              "SelectPosition -1", "ClassToken", "PositionalEncoding learned", "LSTM 4 6",
              "Unflatten (2,-1)", "DecoderBlock 2", "LayerNorm"]),
    ((2, 6, 4), ["Conv2d 2 padding=same", "Conv2d 4 1", "MaxPool2d 2", "BatchNorm2d", "Flatten",
                 "ConvTranspose2d 2 3 padding=1", "Upsample (6,4)", "GroupNorm 2",
                 "AdaptiveAvgPool2d (4,6)", "Flatten 2", "LayerNorm", "Conv2d 2 3 1"]),
    (Tokens((5,), 7), ["Embedding 5", "Embedding 1", "Identity", "Flatten", "Transpose", "Linear 5",
                       "GRU 5", "MeanOverPositions"]),
]  # fmt: skip
"""Shapes with lines that fit them, and lines that lead to other shapes and back."""

HEADS = ["Repeat 2", "Repeat 3", "Repeat 4", "Residual", "Parallel", "Sequential", "Repeat 3"]


def nested(lines: list[str]) -> st.SearchStrategy[tuple[Line, ...]]:
    """Draws networks of these lines in blocks in blocks."""

    def block(inner: st.SearchStrategy[Line]) -> st.SearchStrategy[Line]:
        content = st.lists(inner, min_size=1, max_size=4)
        return st.builds(lambda head, body: (head, *body), st.sampled_from(HEADS), content)

    line: st.SearchStrategy[Line] = st.sampled_from(lines)
    return st.lists(st.recursive(line, block, max_leaves=8), min_size=1, max_size=3).map(tuple)


def record_outputs(network: nn.Module, inputs: torch.Tensor) -> dict[int, torch.Size]:
    """Returns the shape of the first output of each module, by its identity."""
    shapes: dict[int, torch.Size] = {}

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            shapes.setdefault(id(module), output.shape)

    hooks = [module.register_forward_hook(record) for module in network.modules()]
    network(inputs)
    for hook in hooks:
        hook.remove()
    return shapes


@pytest.mark.filterwarnings("ignore")  # that padding='same' is slow
@pytest.mark.parametrize(("shape", "lines"), BY_SHAPE, ids=["vector", "sequence", "image", "text"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_valid_plan_is_what_torch_builds(
    shape: Shape, lines: list[str], data: st.DataObject
) -> None:
    network = data.draw(nested(lines))
    planned = plan(network, shape)
    assert [row.path for row in planned.rows] == line_paths(network)
    sizes = [prod(row.output or ()) for row in planned.rows]
    if not planned.is_valid or max(sizes) > MAX_NUMBERS or planned.parameters > MAX_NUMBERS:
        return

    built = build_network.build(network, shape).eval()

    inputs = torch.zeros(BATCH, *shape)
    if isinstance(shape, Tokens):
        inputs = inputs.long()
    outputs = record_outputs(built, inputs)
    assert tuple(outputs[id(built)][1:]) == planned.output
    assert planned.parameters == sum(p.numel() for p in built.parameters())
    modules = [module for module, _ in build_network.modules_with_layers(built, network)]
    if not any("Repeat" in str(row.text) for row in planned.rows):  # rows are of the first round
        for row, module in zip(planned.rows, modules, strict=True):
            assert row.output == tuple(outputs[id(module)][1:])
            assert row.parameters == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("network", "shape", "output", "parameters"),
    [
        ((("Repeat 3", "Transpose"), "Linear 3"), (4, 5), (5, 3), 15),
        ((("Repeat 4", "Transpose"), "Linear 3"), (4, 5), (4, 3), 18),
        ((("Repeat 3", "Linear 6", "Transpose"),), (4, 5), (6, 6), 6 * 6 + 6 * 5 + 6 * 7),
        ((("Repeat 2", ("Repeat 3", "Transpose"), "Linear 4"),), (4, 5), (4, 4), 20 + 24),
        ((("Repeat 3", ("Parallel", "Identity", "Linear 2")),), (2,), (8,), 6 + 10 + 14),
    ],
)
def test_blocks_whose_shape_alternates_or_grows(
    network: tuple[Line, ...], shape: Shape, output: Shape, parameters: int
) -> None:
    planned = plan(network, shape)

    assert (planned.is_valid, planned.output, planned.parameters) == (True, output, parameters)
    built = build_network.build(network, shape)
    assert tuple(built(torch.zeros(BATCH, *shape)).shape[1:]) == output
    assert sum(p.numel() for p in built.parameters()) == parameters


def test_a_repeated_embedding_gets_tokens_only_once() -> None:
    rows = plan((("Repeat 2", "Embedding 1", "Flatten"),), Tokens((5,), 7)).rows

    assert rows[-1].problem.startswith("when repeated: Embedding expects token numbers")


def nest(depth: int) -> Any:
    """Returns a line inside this many blocks."""
    line: Any = "Linear 3"
    for _ in range(depth):
        line = ["Residual", line]
    return line


def test_the_deepest_network_that_is_valid_can_be_trained_and_saved() -> None:
    session = make_session("Linear 3", nest(MAX_DEPTH))
    train_steps(session, 2)

    copy.deepcopy(session.network)
    checkpoint.restore_state(session, checkpoint.capture_state(session))

    assert session.step == 2


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 60, MAX_READ_DEPTH])
def test_deeper_blocks_are_a_problem_of_their_line(depth: int) -> None:
    network = to_tuples(["Linear 3", nest(depth)])
    planned = plan(network, (2,))

    assert [row.path for row in planned.rows] == line_paths(network)
    problems = {row.problem for row in planned.rows if row.problem}
    assert problems == {f"blocks are nested more than {MAX_DEPTH} deep; use fewer"}


@pytest.mark.parametrize("depth", [MAX_READ_DEPTH + 1, 300, 900])
def test_a_list_that_is_far_too_deep_is_not_a_network(depth: int) -> None:
    with pytest.raises(InputError, match="nested more than"):
        to_tuples(["Linear 3", nest(depth)])


@pytest.mark.parametrize(
    ("network", "index"),
    [
        (["ReLU"] * 10_001, 10_000),
        (["ReLU", ["Repeat 1000", *["ReLU"] * 9], *["ReLU"] * 1000], 1001),
        (["ReLU", ["Repeat 1000", *["ReLU"] * 10]], 1),
    ],
)
def test_the_limit_of_layers_holds_at_the_outermost_level(network: list[Any], index: int) -> None:
    planned = plan(to_tuples(network), (2,))

    (row,) = (row for row in planned.rows if row.problem)
    assert row.path == (index,)
    assert row.problem == "more than 10,000 layers; use fewer repetitions"
    assert planned.output is None
    assert plan(to_tuples(["ReLU"] * 10_000), (2,)).is_valid


def test_a_line_in_torchs_order_is_built_as_it_is_planned() -> None:
    network = ("Conv2d 2 16 3", "nn.ReLU", ("Residual", "Conv2d 16 16 3 1 1"), "BatchNorm2d 16")

    built = build_network.build(network, (2, 8, 8))

    assert tuple(built(torch.zeros(2, 2, 8, 8)).shape) == (2, 16, 6, 6)
    assert parse("nn.ReLU") == parse("ReLU")
