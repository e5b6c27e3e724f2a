"""The answers to the view of units: the outputs of all units over the plane and on examples."""

import time
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsRequest, UnitsResponse
from tuilab.engine.inspect.evaluation import prepare_inputs
from tuilab.engine.inspect.inspectors import inspector
from tuilab.engine.inspect.layer.labels import get_feature_names
from tuilab.engine.inspect.plane_grid import build_plane_grid, cell_centers
from tuilab.engine.inspect.quantize import quantize
from tuilab.engine.inspect.units.linear_chain import Chain, find_longest_chain
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.graph import GraphConvolution
from tuilab.engine.preserve import evaluating
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN

MAX_UNITS = 48
"""Units in each column."""

MAX_LAYERS = 16

MAX_EXAMPLES = 256
"""Examples that the means are taken over."""

FIRST_CHUNK, TIME_BUDGET, WARM_UP = 4, 0.03, 3
"""Images and sequences are evaluated in chunks: the first of this many examples, each next one
twice as large while this many seconds are left. The first chunk is this many times slower."""

NO_LINEAR = (
    "This network has no Linear layer, so there are no units with edges to draw. "
    "The view Layer shows what its layers do."
)

NO_PLANE = "The data has no plane: each unit shows its mean output"

GRAPH_NOTE = "A graph convolution mixes the outputs at each node with those at its neighbors."

GAN_NOTE = "This is the discriminator; the generator's input is noise, which has no plane."


@inspector(UnitsRequest)
class UnitsInspector:
    """Inspects the units of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        task = session.task
        self._part = task.discriminator if isinstance(task, GAN) else session.network
        layers = build_network.modules_with_layers(session.network, session.experiment.network)
        names = {module: type(layer).__name__ for module, layer in layers}
        self._chain = find_longest_chain(self._part, names)
        self._omitted_layers = 0
        if self._chain is not None and (omitted := len(self._chain.stages) - MAX_LAYERS) > 0:
            del self._chain.stages[MAX_LAYERS:]
            self._omitted_layers, self._chain.reaches_output = omitted, False

    def inspect(self, request: UnitsRequest) -> UnitsResponse:
        """Returns the outputs of all units and the weights between them."""
        session, chain = self._session, self._chain
        if chain is None:
            return UnitsResponse(session.run, session.step, note=NO_LINEAR)
        with evaluating(session):
            size, points = _build_grid(session, request, chain)
            over_plane = self._forward(chain, points) if points is not None else []
            on_examples, count = self._forward_examples(chain)
        columns = [
            _describe_column(session, chain, column, outputs, over_plane[column : column + 1])
            for column, outputs in enumerate(on_examples)
        ]
        note = self._note(chain, has_plane=bool(over_plane), is_long=on_examples[0].dim() > 2)
        return UnitsResponse(
            session.run, session.step, columns, *size,
            bounds=list(session.dataset.bounds) if over_plane else [], examples=count, note=note,
        )  # fmt: skip

    def _forward_examples(self, chain: Chain) -> tuple[list[Tensor], int]:
        """Returns the outputs of every column on some examples, and how many these are."""
        inputs = self._session.dataset.train.inputs
        if self._session.experiment.data.is_graph:
            outputs = [nodes[0] for nodes in self._forward(chain, inputs[:1])]
            return outputs, len(outputs[0])
        if inputs.dim() == 2 and inputs.is_floating_point():
            chunk = inputs[:MAX_EXAMPLES]
            return self._forward(chain, chunk), len(chunk)
        chunks: list[list[Tensor]] = []
        count, left, size = 0, TIME_BUDGET, FIRST_CHUNK
        while size and (chunk := inputs[count : count + size]).numel():
            start_time = time.perf_counter()
            chunks.append(self._forward(chain, chunk))
            seconds = time.perf_counter() - start_time
            # The first pass is slower in PyTorch and says little about the next.
            left, count = left - (seconds if count else seconds / WARM_UP), count + len(chunk)
            size = min(count, MAX_EXAMPLES - count) if seconds < left else 0
        return [torch.cat(outputs) for outputs in zip(*chunks, strict=True)], count

    def _forward(self, chain: Chain, inputs: Tensor) -> list[Tensor]:
        """Returns the outputs of every column: [n, ..., units], first the chain's inputs."""
        inputs = prepare_inputs(self._session, inputs)
        outputs: list[Tensor] = []

        def keep_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            outputs.append(inputs[0].float())

        def keep_output(module: nn.Module, inputs: Any, output: Tensor) -> None:
            outputs.append(output.float())

        last = self._part if chain.reaches_output else chain.stages[-1].last_module
        with ExitStack() as hooks, self._session.task.autocast():
            for stage in chain.stages:
                hooks.enter_context(stage.linear.register_forward_pre_hook(keep_input))
            hooks.enter_context(last.register_forward_hook(keep_output))
            self._part(inputs)
        return outputs

    def _note(self, chain: Chain, *, has_plane: bool, is_long: bool) -> str:
        sentences = []
        if isinstance(self._session.task, GAN):
            sentences.append(GAN_NOTE)
        if chain.source:
            sentences.append(f"These are the Linear layers after {chain.source}.")
        if any(isinstance(stage.linear, GraphConvolution) for stage in chain.stages):
            sentences.append(GRAPH_NOTE)
        if self._omitted_layers:
            sentences.append(f"{self._omitted_layers} more Linear layers follow.")
        if not has_plane:
            sentences.append(f"{NO_PLANE} over all positions." if is_long else f"{NO_PLANE}.")
        return " ".join(sentences)


