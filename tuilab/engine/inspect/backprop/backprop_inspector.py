"""One training step in slow motion: taken, written down, and taken back."""

import time
from typing import Any

from msgspec.structs import replace

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest, BackpropResponse, Phase
from tuilab.engine.inspect.backprop.phases import phases
from tuilab.engine.inspect.backprop.replay import ROWS, StepTrace, replay
from tuilab.engine.optim.build_optimizer import needs_closure
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.perceptron import Perceptron
from tuilab.engine.tasks.plain_python import Scratch

CHEAP = 0.03
"""Seconds; a look that takes less is always a new one."""

REST = 9
"""While training goes on, other looks rest so many times longer than they take."""

SCRATCH = (
    "The engine from scratch keeps no gradients between layers: the values on the way forward are "
    "shown, and the gradients of the weights."
)

RULE = "The perceptron rule takes no derivative; what it writes for a gradient is (answer - y) x."

CLOSURE = (
    "L-BFGS measures loss and gradient several times in a step: shown is the first time, and the "
    "move as a whole."
)

CHECKPOINTING = "Activations are not kept (checkpointing): the forward pass is shown once."

BY_VALIDATION = (
    "The epoch is over: its validation comes first, and the schedule may change the learning rate."
)


class BackpropInspector:
    """Takes the next step of one session and takes it back; keeps what it has seen of it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._key: Any = None
        self._record: StepTrace | str = ""
        self._told: dict[int, Phase] = {}
        self._answer: BackpropResponse | None = None
        self._asked: tuple[int, BackpropRequest] | None = None
        self._cost = self._looked_at = 0.0

    def inspect(self, wanted: BackpropRequest) -> BackpropResponse:
        """What the view is to show."""
        before, self._asked = self._asked, (self._session.step, wanted)
        begun = time.perf_counter()
        rest = self._looked_at + REST * self._cost - begun
        is_same = before is not None and before[0] != self._session.step and before[1] == wanted
        if is_same and self._cost > CHEAP and rest > 0:
            assert self._answer is not None
            return replace(self._answer, is_old=True)
        self._answer = self._look(wanted)
        self._looked_at = time.perf_counter()
        self._cost = self._looked_at - begun
        return self._answer

    def _look(self, wanted: BackpropRequest) -> BackpropResponse:
        session = self._session
        key = (self._moment(), wanted.example, wanted.turn, wanted.slice, wanted.graph)
        if key != self._key:
            self._record = replay(session, wanted)
            self._key, self._told = (self._moment(), *key[1:]), {}
        record = self._record
        if isinstance(record, str):
            return BackpropResponse(session.run, session.step, note=record)
        told = phases(session, record, wanted, self._told)
        turns = self._turns()
        return BackpropResponse(
            session.run, session.step, record.example, record.examples, record.turn, turns,
            told, record.nodes, _slices(told, record), note=self._note(record),
        )  # fmt: skip

    def _moment(self) -> tuple[Any, ...]:
        """Whatever the next step depends on: another moment, another step."""
        session = self._session
        versions = tuple(parameter._version for parameter in session.parameters)
        position = (session.step, session.epoch, session.offset)
        return (*position, id(session.experiment), id(session.optimizer), versions)

    def _turns(self) -> list[str]:
        session = self._session
        if not isinstance(session.task, GAN):
            return []
        knobs = session.task.knobs
        judged, made = knobs.discriminator_steps, knobs.generator_steps
        return ["the discriminator"] * judged + ["the generator"] * made

    def _note(self, record: StepTrace) -> str:
        session, words = self._session, []
        if isinstance(session.task, Scratch):
            words.append(SCRATCH)
        if isinstance(session.task, Perceptron):
            words.append(RULE)
        if needs_closure(session.experiment.optimizer):
            words.append(CLOSURE)
        if session.experiment.training.checkpointing:
            words.append(CHECKPOINTING)
        if record.turn_over and session.experiment.schedule.watches_validation:
            words.append(BY_VALIDATION)
        return " ".join(words)


def _slices(told: list[Phase], record: StepTrace) -> int:
    totals = [table.total for phase in told for table in phase.tables]
    totals += [moved.parameter.numel() for moved in record.moved]
    return -(-max(totals, default=1) // ROWS)
