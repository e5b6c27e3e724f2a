"""Where a loss stopped being a number: its step is taken again, and every operation watched."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tuilab.core.format import format_count, format_number
from tuilab.engine import checkpoint
from tuilab.engine.model.module_names import name_module
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import StepObserver, training_step
from tuilab.engine.tasks.task import OptimizerPhase

MAX_SECONDS = 2.0
"""A replay that takes longer than this is given up."""


Source = Literal["", "input", "output", "loss", "gradient", "step"]
"""What made the first value that is not finite; empty where it was not found."""

MAX_GROWTH = 10.0
"""A loss or largest weight that is this many times as large as before has grown; gradients, whose
size varies more from batch to batch, by the square of this."""


@dataclass(frozen=True, slots=True)
class NonFiniteOrigin:
    """Where the first value that is not finite came from, and what had grown before it."""

    description: str = ""
    "The step and the operation; empty where it was not found."
    source: Source = ""
    growth: str = ""
    "What had grown, with its numbers; empty if nothing had."
    steady: str = ""
    "What had not grown, with its numbers, if nothing had; empty where nothing is known."

    @property
    def has_grown(self) -> bool | None:
        """Whether loss, gradients or weights had grown; None where it is not known."""
        return True if self.growth else False if self.steady else None


def find_non_finite(session: Session, step: int) -> NonFiniteOrigin:
    """Finds the first operation whose result is not finite.

    Trains from the last good state to the step before, and watches that one and `step` itself.
    The session stays as it was.
    """
    good = session.good_state
    if good is None or good["position"][0] >= step:
        return NonFiniteOrigin()
    # Whatever goes wrong here must not hide the failure that is reported.
    with suppress(Exception), preserving(session):
        checkpoint.restore_state(session, good)
        return _replay(session, step)
    return NonFiniteOrigin()


def _replay(session: Session, step: int) -> NonFiniteOrigin:
    end, first = time.perf_counter() + MAX_SECONDS, session.step
    history = GrowthHistory(session)
    while session.step < step and time.perf_counter() < end:
        is_near = session.step >= step - 2
        trace = NonFiniteTrace(session, history)
        if is_near and session.step > first:
            history.measure_weights()
        with trace.watching() if is_near else nullcontext():
            batch = session.advance_to_batch()
            training_step(session, *batch, trace if is_near else history)
        if trace.message:
            message = f"at step {format_count(session.step)} {trace.message}"
            if session.step - first > 1:
                message = f"Replayed from step {format_count(first)}: {message}"
            growth = history.describe_growth()
            steady = "" if growth else history.describe_steady()
            return NonFiniteOrigin(message[:1].upper() + message[1:], trace.source, growth, steady)
    return NonFiniteOrigin()


class GrowthHistory(StepObserver):
    """The loss, the norm of the gradients and the largest weight over the replayed steps."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.values: dict[str, list[float]] = {name: [] for name in GROWING}
        snapshots = session.snapshots.in_memory
        if snapshots:  # earlier than the state that the replay starts from
            tensors = snapshots[0][1]["network"]
            names = dict(session.network.named_parameters())
            self._add("largest weight", _largest(tensors[name] for name in names))
        self.measure_weights()

    def measure_weights(self) -> None:
        """Adds the largest weight."""
        self._add("largest weight", _largest(p.detach() for p in self.session.parameters))

    def on_gradients(self, phase: OptimizerPhase) -> None:
        """Adds the norm of all gradients."""
        gradients = [p.grad for p in phase.parameters if p.grad is not None]
        self._add("gradient norm", float(nn.utils.get_total_norm(gradients)))

    def on_step(self, phase: OptimizerPhase, loss: Tensor, output: Tensor) -> None:
        """Adds the loss []."""
        self._add("loss", float(loss))

    def _add(self, name: str, value: float) -> None:
        if isfinite(value):
            self.values[name].append(value)

    def describe_growth(self) -> str:
        """Returns what has grown, such as `the loss grew from 1 to 9e11`; empty if nothing has."""
        return ", ".join(
            f"the {name} grew from {format_number(values[0], 3)} to {format_number(max(values), 3)}"
            for name, values in self.values.items()
            # Below 1, growth does not lead to numbers that are too large.
            if values and max(values) > GROWING[name] * max(values[0], 1.0)
        )

    def describe_steady(self) -> str:
        """Returns the last values; empty where there are not two of a quantity to compare."""
        is_first_step = self.session.step <= 1  # no step has changed anything yet
        return ", ".join(
            f"the {name} was {format_number(values[-1], 3)}"
            for name, values in self.values.items()
            if len(values) > 1 or (values and is_first_step)
        )


GROWING = {"loss": MAX_GROWTH, "gradient norm": MAX_GROWTH**2, "largest weight": MAX_GROWTH}
"""The quantities that grow before they overflow, with the factor that counts as growth."""


def _largest(tensors: Iterable[Tensor]) -> float:
    """Returns the largest absolute value in tensors of any shapes; NaN if there is one."""
    largest = [tensor.abs().max().float() for tensor in tensors if tensor.numel()]
    return float(torch.stack(largest).max()) if largest else 0.0


class NonFiniteTrace(StepObserver):
    """Notes the first result of one step that is not finite."""

    def __init__(self, session: Session, history: GrowthHistory) -> None:
        self.session, self.history = session, history
        self.message = ""
        "Empty while everything is finite."
        self.source: Source = ""
        self._gradient = 0.0

    def check(self, source: Source, message: str, *tensors: Tensor) -> None:
        """Keeps the message if a tensor, of any shape, is the first that is not finite."""
        if not self.message and not all(bool(t.isfinite().all()) for t in tensors):
            self.message, self.source = message, source

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
        self.check("output", message, *(t.detach() for t in outputs if isinstance(t, Tensor)))

    def _check_gradient(self, label: str, gradient: Tensor) -> None:
        message = f"the gradient of {label} is not finite, while its loss still is"
        self.check("gradient", message, gradient)

    def on_forward(self, inputs: Tensor) -> None:
        """Checks the inputs [batch, ...]."""
        self.check("input", "the inputs of the network are not finite", inputs)

    def on_gradients(self, phase: OptimizerPhase) -> None:
        """Notes the largest gradient."""
        self._gradient = _largest(p.grad for p in phase.parameters if p.grad is not None)
        self.history.on_gradients(phase)

    def on_step(self, phase: OptimizerPhase, loss: Tensor, output: Tensor) -> None:
        """Checks the loss [] and the new weights."""
        self.history.on_step(phase, loss, output)
        if self.source == "gradient" and not bool(loss.isfinite().all()):
            self.message = ""  # gradients come after the loss: theirs is only the consequence
        size = f"{format_number(float(output.abs().max()), 3)}" if output.numel() else "0"
        self.check("loss", f"the loss itself is not finite, of outputs up to {size}", loss)
        gradient = format_number(self._gradient, 3)
        for label, parameters in self.session.parameters_by_layer.items():
            self.check("step", f"the step of the optimizer makes the weights of {label} not finite,"
                       f" from gradients up to {gradient}",
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
