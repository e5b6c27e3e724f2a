"""The worker thread: commands in, events out, training in between.

Everything that touches PyTorch happens in this one thread; no error ends it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import msgspec

from tuilab.core.errors import CANNOT_START, GPU_FAULT
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.experiment.file_paths import restore_paths
from tuilab.core.experiment.validation import find_errors
from tuilab.core.experiment.warnings import find_notes, find_warnings
from tuilab.core.protocol.commands import (
    AnyCommand,
    Cancel,
    Check,
    Close,
    CrossValidate,
    Find,
    Inspect,
    KeepSnapshot,
    Pause,
    Resume,
    Rewind,
    Save,
    SetAlerts,
    SetKnob,
    Start,
    Step,
    Stop,
    TrainSeeds,
    Travel,
)
from tuilab.core.protocol.events import AnyEvent, Failed, Finished, Loading, Logged, Paused, Ready
from tuilab.core.protocol.inspect.set_weight import SetWeight
from tuilab.core.protocol.message import snake_case
from tuilab.host import branches, data_files, failures, initial_state, run_store, seeds, studies
from tuilab.host.alerts import Alerts
from tuilab.host.run_controller import Reason, RunController
from tuilab.host.run_lock import RunLock
from tuilab.host.run_log import RunLog

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    import torch

    from tuilab.engine.data.dataset import Dataset

LOADING_INTERVAL = 0.1
"""Seconds between two reports of the progress of loading."""


class _Canceled(BaseException):
    """Raised when a command cancels loading; no loader's `except Exception` may swallow it."""


def _supersedes(later: AnyCommand, command: AnyCommand) -> bool:
    """Returns whether a command need not be executed, as a later one asks for the same thing."""
    if isinstance(command, Inspect):
        return isinstance(later, Inspect) and type(later.request) is type(command.request)
    return isinstance(command, Travel) and isinstance(later, Travel)


