"""Layers with a second input, an output that a Save has kept, against torch with both inputs."""

import copy
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from tests.support.not_none import not_none
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.line import Line
from tuilab.core.network.plan import plan
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.attention import attention_mask
from tuilab.engine.model.layers.blocks import LayerStack
from tuilab.engine.tasks.task import forward_checkpointed

BATCH = 3
BOOLS = st.booleans()


def build_checked(*lines: Line, shape: Shape) -> LayerStack:
    """Builds a network in evaluation mode and checks its plan."""
    torch.manual_seed(0)
    planned, network = plan(lines, shape), build_network.build(lines, shape).eval()
    assert planned.is_valid, [row.problem for row in planned.rows]
    assert planned.parameters == sum(p.numel() for p in network.parameters())
    assert planned.output == tuple(network(torch.zeros(2, *shape)).shape[1:])
    assert type(planned.output) is tuple
    return network


@given(
    st.integers(1, 5), st.sampled_from(["relu", "gelu"]), BOOLS, BOOLS, BOOLS,
    st.sampled_from([None, 1, 2]),
)  # fmt: skip
@settings(max_examples=25)
def test_a_decoder_layer_is_torchs_over_a_memory(
    length: int, activation: str, norm_first: bool, bias: bool, causal: bool, window: int | None
) -> None:
    line = (
        f"TransformerDecoderLayer 2 12 0 {activation} norm_first={norm_first} bias={bias} "
        f"causal={causal} memory=source window={window}"
    )
    network = build_checked("Save source", "Transpose", "Linear 4", "Transpose", "Linear 6", line,
                            shape=(length, 6))  # fmt: skip
    reference = nn.TransformerDecoderLayer(
        6, 2, 12, 0.0, activation, norm_first=norm_first, bias=bias, batch_first=True
    ).eval()
    reference.load_state_dict(cast(Any, network[5]).inside.state_dict())
    x = torch.randn(BATCH, length, 6)

    targets = network[:5](x)
    mask = attention_mask(4, x.device, causal=causal, window=window)
    assert_close(network(x), reference(targets, x, tgt_mask=mask))


def test_memory_of_another_size_has_keys_and_values_of_its_own() -> None:
    network = build_checked("Save source", "Linear 4", "MultiheadAttention 2 memory=source",
                            shape=(5, 7))  # fmt: skip
    reference = nn.MultiheadAttention(4, 2, kdim=7, vdim=7, batch_first=True).eval()
    reference.load_state_dict(cast(Any, network[2]).inside.state_dict())
    x = torch.randn(BATCH, 5, 7)

    assert_close(network(x), reference(network[1](x), x, x)[0])


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_is_torchs_of_two_inputs(bias: bool) -> None:
    network = build_checked("Save first", "Linear 3", f"Bilinear 4 bias={bias} input2=first",
                            shape=(5,))  # fmt: skip
    x = torch.randn(BATCH, 5)
    layer = cast(nn.Bilinear, network[2])

    expected = nn.functional.bilinear(network[1](x), x, layer.weight, layer.bias)

    assert_close(network(x), expected)


def test_without_a_name_both_inputs_are_the_layers_own() -> None:
    network = build_checked("Bilinear 4", shape=(5,))
    decoder = build_checked("TransformerDecoderLayer 2 8 0", shape=(5, 4))
    x, sequence = torch.randn(BATCH, 5), torch.randn(BATCH, 5, 4)
    layer = cast(nn.Bilinear, network[0])

    assert_close(network(x), nn.functional.bilinear(x, x, layer.weight, layer.bias))
    inside = cast(Any, decoder[0]).inside
    assert_close(decoder(sequence), inside(sequence, sequence))


def test_gradients_flow_through_both_inputs() -> None:
    network = build_checked("Linear 3", "Save a", "Tanh", "Bilinear 2 input2=a", shape=(2,))

    assert torch.autograd.gradcheck(network.double(), torch.randn(2, 2).double().requires_grad_())
    assert torch.autograd.gradcheck(
        build_checked("Save a", "Linear 2", "TransformerDecoderLayer 1 3 0 gelu memory=a",
                      shape=(2, 2)).double(),
        torch.randn(1, 2, 2).double().requires_grad_(),
    )  # fmt: skip


def test_a_copy_of_a_network_reads_its_own_saved_output() -> None:
    network = build_checked("Linear 3", "Save a", "Tanh", "Bilinear 2 input2=a", shape=(2,))
    x, other = torch.randn(2, BATCH, 2)
    expected = network(x)

    copied = copy.deepcopy(network)
    network(other)

    assert torch.equal(copied(x), expected)
    assert list(copied.state_dict()) == list(network.state_dict())


