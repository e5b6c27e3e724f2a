"""Watches one pass through a network, module by module: what went in and out, and came back.

Gradients are caught on tensors, not on modules: a module's own backward hook would put another
operation into autograd's graph, and the step would no longer be the one that is to be shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.model import build_network as networks
from tuilab.engine.model.layers.attention import EncoderLayer, SelfAttention
from tuilab.engine.model.layers.sequence import Recurrent
from tuilab.engine.model.layers.torchvision_models import Backbone

WHOLE = (nn.RNNBase, nn.MultiheadAttention, Recurrent, SelfAttention, Backbone)
"""Modules whose inside is one stop: torch computes it without calling what stands in it."""

MOST_STOPS = 300
"""Modules that are watched; what a very deep network calls after them is not told."""


@dataclass(slots=True)
class Stop:
    """One call of a module, on the way of one example; gradients are those of the mean loss."""

    module: nn.Module
    label: str
    depth: int
    taken: Tensor | None
    "What went in; None where the example was not in it."
    given: Tensor | None
    shapes: tuple[list[int], list[int]]
    "Of what went in and came out, with the whole batch."
    is_learning: bool = False
    "Whether a gradient comes back to it."
    upstream: Tensor | None = None
    "The gradient of what came out."
    downstream: Tensor | None = None
    "The gradient of what went in, from all that it went into."
    kept: dict[str, Tensor] = field(default_factory=dict)
    "Its parameters as they were, where an earlier turn of the step has moved them."

    def own(self) -> dict[str, Tensor]:
        """The parameters that it computed with."""
        named = self.module.named_parameters()
        return {name: self.kept.get(name, parameter.detach()) for name, parameter in named}


@dataclass(slots=True)
class ForwardRecorder:
    """Sees every stop while it is watching.

    Args:
        network: the whole of it.
        example: which row of the batch.
        is_late: other turns of the step have moved weights before.
    """

    network: nn.Module
    example: int
    is_late: bool = False
    stops: list[Stop] = field(default_factory=list)
    count: int = 0
    "Examples in the batch at hand."
    outputs: dict[Any, tuple[str, Tensor]] = field(default_factory=dict)
    "By autograd's node: the label of the layer whose output it makes, and the example's row."
    is_watching: bool = False

    def begin(self, example: int, count: int) -> None:
        """Look at one row of the batch, or of a part of it, that comes now."""
        self.example, self.count, self.is_watching = example, count, True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """With hooks on every stop."""
        labels = names(self.network)
        hooks = [
            module.register_forward_hook(self._hook(labels[module], depth))
            for module, depth in stops(self.network)
        ]
        if not isinstance(self.network, nn.Identity):  # an engine from scratch shows itself then
            hooks.append(self.network.register_forward_pre_hook(_nothing))
        try:
            yield
        finally:
            self.is_watching = False
            self.outputs.clear()
            for hook in hooks:
                hook.remove()

    def _hook(self, label: str, depth: int) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            taken, given = (_first(inputs), _first(output))
            if self.is_watching and taken is not None and given is not None:
                self._see(Stop(module, label, depth, self._row(taken), self._row(given),
                               (list(taken.shape), list(given.shape))), taken, given)  # fmt: skip

        return hook

    def _see(self, stop: Stop, taken: Tensor, given: Tensor) -> None:
        if len(self.stops) >= MOST_STOPS:
            return
        again = sum(other.module is stop.module for other in self.stops)
        if again:
            stop.label += f" (pass {again + 1})"
        if self.is_late:
            stop.kept = {name: tensor.clone() for name, tensor in stop.own().items()}
        self.stops.append(stop)
        if given.requires_grad:
            stop.is_learning = True
            given.register_hook(self._catch(stop, "upstream"))  # type: ignore[no-untyped-call]
            if given.grad_fn is not None and stop.given is not None:
                self.outputs.setdefault(given.grad_fn, (stop.label, stop.given))
        if taken.requires_grad:
            taken.register_hook(self._catch(stop, "downstream"))  # type: ignore[no-untyped-call]

    def _catch(self, stop: Stop, name: str) -> Any:
        def catch(gradient: Tensor) -> None:
            self.is_watching = False  # a module that is called on the way back is called again
            if getattr(stop, name) is None:
                setattr(stop, name, self._row(gradient))

        return catch

    def _row(self, tensor: Tensor) -> Tensor | None:
        """The example's own part of a batch."""
        return row(tensor, self.example, self.count)


def row(tensor: Tensor, example: int, count: int) -> Tensor | None:
    """A copy of one example's part of a batch; None where the tensor is no batch."""
    if tensor.dim() == 0 or len(tensor) != count or not 0 <= example < count:
        return None
    return tensor.detach()[example].clone(memory_format=torch.contiguous_format)


def stops(module: nn.Module, depth: int = 0) -> Iterator[tuple[nn.Module, int]]:
    """The modules to watch, those inside of a block one deeper than the block."""
    children = list(module.children())
    is_fast = isinstance(module, nn.TransformerEncoderLayer) and not module.training
    if isinstance(module, EncoderLayer) and not module.inside.training:
        yield module, depth  # torch computes it another way where nobody hooks its inside
    elif isinstance(module, WHOLE) or not children:
        if not isinstance(module, nn.Identity):
            yield module, depth
    elif not is_fast:
        is_row = isinstance(module, (nn.Sequential, EncoderLayer))
        for child in children:
            yield from stops(child, depth if is_row else depth + 1)
        if not is_row:
            yield module, depth


def names(network: nn.Module) -> dict[nn.Module, str]:
    """What every module is called: as in the other panes where it has parameters."""
    owners = iter(networks.labelled(network))
    found: dict[nn.Module, str] = {}
    for module in network.modules():
        has_own = next(module.parameters(recurse=False), None) is not None
        found[module] = next(owners) if has_own else type(module).__name__
    for module in network.modules():
        if isinstance(module, WHOLE):  # it is called as what it holds
            inner = [found[m] for m in module.modules() if m is not module and m in found]
            own = next((name for name in inner if name[0].isdigit()), "")
            if own and not found[module][0].isdigit():
                found[module] = _renamed(own, module)
    return found


def _renamed(own: str, module: nn.Module) -> str:
    number = own.partition(" ")[0]
    inside = getattr(module, "inside", module)
    return f"{number} {type(inside).__name__}"


def _first(value: Any) -> Tensor | None:
    """A module's main input or output."""
    while isinstance(value, (tuple, list)):
        if not value:
            return None
        value = value[0]
    return value if isinstance(value, Tensor) else None


def _nothing(module: nn.Module, inputs: Any) -> None:
    """A hook that does nothing but be there."""
