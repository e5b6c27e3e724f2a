"""Inspector of one training step in slow motion: it is taken, written down and put back."""

import time
from typing import Any

from msgspec.structs import replace

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest, BackpropResponse, Phase
from tuilab.engine.inspect.backprop.phases import build_phases
from tuilab.engine.inspect.backprop.replay import SLICE_SIZE, StepTrace, replay
from tuilab.engine.inspect.inspectors import inspector
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.perceptron import Perceptron
from tuilab.engine.tasks.plain_python import PlainPythonTask

CHEAP = 0.03
"""A response that takes fewer seconds is always a new one."""

PAUSE_FACTOR = 9
"""While training goes on, others are repeated for this many times as long as they took."""

SCRATCH = (
    "The engine from scratch keeps no gradients between layers: the values of the forward pass are "
    "shown, and the gradients of the weights."
)

RULE = "The perceptron rule takes no derivative; in place of a gradient it has (answer - y) x."

OVER = "The run is over: this is the step that would follow; it is not taken."

CLOSURE = (
    "L-BFGS measures loss and gradient several times in a step: shown are the first measurement "
    "and the update as a whole."
)

CHECKPOINTING = "Activations are not kept (checkpointing): the forward pass is shown once."

BY_VALIDATION = (
    "The epoch is over: its validation comes first, and the schedule may change the learning rate."
)


@inspector(BackpropRequest)
class BackpropInspector:
    """Takes the next step of one session and puts it back; keeps the trace of the last one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._key: Any = None
        self._trace: StepTrace | None = None
        self._phases: dict[int, Phase] = {}
        "Those of the trace that have numbers, by their index."
        self._response: BackpropResponse | None = None
        self._last: tuple[int, BackpropRequest] | None = None
        "The step and the request of the last call."
        self._cost = self._finished_at = 0.0

    def inspect(self, request: BackpropRequest) -> BackpropResponse:
        """Returns the step; an earlier one if that was expensive and the run goes on."""
        step, last = self._session.step, self._last
        self._last = (step, request)
        start = time.perf_counter()
        is_pausing = start < self._finished_at + PAUSE_FACTOR * self._cost
        is_training = last is not None and last[0] != step and last[1] == request
        if is_training and self._cost > CHEAP and is_pausing:
            assert self._response is not None
            return replace(self._response, is_outdated=True)
        self._response = self._build_response(request)
        self._finished_at = time.perf_counter()
        self._cost = self._finished_at - start
        return self._response

    def _build_response(self, request: BackpropRequest) -> BackpropResponse:
        session = self._session
        selection = request.example, request.optimizer_phase, request.slice, request.with_graph
        if (self._version(), selection) != self._key:
            self._trace, self._phases = replay(session, request), {}
            self._key = (self._version(), selection)  # putting back gives the weights new versions
        trace = self._trace
        assert trace is not None
        phases = build_phases(session, trace, request, self._phases)
        return BackpropResponse(
            session.run, session.step, trace.example, trace.batch_size, trace.optimizer_phase,
            self._optimizer_phases(), phases, trace.nodes, _count_slices(phases, trace),
            note=self._note(trace),
        )  # fmt: skip

    def _version(self) -> tuple[Any, ...]:
        """Returns what differs whenever the next step may differ."""
        session = self._session
        versions = tuple(parameter._version for parameter in session.parameters)
        position = (session.step, session.epoch, session.offset)
        return (*position, id(session.experiment), id(session.optimizer), versions)

    def _optimizer_phases(self) -> list[str]:
        task = self._session.task
        if not isinstance(task, GAN):
            return []
        steps = task.config
        discriminator = ["the discriminator"] * steps.discriminator_steps
        return discriminator + ["the generator"] * steps.generator_steps

    def _note(self, trace: StepTrace) -> str:
        session, notes = self._session, []
        if session.is_over:
            notes.append(OVER)
        if isinstance(session.task, PlainPythonTask):
            notes.append(SCRATCH)
        if isinstance(session.task, Perceptron):
            notes.append(RULE)
        if session.experiment.optimizer.needs_closure:
            notes.append(CLOSURE)
        if session.experiment.training.checkpointing:
            notes.append(CHECKPOINTING)
        if trace.is_new_epoch and session.experiment.schedule.watches_validation:
            notes.append(BY_VALIDATION)
        return " ".join(notes)


def _count_slices(phases: list[Phase], trace: StepTrace) -> int:
    totals = [table.total for phase in phases for table in phase.tables]
    totals += [update.parameter.numel() for update in trace.updates]
    return -(-max(totals, default=1) // SLICE_SIZE)
