"""Looks at a run as it was: a second session has the state of a snapshot, and answers the views.

The session of the run itself is not touched, so that the run goes on bit for bit as without it.
"""

from pathlib import Path
from typing import Any

from tuilab.core.protocol.events import Traveled
from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.engine.checkpoint import restore_state
from tuilab.engine.checkpoint_file import decode_experiment
from tuilab.engine.inspect.dispatch import Dispatcher
from tuilab.engine.preserve import preserving_random_state
from tuilab.engine.session import Session


class TimeTravel:
    """The snapshot that is looked at, if any."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._past: Session | None = None
        "A session that has the state of a snapshot."
        self._dispatcher: Dispatcher | None = None

    @property
    def is_in_past(self) -> bool:
        """Whether a snapshot is looked at."""
        return self._dispatcher is not None

    def travel(self, step: int) -> Traveled:
        """Goes to the snapshot at a step.

        Raises:
            InputError: it cannot be used; what was looked at before still is.
        """
        state = self._session.snapshots.load(step)
        with preserving_random_state(self._session.device):
            self._past = self._restore(state)
        self._dispatcher = Dispatcher(self._past)
        past = self._past
        return Traveled(past.run, past.step, epoch=past.epoch, experiment=past.experiment)

    def _restore(self, state: dict[str, Any]) -> Session:
        """Returns a session in a captured state: that of the last look, if it still fits."""
        now, past = self._session, self._past
        experiment = decode_experiment(state, Path())
        if past is None or past.experiment != experiment:
            past = Session(now.run, experiment, now.dataset, now.device, is_resuming=True)
            past.snapshots = now.snapshots
        restore_state(past, state)
        past.good_state = None
        past.set_learning_rate()
        return past

    def come_back(self) -> Traveled:
        """Comes back to now, and frees the memory of the second session."""
        self._past = self._dispatcher = None
        return Traveled(self._session.run, self._session.step, is_now=True)

    def inspect(self, request: InspectRequest) -> InspectResponse:
        """Answers a view for the snapshot."""
        assert self._dispatcher is not None
        with preserving_random_state(self._session.device):
            return self._dispatcher.inspect(request)
