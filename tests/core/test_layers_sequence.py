"""Layers over sequences, tokens, patches, graphs and ready-made models: shapes and refusals."""

import pytest

from tuilab.core.errors import InputError
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan

TEXT = Tokens((32,), vocabulary=65)
SEQUENCE = (32, 64)
PICTURE = (3, 28, 28)


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
        ("PatchEmbedding 7 64", PICTURE, (16, 64), 64 * (3 * 49 + 1)),
        ("PatchEmbedding (14,4) 8", PICTURE, (14, 8), 8 * (3 * 14 * 4 + 1)),
        ("ClassToken", SEQUENCE, (33, 64), 64),
        ("SelectPosition 0", SEQUENCE, (64,), 0),
        ("SelectPosition -1", SEQUENCE, (64,), 0),
        ("MeanOverPositions", SEQUENCE, (64,), 0),
        ("Transpose", SEQUENCE, (64, 32), 0),
        ("GraphConvolution 16", (34, 8), (34, 16), 16 * 9),
        ("Backbone", PICTURE, (512,), 11_176_512),
        ("Backbone mobilenet_v3_small weights=default", (1, 28, 28), (576,), 927_008),
        ("Backbone vit_b_16 none", (3, 224, 224), (768,), 85_798_656),
    ],
)
def test_shapes_and_parameters_by_hand(
    line: str, shape: Shape, output: Shape, parameters: int
) -> None:
    layer = parse(line)

    assert layer.output(shape) == output
    assert layer.parameters(shape) == parameters


@pytest.mark.parametrize(
    ("line", "shape", "complaint"),
    [
        (
            "LSTM 16", (784,),
            "LSTM takes [length, features], but [784] comes in: remove the Flatten before it",
        ),
        ("GRU 16", (8,), "after a recurrent layer, give that returns=sequence"),
        ("RNN 16", PICTURE, "[3, 28, 28] comes in: PatchEmbedding makes a sequence of a picture"),
        ("LSTM 16 dropout=0.5", SEQUENCE, "dropout acts between layers, and num_layers=1 has none"),
        ("LSTM 16 bias=false forget_bias=1", SEQUENCE, "forget_bias sets a bias, but bias=false"),
        ("Embedding 8", (2,), "Embedding takes token numbers, but [2] numbers come in"),
        ("Embedding 8 padding_idx=65", TEXT, "padding_idx=65 is no token; they go from 0 to 64"),
        (
            "MultiheadAttention 3", SEQUENCE,
            "num_heads=3 does not divide the 64 features that come in; take one of 1, 2, 4, 8, 16",
        ),
        ("TransformerEncoderLayer 5", SEQUENCE, "nhead=5 does not divide the 64 features"),
        ("DecoderBlock 5", SEQUENCE, "num_heads=5 does not divide the 64 features"),
        ("DecoderBlock 2", (64,), "DecoderBlock takes [length, features], but [64] comes in"),
        (
            "PatchEmbedding 5 8", PICTURE,
            "patches of 5 do not divide height 28; take one of 1, 2, 4, 7, 14, 28",
        ),
        ("PatchEmbedding (4,3) 8", PICTURE, "patches of 3 do not divide width 28"),
        ("PatchEmbedding 4 8", (784,), "PatchEmbedding takes [channels, height, width]"),
        ("SelectPosition 32", SEQUENCE, "there is no position 32 in a sequence of 32"),
        ("SelectPosition -33", SEQUENCE, "they go from 0 to 31, or back from -1"),
        ("MeanOverPositions", (3,), "MeanOverPositions takes [length, features]"),
        ("Transpose", PICTURE, "Transpose takes [length, features]"),
        ("GraphConvolution 4", (2,), "GraphConvolution takes [nodes, features], but [2] comes in"),
        ("Backbone", (784,), "Backbone takes [channels, height, width], but [784] comes in"),
        ("Backbone", (16, 28, 28), "resnet18 takes pictures of 3 channels (or 1, which is repeat"),
        ("Backbone convnext_tiny", PICTURE, "takes pictures of at least 32×32, but 28×28 come in"),
        ("Backbone vit_b_16", PICTURE, "takes pictures of 224×224, but 28×28 come in"),
        ("Backbone vit_b_16", (3, 224, 256), "pictures of 224×224, but 224×256 come in"),
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_says_what_would(line: str, shape: Shape, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        parse(line).output(shape)

    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("LSTM 16 returns=all", 'LSTM returns: there is no "all"; known: last, sequence'),
        ("RNN 16 nonlinearity=gelu", 'there is no "gelu"; nearest to "gelu" is "relu"'),
        ("Backbone resnet19", 'there is no "resnet19"; nearest to "resnet19" is "resnet18"'),
        ("Backbone weights=imagenet", 'Backbone weights: there is no "imagenet"; known: default'),
        ("DecoderBlock 0", "DecoderBlock num_heads: expected a whole number ≥ 1"),
    ],
)
def test_an_argument_that_cannot_be_is_named(line: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        parse(line)

    assert complaint in str(error.value)


def test_a_language_model_is_planned_from_tokens_to_one_answer_for_each_position() -> None:
    lines = (
        "Embedding 64", "PositionalEncoding learned", ("Repeat 2", "DecoderBlock 4"), "LayerNorm",
        "Linear 65",
    )  # fmt: skip

    planned = plan(lines, TEXT)

    assert planned.is_valid
    assert planned.output == (32, 65)


def test_a_vision_transformer_is_planned_from_pictures_to_classes() -> None:
    lines = (
        "PatchEmbedding 7 32", "ClassToken", "PositionalEncoding learned",
        ("Repeat 2", "TransformerEncoderLayer 4 64 norm_first=true"),
        "SelectPosition 0", "Linear 10",
    )  # fmt: skip

    planned = plan(lines, (1, 28, 28))

    assert planned.is_valid
    assert planned.output == (10,)
