"""A walk through the codes of an autoencoder: decoded images on a grid of codes."""

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers.blocks import Decoder, Encoder
from tuilab.core.format import format_number
from tuilab.core.protocol.inspect.result_messages import GeneratedImages
from tuilab.engine.inspect.evaluation import forward, predicting, prepare_inputs
from tuilab.engine.inspect.result.generated_samples import encode_images
from tuilab.engine.model import build_network
from tuilab.engine.session import Session

GRID_SIDE = 7
"""Codes along each side of the grid."""

MAX_DEVIATION = 2.0
"""The grid reaches this many standard deviations from the mean, each way."""

ENCODED_EXAMPLES = 128
"""Examples whose codes give the mean and the standard deviation."""

IMAGE_SIDE = 32

NO_BLOCKS = "A walk through the codes needs a network of the two blocks Encoder and Decoder."

NO_IMAGES = "The codes are decoded to rows of numbers, not to images."


def split_autoencoder(session: Session) -> tuple[nn.Module, nn.Module] | None:
    """Returns encoder and decoder if the network consists of these two blocks, else None."""
    blocks = list(session.network.children())
    if len(blocks) != 2:
        return None
    layers = dict(build_network.modules_with_layers(session.network, session.experiment.network))
    encoder, decoder = blocks
    is_pair = isinstance(layers.get(encoder), Encoder) and isinstance(layers.get(decoder), Decoder)
    return (encoder, decoder) if is_pair else None


def walk_latent_space(session: Session) -> tuple[GeneratedImages | None, str]:
    """Decodes a grid over the first two numbers of the code; returns the images, or why not."""
    blocks = split_autoencoder(session)
    if blocks is None:
        return None, NO_BLOCKS
    encoder, decoder = blocks
    inputs = prepare_inputs(session, session.dataset.train.inputs[:ENCODED_EXAMPLES])
    with predicting(session):
        codes = forward(session, inputs, encoder)
        grid, columns, title = build_latent_grid(codes)
        output = forward(session, grid.to(session.parameters[0].dtype), decoder)
    if output.dim() != 4:
        return None, NO_IMAGES
    images, shape = encode_images(session.dataset, output, IMAGE_SIDE)
    return GeneratedImages(images, shape, columns, title), ""


def build_latent_grid(codes: Tensor) -> tuple[Tensor, int, str]:
    """Returns codes on a grid around the mean of some codes, the grid's columns, and a title.

    The first two numbers vary; the others stay at their mean.

    Args:
        codes: [n, ...].

    Returns:
        codes: [side * side, ...], or [side, ...] if a code is a single number.
    """
    flat = codes.flatten(1)
    mean, std = flat.mean(0), flat.std(0, correction=0)
    steps = torch.linspace(
        -MAX_DEVIATION, MAX_DEVIATION, GRID_SIDE, device=codes.device, dtype=flat.dtype
    )
    limit = format_number(MAX_DEVIATION)
    span = f"from -{limit} to +{limit} standard deviations around its mean"
    if flat.shape[1] == 1:
        grid = (mean + steps[:, None] * std).reshape(GRID_SIDE, *codes.shape[1:])
        return grid, GRID_SIDE, f"the code {span}"
    grid = mean.repeat(GRID_SIDE * GRID_SIDE, 1)
    across, up = steps.repeat(GRID_SIDE), steps.flip(0).repeat_interleave(GRID_SIDE)
    grid[:, 0] += across * std[0]
    grid[:, 1] += up * std[1]
    title = f"right: code 1, up: code 2, each {span}"
    return grid.reshape(GRID_SIDE * GRID_SIDE, *codes.shape[1:]), GRID_SIDE, title
