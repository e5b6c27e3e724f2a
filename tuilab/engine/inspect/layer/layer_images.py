"""Pictures that only some layers have: filters, feature maps, attention, states, projections."""

import msgspec
import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.layer_messages import HeatMap, Projection, Tiles
from tuilab.engine.inspect.layer.labels import get_token_names, label_targets, number_names
from tuilab.engine.inspect.layer.layer_outputs import LayerOutputs
from tuilab.engine.inspect.layer.tensor_statistics import build_heat_map
from tuilab.engine.session import Session

MAX_TILES, MAX_TILE_SIDE = 64, 32

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, *TRANSPOSED)

MAX_POINTS = 400


def build_filter_tiles(module: nn.Module, weight: Tensor) -> Tiles:
    """Returns every filter of a convolution; with several input channels, a tile for each.

    Args:
        weight: [outputs, inputs, ...]; of a transposed convolution [inputs, outputs, ...].
    """
    if isinstance(module, TRANSPOSED):
        weight = weight.transpose(0, 1)
    if weight.dim() == 3:  # over one dimension: channels by positions
        kernels, captions = weight, number_names(len(weight))
    else:
        outputs, inputs = weight.shape[:2]
        kernels = weight.flatten(0, 1)
        pairs = [(o, i) for o in range(outputs) for i in range(inputs)]
        captions = [str(o) if inputs == 1 else f"{i}>{o}" for o, i in pairs]
    return _build_tiles(kernels, captions, "filter")


def build_feature_maps(outputs: LayerOutputs, output: Tensor) -> Tiles:
    """Returns the channels of one example, after the image that the network got.

    Args:
        output: [n, channels, height, width].
    """
    tiles = _build_tiles(output[0], number_names(output.shape[1]), "channel")
    if outputs.inputs.dim() != 4 or not outputs.inputs.is_floating_point():
        return tiles
    image = build_heat_map(outputs.inputs[0].mean(0), (MAX_TILE_SIDE, MAX_TILE_SIDE))
    image = msgspec.structs.replace(image, caption="input")
    return Tiles([image, *tiles.tiles], tiles.total, tiles.name)


def build_attention_tiles(session: Session, outputs: LayerOutputs) -> Tiles:
    """Returns each head's weights for one example: queries by keys."""
    assert outputs.attention is not None
    heads, length = outputs.attention[0], outputs.attention.shape[-1]
    captions = [f"head {n}" for n in range(len(heads))]
    tiles = _build_tiles(heads, captions, "head", MAX_TILE_SIDE * 2, max_abs=1.0)
    names = get_position_names(session, outputs, length)
    is_square = heads.shape[-2] == length  # else the columns are the positions of a memory
    named_tiles = [
        msgspec.structs.replace(
            tile,
            is_fraction=True,
            row_names=names if is_square else [],
            column_names=names if is_square else [],
        )
        for tile in tiles.tiles
    ]
    return Tiles(named_tiles, tiles.total, tiles.name)


def build_state_map(
    session: Session, outputs: LayerOutputs, output: Tensor, size: tuple[int, int]
) -> HeatMap:
    """Returns units by positions of one example.

    Args:
        output: [n, length, units].
    """
    names = get_position_names(session, outputs, output.shape[1])
    heat_map = build_heat_map(output[0].T, size)
    return msgspec.structs.replace(
        heat_map, row_axis="units", column_axis="positions",
        column_names=names if heat_map.is_whole else [],
    )  # fmt: skip


def get_position_names(session: Session, outputs: LayerOutputs, length: int) -> list[str]:
    """Returns the tokens of the first example; empty if its positions are not tokens."""
    tokens = outputs.raw[0]
    if tokens.is_floating_point() or tokens.dim() != 1 or len(tokens) != length:
        return []
    return get_token_names(session, tokens) or [str(token) for token in tokens.tolist()]


