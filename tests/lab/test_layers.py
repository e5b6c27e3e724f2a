"""Layers as they are written: arguments, refusals and what is known of each."""

import pytest

from tuilab.lab.catalogue.layers.convolution import Conv2d
from tuilab.lab.catalogue.layers.linear import Linear
from tuilab.lab.catalogue.layers.pooling import MaxPool2d
from tuilab.lab.catalogue.layers.regularization import Dropout
from tuilab.lab.errors import InputError
from tuilab.lab.knobs import knobs_of
from tuilab.lab.layer import required, show
from tuilab.lab.layers import LAYERS
from tuilab.lab.network import parse


def test_a_layer_is_its_torch_class_then_its_arguments_in_order_or_by_name() -> None:
    assert parse("Linear 16") == Linear(16)
    assert parse("Linear 16 bias=false") == Linear(16, bias=False)
    assert parse("Linear 16 False") == Linear(16, bias=False)
    assert parse("Conv2d 8 5 padding=same") == Conv2d(8, 5, padding="same")
    assert parse("Conv2d 8 kernel_size=(3, 5)") == Conv2d(8, (3, 5))
    assert parse("Dropout") == Dropout(0.5)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "an empty line; write a layer, such as Linear 16"),
        ("Lnear 16", 'there is no layer Lnear; nearest to "Lnear" is "Linear"'),
        ("Linear", "Linear needs out_features: Linear 16"),
        ("Linear ouput=3", 'Linear has no argument ouput; nearest to "ouput" is "out_features"'),
        ("Linear 0", "Linear out_features: expected a whole number ≥ 1"),
        ("Linear wide", "Linear out_features: expected a whole number, got text"),
        ("Linear 2.5", "Linear out_features: expected a whole number, got a fraction"),
        ("Linear 2 True 3", "Linear takes only out_features, bias; what is 3?"),
        ("Linear 2 out_features=3", "out_features is given twice"),
        ("Tanh 3", "Tanh takes no arguments; what is 3?"),
        ("Dropout 1", "Dropout p: expected a number < 1"),
        ("Conv2d 8 kernel_size=(3,3,3)", "Conv2d kernel_size: expected a list of length"),
    ],
)
def test_a_line_that_is_no_layer_says_what_would_be(line: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        parse(line)

    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("line", "shape", "complaint"),
    [
        ("Conv2d 8", (2,), "Conv2d takes [channels, height, width], but [2] comes in"),
        ("Conv2d 8", (28, 28), "Conv2d takes [channels, height, width], but [28, 28] comes in"),
        ("MaxPool2d 2", (28, 28), "MaxPool2d takes [channels, height, width], but [28, 28] comes"),
        ("AdaptiveAvgPool2d", (28,), "AdaptiveAvgPool2d takes [channels, height, width]"),
        ("MaxPool2d 30", (1, 28, 28), "a window of 30 does not fit into height 28"),
        ("MaxPool2d 2 padding=2", (1, 28, 28), "padding 2 is more than half of the window, 2"),
        ("Conv2d 8 groups=3", (3, 28, 28), "groups=3 does not divide 8 out_channels"),
        ("Conv2d 9 groups=3", (2, 28, 28), "groups=3 does not divide 2 input channels"),
        ("Conv2d 8 stride=2 padding=same", (3, 28, 28), 'padding="same" needs stride=1'),
        ("BatchNorm1d", (3, 28, 28), "for pictures there is BatchNorm2d"),
        ("BatchNorm2d", (16,), "BatchNorm2d takes [channels, height, width], but [16] comes in"),
    ],
)
def test_shapes_that_do_not_meet_are_named(
    line: str, shape: tuple[int, ...], complaint: str
) -> None:
    with pytest.raises(InputError) as error:
        parse(line).output(shape)

    assert complaint in str(error.value)


def test_shapes_and_parameters_by_hand() -> None:
    conv = parse("Conv2d 16 kernel_size=5 stride=2 padding=1")

    assert conv.output((3, 28, 28)) == (16, 13, 13)
    assert conv.parameters((3, 28, 28)) == 16 * (5 * 5 * 3 + 1)
    assert Linear(10).parameters((784,)) == 7850
    assert MaxPool2d(2).output((16, 13, 13)) == (16, 6, 6)
    assert show((16, 6, 6)) == "[16, 6, 6]"


def test_every_layer_says_what_it_is_and_every_argument_what_it_does() -> None:
    for name, kind in LAYERS.items():
        assert (kind.__doc__ or "").strip(), name
        line = f"{name} {kind.example}" if required(kind) else name
        known = {knob.label: knob.help for knob in knobs_of(parse(line), "")}
        assert set(known) == set(kind.__struct_fields__), name
        assert all(known.values()), name
