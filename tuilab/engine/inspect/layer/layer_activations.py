"""The activations of one layer on chosen examples."""

import msgspec
import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.histograms import HistogramHistories
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    Histogram,
    HistogramHistory,
    HistogramRow,
    LayerRequest,
    PlotKind,
    Projection,
    TensorStats,
    Tiles,
)
from tuilab.engine.inspect.layer import layer_images
from tuilab.engine.inspect.layer.labels import label_targets
from tuilab.engine.inspect.layer.layer_outputs import (
    MAX_EXAMPLES,
    MAX_POINTS,
    LayerOutputs,
    OutputRecorder,
)
from tuilab.engine.inspect.layer.tensor_statistics import (
    build_heat_map,
    build_histogram,
    build_histogram_row,
    compute_statistics,
)
from tuilab.engine.inspect.module_index import IndexedModule
from tuilab.engine.probes.activations import OUTPUT_RANGES, SATURATION_MARGIN
from tuilab.engine.session import Session

FUSED = (
    "PyTorch fuses {} with the layer around it, so its outputs are never computed on their own. "
    "The layer before it in the list has the outputs of both."
)

NOISE = "The inputs are noise, always the same."

DROPOUT = "Dropout drops nothing in evaluation mode: its outputs are its inputs."

NO_CELL = "Only the hidden state h is shown; PyTorch does not return the cell state c of each step."

SINGLE_EXAMPLE_KINDS = ("maps", "attention", "states")


def inspect_activations(
    session: Session, recorder: OutputRecorder, modules: list[IndexedModule],
    current_module: IndexedModule, request: LayerRequest, histories: HistogramHistories,
) -> dict[str, object]:  # fmt: skip
    """Returns the fields of a `LayerResponse` about a layer's activations.

    Args:
        modules: the layers whose histograms are kept.
    """
    limit = MAX_POINTS if request.kind == "plane" else MAX_EXAMPLES
    outputs = recorder.record(modules, current_module, request.example, limit)
    for module in modules:
        if (other := outputs.outputs.get(module.module)) is not None:
            row = build_histogram_row(build_histogram(other), session.step)
            histories.add(("activations", module.label), row)
    fields: dict[str, object] = {"example": outputs.first, "total_examples": outputs.total}
    output = outputs.outputs.get(current_module.module)
    if output is None:
        return fields | {"note": FUSED.format(current_module.label)}
    if output.dim() < 2:
        output = output[:, None]
    kinds = _get_kinds(current_module, output, outputs)
    kind = next((kind for kind in kinds if kind == request.kind), kinds[0])
    is_single = kind in SINGLE_EXAMPLE_KINDS or (kind == "map" and output.dim() == 3)
    rows = histories.rows(("activations", current_module.label))
    return fields | {
        "kinds": kinds, "kind": kind, "note": _get_note(current_module, outputs),
        "examples": 1 if is_single else outputs.count,
        "statistics": _compute_statistics(current_module.module, output),
        "picture": _draw(session, outputs, output, kind, request, rows),
    }  # fmt: skip


def _get_kinds(
    current_module: IndexedModule, output: Tensor, outputs: LayerOutputs
) -> list[PlotKind]:
    kinds: list[PlotKind] = ["map", "histogram", "time", "plane"]
    if output.dim() == 4:
        kinds = ["maps", *kinds]
    if output.dim() == 3 and isinstance(current_module.module, nn.RNNBase):
        kinds[0] = "states"
    if outputs.attention is not None:
        kinds = ["attention", *kinds]
    return kinds


def _get_note(current_module: IndexedModule, outputs: LayerOutputs) -> str:
    if isinstance(current_module.module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)):
        return DROPOUT
    if isinstance(current_module.module, nn.LSTM):
        return NO_CELL
    return NOISE if outputs.targets is None else ""


def get_unit_rows(output: Tensor) -> Tensor:
    """Returns one row per unit: a channel of images, [n, C, H, W], else a feature, [n, ..., C]."""
    if output.dim() == 4:
        return output.transpose(0, 1).flatten(1)
    return output.flatten(0, -2).T


def _compute_statistics(module: nn.Module, output: Tensor) -> TensorStats:
    rows = get_unit_rows(output)
    stats = compute_statistics(output, rows)
    if (limits := OUTPUT_RANGES.get(type(module))) is None:
        return stats
    margin = SATURATION_MARGIN * (limits[1] - limits[0]) / 2
    saturated = (rows < limits[0] + margin) | (rows > limits[1] - margin)
    return msgspec.structs.replace(
        stats, saturated_fraction=float(saturated.float().mean()),
        saturated_units=int(saturated.all(1).sum()),
    )  # fmt: skip


def _draw(
    session: Session, outputs: LayerOutputs, output: Tensor, kind: PlotKind, request: LayerRequest,
    rows: list[HistogramRow],
) -> HeatMap | Tiles | Histogram | HistogramHistory | Projection:  # fmt: skip
    size = request.width, request.height
    match kind:
        case "histogram":
            return build_histogram(output)
        case "time":
            return HistogramHistory(rows)
        case "maps":
            return layer_images.build_feature_maps(outputs, output)
        case "attention":
            return layer_images.build_attention_tiles(session, outputs)
        case "plane":
            return layer_images.project_outputs(session, outputs, output)
    if output.dim() == 3:
        return layer_images.build_state_map(session, outputs, output, size)
    *_, last = session.network.modules()
    is_last = outputs.outputs.get(last) is output
    return _draw_batch(session, outputs, output, size, is_last=is_last)


def _draw_batch(
    session: Session, outputs: LayerOutputs, output: Tensor, size: tuple[int, int], *, is_last: bool
) -> HeatMap:
    """Returns examples by units, sorted by class."""
    rows = output.flatten(2).mean(2) if output.dim() == 4 else output
    rows = rows[: max(1, size[1])]
    row_names: list[str] = []
    targets = outputs.targets
    if targets is not None and targets[0].numel() == 1:
        names, numbers = label_targets(session, outputs, by_position=False)
        order = torch.tensor(numbers[: len(rows)]).argsort(stable=True)
        rows = rows[order.to(rows.device)]
        row_names = [names[numbers[n]] if numbers[n] >= 0 else "" for n in order.tolist()]
    heat_map = build_heat_map(rows, size)
    classes = list(session.dataset.classes) if is_last else []
    has_names = heat_map.is_whole and len(classes) == heat_map.width
    return msgspec.structs.replace(
        heat_map, row_axis="examples",
        column_axis="channel means" if output.dim() == 4 else "units",
        row_names=row_names, column_names=classes if has_names else [],
    )  # fmt: skip
