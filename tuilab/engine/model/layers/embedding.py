"""Modules that make sequences of vectors from tokens or images, and add positions to them."""

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import embedding as catalogue
from tuilab.core.catalogue.layers.window import per_axis
from tuilab.core.network.layer import Shape, Tokens
from tuilab.engine.model.layers.builders import module, module_class


@module(catalogue.Embedding)
def embedding(layer: catalogue.Embedding, shape: Shape) -> nn.Module:
    """Builds an Embedding for the vocabulary of its input."""
    assert isinstance(shape, Tokens)
    return nn.Embedding(shape.vocabulary, layer.embedding_dim, layer.padding_idx)


@module(catalogue.EmbeddingBag)
def embedding_bag(layer: catalogue.EmbeddingBag, shape: Shape) -> nn.Module:
    """Builds an EmbeddingBag for the vocabulary of its input; each row [length] is a bag."""
    assert isinstance(shape, Tokens)
    return nn.EmbeddingBag(
        shape.vocabulary, layer.embedding_dim, mode=layer.mode, padding_idx=layer.padding_idx
    )


def sinusoidal_encoding(length: int, features: int) -> Tensor:
    """Returns the positional encoding of Vaswani et al. 2017, section 3.5: [length, features]."""
    position = torch.arange(length, dtype=torch.float64)[:, None]
    even = torch.arange(0, features, 2, dtype=torch.float64)
    angle = position / 10_000 ** (even / features)
    waves = torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)
    return waves[:, :features].float()  # an odd last feature has only its sine


class SinePositions(nn.Module):
    """Adds a sinusoidal encoding of the positions."""

    waves: Tensor

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self.register_buffer("waves", sinusoidal_encoding(length, features), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to the same shape; a sequence may also be shorter."""
        return x + self.waves[: x.shape[1]]


class LearnedPositions(nn.Module):
    """Adds a learned vector for each position."""

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, features))
        nn.init.normal_(self.weight, std=0.02)  # as in GPT-2 and ViT

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to the same shape; a sequence may also be shorter."""
        return x + self.weight[: x.shape[1]]


@module(catalogue.PositionalEncoding)
def positional_encoding(layer: catalogue.PositionalEncoding, shape: Shape) -> nn.Module:
    """Builds positions for the length and features of its input."""
    return (LearnedPositions if layer.kind == "learned" else SinePositions)(*shape)


class PatchEmbedding(nn.Conv2d):
    """A convolution whose windows do not overlap, read as a sequence."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Maps [batch, channels, height, width] to [batch, patches, features], row by row."""
        return super().forward(input).flatten(2).transpose(1, 2)


@module(catalogue.PatchEmbedding)
def patch_embedding(layer: catalogue.PatchEmbedding, shape: Shape) -> nn.Module:
    """Builds a PatchEmbedding for the channels of its input."""
    height, width = per_axis(layer.patch_size, 2)
    patch = (height, width)
    return PatchEmbedding(shape[0], layer.embed_dim, kernel_size=patch, stride=patch)


@module_class(catalogue.ClassToken, -1)
class ClassToken(nn.Module):
    """Prepends a learned vector to every sequence."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features))  # as in torchvision's ViT

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to [batch, 1 + length, features]."""
        return torch.cat([self.weight.to(x.dtype).expand(len(x), 1, -1), x], dim=1)
