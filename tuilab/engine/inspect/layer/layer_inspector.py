"""The answers to the view of a layer: its weights, next gradients and updates, its activations."""

from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from tuilab.core.network.layer_labels import find_label
from tuilab.core.protocol.inspect.histograms import HistogramHistories
from tuilab.core.protocol.inspect.layer_messages import (
    HeatMap,
    Histogram,
    HistogramHistory,
    LayerRequest,
    LayerResponse,
    PlotKind,
    Projection,
    Quantity,
    TensorStats,
    Tiles,
)
from tuilab.engine.device import memory
from tuilab.engine.inspect.inspectors import inspector
from tuilab.engine.inspect.layer import layer_images
from tuilab.engine.inspect.layer.labels import get_feature_names, get_token_names, number_names
from tuilab.engine.inspect.layer.layer_activations import inspect_activations
from tuilab.engine.inspect.layer.layer_outputs import OutputRecorder
from tuilab.engine.inspect.layer.next_step import NextStep
from tuilab.engine.inspect.layer.tensor_statistics import (
    as_matrix,
    build_heat_map,
    build_histogram,
    build_histogram_row,
    compute_statistics,
)
from tuilab.engine.inspect.module_index import IndexedModule, index_modules
from tuilab.engine.session import Session
from tuilab.engine.tasks.perceptron import Perceptron

MAX_RECORDED_PARAMETERS = 500_000
"""Up to this many parameters, the histograms of all layers are kept while one is shown."""

OUT_OF_MEMORY = (
    "There is not enough memory: this needs a copy of the weights and of the optimizer's state."
)

NO_WEIGHTS = "{} has no weights: look at its activations instead."

FROZEN = "{} is frozen: it gets no gradient and no update."

NO_GRADIENT = "The loss of this batch does not depend on {}: it gets no gradient."

PERCEPTRON_RULE = "The perceptron rule has no gradient: this is the negative of its correction."


