"""Finds autograd's graph of one loss and records what flows through it in the backward pass."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from tuilab.core.protocol.inspect.backprop_messages import Edge, Node
from tuilab.engine.inspect.backprop.forward_recorder import ForwardRecorder

MAX_NODES = 250
"""Operations that are shown, from the loss back."""

MAX_WEIGHTS = 8
"""Weights that are shown of each element of a matrix product."""

ELEMENTWISE = (
    "Relu", "LeakyRelu", "Prelu", "PreluKernel", "Elu", "Gelu", "Silu", "Mish", "Hardswish",
    "Softplus", "Tanh", "Sigmoid", "Add", "Sub", "RsubS", "Mul", "Div", "Neg", "Exp", "Log", "Pow",
    "Sqrt", "Rsqrt", "Abs", "Clamp", "NativeDropout", "Sign", "HardtanhB",
)  # fmt: skip
"""Operations that compute each element by itself."""

LAYOUT = ("T", "Transpose", "Permute", "View", "ReshapeAlias", "UnsafeView", "Expand", "AsStrided")
"""Operations that only lay out numbers another way."""


@dataclass(slots=True, eq=False)
class _NodeRecord:
    """One node, with what was caught at it; tensors are shown slices, [elements]."""

    name: str
    description: str = ""
    shape: list[int] = field(default_factory=list)
    value: Tensor | None = None
    upstream: Tensor | None = None
    products: dict[int, Tensor] = field(default_factory=dict)
    weights: Tensor | None = None
    layer: str = ""
    inputs: list[int] = field(default_factory=list)
    is_parameter: bool = False
    "It is a parameter, or one laid out another way: no part of it is the example's."


class _RecordOperations(TorchFunctionMode):
    """Passes what each operation computes on, by autograd's node."""

    def __init__(self, keep: Callable[[Any, Tensor], None]) -> None:
        super().__init__()
        self._keep = keep

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.grad_fn is not None:
            self._keep(result.grad_fn, result.detach())
        return result