class Worker(threading.Thread):
    """Executes commands between two batches and publishes events.

    Args:
        publish: called with every event, in the thread that it is published in.
        on_end: called when the thread ends.
        socket: where the host of this worker listens, so that its run folder can name it.
    """

    def __init__(
        self,
        publish: Callable[[AnyEvent], None],
        on_end: Callable[[], None] = lambda: None,
        socket: Path | None = None,
    ) -> None:
        super().__init__(name="worker", daemon=True)
        self._pass_on, self._on_end, self._socket = publish, on_end, socket
        self._log = RunLog()
        self.alerts = Alerts(self.publish)
        self._lock: RunLock | None = None
        "Of the folder of the run; held until another run starts, since a finished one can go on."
        self._commands: SimpleQueue[AnyCommand] = SimpleQueue()
        self._pending: deque[AnyCommand] = deque()
        "Commands already taken off the queue, to be executed next."
        self._is_open = True
        self._run = ""
        "The run that is starting or was started last."
        self._controller: RunController | None = None
        self._cached_dataset: tuple[Any, Dataset] | None = None
        "The data set in memory and the key that it was loaded for."
        self._last_report: tuple[str, float] = ("", 0.0)
        "The text of the last progress report, and when it was sent."

    def send(self, command: AnyCommand) -> None:
        """Queues a command, from any thread."""
        if isinstance(command, SetAlerts):
            self.alerts.request(command)
            return
        self._commands.put(command)

    def publish(self, event: AnyEvent) -> None:
        """Logs an event and passes it on, from any thread, after the alerts that it raises."""
        for occasion in (*self.alerts.check(event), event):
            for item in (occasion, *self._log.record(occasion)):
                self._pass_on(item)

    def _flush_log(self) -> None:
        for note in self._log.flush():
            self._pass_on(note)

    def close_log(self) -> None:
        """Writes the rest of the log; what is published from now on is not in it."""
        self._log.close()

    def keep_lock(self, socket: Path | None) -> None:
        """Names this process in the run folder again, if that was deleted or its socket is new."""
        self._socket, lock = socket, self._lock
        if lock is None:
            return
        with suppress(OSError):  # tried again at the next check
            if problem := lock.keep(socket):
                self.publish(Logged(problem))

    def release_run(self) -> None:
        """Lets other processes train the run; not while this worker trains or its log is open."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def run(self) -> None:
        """Executes commands until the worker is closed."""
        try:
            self._guard(self._prepare)
            while self._is_open:
                self._guard(self._train_or_execute)
        finally:
            self.close_log()
            self._on_end()

    def _prepare(self) -> None:
        """Loads PyTorch, and the modules for training if no command is waiting yet."""
        self.publish(Loading("PyTorch"))
        from tuilab.engine.device import devices

        self.publish(Ready(devices.list_devices(), devices.versions()))
        if self._commands.empty():
            import tuilab.engine.train  # noqa: F401

    def _train_or_execute(self) -> None:
        controller = self._controller
        is_idle = not self._pending and self._commands.empty()
        if controller is not None and controller.is_training and is_idle:
            controller.train(self._commands.empty)
        elif controller is not None and controller.is_checking and is_idle:
            controller.check(self._commands.empty)
        else:
            self._execute(self._take_command())

    def _take_command(self) -> AnyCommand:
        """Takes the next command; of several requests of one view, only the last is answered.

        So it is with travels: a key that is held down goes as fast as states can be loaded.
        """
        pending, queue = self._pending, self._commands
        if not pending:
            pending.append(queue.get())
        while not queue.empty():
            pending.append(queue.get())
        while True:
            command = pending.popleft()
            if not any(_supersedes(later, command) for later in pending):
                return command

    # --- commands ---------------------------------------------------------------------------

    def _execute(self, command: AnyCommand) -> None:
        controller = self._controller
        if controller is not None and not isinstance(command, (Inspect, Check, Travel)):
            is_canceled = controller.cancel_checks()  # they have time only while nothing is asked
            if is_canceled and isinstance(command, Cancel):
                self.publish(Logged("Canceled; the run is unchanged."))
        match command:
            case Start():
                self._start(command)
            case Close():
                self._is_open = False
                self._end_run("interrupted")
            case Inspect():
                if controller is not None:
                    controller.inspect(command.request)
            case Find() | CrossValidate() | TrainSeeds():
                self._study(command)
            case Cancel():
                pass  # nothing is in progress any more
            case _ if controller is None:
                self._note_ignored(command, "there is no run")
            case Travel():
                controller.travel(command.step)
            case KeepSnapshot():
                controller.keep_snapshot()
            case Check():
                controller.start_checks()
            case Resume():
                controller.resume()
            case Step():
                controller.resume(command.steps, command.epochs)
            case SetKnob() | SetWeight():
                controller.change(command)
            case Rewind():
                controller.rewind()
            case Save():
                controller.save()
            case Stop() | Pause() if not controller.is_active:
                self._note_ignored(command, "the run is over")
            case Stop():
                controller.end(command.reason, measure=command.reason != "interrupted")
            case Pause():
                controller.pause()

    def _note_ignored(self, command: AnyCommand, reason: str) -> None:
        name = snake_case(type(command).__name__).replace("_", " ")
        self.publish(Logged(f"Nothing to {name}: {reason}."))

    def _end_run(self, reason: Reason) -> None:
        """Ends the run in progress quickly, since another command waits."""
        if self._controller is not None and self._controller.is_active:
            self._controller.end(reason, measure=False)

    def _study(self, command: Find | CrossValidate | TrainSeeds) -> None:
        session = self._controller.session if self._controller is not None else None
        try:
            if isinstance(command, Find):
                self.publish(studies.run_finder(session, command, self._report))
            elif isinstance(command, TrainSeeds):
                seeds.run_seeds(command, self.publish, self._report)
            else:
                studies.run_cross_validation(command, self.publish, self._report)
        except _Canceled:
            self.publish(Logged("Canceled; the run is unchanged."))
            if isinstance(self._pending[-1], Cancel):
                self._pending.pop()
        self.publish(Loading(self._last_report[0], 1.0))

    # --- starting ---------------------------------------------------------------------------

    def _start(self, command: Start) -> None:
        self._end_run("stopped")
        self._run, experiment = command.run, restore_paths(command.experiment)
        before = self._controller.session if self._controller is not None else None
        self._controller = None
        path = run_store.run_dir(command.run)
        if errors := find_errors(experiment):
            self.publish(Failed(command.run, CANNOT_START, "\n".join(errors)))
            return
        goes_on = bool(command.checkpoint or command.parent)
        origin = run_store.run_dir(command.parent) if command.parent else path
        changes = data_files.describe_changes(origin) if goes_on else []
        if changes and not command.accepts_changed_data:
            self.publish(failures.describe_changed_data(command, changes))
            return
        parent = initial_state.read_parent(command, before)
        self._lock_folder(path)
        from tuilab.engine.device import devices
        from tuilab.engine.model.layers.torchvision_models import download_weights
        from tuilab.engine.session import Session

        device = devices.device_for(experiment.training)
        dataset = self._load_data(experiment, device)
        download_weights(experiment.plan, self._report)
        session = Session(command.run, experiment, dataset, device, is_resuming=goes_on)
        previous = before if command.keep else None
        note = initial_state.load_initial_state(session, command, parent, previous)
        self.publish(
            msgspec.structs.replace(
                session.started_event(note), folder=str(path),
                data_files=data_files.identify_data(experiment), group=command.group,
                parent=command.parent, parent_step=command.parent_step, time=time.time(),
            )
        )  # fmt: skip
        self._publish_remarks(experiment, dataset, changes)
        if command.parent:
            branches.link_snapshots(command.parent, path, session.step)
        self._controller = RunController(
            session, path, self.publish, self._flush_log, is_paced=command.is_paced
        )
        if command.parent:
            self._controller.save()  # it needs nothing of its parent from now on
        if command.paused:
            self.publish(Paused(session.run, session.step))
        else:
            self._controller.start()

    def _publish_remarks(
        self, experiment: Experiment, dataset: "Dataset", changes: list[str]
    ) -> None:
        """Publishes what was made of the data, what has changed in it, and what looks wrong."""
        for remark in dataset.remarks:
            self.publish(Logged(remark, "data"))
        for change in changes:
            self.publish(Logged(f"Warning: {change}."))
        for remark in find_notes(experiment):
            self.publish(Logged(f"{remark}."))
        for warning in find_warnings(experiment):
            self.publish(Logged(f"Warning: {warning}."))

    def _lock_folder(self, path: Path) -> None:
        """Locks the folder of the run that starts; InputError if another process trains it."""
        if self._lock is not None and self._lock.folder == path:
            return
        self.release_run()
        try:
            self._lock = RunLock.acquire(path, self._socket)
        except OSError as error:  # a full disk does not stop a run
            reason = error.strerror or str(error)
            self.publish(
                Logged(f"The run folder cannot be locked ({reason}): {path}. Train this run in "
                       "one place at a time.")
            )  # fmt: skip

    def _load_data(self, experiment: Experiment, device: "torch.device") -> "Dataset":
        """Returns the data set, from memory if it is the same."""
        from tuilab.engine.data.load import load

        tables = msgspec.to_builtins(experiment.data)
        tables.pop("batch_size", None)
        key = (
            tables,
            experiment.data.file_state,
            experiment.seed,
            name_of(experiment.task),
            device,
        )
        if self._cached_dataset is None or self._cached_dataset[0] != key:
            self._cached_dataset = None  # two large data sets at a time may not fit
            self._cached_dataset = (key, load(experiment, device, self._report))
        return self._cached_dataset[1]

    def _report(self, what: str, fraction: float | None) -> None:
        """Reports the progress of loading; raises _Canceled if a command cancels it."""
        now = time.monotonic()
        if (
            what != self._last_report[0]
            or fraction == 1
            or now - self._last_report[1] >= LOADING_INTERVAL
        ):
            self._last_report = (what, now)
            self.publish(Loading(what, fraction))
        while not self._commands.empty():
            command = self._commands.get()
            self._pending.append(command)
            if isinstance(command, (Cancel, Stop, Close, Start)):
                raise _Canceled

    def _finish_canceled(self) -> None:
        """Finishes the run that never started; other commands for it are dropped."""
        command = self._pending.pop()
        self._pending.clear()
        reason: Reason = "interrupted" if isinstance(command, Close) else "stopped"
        if isinstance(command, Stop):
            reason = command.reason
        else:
            self._pending.append(command)
        self.release_run()
        self.publish(Finished(self._run, reason, 0, 0, 0.0, {}))

    # --- failures ---------------------------------------------------------------------------

    def _guard(self, action: Callable[[], None]) -> None:
        """Runs an action; any error becomes an event in the user's terms."""
        try:
            action()
            return
        except _Canceled:
            self._finish_canceled()
            return
        except BaseException as error:
            session = self._controller.session if self._controller is not None else None
            failed = failures.explain_failure(error, self._run, session)
        if self._controller is not None:
            self._controller.fail(failed)
        else:  # the run has not started
            self.release_run()
        self.publish(failed)
        failures.release_memory()
        # The next run needs another process: CUDA cannot be used in this one any more.
        self._is_open &= failed.title != GPU_FAULT
