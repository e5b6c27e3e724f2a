"""Records one pass through a network, module by module: inputs, output and their gradients.

Gradients are caught on tensors, not on modules: a module's own backward hook would put another
operation into autograd's graph, and the step would no longer be the one that is to be shown.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.model import build_network as networks
from tuilab.engine.model.layers.attention import EncoderLayer, SelfAttention
from tuilab.engine.model.layers.sequence import Recurrent
from tuilab.engine.model.layers.torchvision_models import Backbone
from tuilab.engine.model.module_names import name_module

OPAQUE_MODULES = (nn.RNNBase, nn.MultiheadAttention, Recurrent, SelfAttention, Backbone)
"""Modules that are recorded as one: torch computes them without calling the modules inside."""

MAX_CALLS = 300
"""Calls of modules that are recorded; the later ones of a very deep network are not."""


@dataclass(slots=True)
class ModuleCall:
    """One call of a module, as the example sees it; gradients are those of the mean loss."""

    module: nn.Module
    label: str
    depth: int
    inputs: Tensor | None
    "The example's row of what went in; None if that is not a batch."
    output: Tensor | None
    shapes: tuple[list[int], list[int]]
    "Of inputs and output, with the whole batch."
    requires_grad: bool = False
    "Whether a gradient comes back to its output."
    output_gradient: Tensor | None = None
    input_gradient: Tensor | None = None
    "Of the inputs, from all that they went into."
    old_parameters: dict[str, Tensor] = field(default_factory=dict)
    "As they were at the call, if an earlier phase of the step has moved them."

    def parameters(self) -> dict[str, Tensor]:
        """Returns the parameters that it computed with by name, each in any shape."""
        named_parameters = self.module.named_parameters()
        return {
            name: self.old_parameters.get(name, value.detach()) for name, value in named_parameters
        }


@dataclass(slots=True)
class ForwardRecorder:
    """Records every call of a module while `is_recording`.

    Args:
        network: the whole network.
        example: the example's row in the batch.
        has_moved: whether earlier phases of the step have moved weights.
    """

    network: nn.Module
    example: int
    has_moved: bool = False
    calls: list[ModuleCall] = field(default_factory=list)
    batch_size: int = 0
    "Of the batch, or of the micro-batch, that is passing now."
    outputs: dict[Any, tuple[str, Tensor]] = field(default_factory=dict)
    "By autograd's node: the label of the layer whose output it makes, and the example's row."
    is_recording: bool = False

    def start(self, example: int, batch_size: int) -> None:
        """Records one row of the batch that passes next."""
        self.example, self.batch_size, self.is_recording = example, batch_size, True

    @contextmanager
    def attach_hooks(self) -> Iterator[None]:
        """Sets hooks on every module to record while it lasts."""
        labels = name_modules(self.network)
        with ExitStack() as hooks:
            for module, depth in recorded_modules(self.network):
                hook = self._hook(labels[module], depth)
                hooks.enter_context(module.register_forward_hook(hook))
            if not isinstance(self.network, nn.Identity):  # engines from scratch show themselves
                hooks.enter_context(self.network.register_forward_pre_hook(_do_nothing))
            try:
                yield
            finally:
                self.is_recording = False
                self.outputs.clear()

    def _hook(self, label: str, depth: int) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
            before, after = _first_tensor(inputs), _first_tensor(outputs)
            if self.is_recording and before is not None and after is not None:
                call = ModuleCall(module, label, depth, self._row(before), self._row(after),
                                  (list(before.shape), list(after.shape)))  # fmt: skip
                self._record(call, before, after)

        return hook

    def _record(self, call: ModuleCall, inputs: Tensor, output: Tensor) -> None:
        if len(self.calls) >= MAX_CALLS:
            return
        earlier = sum(other.module is call.module for other in self.calls)
        if earlier:
            call.label += f" (pass {earlier + 1})"
        if self.has_moved:
            call.old_parameters = {name: value.clone() for name, value in call.parameters().items()}
        self.calls.append(call)
        if output.requires_grad:
            call.requires_grad = True
            output.register_hook(self._catch(call, "output_gradient"))  # type: ignore[no-untyped-call]
            if output.grad_fn is not None and call.output is not None:
                self.outputs.setdefault(output.grad_fn, (call.label, call.output))
        if inputs.requires_grad:
            inputs.register_hook(self._catch(call, "input_gradient"))  # type: ignore[no-untyped-call]

    def _catch(self, call: ModuleCall, name: str) -> Callable[[Tensor], None]:
        example, batch_size = self.example, self.batch_size

        def catch(gradient: Tensor) -> None:
            if getattr(call, name) is None:
                setattr(call, name, example_row(gradient, example, batch_size))

        return catch

    def _row(self, tensor: Tensor) -> Tensor | None:
        return example_row(tensor, self.example, self.batch_size)


def example_row(tensor: Tensor, example: int, batch_size: int) -> Tensor | None:
    """Returns a copy of one row of a batch [batch, ...]; None if the tensor is not a batch."""
    if tensor.dim() == 0 or len(tensor) != batch_size or not 0 <= example < batch_size:
        return None
    return tensor.detach()[example].clone(memory_format=torch.contiguous_format)


def recorded_modules(module: nn.Module, depth: int = 0) -> Iterator[tuple[nn.Module, int]]:
    """Yields the modules to record with their depth: one more inside of a block."""
    children = list(module.children())
    is_fused = isinstance(module, nn.TransformerEncoderLayer) and not module.training
    if isinstance(module, EncoderLayer) and not module.inside.training:
        yield module, depth  # torch computes it in one go unless its inside has hooks
    elif isinstance(module, OPAQUE_MODULES) or not children:
        if not isinstance(module, nn.Identity):
            yield module, depth
    elif not is_fused:
        is_row = isinstance(module, (nn.Sequential, EncoderLayer))
        for child in children:
            yield from recorded_modules(child, depth if is_row else depth + 1)
        if not is_row:
            yield module, depth


def name_modules(network: nn.Module) -> dict[nn.Module, str]:
    """Names every module: by the label of its layer where it has parameters, else by its class."""
    labels = iter(networks.parameters_by_layer(network))
    names: dict[nn.Module, str] = {}
    for module in network.modules():
        has_parameters = next(module.parameters(recurse=False), None) is not None
        names[module] = next(labels) if has_parameters else name_module(module)
    for module in network.modules():
        if isinstance(module, OPAQUE_MODULES):  # it has the number of the module inside
            inner = [names[m] for m in module.modules() if m is not module and m in names]
            label = next((name for name in inner if name[0].isdigit()), "")
            if label and not names[module][0].isdigit():
                inside = getattr(module, "inside", module)
                names[module] = f"{label.partition(' ')[0]} {name_module(inside)}"
    return names


def _first_tensor(value: Any) -> Tensor | None:
    """Returns a module's main input or output."""
    while isinstance(value, (tuple, list)):
        if not value:
            return None
        value = value[0]
    return value if isinstance(value, Tensor) else None


def _do_nothing(module: nn.Module, inputs: Any) -> None:
    """Serves as a hook."""