def test_a_checkpointed_pass_has_the_same_gradients() -> None:
    lines = ("Linear 3", ("Residual", "Save a", "Tanh", "Linear 3"), "Bilinear 2 input2=a", "Tanh")
    gradients: list[list[Tensor]] = []
    for forward in (lambda network, x: network(x), forward_checkpointed):
        network = build_checked(*lines, shape=(2,))
        x = torch.linspace(-1, 1, 6).reshape(3, 2).requires_grad_()
        forward(network, x).square().sum().backward()
        gradients.append([not_none(x.grad), *(not_none(p.grad) for p in network.parameters())])

    for plain, checkpointed in zip(*gradients, strict=True):
        assert_close(checkpointed, plain)


def test_each_repetition_saves_anew_and_the_last_one_counts() -> None:
    lines = (("Repeat 2", "Save a", "Linear 3", "Bilinear 3 input2=a"), "Bilinear 2 input2=a")
    network = build_checked(*lines, shape=(3,))
    x = torch.randn(BATCH, 3)

    first, second = cast(Any, network[0])[:3], cast(Any, network[0])[3:]
    middle = first[2].inside if hasattr(first[2], "inside") else first[2]
    once = nn.functional.bilinear(first[1](x), x, middle.weight, middle.bias)
    twice = nn.functional.bilinear(second[1](once), once, second[2].weight, second[2].bias)
    last = cast(nn.Bilinear, network[1])
    assert_close(network(x), nn.functional.bilinear(twice, once, last.weight, last.bias))


@pytest.mark.parametrize(
    ("lines", "shape", "problem"),
    [
        (("Bilinear 2 input2=a",), (3,), 'nothing is saved as "a" above this line; put Save a'),
        (("Bilinear 2 input2=a", "Save a"), (3,), 'nothing is saved as "a" above this line'),
        (
            ("Save memory", "Bilinear 2 input2=memry"),
            (3,),
            'nothing is saved as "memry" above this line; nearest to "memry" is "memory"',
        ),
        (
            (("Parallel", ("Sequential", "Save a", "Tanh"), "Bilinear 2 input2=a"),),
            (3,),
            'nothing is saved as "a" above this line',
        ),
        (
            (("Encoder", "Save a", "Linear 2"), ("Decoder", "Bilinear 3 input2=a")),
            (3,),
            'nothing is saved as "a" above this line',
        ),
        (
            ("Save a", "Embedding 4", "MultiheadAttention 2 memory=a"),
            Tokens((3,), 5),
            "the inputs are token numbers; put Embedding first",
        ),
        (
            ("Save a", "Flatten", "Unflatten (2,6)", "Bilinear 2 input2=a"),
            (3, 4),
            "but its input is [2, 6] and a is [3, 4]",
        ),
        (
            ("Save a", "Linear 6", "TransformerDecoderLayer 2 memory=a"),
            (3, 4),
            "memory has 4 features and the layer's input 6: put Linear 6 before its Save",
        ),
        (
            ("Save a", "Flatten", "Unflatten (4,3)", "MultiheadAttention 1 memory=a causal=true"),
            (3, 4),
            "causal compares positions of one sequence, and memory is another: remove one",
        ),
        (
            ("Save a", "Flatten", "Unflatten (6,2)", "MultiheadAttention 1 memory=a"),
            (12,),
            "memory must be a sequence, [length, features], but it is [12]",
        ),
    ],
)
def test_a_name_that_does_not_fit_is_refused_with_a_fix(
    lines: tuple[Line, ...], shape: Shape, problem: str
) -> None:
    problems = [row.problem for row in plan(lines, shape).rows if row.problem]

    assert len(problems) == 1 and problem in problems[0]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [None, 1, 3])
def test_a_mask_hides_what_is_later_or_far(causal: bool, window: int | None) -> None:
    mask = attention_mask(6, torch.device("cpu"), causal=causal, window=window)

    hidden = [
        [(causal and key > query) or (window is not None and abs(key - query) > window)
         for key in range(6)]
        for query in range(6)
    ]  # fmt: skip
    assert (torch.zeros(6, 6) if mask is None else mask).bool().tolist() == hidden


@pytest.mark.parametrize("line", ["MultiheadAttention 2 window=1",
                                  "TransformerEncoderLayer 2 8 window=1"])  # fmt: skip
def test_a_window_keeps_distant_positions_from_changing_an_output(line: str) -> None:
    network = build_checked(line, shape=(6, 4))
    x = torch.randn(1, 6, 4)
    other = x.clone()
    other[:, 5] += 1

    is_changed = (network(x) - network(other)).abs().amax(-1)[0] > 1e-6

    assert is_changed.tolist() == [False, False, False, False, True, True]
