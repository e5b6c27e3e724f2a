"""Pictures that some layers have: filters, feature maps, attention, states, a plane of points."""

import msgspec
import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.layer_messages import HeatMap, Plane, Tiles
from tuilab.engine.inspect.layer.labels import classes_of, numbered, said
from tuilab.engine.inspect.layer.layer_outputs import Outputs
from tuilab.engine.inspect.layer.tensor_statistics import heat_map
from tuilab.engine.session import Session

TILES, SIDE = 64, 32
"""So many tiles, of so many numbers a side."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)

POINTS = 400


def filters(module: nn.Module, weight: Tensor) -> Tiles:
    """Every filter of a convolution; of several input channels, one tile each."""
    if isinstance(module, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    if weight.dim() == 3:  # over one dimension: channels by places
        kernels, captions = weight, [str(number) for number in range(len(weight))]
    else:
        outputs, inputs = weight.shape[:2]
        kernels = weight.flatten(0, 1)
        pairs = [(o, i) for o in range(outputs) for i in range(inputs)]
        captions = [str(o) if inputs == 1 else f"{i}>{o}" for o, i in pairs]
    return _tiles(kernels, captions, "filter")


def feature_maps(outputs: Outputs, output: Tensor) -> Tiles:
    """The channels of one example, after the picture that the network got."""
    found = _tiles(output[0], [str(number) for number in range(output.shape[1])], "channel")
    if outputs.inputs.dim() != 4 or not outputs.inputs.is_floating_point():
        return found
    picture = heat_map(outputs.inputs[0].mean(0), (SIDE, SIDE))
    picture = msgspec.structs.replace(picture, caption="input")
    return Tiles([picture, *found.tiles], found.total, found.name)


def attention(session: Session, outputs: Outputs) -> Tiles:
    """Each head's weights for one example: rows look at columns."""
    assert outputs.attention is not None
    heads, length = outputs.attention[0], outputs.attention.shape[-1]
    tiles = _tiles(heads, [f"head {n}" for n in range(len(heads))], "head", SIDE * 2, reach=1.0)
    names = positions(session, outputs, length)
    told = [
        msgspec.structs.replace(tile, is_share=True, names=names, heads=names)
        for tile in tiles.tiles
    ]
    return Tiles(told, tiles.total, tiles.name)


def states(session: Session, outputs: Outputs, output: Tensor, size: tuple[int, int]) -> HeatMap:
    """Units by positions of one example."""
    names = positions(session, outputs, output.shape[1])
    found = heat_map(output[0].T, size)
    return msgspec.structs.replace(
        found, down="units", across="positions", heads=names if found.is_whole else []
    )


def positions(session: Session, outputs: Outputs, length: int) -> list[str]:
    """What stands at each position of the first example, where that is a token."""
    tokens = outputs.raw[0]
    if tokens.is_floating_point() or tokens.dim() != 1 or len(tokens) != length:
        return []
    return said(session, tokens) or [str(token) for token in tokens.tolist()]


def plane(session: Session, outputs: Outputs, output: Tensor) -> Plane:
    """Examples, or their positions where each has an answer of its own, by what is wanted."""
    targets = outputs.targets
    if output.dim() == 3 and _is_by_position(outputs, output):
        rows = output.flatten(0, 1)[:POINTS]
        names, numbers = classes_of(session, outputs, by_position=True)
        return _projected(rows, names, numbers[: len(rows)], "positions", _speaks(session))
    rows = output.flatten(1)[:POINTS]
    if targets is None or (targets.dim() > 1 and targets.shape[1] > 1):
        return _projected(rows, [], [-1] * len(rows), "examples")
    names, numbers = classes_of(session, outputs, by_position=False)
    return _projected(rows, names, numbers[: len(rows)], "examples")


def vectors(session: Session, weight: Tensor) -> Plane:
    """The vectors of an embedding."""
    rows = weight.detach()[:POINTS]
    words = said(session, torch.arange(len(rows)))
    names = words or numbered(len(rows))
    return _projected(rows, names, list(range(len(rows))), "tokens", is_text=True)


def _speaks(session: Session) -> bool:
    return bool(session.dataset.vocabulary) and not session.dataset.classes


def _is_by_position(outputs: Outputs, output: Tensor) -> bool:
    targets = outputs.targets
    if targets is None or targets.dim() < 2 or targets.is_floating_point():
        return False
    return tuple(output.shape[:2]) == tuple(targets.shape[:2])


def components(rows: Tensor) -> tuple[Tensor, tuple[float, float]]:
    """Rows on their two principal components, and the share of the spread along each.

    The sign of a component is such that its largest entry is positive.
    """
    rows = rows.detach().double().cpu().nan_to_num(0.0, 0.0, 0.0)
    centred = rows - rows.mean(0)
    if centred.shape[1] > len(centred):  # many features: the smaller matrix of products
        strengths, left = torch.linalg.eigh(centred @ centred.T)
        axes = centred.T @ left.flip(1)[:, :2]
        axes = axes / axes.norm(dim=0).clamp(min=1e-300)
    else:
        strengths, axes = torch.linalg.eigh(centred.T @ centred)
        axes = axes.flip(1)[:, :2]
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    places = centred @ (axes * torch.where(largest < 0, -1.0, 1.0))
    strengths = strengths.flip(0).clamp(min=0)
    shares = strengths[:2] / strengths.sum().clamp(min=1e-300)
    if places.shape[1] < 2:
        places = torch.cat([places, torch.zeros_like(places)], dim=1)
    second = float(shares[1]) if len(shares) > 1 else 0.0
    return places, (float(shares[0]), second)


def _projected(
    rows: Tensor, names: list[str], numbers: list[int], of: str, is_text: bool = False
) -> Plane:
    places, explained = components(rows)
    points = [(x, y, n) for (x, y), n in zip(places.tolist(), numbers, strict=True)]
    return Plane(points, names, explained, of, is_text)


def _tiles(
    kernels: Tensor, captions: list[str], name: str, side: int = SIDE, reach: float | None = None
) -> Tiles:
    """Tiles on one scale."""
    few = kernels[:TILES].detach().float()
    finite = few.nan_to_num(0.0, 0.0, 0.0)
    scale = reach if reach is not None else float(finite.abs().amax()) if few.numel() else 0.0
    found = [
        msgspec.structs.replace(heat_map(kernel, (side, side), reach=scale), caption=caption)
        for kernel, caption in zip(few, captions, strict=False)
    ]
    return Tiles(found, len(kernels), name)
