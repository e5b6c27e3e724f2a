"""The worker thread: commands in, events out, training in between.

Everything that touches PyTorch happens in this one thread; nothing that goes wrong ends it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import msgspec

from tuilab.core.errors import CANNOT_START, GPU_FAULT
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.experiment.validation import problems
from tuilab.core.experiment.warnings import doubts
from tuilab.core.protocol.commands import (
    AnyCommand,
    Cancel,
    Close,
    Find,
    Inspect,
    Pause,
    Probe,
    Resume,
    Rewind,
    Save,
    Set,
    Start,
    Step,
    Stop,
    Validate,
)
from tuilab.core.protocol.events import AnyEvent, Failed, Finished, Loading, Logged, Paused, Ready
from tuilab.core.protocol.inspect.set_weight import Assign
from tuilab.host import failures, run_store, studies
from tuilab.host.run_controller import Reason, RunController, take_over

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    import torch

    from tuilab.engine.data.dataset import Dataset

LOADING_GAP = 0.1
"""Seconds between two reports of how far loading is."""


class _Cut(BaseException):
    """Loading is cut short by a command; no loader's `except Exception` may swallow it."""


class Worker(threading.Thread):
    """Obeys commands between two batches and publishes what happens.

    Args:
        publish: is called with every event, in this thread.
        on_end: is called when the thread ends.
    """

    def __init__(
        self, publish: Callable[[AnyEvent], None], on_end: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(name="worker", daemon=True)
        self._publish, self._on_end = publish, on_end
        self._commands: SimpleQueue[AnyCommand] = SimpleQueue()
        self._early: deque[AnyCommand] = deque()
        "Taken off the queue already, to be obeyed next."
        self._is_open = True
        self._run = ""
        "The run that is being started or was started last."
        self._driver: RunController | None = None
        self._loaded: tuple[Any, Dataset] | None = None
        "The data set in memory and what it was loaded for."
        self._reported: tuple[str, float] = ("", 0.0)

    def send(self, command: AnyCommand) -> None:
        """Hand over a command, from any thread."""
        self._commands.put(command)

    def run(self) -> None:
        """Live as long as somebody may want to train."""
        try:
            self._guard(self._prepare)
            while self._is_open:
                self._guard(self._turn)
        finally:
            self._on_end()

    def _prepare(self) -> None:
        """Load PyTorch, and what training needs besides if nobody waits for it yet."""
        self._publish(Loading("PyTorch"))
        from tuilab.engine.device import devices

        self._publish(Ready(devices.devices(), devices.versions()))
        if self._commands.empty():
            import tuilab.engine.train  # noqa: F401

    def _turn(self) -> None:
        driver = self._driver
        is_free = not self._early and self._commands.empty()
        if driver is not None and driver.is_training and is_free:
            driver.advance(self._commands.empty)
        else:
            self._obey(self._next())

    def _next(self) -> AnyCommand:
        """The next command; of pictures asked for again and again, only the last is drawn."""
        early, queue = self._early, self._commands
        if not early:
            early.append(queue.get())
        while not queue.empty():
            early.append(queue.get())
        while isinstance(early[0], (Inspect, Probe)) and any(
            type(command) is type(early[0]) for command in list(early)[1:]
        ):
            early.popleft()
        return early.popleft()

    # --- commands ---------------------------------------------------------------------------

    def _obey(self, command: AnyCommand) -> None:
        driver = self._driver
        match command:
            case Start():
                self._start(command)
            case Close():
                self._close()
            case Probe():
                if driver is not None:
                    driver.draw(command)
            case Inspect():
                if driver is not None:
                    driver.inspect(command)
            case Find() | Validate():
                self._study(command)
            case Cancel():
                pass  # what it meant is over
            case _ if driver is None:
                self._note(command, "there is no run")
            case Resume():
                driver.resume()
            case Step():
                driver.resume(command.steps, command.epochs)
            case Set() | Assign():
                driver.set(command)
            case Rewind():
                driver.rewind()
            case Save():
                driver.save()
            case Stop() | Pause() if not driver.is_active:
                self._note(command, "the run is over")
            case Stop():
                driver.end(command.reason, measure=command.reason != "interrupted")
            case Pause():
                driver.pause()

    def _note(self, command: AnyCommand, why: str) -> None:
        self._publish(Logged(f"Nothing to {type(command).__name__.lower()}: {why}."))

    def _close(self) -> None:
        self._is_open = False
        self._leave("interrupted")

    def _leave(self, reason: Reason) -> None:
        """End the run in progress, quickly: something else is waiting."""
        if self._driver is not None and self._driver.is_active:
            self._driver.end(reason, measure=False)

    def _study(self, command: Find | Validate) -> None:
        session = self._driver.session if self._driver is not None else None
        try:
            if isinstance(command, Find):
                self._publish(studies.find(session, command, self._report))
            else:
                studies.validate(command, self._publish, self._report)
        except _Cut:
            self._publish(Logged("It was cut short; the run is as it was."))
            if isinstance(self._early[-1], Cancel):
                self._early.pop()
        self._publish(Loading(self._reported[0], 1.0))

    # --- starting ---------------------------------------------------------------------------

    def _start(self, command: Start) -> None:
        self._leave("stopped")
        self._run, experiment = command.run, command.experiment
        before = self._driver.session if self._driver is not None and command.keep else None
        self._driver = None
        path = run_store.path_of(command.run)
        if wrong := problems(experiment):
            hint = "\n".join(wrong)
            self._publish(Failed(command.run, CANNOT_START, hint))
            return
        from tuilab.engine.device import devices
        from tuilab.engine.model.layers.torchvision_models import fetch
        from tuilab.engine.session import Session

        device = devices.of(experiment.training)
        dataset = self._data(experiment, device)
        fetch(experiment.plan, self._report)
        goes_on = bool(command.checkpoint)
        session = Session(command.run, experiment, dataset, device, goes_on=goes_on)
        note = take_over(session, before, command.checkpoint)
        self._publish(msgspec.structs.replace(session.started(note), folder=str(path)))
        for remark in dataset.remarks:
            self._publish(Logged(remark, "data"))
        for doubt in doubts(experiment):
            self._publish(Logged(f"Doubtful: {doubt}."))
        self._driver = RunController(session, path, self._publish)
        if command.paused:
            self._publish(Paused(session.run, session.step))
        else:
            self._driver.begin()

    def _data(self, experiment: Experiment, device: "torch.device") -> "Dataset":
        """The data set: the one in memory if it is the same, else loaded."""
        from tuilab.engine.data.load import load

        tables = msgspec.to_builtins(experiment.data)
        tables.pop("batch_size", None)
        key = (tables, experiment.data.state, experiment.seed, name_of(experiment.task), device)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = None  # two large sets at a time may not fit
            self._loaded = (key, load(experiment, device, self._report))
        return self._loaded[1]

    def _report(self, what: str, fraction: float | None) -> None:
        """Tell how far loading is; this is where it can be cut short."""
        now = time.monotonic()
        if what != self._reported[0] or fraction == 1 or now - self._reported[1] >= LOADING_GAP:
            self._reported = (what, now)
            self._publish(Loading(what, fraction))
        while not self._commands.empty():
            command = self._commands.get()
            self._early.append(command)
            if isinstance(command, (Cancel, Stop, Close, Start)):
                raise _Cut

    def _cut_short(self) -> None:
        """Finish the run that was never begun; what else was asked of it is void."""
        command = self._early.pop()
        self._early.clear()
        if not isinstance(command, Stop):
            self._early.append(command)
        reason: Reason = "interrupted" if isinstance(command, Close) else "stopped"
        if isinstance(command, Stop):
            reason = command.reason
        self._publish(Finished(self._run, reason, 0, 0, 0.0, {}))

    # --- failures ---------------------------------------------------------------------------

    def _guard(self, action: Callable[[], None]) -> None:
        """Do it; whatever goes wrong becomes an event in the user's terms."""
        try:
            action()
            return
        except _Cut:
            self._cut_short()
            return
        except BaseException as error:
            session = self._driver.session if self._driver is not None else None
            failed = failures.explain(error, self._run, session)
        if self._driver is not None:
            self._driver.halt(failed)
        self._publish(failed)
        failures.release_memory()
        # Another process must train what comes next: CUDA answers this one nothing any more.
        self._is_open &= failed.title != GPU_FAULT