class GraphRecorder:
    """Finds the nodes before the backward pass, and reads them after it.

    Args:
        first, count: the slice of every tensor's elements that is shown.
        has_saved: the nodes hold what they need; with checkpointing, reading it would compute it
            once more.
    """

    def __init__(
        self, forward: ForwardRecorder, first: int, count: int, *, has_saved: bool
    ) -> None:
        self._forward, self._has_saved = forward, has_saved
        self._first, self._count = first, count
        self._records: dict[Any, _NodeRecord] = {}
        "By autograd's node."
        self._listed: list[_NodeRecord] = []
        self._values: dict[Any, Tensor] = {}
        self._hooks: list[Any] = []

    def recording_operations(self) -> TorchFunctionMode:
        """Returns a context that keeps what operations compute while it lasts."""
        return _RecordOperations(self._keep)

    def _keep(self, node: Any, value: Tensor) -> None:
        if self._forward.is_recording and len(self._values) < 4 * MAX_NODES:
            self._values[node] = self._example_slice(value)

    def _example_slice(self, tensor: Tensor) -> Tensor:
        """Returns the slice of the example's part of a tensor, or of all if it is not a batch."""
        batch_size, example = self._forward.batch_size, self._forward.example
        if tensor.dim() and len(tensor) and len(tensor) % batch_size == 0:
            rows = len(tensor) // batch_size  # the positions of an example follow each other
            tensor = tensor[example * rows : (example + 1) * rows]
        return self._slice(tensor)

    # --- before the backward pass

    def find_nodes(self, loss: Tensor, names: dict[int, str]) -> None:
        """Finds every node behind a loss [] and hooks it, so that its gradient is caught.

        Args:
            names: of the parameters, by their id.
        """
        waiting = [loss.grad_fn]
        while waiting and len(self._records) < MAX_NODES:
            node = waiting.pop(0)
            if node is None or node in self._records:
                continue
            self._records[node] = self._hook(node, names)
            waiting += [following for following, _ in node.next_functions]
        ordered = sorted(self._records, key=_order)
        self._records = {node: self._records[node] for node in ordered}
        self._listed = list(self._records.values())
        index = {node: at for at, node in enumerate(self._records)}
        for node, record in self._records.items():
            record.inputs = [index.get(following, -1) for following, _ in node.next_functions]
        if loss.grad_fn in self._records:
            self._records[loss.grad_fn].value = loss.detach().reshape(-1)
            self._records[loss.grad_fn].shape = []

    def _hook(self, node: Any, names: dict[int, str]) -> _NodeRecord:
        record = _NodeRecord(node.name(), is_parameter=_is_parameter(node))
        variable = getattr(node, "variable", None)
        if variable is not None:
            record.description = names.get(id(variable), "the input")
            record.value, record.shape = self._slice(variable), list(variable.shape)
        elif node in self._forward.outputs:
            record.layer, output = self._forward.outputs[node]
            record.value = self._slice(output)
        if record.value is None:
            record.value = self._values.get(node)
        if self._has_saved:
            record.value = self._saved_result(node) if record.value is None else record.value
            record.weights = self._saved_weights(node)
        self._hooks.append(node.register_prehook(self._catch_upstream(record)))
        if variable is None:
            self._hooks.append(node.register_hook(self._catch_products(record)))
        return record

    def _saved_result(self, node: Any) -> Tensor | None:
        try:
            value = getattr(node, "_saved_result", None)
        except RuntimeError:  # torch has freed it
            return None
        return self._example_slice(value) if isinstance(value, Tensor) else None

    def _saved_weights(self, node: Any) -> Tensor | None:
        """Returns the first weights that each shown element is a sum with: [elements, weights]."""
        name = node.name()
        saved = {"AddmmBackward0": "_saved_mat2", "MmBackward0": "_saved_mat2"}.get(name)
        try:
            if name == "ConvolutionBackward0":
                matrix = node._saved_weight.flatten(1)
            elif saved is not None and (transposed := getattr(node, saved)) is not None:
                matrix = transposed.t()
            else:
                return None
        except (AttributeError, RuntimeError):
            return None
        matrix = matrix.detach()
        start = self._start(len(matrix))
        rows: Tensor = matrix[start : start + self._count, :MAX_WEIGHTS].clone()
        return rows

    def _slice(self, tensor: Tensor) -> Tensor:
        flat = tensor.detach().reshape(-1)
        start = self._start(len(flat))
        return flat[start : start + self._count].clone()

    def _start(self, total: int) -> int:
        return self._first // self._count % max(1, -(-total // self._count)) * self._count

    # --- in the backward pass

    def _catch_upstream(self, record: _NodeRecord) -> Any:
        def catch(gradients: tuple[Tensor | None, ...]) -> None:
            gradient = gradients[0] if gradients else None
            if gradient is not None:
                record.shape = record.shape or list(gradient.shape)
                record.upstream = self._gradient_slice(gradient, record)

        return catch

    def _catch_products(self, record: _NodeRecord) -> Any:
        def catch(inputs: tuple[Tensor | None, ...], outputs: Any) -> None:
            for index, (gradient, to) in enumerate(zip(inputs, record.inputs, strict=False)):
                if gradient is not None:
                    target = self._listed[to] if to >= 0 else None
                    record.products[index] = self._gradient_slice(gradient, target)

        return catch

    def _gradient_slice(self, gradient: Tensor, record: _NodeRecord | None) -> Tensor:
        is_parameter = record is not None and record.is_parameter
        return self._slice(gradient) if is_parameter else self._example_slice(gradient)

    def close(self) -> None:
        """Removes the hooks and frees the values."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._values.clear()

    def nodes(self, loss_scale: float) -> list[Node]:
        """Returns the nodes from the loss back; gradients are divided by the scale of the loss."""
        return [_to_node(record, loss_scale) for record in self._records.values()]


def _is_parameter(node: Any) -> bool:
    if getattr(node, "variable", None) is not None:
        return True
    following = [other for other, _ in node.next_functions]
    is_layout = node.name().removesuffix("Backward0") in LAYOUT
    return is_layout and all(other is not None and _is_parameter(other) for other in following)


def _order(node: Any) -> tuple[int, int]:
    """Sorts the latest operation first, and parameters to the end of the list."""
    return (1, 0) if getattr(node, "variable", None) is not None else (0, -node._sequence_nr())


def _to_node(record: _NodeRecord, loss_scale: float) -> Node:
    upstream = [] if record.upstream is None else (record.upstream / loss_scale).tolist()
    edges = []
    for index, to in enumerate(record.inputs):
        gradient = record.products.get(index)
        product = [] if gradient is None else (gradient / loss_scale).tolist()
        local = []
        if gradient is not None and record.upstream is not None and _is_elementwise(record.name):
            local = _quotients(product, upstream)
        is_data = index == (1 if "Addmm" in record.name else 0)
        weights = record.weights.tolist() if record.weights is not None and is_data else []
        edges.append(Edge(to, local, product, weights))
    value = [] if record.value is None else record.value.tolist()
    return Node(
        record.name, record.description, record.shape, prod(record.shape), value, upstream, edges,
        record.layer,
    )  # fmt: skip


def _is_elementwise(name: str) -> bool:
    return name.removesuffix("Backward0").removesuffix("Backward1") in ELEMENTWISE


def _quotients(product: list[float], upstream: list[float]) -> list[float]:
    """Returns local gradients, element by element; NaN where nothing comes from above."""
    if len(product) != len(upstream):
        return []
    return [p / u if u else float("nan") for p, u in zip(product, upstream, strict=True)]
