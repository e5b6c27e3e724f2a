"""One training step in slow motion: taken, written down, and taken back."""

from typing import Any

from tuilab.engine.inside.backprop_phases import phases
from tuilab.engine.inside.backprop_replay import ROWS, Record, replay
from tuilab.engine.optimizers import needs_closure
from tuilab.engine.scratch import Scratch
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.perceptron import Perceptron
from tuilab.lab.inside.backprop import BackpropSeen, BackpropWanted, Phase

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


class BackpropEye:
    """Takes the next step of one session and takes it back; keeps what it has seen of it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._key: Any = None
        self._record: Record | str = ""
        self._told: dict[int, Phase] = {}

    def look(self, wanted: BackpropWanted) -> BackpropSeen:
        """What the view is to show."""
        session = self._session
        key = (self._moment(), wanted.example, wanted.turn, wanted.slice, wanted.graph)
        if key != self._key:
            self._record = replay(session, wanted)
            self._key, self._told = (self._moment(), *key[1:]), {}
        record = self._record
        if isinstance(record, str):
            return BackpropSeen(session.run, session.step, note=record)
        told = phases(session, record, wanted, self._told)
        turns = self._turns()
        return BackpropSeen(
            session.run, session.step, record.example, record.examples, record.turn, turns,
            told, record.nodes, _slices(told, record), self._note(record),
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

    def _note(self, record: Record) -> str:
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


def _slices(told: list[Phase], record: Record) -> int:
    totals = [table.total for phase in told for table in phase.tables]
    totals += [moved.parameter.numel() for moved in record.moved]
    return -(-max(totals, default=1) // ROWS)
