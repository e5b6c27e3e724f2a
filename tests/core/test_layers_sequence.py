"""Layers over sequences, tokens, patches, graphs and ready-made models: shapes and refusals."""

import pytest

from tuilab.core.errors import InputError
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan

TEXT = Tokens((32,), vocabulary=65)
SEQUENCE = (32, 64)
IMAGE = (3, 28, 28)


@pytest.mark.parametrize(
    ("line", "shape", "output", "parameters"),
    [
        ("Embedding 64", TEXT, (32, 64), 65 * 64),
        ("PositionalEncoding", SEQUENCE, (32, 64), 0),
        ("PositionalEncoding learned", SEQUENCE, (32, 64), 32 * 64),
        ("RNN 16", SEQUENCE, (16,), 16 * (64 + 16 + 2)),
        ("LSTM 16 returns=sequence", SEQUENCE, (32, 16), 4 * 16 * (64 + 16 + 2)),
        ("GRU 16 bidirectional=true", SEQUENCE, (32,), 2 * 3 * 16 * (64 + 16 + 2)),
        ("LSTM 16 2 bias=false", SEQUENCE, (16,), 4 * 16 * (64 + 16 + 16 + 16)),
        ("MultiheadAttention 4", SEQUENCE, SEQUENCE, 4 * 64 * 65),
        ("TransformerEncoderLayer 4 128", SEQUENCE, SEQUENCE, 33_472),
        ("DecoderBlock 4", SEQUENCE, SEQUENCE, 49_984),
        ("PatchEmbedding 7 64", IMAGE, (16, 64), 64 * (3 * 49 + 1)),
        ("PatchEmbedding (14,4) 8", IMAGE, (14, 8), 8 * (3 * 14 * 4 + 1)),
        ("ClassToken", SEQUENCE, (33, 64), 64),
        ("SelectPosition 0", SEQUENCE, (64,), 0),
        ("SelectPosition -1", SEQUENCE, (64,), 0),
        ("MeanOverPositions", SEQUENCE, (64,), 0),
        ("Transpose", SEQUENCE, (64, 32), 0),
        ("GraphConvolution 16", (34, 8), (34, 16), 16 * 9),
        ("Backbone", IMAGE, (512,), 11_176_512),
        ("Backbone mobilenet_v3_small weights=default", (1, 28, 28), (576,), 927_008),
        ("Backbone vit_b_16 none", (3, 224, 224), (768,), 85_798_656),
    ],
)
def test_shapes_and_parameters_by_hand(
    line: str, shape: Shape, output: Shape, parameters: int
) -> None:
    layer = parse(line)

    assert layer.output_shape(shape) == output
    assert layer.count_parameters(shape) == parameters


@pytest.mark.parametrize(
    ("line", "shape", "problem"),
    [
        (
            "LSTM 16", (784,),
            "LSTM expects [length, features], but got [784]: remove the Flatten before it",
        ),
        ("GRU 16", (8,), "a recurrent layer before it needs returns=sequence"),
        ("RNN 16", IMAGE, "got [3, 28, 28]: PatchEmbedding turns an image into a sequence"),
        ("LSTM 16 dropout=0.5", SEQUENCE, "dropout acts between layers, but num_layers=1 has"),
        ("LSTM 16 bias=false forget_bias=1", SEQUENCE, "forget_bias sets a bias, but bias=false"),
        ("Embedding 8", (2,), "Embedding expects token numbers, but got numbers of shape [2]"),
        ("Embedding 8 padding_idx=65", TEXT, "padding_idx=65 is not a token; tokens go from 0"),
        (
            "MultiheadAttention 3", SEQUENCE,
            "num_heads=3 does not divide the 64 input features; use one of 1, 2, 4, 8, 16",
        ),
        ("TransformerEncoderLayer 5", SEQUENCE, "nhead=5 does not divide the 64 input features"),
        ("DecoderBlock 5", SEQUENCE, "num_heads=5 does not divide the 64 input features"),
        ("DecoderBlock 2", (64,), "DecoderBlock expects [length, features], but got [64]"),
        (
            "PatchEmbedding 5 8", IMAGE,
            "patches of 5 do not divide height 28; use one of 1, 2, 4, 7, 14, 28",
        ),
        ("PatchEmbedding (4,3) 8", IMAGE, "patches of 3 do not divide width 28"),
        ("PatchEmbedding 4 8", (784,), "PatchEmbedding expects [channels, height, width]"),
        ("SelectPosition 32", SEQUENCE, "there is no position 32 in a sequence of 32"),
        ("SelectPosition -33", SEQUENCE, "positions go from 0 to 31, or backward from -1"),
        ("MeanOverPositions", (3,), "MeanOverPositions expects [length, features]"),
        ("Transpose", IMAGE, "Transpose expects [length, features]"),
        ("LSTM 8 proj_size=8", (5, 4), "proj_size=8 must be smaller than hidden_size=8"),
        ("EmbeddingBag 4", (5, 4), "EmbeddingBag expects token numbers, but got numbers of shape"),
        ("EmbeddingBag 4", Tokens((2, 3), 5), "expects the tokens of one text, [length], but"),
        ("EmbeddingBag 4 padding_idx=5", Tokens((3,), 5), "padding_idx=5 is not a token"),
        ("GraphConvolution 4", (2,), "GraphConvolution expects [nodes, features], but got [2]"),
        ("Backbone", (784,), "Backbone expects [channels, height, width], but got [784]"),
        ("Backbone", (16, 28, 28), "resnet18 expects images with 3 channels (or 1, which is"),
        ("Backbone convnext_tiny", IMAGE, "expects images of at least 32×32, but got 28×28"),
        ("Backbone vit_b_16", IMAGE, "expects images of 224×224, but got 28×28"),
        ("Backbone vit_b_16", (3, 224, 256), "images of 224×224, but got 224×256"),
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_is_refused_with_a_fix(
    line: str, shape: Shape, problem: str
) -> None:
    with pytest.raises(InputError) as error:
        parse(line).output_shape(shape)

    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("LSTM 16 returns=all", 'LSTM returns: there is no "all"; known: last, sequence'),
        ("RNN 16 nonlinearity=gelu", 'there is no "gelu"; nearest to "gelu" is "relu"'),
        ("Backbone resnet19", 'there is no "resnet19"; nearest to "resnet19" is "resnet18"'),
        ("Backbone weights=imagenet", 'Backbone weights: there is no "imagenet"; known: default'),
        ("DecoderBlock 0", "DecoderBlock num_heads: expected a whole number ≥ 1"),
    ],
)
def test_an_invalid_argument_is_named(line: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        parse(line)

    assert problem in str(error.value)


def test_a_language_model_is_planned_from_tokens_to_one_output_for_each_position() -> None:
    lines = (
        "Embedding 64", "PositionalEncoding learned", ("Repeat 2", "DecoderBlock 4"), "LayerNorm",
        "Linear 65",
    )  # fmt: skip

    planned = plan(lines, TEXT)

    assert planned.is_valid
    assert planned.output == (32, 65)


def test_a_vision_transformer_is_planned_from_images_to_classes() -> None:
    lines = (
        "PatchEmbedding 7 32", "ClassToken", "PositionalEncoding learned",
        ("Repeat 2", "TransformerEncoderLayer 4 64 norm_first=true"),
        "SelectPosition 0", "Linear 10",
    )  # fmt: skip

    planned = plan(lines, (1, 28, 28))

    assert planned.is_valid
    assert planned.output == (10,)
