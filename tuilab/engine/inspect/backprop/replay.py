"""Takes the next step of a session, writes down all that happens in it, and puts it back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest, Node
from tuilab.engine.inspect.backprop.autograd_graph import GraphRecorder
from tuilab.engine.inspect.backprop.forward_recorder import (
    ForwardRecorder,
    ModuleCall,
    example_row,
    name_modules,
)
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, StepObserver, optimizer_step
from tuilab.engine.tasks.task import OptimizerPhase

SLICE_SIZE = 24
"""Elements of a tensor that are shown at once."""


@dataclass(slots=True)
class ParameterUpdate:
    """One parameter before, in and after a step; tensors without a note are its shown slice."""

    parameter: nn.Parameter
    name: str
    label: str
    "Of its layer."
    first: int
    "Index of the first element of the slice."
    before: Tensor
    gradient: Tensor | None = None
    "The whole gradient as the backward pass left it; None if there is none."
    penalized_gradient: Tensor | None = None
    final_gradient: Tensor | None = None
    "What the optimizer was given, after penalties, limits and noise."
    group: dict[str, Any] = field(default_factory=dict)
    "The hyperparameters of its group."
    state_before: dict[str, Any] = field(default_factory=dict)
    "What the optimizer remembers of it: numbers, and slices of tensors."
    state_after: dict[str, Any] = field(default_factory=dict)
    after_optimizer: Tensor | None = None
    "Before `max_norm` limits it."
    after: Tensor | None = None
    norms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    "Of the whole parameter before, of its update, and after."

    def slice_of(self, tensor: Tensor) -> Tensor:
        """Returns a copy of the shown slice of a tensor in the parameter's shape: [elements]."""
        flat = tensor.detach().reshape(-1)
        return flat[self.first : self.first + SLICE_SIZE].clone()


@dataclass(slots=True)
class StepTrace:
    """All that happens in one phase of a step, as one example of its batch sees it."""

    step: int
    example: int
    "Its row in the batch."
    batch_size: int
    optimizer_phase: int
    calls: list[ModuleCall] = field(default_factory=list)
    updates: list[ParameterUpdate] = field(default_factory=list)
    inputs: Tensor | None = None
    target: Tensor | None = None
    example_index: int = 0
    "Its index in the training examples."
    loss: float = 0.0
    penalty: float | None = None
    gradient_norms: tuple[float, float] = (0.0, 0.0)
    "Of all gradients, before the limits and after them."
    loss_scale: float = 1.0
    "What fp16 multiplied the loss by; the gradients here are without it."
    nodes: list[Node] = field(default_factory=list)
    lr: float = 0.0
    is_new_epoch: bool = False
    "The step is the first one of an epoch."


def replay(session: Session, request: BackpropRequest) -> StepTrace:
    """Returns the trace of the next step; of a run that is over, of the one that would follow."""
    with preserving(session), torch.no_grad():
        is_new_epoch = False
        if (batch := session.next_batch()) is None:
            session.epoch, session.offset, is_new_epoch = session.epoch + 1, 0, True
            batch = session.next_batch()
            assert batch is not None  # every epoch has a batch
        if not session.is_over:  # a schedule ends with the last epoch, often at zero
            session.set_learning_rate()
        return _trace_step(session, request, batch, is_new_epoch)


def _trace_step(
    session: Session, request: BackpropRequest, batch: tuple[Tensor, Tensor], is_new_epoch: bool
) -> StepTrace:
    inputs, targets = batch
    targets = session.task.targets_for(inputs, targets)
    size = len(inputs)
    example = min(request.example, size - 1)
    number = min(request.optimizer_phase, len(session.phases) - 1)
    trace = StepTrace(
        session.step, example, size, number, lr=session.last_lr, is_new_epoch=is_new_epoch,
        inputs=example_row(inputs, example, size), target=example_row(targets, example, size),
        example_index=int(session.epoch_order()[session.offset + example]),
    )  # fmt: skip
    with torch.enable_grad():
        for phase in session.phases[:number]:
            optimizer_step(session, phase, inputs, targets, UNOBSERVED)
        phase = session.phases[number]
        recorder = _PhaseRecorder(session, phase, trace, request)
        with recorder.attach_hooks():
            optimizer_step(session, phase, inputs, targets, recorder)
    return trace


