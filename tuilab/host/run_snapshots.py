"""The snapshots of the run in progress as its clients see them: listed, traveled to, kept."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tuilab.core.errors import InputError
from tuilab.core.protocol.events import AnyEvent, Logged, SnapshotKept, SnapshotsListed
from tuilab.core.protocol.inspect.unions import AnyInspectRequest, AnyInspectResponse
from tuilab.core.run import run_files

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    from tuilab.engine.session import Session
    from tuilab.engine.time_travel import TimeTravel

WRITE_SECONDS = 10.0
"""Seconds to wait for snapshots that are being written, at the end of a run."""


class RunSnapshots:
    """Reports the snapshots of one session, and looks at them.

    Args:
        folder: that of the run.
        publish: called with every event.
    """

    def __init__(
        self, session: "Session", folder: Path, publish: Callable[[AnyEvent], None]
    ) -> None:
        self._session, self._publish = session, publish
        self._time_travel: TimeTravel | None = None
        session.snapshots.use_folder(folder / run_files.SNAPSHOTS, session.step)
        session.snapshots.on_change = self.list
        if session.snapshots.steps:
            self.list()

    @property
    def is_in_past(self) -> bool:
        """Whether the views show a snapshot."""
        return self._time_travel is not None and self._time_travel.is_in_past

    def list(self) -> None:
        """Reports which snapshots there are."""
        self._publish(SnapshotsListed(self._session.run, self._session.snapshots.steps))

    def travel(self, step: int | None) -> None:
        """Shows the snapshot nearest to a step, or the nearest one that is whole; None: now."""
        from tuilab.engine.time_travel import TimeTravel

        if self._time_travel is None:
            self._time_travel = TimeTravel(self._session)
        while step is not None:
            nearest = self._session.snapshots.nearest(step)
            if nearest is None:
                self._publish(Logged("There is no snapshot to show: this is now."))
                break
            try:
                self._publish(self._time_travel.travel(nearest))
                return
            except InputError as error:
                self._publish(Logged(f"{str(error)[:1].upper()}{str(error)[1:]}. It is skipped."))
                if nearest in self._session.snapshots.steps:  # of another version
                    break
        self.come_back()

    def come_back(self) -> None:
        """Shows the run as it is now."""
        if self._time_travel is not None:
            self._publish(self._time_travel.come_back())

    def inspect(self, request: AnyInspectRequest) -> AnyInspectResponse:
        """Answers a view for the snapshot that is shown."""
        assert self._time_travel is not None
        return self._time_travel.inspect(request)

    def keep(self) -> None:
        """Takes a snapshot now, unless there is one of this step, and writes it."""
        from tuilab.engine.checkpoint import capture_finite_state

        snapshots = self._session.snapshots
        if self._session.step not in snapshots.steps:
            state = capture_finite_state(self._session)
            if state is not None:
                snapshots.add(state)
        snapshots.finish_writing(WRITE_SECONDS)
        self.list()
        self._publish(SnapshotKept(self._session.run, self._session.step))
        self.report_problem()

    def report_problem(self) -> None:
        """Says once that snapshots cannot be kept or written, and why."""
        if problem := self._session.snapshots.take_problem():
            self._publish(Logged(problem))

    def close(self) -> None:
        """Waits until all snapshots are written."""
        self._session.snapshots.finish_writing(WRITE_SECONDS)
        self.report_problem()
