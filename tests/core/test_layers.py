"""Layers as lines: arguments, refusals, shapes, parameters and help."""

import pytest

from tests.support.network_strategies import example_line
from tuilab.core.catalogue.layers.activation import GELU
from tuilab.core.catalogue.layers.convolution import Conv2d
from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.pooling import MaxPool2d
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import iter_struct_knobs
from tuilab.core.network.layer import format_shape
from tuilab.core.network.parse import parse
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference import docstrings


def test_a_layer_is_its_torch_class_then_its_arguments_in_order_or_by_name() -> None:
    assert parse("Linear 16") == Linear(16)
    assert parse("Linear 16 bias=false") == Linear(16, bias=False)
    assert parse("Linear 16 False") == Linear(16, bias=False)
    assert parse("Conv2d 8 5 padding=same") == Conv2d(8, 5, padding="same")
    assert parse("Conv2d 8 kernel_size=(3, 5)") == Conv2d(8, (3, 5))
    assert parse("Dropout") == Dropout(0.5)
    assert parse("Linear 16 frozen=true") == Linear(16, frozen=True)
    assert parse("GELU none") == GELU("none")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "an empty line; write a layer, such as Linear 16"),
        ("Lnear 16", 'there is no layer Lnear; nearest to "Lnear" is "Linear"'),
        ("Linear", "Linear needs out_features: Linear 16"),
        ("Linear ouput=3", "Linear has no argument ouput; known: out_features, bias"),
        ("Linear 0", "Linear out_features: expected a whole number ≥ 1"),
        ("Linear wide", 'Linear out_features: expected a whole number or auto, got "wide"'),
        ("Linear 2.5", "Linear out_features: expected a whole number or auto, got a number"),
        ("Linear 2 True 3", "Linear takes only out_features, bias; what is 3?"),
        ("Linear 2 3 out_features=3", "out_features is given twice"),
        ("Tanh 3", "Tanh takes no arguments; what is 3?"),
        ("Dropout 1", "Dropout p: expected a number < 1"),
        ("Conv2d 8 kernel_size=(3,3,3)", "Conv2d kernel_size: expected a list of length"),
        (
            "Conv2d 8 padding=sane",
            'Conv2d padding: there is no "sane"; nearest to "sane" is "same"',
        ),
        ("Unflatten", "Unflatten needs unflattened_size: Unflatten (8,7,7)"),
        ("Tanh frozen=true", "Tanh has no weights to freeze"),
        ("Linear 16 true true", "Linear takes only out_features, bias; what is true?"),
    ],
)
def test_a_line_that_is_not_a_layer_is_refused_with_a_fix(line: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        parse(line)

    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("line", "shape", "problem"),
    [
        ("Conv2d 8", (2,), "Conv2d expects [channels, height, width], but got [2]"),
        ("Conv2d 8", (28, 28), "Conv2d expects [channels, height, width], but got [28, 28]"),
        ("MaxPool2d 2", (28, 28), "MaxPool2d expects [channels, height, width], but got [28, 28]"),
        ("AdaptiveAvgPool2d", (28,), "AdaptiveAvgPool2d expects [channels, height, width]"),
        ("MaxPool2d 30", (1, 28, 28), "a window of 30 does not fit into height 28"),
        ("MaxPool2d 2 padding=2", (1, 28, 28), "padding 2 is more than half of the window, 2"),
        ("Conv2d 8 groups=3", (3, 28, 28), "groups=3 does not divide 8 out_channels"),
        ("Conv2d 9 groups=3", (2, 28, 28), "groups=3 does not divide 2 input channels"),
        ("Conv2d 8 stride=2 padding=same", (3, 28, 28), 'padding="same" needs stride=1'),
        ("BatchNorm1d", (3, 28, 28), "for images there is BatchNorm2d"),
        ("BatchNorm2d", (16,), "BatchNorm2d expects [channels, height, width], but got [16]"),
        ("Conv2d 8", (64,), "put it before Flatten, or Unflatten (64,1,1) before it"),
        ("Conv2d 8", (4, 9), "for sequences there is Conv1d"),
        ("MaxPool1d", (4, 9, 9), "for images there is MaxPool2d"),
        ("Dropout1d", (3,), "Dropout1d expects [channels, length], but got [3]"),
        ("ConvTranspose2d 8 3 padding=2", (1, 1, 1), "padding=2 cuts all of the height off"),
        ("ConvTranspose2d 8 output_padding=1", (1, 4, 4), "must be smaller than stride=1"),
        (
            "Unflatten (8,7,7)",
            (100,),
            "8×7×7 does not match the 100 input numbers; put Linear 392 before it",
        ),
        ("Unflatten (-1,-1)", (100,), "one of which may be -1"),
        ("Upsample", (3, 4, 4), "Upsample needs either size or scale_factor"),
        ("Upsample size=8 scale_factor=2", (3, 4, 4), "needs either size or scale_factor"),
        ("Upsample 8 mode=linear", (3, 4, 4), "mode=linear is not for images; use nearest or"),
        ("Upsample scale_factor=0.1", (3, 4, 4), "scale_factor=0.1 leaves nothing of height 4"),
        ("Flatten 2", (3,), "Flatten joins dimensions 2 to -1, but [3] has dimensions 1 to 1"),
        ("GroupNorm 3", (4, 5, 5), "num_groups=3 does not divide the 4 input channels"),
        ("GroupNorm 4", (4,), "4 groups of [4] contain one number each"),
        ("InstanceNorm2d", (4, 1, 1), "InstanceNorm2d needs more than one position per channel"),
        ("InstanceNorm1d", (4, 1), "InstanceNorm1d needs more than one position per channel"),
        ("BatchNorm1d", (3, 4, 5, 5), "for volumes there is BatchNorm3d"),
        ("BatchNorm1d track_running_stats=false", (3,), "remove it, or use LayerNorm"),
        ("LayerNorm normalized_shape=(3,4)", (2, 3, 5), "use (5) or (3,5) or (2,3,5), or leave it"),
        ("Conv2d 8 padding=4 padding_mode=reflect", (1, 4, 9), "of height 4 it can take 3 at most"),
        ("CircularPad1d (0,5)", (1, 4), "of length 4 it can take 4 at most, not 5"),
        ("MaxPool3d", (3, 8, 8), "for images there is MaxPool2d"),
        ("Conv2d 8", (3, 8, 8, 8), "for volumes there is Conv3d"),
        ("Conv3d 8", (8,), "or Unflatten (8,1,1,1) before it"),
        ("AvgPool3d 2 padding=1", (3, 1, 2, 2), "a window of 2 does not fit into depth 1"),
        ("Upsample (2,2,2)", (3, 4, 4), "size is one number, or one for each of height, width"),
        ("Upsample 8 align_corners=true", (3, 4, 4), "use mode=bilinear, or remove it"),
        ("PixelShuffle 2", (6, 4, 4), "needs a multiple of 4 channels, but got 6: put Conv2d 4"),
        ("GLU", (5,), "dimension 1 of [5], which is odd: give the layer before it 10 outputs"),
        ("Softmax dim=3", (5, 4), "there is no dimension 3 in [5, 4]: its dimensions are 1 to 2"),
        ("Softmax 0", (5,), "or -1 to -1 from the end; dimension 0 is the batch"),
        ("Hardtanh 1 -1", (5,), "min_val=1 must be smaller than max_val=-1"),
        ("LocalResponseNorm 5", (5,), "LocalResponseNorm expects channels and positions"),
        ("PReLU 3", (4,), "num_parameters=3 must be 1 or the number of channels, 4"),
        ("Reparameterization", (5,), "put Linear 10 before it, for a code of 5 numbers"),
    ],
)
def test_shapes_that_do_not_fit_are_named(line: str, shape: tuple[int, ...], problem: str) -> None:
    with pytest.raises(InputError) as error:
        parse(line).output_shape(shape)

    assert problem in str(error.value)


def test_shapes_and_parameters_by_hand() -> None:
    conv = parse("Conv2d 16 kernel_size=5 stride=2 padding=1")

    assert conv.output_shape((3, 28, 28)) == (16, 13, 13)
    assert conv.count_parameters((3, 28, 28)) == 16 * (5 * 5 * 3 + 1)
    assert Linear(10).count_parameters((784,)) == 7850
    assert MaxPool2d(2).output_shape((16, 13, 13)) == (16, 6, 6)
    assert format_shape((16, 6, 6)) == "[16, 6, 6]"


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_every_layer_is_explained(name: str) -> None:
    docstring = docstrings.docstring_of(LAYERS[name])

    assert docstring.summary and docstring.formula and docstring.use and docstring.pitfall
    assert len(docstring.summary) <= 90, "it fits on one row"


def test_every_layer_and_every_argument_has_help() -> None:
    for name, kind in LAYERS.items():
        assert (kind.__doc__ or "").strip(), name
        help_texts = {
            knob.label: knob.help for knob in iter_struct_knobs(parse(example_line(kind)), "")
        }
        assert set(help_texts) == set(kind.__struct_fields__), name
        assert all(help_texts.values()), name