def _build_grid(
    session: Session, request: UnitsRequest, chain: Chain
) -> tuple[tuple[int, int], Tensor | None]:
    """Returns width and height of a grid over the plane or a line, and the inputs at its points."""
    data, kind = session.dataset, session.experiment.data.plot_kind
    if data.inputs_at is None or chain.source or kind not in ("plane", "curve"):
        return (0, 0), None
    width, height = max(1, request.width), max(1, request.height)
    if kind == "curve":
        left, right = data.bounds[:2]
        x = cell_centers(left, right, width)
        return (width, 1), data.inputs_at(x.unsqueeze(1).to(session.device))
    points = build_plane_grid(data.bounds, width, height)
    return (width, height), data.inputs_at(points.to(session.device))


def _describe_column(
    session: Session, chain: Chain, column: int, outputs: Tensor, over_plane: list[Tensor]
) -> UnitColumn:
    units = outputs.shape[-1]
    rows = outputs[..., :MAX_UNITS].flatten(1, -2).mean(1) if outputs.dim() > 2 else outputs
    rows = rows[:, :MAX_UNITS]
    means, stds = rows.mean(0).tolist(), rows.std(0, correction=0).tolist()
    active = (rows > 0).float().mean(0).tolist()
    responses, max_abs = _quantize_columns(over_plane[0][:, :MAX_UNITS]) if over_plane else ([], [])
    names = _get_names(session, chain, column, units)[:MAX_UNITS]
    if not column:
        return UnitColumn(
            f"from {chain.source}" if chain.source else "input", units, "", names,
            responses, max_abs, means, stds, active,
        )  # fmt: skip
    stage = chain.stages[column - 1]
    weight, bias = stage.linear.weight, stage.linear.bias
    label = next(
        label for label, parameters in session.parameters_by_layer.items()
        if any(parameter is weight for parameter in parameters)
    )  # fmt: skip
    return UnitColumn(
        label, units, " ".join(stage.activations), names, responses, max_abs, means, stds, active,
        weights=weight[:MAX_UNITS, :MAX_UNITS].tolist(),
        biases=[] if bias is None else bias[:MAX_UNITS].tolist(),
    )  # fmt: skip


def _get_names(session: Session, chain: Chain, column: int, units: int) -> list[str]:
    """Returns the names of inputs or outputs; empty for hidden units."""
    classes = session.dataset.classes or session.dataset.vocabulary
    if column == 0 and not chain.source:
        numbered = ["x"] if units == 1 else [f"x{number}" for number in range(1, units + 1)]
        names = get_feature_names(session)
        return names if len(names) == units else numbered
    is_output = chain.reaches_output and column == len(chain.stages)
    if not is_output or len(classes) != units:
        return []
    return [name if name.strip() else repr(name) for name in classes]


def _quantize_columns(values: Tensor) -> tuple[list[bytes], list[float]]:
    """Returns every column of [points, units] as bytes, and its largest absolute value."""
    max_abs = values.nan_to_num(0.0, 0.0, 0.0).abs().amax(0)
    columns = quantize(values, max_abs).T
    return [bytes(column) for column in columns.tolist()], max_abs.tolist()
