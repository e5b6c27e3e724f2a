"""Layers that make sequences of vectors: from tokens, from pictures, with their positions."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.layers.sequence import length_features
from tuilab.core.catalogue.layers.window import each, places
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.format import divisors
from tuilab.core.network.layer import Layer, Shape, Size, Tokens, show

Dimension = Annotated[int, knob("Numbers that stand for each token", ge=1, le=1_000_000)]


class Embedding(Layer, frozen=True):
    """Looks up a learned vector for every token.

    Formula: y = E[token], one row of E for each token of the vocabulary
    Use: first layer for text and other tokens; the size of the vocabulary is inferred.
    Pitfall: rare tokens are seldom updated and stay near where chance put them.
    Source: Bengio et al. 2003; torch.nn.Embedding
    """

    embedding_dim: Dimension
    padding_idx: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        knob("A token whose vector is zero and is not learned; none: no such"),
    ] = None

    family: ClassVar[str] = "embedding"
    takes_tokens: ClassVar[bool] = True

    def output(self, shape: Shape) -> Shape:
        if not isinstance(shape, Tokens):
            raise InputError(
                f"Embedding takes token numbers, but {show(shape)} numbers come in: for text and "
                "other tokens it is the first layer; for numbers take Linear"
            )
        if self.padding_idx is not None and self.padding_idx >= shape.vocabulary:
            raise InputError(
                f"padding_idx={self.padding_idx} is no token; they go from 0 to "
                f"{shape.vocabulary - 1}"
            )
        return (*shape, self.embedding_dim)

    def parameters(self, shape: Shape) -> int:
        return shape.vocabulary * self.embedding_dim if isinstance(shape, Tokens) else 0


class PositionalEncoding(Layer, frozen=True):
    """Adds to every vector where in the sequence it stands.

    Formula: y = x + P; sine: P[t, 2i] = sin(t / 10000^(2i/d)), P[t, 2i+1] = cos(the same)
      learned: P is a matrix of weights [length, features]
    Use: before attention, which by itself sees a set and no order.
    Pitfall: a learned position that training never met (a longer text) is noise. With sine,
      vectors much smaller than 1 drown in it: make the embedding larger.
    Source: Vaswani et al. 2017, section 3.5 (sine); Dosovitskiy et al. 2020 (learned)
    """

    kind: Annotated[Literal["sine", "learned"], knob("Waves of fixed lengths, or weights")] = "sine"

    family: ClassVar[str] = "embedding"

    def output(self, shape: Shape) -> Shape:
        return length_features(self, shape)

    def parameters(self, shape: Shape) -> int:
        return shape[0] * shape[1] if self.kind == "learned" else 0


class PatchEmbedding(Layer, frozen=True):
    """Cuts a picture into patches and makes a vector of each: a sequence of patches.

    Formula: y[k] = W · patch k + b    (a Conv2d whose stride is its window)
    Use: first layer of a vision transformer; ClassToken and PositionalEncoding come next.
    Pitfall: attention costs the square of the number of patches: half the patch_size is four
      times the patches and sixteen times the work.
    Source: Dosovitskiy et al. 2020, section 3.1
    """

    patch_size: Annotated[Size, knob("Height and width of a patch")]
    embed_dim: Annotated[int, knob("Numbers that stand for each patch", ge=1, le=1_000_000)]

    family: ClassVar[str] = "embedding"
    example: ClassVar[str] = "4 64"

    def output(self, shape: Shape) -> Shape:
        sides = places(self, shape, 2)
        count = 1
        for name, side, patch in zip(
            ("height", "width"), sides, each(self.patch_size, 2), strict=True
        ):
            if side % patch:
                fits = ", ".join(map(str, divisors(side)))
                raise InputError(
                    f"patches of {patch} do not divide {name} {side}; take one of {fits}"
                )
            count *= side // patch
        return (count, self.embed_dim)

    def parameters(self, shape: Shape) -> int:
        height, width = each(self.patch_size, 2)
        return self.embed_dim * (shape[0] * height * width + 1)


class ClassToken(Layer, frozen=True):
    """Puts one learned vector in front of a sequence, for attention to collect the answer in.

    Formula: y = [c, x₁, …, x_T]
    Use: with attention layers after it and SelectPosition 0 at the end, for one answer about
      the whole sequence.
    Pitfall: without SelectPosition 0 it is a position like any other. Under causal attention
      it sees nothing: put causal=false.
    Source: Devlin et al. 2018; Dosovitskiy et al. 2020
    """

    family: ClassVar[str] = "embedding"

    def output(self, shape: Shape) -> Shape:
        length, features = length_features(self, shape)
        return (length + 1, features)

    def parameters(self, shape: Shape) -> int:
        return shape[-1]