@inspector(LayerRequest)
class LayerInspector:
    """Inspects the layers of one session; keeps histograms over time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._modules = {module.label: module for module in index_modules(session)}
        modules = list(self._modules.values())
        self._trainable = [module for module in modules if module.own_parameters]
        self._default = (self._trainable or modules)[0]
        self._recorder = OutputRecorder(session)
        self._histories = HistogramHistories()

    def inspect(self, request: LayerRequest) -> LayerResponse:
        """Returns the statistics and the numbers to draw of one layer."""
        label = find_label(request.layer, self._modules)
        current_module = self._default if label is None else self._modules[label]
        session = self._session
        response = LayerResponse(
            session.run,
            session.step,
            current_module.label,
            request.quantity,
            layers=list(self._modules),
        )
        try:
            fields = self._compute_fields(current_module, request)
        except (MemoryError, RuntimeError) as error:
            if not memory.is_out_of_memory(error):
                raise
            fields = {"note": OUT_OF_MEMORY}
        return msgspec.structs.replace(response, **fields)

    def _compute_fields(
        self, current_module: IndexedModule, request: LayerRequest
    ) -> dict[str, Any]:
        if request.quantity == "activations":
            modules = list(self._modules.values()) if self._is_small else [current_module]
            return inspect_activations(
                self._session, self._recorder, modules, current_module, request, self._histories
            )
        if not current_module.own_parameters:
            return {"note": NO_WEIGHTS.format(current_module.label)}
        return self._inspect_parameter(current_module, request)

    @property
    def _is_small(self) -> bool:
        numbers = sum(parameter.numel() for parameter in self._session.parameters)
        return numbers <= MAX_RECORDED_PARAMETERS

    # --- weights, gradients, updates ----------------------------------------------------------

    def _inspect_parameter(
        self, current_module: IndexedModule, request: LayerRequest
    ) -> dict[str, Any]:
        names = list(current_module.own_parameters)
        name = names[request.parameter % len(names)]
        parameter = current_module.own_parameters[name]
        step = None if request.quantity == "weights" else NextStep(self._session)
        values = _get_values(parameter, request.quantity, step)
        for module in self._modules.values() if self._is_small else [current_module]:
            for other_name, other in module.own_parameters.items():
                numbers = _get_values(other, request.quantity, step)
                if numbers is not None:
                    row = build_histogram_row(build_histogram(numbers), self._session.step)
                    self._histories.add((request.quantity, module.label, other_name), row)
        fields: dict[str, Any] = {"parameter": name, "parameters": names}
        if values is None:
            note = NO_GRADIENT if parameter.requires_grad else FROZEN
            return fields | {"note": note.format(current_module.label)}
        kinds = _get_kinds(current_module.module, name)
        kind = next((kind for kind in kinds if kind == request.kind), kinds[0])
        is_rule = isinstance(self._session.task, Perceptron) and request.quantity == "gradients"
        return fields | {
            "kinds": kinds, "kind": kind, "note": PERCEPTRON_RULE if is_rule else "",
            "statistics": _compute_statistics(values, parameter, request.quantity),
            "picture": self._draw(current_module, name, values, kind, request),
        }  # fmt: skip

    def _draw(
        self,
        current_module: IndexedModule,
        name: str,
        values: Tensor,
        kind: PlotKind,
        request: LayerRequest,
    ) -> HeatMap | Tiles | Histogram | HistogramHistory | Projection:
        match kind:
            case "histogram":
                return build_histogram(values)
            case "time":
                history = self._histories.rows((request.quantity, current_module.label, name))
                return HistogramHistory(history)
            case "filters":
                return layer_images.build_filter_tiles(current_module.module, values)
            case "plane":
                return layer_images.project_embedding(self._session, values)
        heat_map = build_heat_map(values, (request.width, request.height))
        row_axis, column_axis, row_names, column_names = self._get_axes(current_module, values)
        rows, columns = heat_map.full_size
        return msgspec.structs.replace(
            heat_map, row_axis=row_axis, column_axis=column_axis,
            row_names=row_names if heat_map.height == rows == len(row_names) else [],
            column_names=column_names if heat_map.width == columns == len(column_names) else [],
        )  # fmt: skip

    def _get_axes(
        self, current_module: IndexedModule, values: Tensor
    ) -> tuple[str, str, list[str], list[str]]:
        """Returns what rows and columns of a parameter are, and their names if they have any."""
        session, module = self._session, current_module.module
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            rows = as_matrix(values).shape[0]
            names = get_token_names(session, torch.arange(rows)) or number_names(rows)
            return "tokens", "features", names, []
        if isinstance(module, nn.RNNBase):
            return ("" if values.dim() < 2 else "gates × units"), "inputs", [], []
        if values.dim() < 2:
            return "", "units", [], []
        is_first, is_last = (
            current_module is self._trainable[0],
            current_module is self._trainable[-1],
        )
        row_names = list(session.dataset.classes) if is_last else []
        return "units", "inputs", row_names, get_feature_names(session) if is_first else []


def _get_values(
    parameter: nn.Parameter, quantity: Quantity, step: NextStep | None
) -> Tensor | None:
    """Returns a parameter, its gradient, or its update."""
    if step is None:
        return parameter.detach()
    if not parameter.requires_grad:
        return None
    return step.gradients.get(parameter) if quantity == "gradients" else step.updates[parameter]


def _get_kinds(module: nn.Module, name: str) -> list[PlotKind]:
    kinds: list[PlotKind] = ["map", "histogram", "time"]
    if isinstance(module, layer_images.CONVOLUTIONS) and name == "weight":
        return ["filters", *kinds]
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return [*kinds, "plane"]
    return kinds


def _compute_statistics(values: Tensor, parameter: nn.Parameter, quantity: Quantity) -> TensorStats:
    stats = compute_statistics(values, as_matrix(values) if values.dim() > 1 else None)
    if quantity != "updates":
        return stats
    norm = float(parameter.detach().float().norm())
    return msgspec.structs.replace(stats, update_ratio=stats.norm / norm if norm else None)
