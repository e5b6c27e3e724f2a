"""Where a loss stopped being a number: its step is taken again, and every operation watched."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.format import format_count, format_number
from tuilab.engine import checkpoint
from tuilab.engine.model.module_names import name_module
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, StepObserver, training_step
from tuilab.engine.tasks.task import OptimizerPhase

MAX_SECONDS = 2.0
"""A replay that takes longer than this is given up."""


def find_non_finite(session: Session, step: int) -> str:
    """Describes the first operation whose result is not finite; empty where none is found.

    Trains from the last good state to the step before, and watches that one and `step` itself.
    The session stays as it was.
    """
    good = session.good_state
    if good is None or good["position"][0] >= step:
        return ""
    # Whatever goes wrong here must not hide the failure that is reported.
    with suppress(Exception), preserving(session):
        checkpoint.restore_state(session, good)
        return _replay(session, step)
    return ""


def _replay(session: Session, step: int) -> str:
    end, first = time.perf_counter() + MAX_SECONDS, session.step
    while session.step < step and time.perf_counter() < end:
        is_near = session.step >= step - 2
        trace = NonFiniteTrace(session)
        with trace.watching() if is_near else nullcontext():
            batch = session.advance_to_batch()
            training_step(session, *batch, trace if is_near else UNOBSERVED)
        if trace.message:
            message = f"at step {format_count(session.step)} {trace.message}"
            if session.step - first > 1:
                return f"Replayed from step {format_count(first)}: {message}"
            return message[:1].upper() + message[1:]
    return ""


class NonFiniteTrace(StepObserver):
    """Notes the first result of one step that is not finite."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.message = ""
        "Empty while everything is finite."

    def check(self, message: str, *tensors: Tensor) -> None:
        """Keeps the message if a tensor, of any shape, is the first that is not finite."""
        if not self.message and not all(bool(t.isfinite().all()) for t in tensors):
            self.message = message

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sets hooks on every module and every parameter while it lasts."""
        with ExitStack() as hooks:
            for module, name in _names(self.session).items():
                check_output = partial(self._check_output, name)
                hooks.enter_context(module.register_forward_hook(check_output))
            for label, parameters in self.session.parameters_by_layer.items():
                check = partial(self._check_gradient, label)
                for parameter in parameters:
                    if parameter.requires_grad:
                        handle = parameter.register_hook(check)  # type: ignore[no-untyped-call]
                        hooks.enter_context(handle)
            yield

    def _check_output(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        received = [t.detach() for t in inputs if isinstance(t, Tensor) and t.is_floating_point()]
        largest = max((float(t.abs().max()) for t in received if t.numel()), default=0.0)
        size = format_number(largest, 3)
        message = f"the output of {name} is not finite: what came in is up to {size}"
        weights = [p.detach().abs().max() for p in module.parameters(recurse=False)]
        if weights:
            size = format_number(float(torch.stack(weights).max()), 3)
            message += f", its largest weight is {size}"
        outputs = output if isinstance(output, tuple) else (output,)
        self.check(message, *(t.detach() for t in outputs if isinstance(t, Tensor)))

    def _check_gradient(self, label: str, gradient: Tensor) -> None:
        self.check(f"the gradient of {label} is not finite, while its loss still is", gradient)

    def on_step(self, phase: OptimizerPhase, loss: Tensor, output: Tensor) -> None:
        """Checks the loss [] and the new weights."""
        if self.message.startswith("the gradient") and not bool(loss.isfinite().all()):
            self.message = ""  # gradients come after the loss: theirs is only the consequence
        size = f"{format_number(float(output.abs().max()), 3)}" if output.numel() else "0"
        self.check(f"the loss itself is not finite, of outputs up to {size}", loss)
        for label, parameters in self.session.parameters_by_layer.items():
            self.check(f"the step of the optimizer makes the weights of {label} not finite",
                       *(parameter.detach() for parameter in parameters))  # fmt: skip


def _names(session: Session) -> dict[nn.Module, str]:
    """Names every module by its layer, as the charts do; without weights, by the layer before."""
    owners = {id(p): label for label, ps in session.parameters_by_layer.items() for p in ps}
    names: dict[nn.Module, str] = {}
    previous = "the input"
    for module in session.network.modules():
        parameter = next(module.parameters(recurse=False), None)
        if parameter is not None:
            names[module] = previous = owners.get(id(parameter), name_module(module))
        else:
            names[module] = f"{name_module(module)} after {previous}"
    return names
