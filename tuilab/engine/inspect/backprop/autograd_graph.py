"""Walks autograd's graph of one loss and catches what flows through it on the way back."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from math import prod
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from tuilab.core.protocol.inspect.backprop_messages import Edge, Node
from tuilab.engine.inspect.backprop.forward_recorder import ForwardRecorder

MOST_NODES = 250
"""Operations that are told of, from the loss back."""

WEIGHTS = 8
"""Weights that are told of each element of a product of matrices."""

SINGLE = (
    "Relu", "LeakyRelu", "Prelu", "PreluKernel", "Elu", "Gelu", "Silu", "Mish", "Hardswish",
    "Softplus", "Tanh", "Sigmoid", "Add", "Sub", "RsubS", "Mul", "Div", "Neg", "Exp", "Log", "Pow",
    "Sqrt", "Rsqrt", "Abs", "Clamp", "NativeDropout", "Sign", "HardtanhB",
)  # fmt: skip
"""Operations that compute each element by itself."""

MOVES = ("T", "Transpose", "Permute", "View", "ReshapeAlias", "UnsafeView", "Expand", "AsStrided")
"""Operations that only lay out numbers another way."""


@dataclass(slots=True, eq=False)
class _Seen:
    """One node, with what was caught at it."""

    node: Any
    name: str
    about: str = ""
    shape: list[int] = field(default_factory=list)
    value: Tensor | None = None
    upstream: Tensor | None = None
    products: dict[int, Tensor] = field(default_factory=dict)
    weights: Tensor | None = None
    layer: str = ""
    inputs: list[int] = field(default_factory=list)
    is_whole: bool = False
    "It is a parameter, or one laid out another way: no part of it is the example's."


class _Values(TorchFunctionMode):
    """Keeps the example's part of what each operation computes, by autograd's node."""

    def __init__(self, keep: Any) -> None:
        super().__init__()
        self._keep = keep

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        answer = function(*arguments, **(options or {}))
        if isinstance(answer, Tensor) and answer.grad_fn is not None:
            self._keep(answer.grad_fn, answer.detach())
        return answer


class Grapher:
    """Finds the nodes before the way back, and reads them after it.

    Args:
        first, count: the stretch of every tensor's elements that is told.
        has_saved: the nodes hold what they need; else to look at it would compute it again.
    """

    def __init__(
        self, witness: ForwardRecorder, is_wanted: bool, first: int, count: int, *, has_saved: bool
    ) -> None:
        self.witness, self.is_wanted, self._has_saved = witness, is_wanted, has_saved
        self._first, self._count = first, count
        self._seen: dict[Any, _Seen] = {}
        self._values: dict[Any, Tensor] = {}
        self._hooks: list[Any] = []
        self._listed: list[_Seen] = []

    @contextmanager
    def listening(self, is_watching: bool) -> Iterator[None]:
        """While the loss is computed: keeps what the operations give."""
        mode: Any = _Values(self._keep) if self.is_wanted and is_watching else nullcontext()
        with mode:
            yield

    def _keep(self, node: Any, value: Tensor) -> None:
        if self.witness.is_watching and len(self._values) < 4 * MOST_NODES:
            self._values[node] = self._cut(value)

    def _cut(self, tensor: Tensor) -> Tensor:
        """The stretch of the example's part of a tensor, or of all of it where it is no batch."""
        return self._window(self._own(tensor))

    def _own(self, tensor: Tensor) -> Tensor:
        count, example = self.witness.count, self.witness.example
        if tensor.dim() and len(tensor) and len(tensor) % count == 0:
            each = len(tensor) // count  # positions of an example stand in a row
            return tensor[example * each : (example + 1) * each]
        return tensor

    # --- before the way back

    def walk(self, loss: Tensor, names: dict[int, str]) -> None:
        """Find every node behind a loss and be there when its gradient comes."""
        waiting = [loss.grad_fn]
        while waiting and len(self._seen) < MOST_NODES:
            node = waiting.pop(0)
            if node is None or node in self._seen:
                continue
            self._seen[node] = self._meet(node, names)
            waiting += [following for following, _ in node.next_functions]
        ordered = sorted(self._seen, key=_order)
        self._seen = {node: self._seen[node] for node in ordered}
        self._listed = list(self._seen.values())
        place = {node: at for at, node in enumerate(self._seen)}
        for node, seen in self._seen.items():
            seen.inputs = [place.get(following, -1) for following, _ in node.next_functions]
        if loss.grad_fn in self._seen:
            self._seen[loss.grad_fn].value = loss.detach().reshape(-1)
            self._seen[loss.grad_fn].shape = []

    def _meet(self, node: Any, names: dict[int, str]) -> _Seen:
        seen = _Seen(node, node.name(), is_whole=_is_whole(node))
        variable = getattr(node, "variable", None)
        if variable is not None:
            seen.about = names.get(id(variable), "the input")
            seen.value, seen.shape = self._window(variable), list(variable.shape)
        elif node in self.witness.outputs:
            seen.layer, whole = self.witness.outputs[node]
            seen.value = self._window(whole)
        if seen.value is None:
            seen.value = self._values.get(node)
        if self._has_saved:
            seen.value = self._saved(node) if seen.value is None else seen.value
            seen.weights = self._matrix(node)
        self._hooks.append(node.register_prehook(self._catch_upstream(seen)))
        if variable is None:
            self._hooks.append(node.register_hook(self._catch_products(seen)))
        return seen

    def _saved(self, node: Any) -> Tensor | None:
        try:
            value = getattr(node, "_saved_result", None)
        except RuntimeError:  # torch has let go of it
            return None
        return self._cut(value) if isinstance(value, Tensor) else None

    def _matrix(self, node: Any) -> Tensor | None:
        """For each element told of, the first weights that it is a sum with."""
        name = node.name()
        saved = {"AddmmBackward0": "_saved_mat2", "MmBackward0": "_saved_mat2"}.get(name)
        try:
            if name == "ConvolutionBackward0":
                kernel = node._saved_weight.flatten(1)
            elif saved is not None and (matrix := getattr(node, saved)) is not None:
                kernel = matrix.t()
            else:
                return None
        except (AttributeError, RuntimeError):
            return None
        kernel = kernel.detach()
        start = self._begin(len(kernel))
        rows: Tensor = kernel[start : start + self._count, :WEIGHTS].clone()
        return rows

    def _window(self, tensor: Tensor) -> Tensor:
        flat = tensor.detach().reshape(-1)
        start = self._begin(len(flat))
        return flat[start : start + self._count].clone()

    def _begin(self, total: int) -> int:
        return self._first // self._count % max(1, -(-total // self._count)) * self._count

    # --- on the way back

    def _catch_upstream(self, seen: _Seen) -> Any:
        def catch(gradients: tuple[Tensor | None, ...]) -> None:
            gradient = gradients[0] if gradients else None
            if gradient is not None:
                seen.shape = seen.shape or list(gradient.shape)
                seen.upstream = self._part(gradient, seen.is_whole)

        return catch

    def _catch_products(self, seen: _Seen) -> Any:
        def catch(inputs: tuple[Tensor | None, ...], outputs: Any) -> None:
            for place, (gradient, to) in enumerate(zip(inputs, seen.inputs, strict=False)):
                if gradient is not None:
                    is_whole = to >= 0 and self._listed[to].is_whole
                    seen.products[place] = self._part(gradient, is_whole)

        return catch

    def _part(self, gradient: Tensor, is_whole: bool) -> Tensor:
        return self._window(gradient) if is_whole else self._cut(gradient)

    def close(self) -> None:
        """Let go of the graph."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._values.clear()

    def nodes(self, scale: float) -> list[Node]:
        """What was seen, from the loss back, in plain numbers."""
        return [_told(seen, scale) for seen in self._seen.values()]


def _is_whole(node: Any) -> bool:
    if getattr(node, "variable", None) is not None:
        return True
    following = [other for other, _ in node.next_functions]
    moves = node.name().removesuffix("Backward0") in MOVES
    return moves and all(other is not None and _is_whole(other) for other in following)


def _order(node: Any) -> tuple[int, int]:
    """Latest operation first; parameters keep to the end of the list."""
    return (1, 0) if getattr(node, "variable", None) is not None else (0, -node._sequence_nr())


def _told(seen: _Seen, scale: float) -> Node:
    upstream = [] if seen.upstream is None else (seen.upstream / scale).tolist()
    edges = []
    for place, to in enumerate(seen.inputs):
        product = seen.products.get(place)
        listed = [] if product is None else (product / scale).tolist()
        local = []
        if product is not None and seen.upstream is not None and _is_single(seen.name):
            local = _quotients(listed, upstream)
        weights: list[list[float]] = []
        if seen.weights is not None and (place == 1 or "Addmm" not in seen.name) and place < 2:
            is_data = place == (1 if "Addmm" in seen.name else 0)
            weights = seen.weights.tolist() if is_data else []
        edges.append(Edge(to, local, listed, weights))
    value = [] if seen.value is None else seen.value.tolist()
    return Node(
        seen.name, seen.about, seen.shape, prod(seen.shape), value, upstream, edges, seen.layer
    )


def _is_single(name: str) -> bool:
    return name.removesuffix("Backward0").removesuffix("Backward1") in SINGLE


def _quotients(product: list[float], upstream: list[float]) -> list[float]:
    """Local gradients, element by element; NaN where nothing comes from above."""
    if len(product) != len(upstream):
        return []
    return [p / u if u else float("nan") for p, u in zip(product, upstream, strict=True)]