class _PhaseRecorder(StepObserver):
    """Fills the trace of one phase of a step."""

    def __init__(
        self, session: Session, phase: OptimizerPhase, trace: StepTrace, request: BackpropRequest
    ) -> None:
        self.session, self.phase, self.trace = session, phase, trace
        self.updates = _updates(session, phase, request.slice)
        self._old_weights = {parameter: parameter.detach().clone() for parameter in self.updates}
        self._has_closure = session.experiment.optimizer.needs_closure
        self._examples_passed = 0
        has_moved = trace.optimizer_phase > 0
        self._forward = ForwardRecorder(session.network, trace.example, has_moved=has_moved)
        self._graph: GraphRecorder | None = None
        if request.with_graph:
            has_saved = not session.experiment.training.checkpointing
            first = request.slice * SLICE_SIZE
            self._graph = GraphRecorder(self._forward, first, SLICE_SIZE, has_saved=has_saved)
        self._operations = ExitStack()
        "Records what the operations of a forward pass compute, until it is closed."
        trace.updates = list(self.updates.values())
        trace.calls = self._forward.calls
        if session.task.scaler is not None:
            trace.loss_scale = float(session.task.scaler.get_scale())

    @contextmanager
    def attach_hooks(self) -> Iterator[None]:
        """Sets hooks on modules and on the optimizer while it lasts."""
        optimizer = self.phase.optimizer
        with ExitStack() as stack:
            stack.enter_context(self._forward.attach_hooks())
            stack.callback(optimizer.register_step_pre_hook(self._before_update).remove)
            stack.callback(optimizer.register_step_post_hook(self._after_update).remove)
            if self._graph is not None:
                stack.callback(self._graph.close)
            stack.callback(self._operations.close)
            yield

    def on_forward(self, inputs: Tensor) -> None:
        """Starts to record if the example is in this part of the batch."""
        example = self.trace.example - self._examples_passed
        if 0 <= example < len(inputs):
            self._forward.start(example, len(inputs))
            if self._graph is not None:
                self._operations.enter_context(self._graph.recording_operations())
        self._examples_passed += len(inputs)

    def on_loss(self, loss: Tensor) -> None:
        """Stops to record, and finds the graph behind the loss if there is one to show."""
        self._operations.close()
        is_differentiated = any(call.requires_grad for call in self._forward.calls)
        if self._graph is not None and self._forward.is_recording and is_differentiated:
            names = {id(u.parameter): f"{u.label} {u.name}" for u in self.updates.values()}
            self._graph.find_nodes(loss, names)
        self._forward.is_recording = False  # the backward pass may call modules again

    def on_backward(self) -> None:
        """Keeps the gradients as the backward pass left them."""
        scale = self.trace.loss_scale
        for update in self.updates.values():
            if (gradient := update.parameter.grad) is not None:
                update.gradient = gradient / scale if scale != 1 else gradient.clone()

    def on_gradients(self, phase: OptimizerPhase) -> None:
        """Keeps the gradients with penalties."""
        for update in self.updates.values():
            if update.parameter.grad is not None:
                update.penalized_gradient = update.slice_of(update.parameter.grad)
        norm = _gradient_norm(phase.parameters)
        self.trace.gradient_norms = (norm, norm)

    def _before_update(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Keeps the gradients that the optimizer is given, and what it remembers."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if (update := self.updates.get(parameter)) is not None:
                    update.group = {key: value for key, value in group.items() if key != "params"}
                    update.state_before = _slice_state(update, optimizer.state.get(parameter, {}))
                    if parameter.grad is not None and not self._has_closure:
                        update.final_gradient = update.slice_of(parameter.grad)
        if not self._has_closure:
            norm = _gradient_norm(list(self.updates))
            self.trace.gradient_norms = (self.trace.gradient_norms[0], norm)

    def _after_update(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Keeps the weights as the optimizer leaves them, and what it remembers now."""
        for parameter, update in self.updates.items():
            update.after_optimizer = update.slice_of(parameter)
            update.state_after = _slice_state(update, optimizer.state.get(parameter, {}))

    def on_step(self, phase: OptimizerPhase, loss: Tensor, output: Tensor) -> None:
        """Keeps the loss, and the weights at the end of the step."""
        trace, penalty = self.trace, self.session.penalty
        trace.loss = float(loss)
        trace.penalty = None if penalty is None else float(penalty)
        for parameter, update in self.updates.items():
            update.after = update.slice_of(parameter)
            old, new = self._old_weights[parameter], parameter.detach()
            update.norms = (update.norms[0], float((new - old).norm()), float(new.norm()))
        for call in trace.calls:
            for name in ("output_gradient", "input_gradient"):
                if trace.loss_scale != 1 and (gradient := getattr(call, name)) is not None:
                    setattr(call, name, gradient / trace.loss_scale)
        if self._graph is not None:
            trace.nodes = self._graph.nodes(trace.loss_scale)


def _updates(
    session: Session, phase: OptimizerPhase, slice_number: int
) -> dict[nn.Parameter, ParameterUpdate]:
    """Returns the parameters of a phase before it begins."""
    labels = name_modules(session.network)
    updates: dict[nn.Parameter, ParameterUpdate] = {}
    ids = set(map(id, phase.parameters))
    for module in session.network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in ids and parameter not in updates:
                weights = parameter.detach()
                first = slice_start(slice_number, parameter.numel())
                update = ParameterUpdate(parameter, name, labels[module], first, weights)
                update.before = update.slice_of(weights)
                update.norms = (float(weights.norm()), 0.0, 0.0)
                updates[parameter] = update
    return updates


def slice_start(number: int, total: int) -> int:
    """Returns the first index of a slice; after the last slice comes the first again."""
    return number % max(1, -(-total // SLICE_SIZE)) * SLICE_SIZE


def _slice_state(update: ParameterUpdate, state: dict[str, Any]) -> dict[str, Any]:
    """Returns what an optimizer remembers of a parameter: numbers, and slices of its shape."""
    slices: dict[str, Any] = {}
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == update.parameter.shape and value.dim():
            slices[name] = update.slice_of(value)
        elif isinstance(value, Tensor) and value.numel() == 1:
            slices[name] = float(value)
    return slices


def _gradient_norm(parameters: list[nn.Parameter]) -> float:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return 0.0
    return float(torch.stack([gradient.float().norm() for gradient in gradients]).norm())
