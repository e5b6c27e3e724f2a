"""Modules that make sequences of vectors: from tokens, from pictures, with their positions."""

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import embedding as lab
from tuilab.core.catalogue.layers.window import each
from tuilab.core.network.layer import Layer, Shape, Tokens
from tuilab.engine.model.layers.named import Builder


def sine_waves(length: int, features: int) -> Tensor:
    """The positional encoding of Vaswani et al. 2017, section 3.5: [length, features]."""
    position = torch.arange(length, dtype=torch.float64)[:, None]
    even = torch.arange(0, features, 2, dtype=torch.float64)
    angle = position / 10_000 ** (even / features)
    waves = torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)
    return waves[:, :features].float()  # an odd last feature has its sine only


class SinePositions(nn.Module):
    """Adds waves of fixed lengths."""

    waves: Tensor

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self.register_buffer("waves", sine_waves(length, features), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Of [n, length, features]; a sequence may also be shorter."""
        return x + self.waves[: x.shape[1]]


class LearnedPositions(nn.Module):
    """Adds a learned vector for each position."""

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, features))
        nn.init.normal_(self.weight, std=0.02)  # as in GPT-2 and ViT

    def forward(self, x: Tensor) -> Tensor:
        """Of [n, length, features]; a sequence may also be shorter."""
        return x + self.weight[: x.shape[1]]


class PatchEmbedding(nn.Conv2d):
    """A convolution whose windows do not overlap, read as a sequence."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """[n, channels, height, width] to [n, patches, features], row by row."""
        return super().forward(input).flatten(2).transpose(1, 2)


class ClassToken(nn.Module):
    """A learned vector in front of every sequence."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features))  # as in torchvision's ViT

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to [n, 1 + length, features]."""
        return torch.cat([self.weight.to(x.dtype).expand(len(x), 1, -1), x], dim=1)


def _embedding(layer: lab.Embedding, shape: Shape) -> nn.Module:
    assert isinstance(shape, Tokens)
    return nn.Embedding(shape.vocabulary, layer.embedding_dim, layer.padding_idx)


def _positions(layer: lab.PositionalEncoding, shape: Shape) -> nn.Module:
    return (LearnedPositions if layer.kind == "learned" else SinePositions)(*shape)


def _patches(layer: lab.PatchEmbedding, shape: Shape) -> nn.Module:
    height, width = each(layer.patch_size, 2)
    patch = (height, width)
    return PatchEmbedding(shape[0], layer.embed_dim, kernel_size=patch, stride=patch)


BUILDERS: dict[type[Layer], Builder] = {
    lab.Embedding: _embedding,
    lab.PositionalEncoding: _positions,
    lab.PatchEmbedding: _patches,
    lab.ClassToken: lambda layer, shape: ClassToken(shape[-1]),
}
