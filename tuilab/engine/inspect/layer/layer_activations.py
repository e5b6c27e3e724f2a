"""The activations of one layer, for examples that are chosen."""

import msgspec
import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.histograms import Histories
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    Histogram,
    History,
    Kind,
    LayerRequest,
    Plane,
    Statistics,
    Tiles,
)
from tuilab.engine.inspect.layer import layer_images as pictures
from tuilab.engine.inspect.layer.labels import classes_of
from tuilab.engine.inspect.layer.layer_outputs import MOST, POINTS, Outputs, Watcher
from tuilab.engine.inspect.layer.tensor_statistics import heat_map, histogram, row, statistics
from tuilab.engine.inspect.module_index import Place
from tuilab.engine.probes.activations import FLAT, RANGES
from tuilab.engine.session import Session

TOGETHER = (
    "PyTorch computes {} in one go with the layer around it, so its outputs never exist by "
    "themselves. The layer before it in the list has the outputs of both."
)

NOISE = "The inputs are noise, always the same."

DROPOUT = "Dropout drops nothing outside of training: this is what comes in."

NO_CELL = "Shown is the state h; PyTorch does not give out the cell state c on the way."

ONE = ("maps", "attention", "states")
"""Pictures of a single example."""


def activations(
    session: Session, watcher: Watcher, every: list[Place], place: Place, wanted: LayerRequest,
    histories: Histories,
) -> dict[str, object]:  # fmt: skip
    """What there is to tell of a layer's activations.

    Args:
        every: the layers whose histograms are kept.
    """
    most = POINTS if wanted.kind == "plane" else MOST
    outputs = watcher.outputs(every, place, wanted.example, most)
    for other in every:
        if (answer := outputs.of.get(other.module)) is not None:
            name = ("activations", other.label)
            histories.see(name, row(histogram(answer), session.step))
    found: dict[str, object] = {"example": outputs.first, "most": outputs.most}
    output = outputs.of.get(place.module)
    if output is None:
        return found | {"note": TOGETHER.format(place.label)}
    if output.dim() < 2:
        output = output[:, None]
    kinds = _kinds(place, output, outputs)
    kind = next((kind for kind in kinds if kind == wanted.kind), kinds[0])
    is_one = kind in ONE or (kind == "map" and output.dim() == 3)
    return found | {
        "kinds": kinds, "kind": kind, "note": _note(place, outputs),
        "examples": 1 if is_one else outputs.count,
        "statistics": _statistics(place.module, output),
        "picture": _picture(session, outputs, output, kind, wanted, histories.rows(
            ("activations", place.label)
        )),
    }  # fmt: skip


def _kinds(place: Place, output: Tensor, outputs: Outputs) -> list[Kind]:
    kinds: list[Kind] = ["map", "histogram", "time", "plane"]
    if output.dim() == 4:
        kinds = ["maps", *kinds]
    if output.dim() == 3 and isinstance(place.module, nn.RNNBase):
        kinds[0] = "states"
    if outputs.attention is not None:
        kinds = ["attention", *kinds]
    return kinds


def _note(place: Place, outputs: Outputs) -> str:
    if isinstance(place.module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)):
        return DROPOUT
    if isinstance(place.module, nn.LSTM):
        return NO_CELL
    return NOISE if outputs.targets is None else ""


def units(output: Tensor) -> Tensor:
    """One row for each unit: a channel of pictures, a feature of everything else."""
    if output.dim() == 4:
        return output.transpose(0, 1).flatten(1)
    return output.flatten(0, -2).T


def _statistics(module: nn.Module, output: Tensor) -> Statistics:
    rows = units(output)
    found = statistics(output, rows)
    if (ends := RANGES.get(type(module))) is None:
        return found
    margin = FLAT * (ends[1] - ends[0]) / 2
    flat = (rows < ends[0] + margin) | (rows > ends[1] - margin)
    return msgspec.structs.replace(
        found, saturated=float(flat.float().mean()), stuck=int(flat.all(1).sum())
    )


def _picture(
    session: Session, outputs: Outputs, output: Tensor, kind: Kind, wanted: LayerRequest,
    rows: object,
) -> HeatMap | Tiles | Histogram | History | Plane:  # fmt: skip
    size = wanted.width, wanted.height
    match kind:
        case "histogram":
            return histogram(output)
        case "time":
            assert isinstance(rows, list)
            return History(rows)
        case "maps":
            return pictures.feature_maps(outputs, output)
        case "attention":
            return pictures.attention(session, outputs)
        case "plane":
            return pictures.plane(session, outputs, output)
    if output.dim() == 3:
        return pictures.states(session, outputs, output, size)
    *_, last = session.network.modules()
    is_answer = outputs.of.get(last) is output
    return _batch(session, outputs, output, size, is_answer=is_answer)


def _batch(
    session: Session, outputs: Outputs, output: Tensor, size: tuple[int, int], *, is_answer: bool
) -> HeatMap:
    """Examples by units, those of one class beside each other."""
    rows = output.flatten(2).mean(2) if output.dim() == 4 else output
    rows = rows[: max(1, size[1])]
    names: list[str] = []
    targets = outputs.targets
    if targets is not None and targets[0].numel() == 1:
        words, numbers = classes_of(session, outputs, by_position=False)
        order = torch.tensor(numbers[: len(rows)]).argsort(stable=True)
        rows = rows[order.to(rows.device)]
        names = [words[numbers[place]] if numbers[place] >= 0 else "" for place in order.tolist()]
    found = heat_map(rows, size)
    heads = list(session.dataset.classes) if is_answer else []
    return msgspec.structs.replace(
        found,
        down="examples",
        across="channel means" if output.dim() == 4 else "units",
        names=names,
        heads=heads if found.is_whole and len(heads) == found.width else [],
    )