def project_outputs(session: Session, outputs: LayerOutputs, output: Tensor) -> Projection:
    """Projects examples, or their positions if each has a target, with the targets as names.

    Args:
        output: [n, ...].
    """
    targets = outputs.targets
    if output.dim() == 3 and _has_position_targets(outputs, output):
        rows = output.flatten(0, 1)[:MAX_POINTS]
        names, numbers = label_targets(session, outputs, by_position=True)
        return _project(rows, names, numbers[: len(rows)], "positions", _is_text(session))
    rows = output.flatten(1)[:MAX_POINTS]
    if targets is None or (targets.dim() > 1 and targets.shape[1] > 1):
        return _project(rows, [], [-1] * len(rows), "examples")
    names, numbers = label_targets(session, outputs, by_position=False)
    return _project(rows, names, numbers[: len(rows)], "examples")


def project_embedding(session: Session, weight: Tensor) -> Projection:
    """Projects the vectors of an embedding.

    Args:
        weight: [tokens, features].
    """
    rows = weight.detach()[:MAX_POINTS]
    names = get_token_names(session, torch.arange(len(rows))) or number_names(len(rows))
    return _project(rows, names, list(range(len(rows))), "tokens", is_text=True)


def _is_text(session: Session) -> bool:
    return bool(session.dataset.vocabulary) and not session.dataset.classes


def _has_position_targets(outputs: LayerOutputs, output: Tensor) -> bool:
    targets = outputs.targets
    if targets is None or targets.dim() < 2 or targets.is_floating_point():
        return False
    return tuple(output.shape[:2]) == tuple(targets.shape[:2])


def project_principal(rows: Tensor) -> tuple[Tensor, tuple[float, float]]:
    """Projects rows onto their first two principal components.

    The sign of a component is such that its largest entry is positive.

    Args:
        rows: [n, features].

    Returns:
        float64 [n, 2], and the fraction of the variance along each component.
    """
    rows = rows.detach().double().cpu().nan_to_num(0.0, 0.0, 0.0)
    centered = rows - rows.mean(0)
    if centered.shape[1] > len(centered):  # many features: the smaller matrix of products
        variances, left = torch.linalg.eigh(centered @ centered.T)
        axes = centered.T @ left.flip(1)[:, :2]
        axes = axes / axes.norm(dim=0).clamp(min=1e-300)
    else:
        variances, axes = torch.linalg.eigh(centered.T @ centered)
        axes = axes.flip(1)[:, :2]
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    points = centered @ (axes * torch.where(largest < 0, -1.0, 1.0))
    variances = variances.flip(0).clamp(min=0)
    fractions = variances[:2] / variances.sum().clamp(min=1e-300)
    if points.shape[1] < 2:
        points = torch.cat([points, torch.zeros_like(points)], dim=1)
    second = float(fractions[1]) if len(fractions) > 1 else 0.0
    return points, (float(fractions[0]), second)


def _project(
    rows: Tensor, names: list[str], numbers: list[int], point_kind: str, is_text: bool = False
) -> Projection:
    coordinates, explained_variance = project_principal(rows)
    points = [(x, y, n) for (x, y), n in zip(coordinates.tolist(), numbers, strict=True)]
    return Projection(points, names, explained_variance, point_kind, is_text)


def _build_tiles(
    kernels: Tensor, captions: list[str], name: str, side: int = MAX_TILE_SIDE,
    max_abs: float | None = None,
) -> Tiles:  # fmt: skip
    """Returns the first kernels as heat maps on one scale."""
    first = kernels[:MAX_TILES].detach().float()
    if max_abs is None:
        finite = first.nan_to_num(0.0, 0.0, 0.0)
        max_abs = float(finite.abs().amax()) if first.numel() else 0.0
    tiles = [
        msgspec.structs.replace(
            build_heat_map(kernel, (side, side), max_abs=max_abs), caption=caption
        )
        for kernel, caption in zip(first, captions, strict=False)
    ]
    return Tiles(tiles, len(kernels), name)
