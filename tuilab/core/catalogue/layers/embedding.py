"""Layers that make sequences of vectors from tokens or images, and add positions to them."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.layers.sequence import check_sequence
from tuilab.core.catalogue.layers.window import per_axis, spatial_sizes
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, Size, Tokens, divisors, format_shape

Dimension = Annotated[int, knob("Size of the vector of each token", ge=1, le=1_000_000)]


class Embedding(Layer, frozen=True):
    """Looks up a learned vector for every token.

    Formula: y = E[token], one row of E for each token of the vocabulary
    Use: the first layer for text and other tokens; the size of the vocabulary is inferred.
    Pitfall: rare tokens are seldom updated and stay near their random initialization.
    Source: Bengio et al. 2003; torch.nn.Embedding
    """

    embedding_dim: Dimension
    padding_idx: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        knob("A token whose vector stays zero; none: no such token"),
    ] = None

    family: ClassVar[str] = "embedding"
    takes_tokens: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        _check_tokens(self, shape)
        return (*shape, self.embedding_dim)

    def count_parameters(self, shape: Shape) -> int:
        return shape.vocabulary * self.embedding_dim if isinstance(shape, Tokens) else 0


class EmbeddingBag(Layer, frozen=True):
    """Looks up a learned vector for every token of a text and reduces them to one.

    Formula: y = (E[token₁] + … + E[token_T]) / T;  mode=sum: without / T;  mode=max: the largest
    Use: one output per text from the words in it, in any order: a fast and strong baseline.
    Pitfall: the order is lost, so "not good, bad" and "not bad, good" are the same.
    Source: Joulin et al. 2016 (fastText); torch.nn.EmbeddingBag
    """

    embedding_dim: Dimension
    mode: Annotated[
        Literal["mean", "sum", "max"], knob("How the vectors of the tokens are reduced to one")
    ] = "mean"
    padding_idx: Annotated[
        Annotated[int, Meta(ge=0)] | None, knob("A token that is left out; none: no such token")
    ] = None

    family: ClassVar[str] = "embedding"
    takes_tokens: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        _check_tokens(self, shape)
        if len(shape) != 1:
            raise InputError(
                f"EmbeddingBag expects the tokens of one text, [length], but got "
                f"{format_shape(shape)}; Embedding takes any shape"
            )
        return (self.embedding_dim,)

    def count_parameters(self, shape: Shape) -> int:
        return shape.vocabulary * self.embedding_dim if isinstance(shape, Tokens) else 0


def _check_tokens(layer: Embedding | EmbeddingBag, shape: Shape) -> None:
    """Raises InputError where the input is not tokens, or padding_idx is not one of them."""
    if not isinstance(shape, Tokens):
        raise InputError(
            f"{type(layer).__name__} expects token numbers, but got numbers of shape "
            f"{format_shape(shape)}: it is the first layer for text and other tokens; for "
            "numbers use Linear"
        )
    if layer.padding_idx is not None and layer.padding_idx >= shape.vocabulary:
        raise InputError(
            f"padding_idx={layer.padding_idx} is not a token; tokens go from 0 to "
            f"{shape.vocabulary - 1}"
        )


class PositionalEncoding(Layer, frozen=True):
    """Adds its position in the sequence to every vector.

    Formula: y = x + P; sine: P[t, 2i] = sin(t / 10000^(2i/d)), P[t, 2i+1] = cos(the same)
      learned: P is a matrix of weights [length, features]
    Use: before attention, which by itself ignores the order.
    Pitfall: a learned position that never occurred in training (a longer text) is noise. With
      sine, vectors much smaller than 1 are drowned out: make the embedding larger.
    Source: Vaswani et al. 2017, section 3.5 (sine); Dosovitskiy et al. 2020 (learned)
    """

    kind: Annotated[Literal["sine", "learned"], knob("Fixed sine waves, or learned weights")] = (
        "sine"
    )

    family: ClassVar[str] = "embedding"

    def output_shape(self, shape: Shape) -> Shape:
        return check_sequence(self, shape)

    def count_parameters(self, shape: Shape) -> int:
        return shape[0] * shape[1] if self.kind == "learned" else 0


class PatchEmbedding(Layer, frozen=True):
    """Cuts an image into patches and maps each to a vector: a sequence of patches.

    Formula: y[k] = W · patch k + b    (a Conv2d whose stride is its window)
    Use: the first layer of a vision transformer, followed by ClassToken and PositionalEncoding.
    Pitfall: attention costs the square of the number of patches: half the patch_size means four
      times the patches and sixteen times the work.
    Source: Dosovitskiy et al. 2020, section 3.1
    """

    patch_size: Annotated[Size, knob("Height and width of a patch")]
    embed_dim: Annotated[int, knob("Size of the vector of each patch", ge=1, le=1_000_000)]

    family: ClassVar[str] = "embedding"
    example: ClassVar[str] = "4 64"

    def output_shape(self, shape: Shape) -> Shape:
        sides = spatial_sizes(self, shape, 2)
        count = 1
        for name, side, patch in zip(
            ("height", "width"), sides, per_axis(self.patch_size, 2), strict=True
        ):
            if side % patch:
                fits = ", ".join(map(str, divisors(side)))
                raise InputError(
                    f"patches of {patch} do not divide {name} {side}; use one of {fits}"
                )
            count *= side // patch
        return (count, self.embed_dim)

    def count_parameters(self, shape: Shape) -> int:
        height, width = per_axis(self.patch_size, 2)
        return self.embed_dim * (shape[0] * height * width + 1)


class ClassToken(Layer, frozen=True):
    """Prepends one learned vector to a sequence, in which attention collects the result.

    Formula: y = [c, x₁, …, x_T]
    Use: with attention layers after it and SelectPosition 0 at the end, for one output per
      sequence.
    Pitfall: without SelectPosition 0 it is a position like any other. With causal attention it
      sees nothing but itself: set causal=false.
    Source: Devlin et al. 2018; Dosovitskiy et al. 2020
    """

    family: ClassVar[str] = "embedding"

    def output_shape(self, shape: Shape) -> Shape:
        length, features = check_sequence(self, shape)
        return (length + 1, features)

    def count_parameters(self, shape: Shape) -> int:
        return shape[-1]
