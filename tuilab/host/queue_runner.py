"""The runner of the queue: starts each run in a host of its own, some at a time on each device.

python -m tuilab.host.queue_runner

The hosts outlive a runner that is killed; the next runner waits for them again.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

from msgspec.structs import replace

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Close, Start, Stop
from tuilab.core.protocol.events import AnyEvent, Failed, Finished, Ready, Started
from tuilab.core.protocol.records import Device
from tuilab.core.run import run_files
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import run_lock, run_queue, run_store
from tuilab.host.link import Link, attach_to_host, spawn_host
from tuilab.host.run_lock import RunLock
from tuilab.host.run_queue import QueueEntry, QueueFile

POLL_SECONDS = 0.2
"""Seconds between two looks at the hosts and at the queue."""

ATTACH_SECONDS = 2.0
"""Seconds between two attempts to reach the host of a run that an earlier runner started."""

END_SECONDS = 50.0
"""Seconds that the runs have to save a checkpoint when the runner ends."""


@dataclass(slots=True)
class _Job:
    """A run in progress."""

    entry: QueueEntry
    link: Link | None
    "None while the host of an earlier runner has not been reached."
    device: str
    "Empty until it is decided."
    is_sent: bool = False
    "Whether its host knows what to train."
    attach_at: float = 0.0


class QueueRunner:
    """Works the queue off until nothing waits any more.

    Args:
        on_event: is called with the id of a run and what its host reports.
    """

    def __init__(self, on_event: Callable[[str, AnyEvent], None] = lambda run, event: None) -> None:
        self._on_event = on_event
        self._jobs: list[_Job] = []
        self._devices: list[Device] = []
        "Those of this machine, as the first host reports them."
        self._is_ending = False
        self._stopped_at = 0.0
        self._stamp: object = None
        "What the queue's file was, and how many runs were in progress, when none could start."
        self.ended: list[QueueEntry] = []
        "The entries that are over or cut off, in the order of their ends."

    def interrupt(self) -> None:
        """Requests the end: the runs save a checkpoint and wait in the queue again."""
        self._is_ending = True

    def run(self) -> None:
        """Works the queue off; InputError if another process does it, or it cannot be read."""
        with closing(run_queue.acquire_runner()) as lock:
            self._take_over()
            while not self._release_if_done(lock):
                if self._is_ending:
                    self._stop_jobs()
                else:
                    self._start_waiting()
                for job in list(self._jobs):
                    self._poll(job)
                time.sleep(POLL_SECONDS)

    def _release_if_done(self, lock: RunLock) -> bool:
        """Ends being the runner if nothing waits; what is added later finds no runner then."""
        if self._jobs:
            return False
        with run_queue.lock_queue():
            entries = run_queue.load_queue().entries
            if not self._is_ending and any(entry.state == "waiting" for entry in entries):
                return False
            lock.close()
            return True

    def _take_over(self) -> None:
        """Waits for the runs that go on from an earlier runner; what was cut off waits again."""

        def take_over(queue: QueueFile) -> QueueFile:
            for entry in queue.entries:
                changed = entry
                if entry.state == "training":
                    if run_lock.find_holder(run_store.run_dir(entry.run)) is not None:
                        self._jobs.append(_Job(entry, None, entry.device or "cpu", is_sent=True))
                        continue
                    changed = run_queue.resolve_end(entry)
                if changed.state == "cut off":
                    changed = replace(changed, state="waiting", problem="")
                queue = queue.with_entry(changed)
            return queue

        run_queue.edit_queue(take_over)

    # --- starting ---------------------------------------------------------------------------

    def _start_waiting(self) -> None:
        """Starts the next runs as far as there is room on their devices."""
        stamp = (_stamp_of_queue(), len(self._jobs), len(self._devices))
        if stamp == self._stamp:
            return
        while (entry := self._claim_next()) is not None:
            try:
                job = _Job(entry, spawn_host(), self._choose_device(entry.experiment))
            except (InputError, OSError) as error:  # no process or no socket can be made
                self._save_end(replace(entry, state="failed", problem=str(error)))
                return
            self._jobs.append(job)
        self._stamp = (_stamp_of_queue(), len(self._jobs), len(self._devices))

    def _claim_next(self) -> QueueEntry | None:
        """Takes the first run for which there is room out of those that wait."""
        claimed: list[QueueEntry] = []

        def claim(queue: QueueFile) -> QueueFile:
            for entry in queue.entries:
                if entry.state == "waiting" and self._has_room(entry, queue.jobs):
                    claimed.append(replace(entry, state="training", problem=""))
                    return queue.with_entry(claimed[0])
            return queue

        run_queue.edit_queue(claim)
        return claimed[0] if claimed else None

    def _has_room(self, entry: QueueEntry, limit: int) -> bool:
        device = self._choose_device(entry.experiment)
        if not device or any(not job.device for job in self._jobs):
            return not self._jobs  # the first host reports which devices there are
        return self._count_jobs(device) < limit

    def _count_jobs(self, device: str) -> int:
        return sum(job.device == device for job in self._jobs)

    def _choose_device(self, experiment: Experiment) -> str:
        """Returns the device of an experiment; of several GPUs the one with the fewest runs.

        Empty while the devices are not known.
        """
        name = experiment.training.device
        if name != "auto":
            return "cuda:0" if name == "cuda" else name
        if experiment.training.engine != "torch":
            return "cpu"
        usable = [device.name for device in self._devices if not device.problem]
        gpus = [name for name in usable if name.startswith("cuda")]
        return min(gpus or usable[:1], key=self._count_jobs, default="")

    def _send_start(self, job: _Job) -> None:
        assert job.link is not None
        job.device = job.device or self._choose_device(job.entry.experiment)
        start = _resume_if_stored(job.entry.start)
        gpu_count = sum(device.name.startswith("cuda") for device in self._devices)
        if start.experiment.training.device == "auto" and gpu_count > 1:
            changed = with_value(start.experiment, "training.device", job.device)
            start = replace(start, experiment=changed)
        job.entry = replace(job.entry, device=job.device)
        run_queue.edit_queue(lambda queue: queue.with_entry(job.entry))
        job.is_sent = True
        job.link.send(start)

    # --- the runs in progress ---------------------------------------------------------------

    def _poll(self, job: _Job) -> None:
        """Takes in what a host has reported."""
        if job.link is None:
            self._attach(job)
            return
        for event in job.link.events():
            end = self._handle(job, event)
            if not isinstance(event, Snapshot):
                self._on_event(job.entry.run, event)
            if end is not None:
                self._finish(job, end)
                return
        if job.link.lost_reason:
            self._finish(job, run_queue.resolve_end(job.entry, job.link.lost_reason))

    def _attach(self, job: _Job) -> None:
        """Connects to the host that an earlier runner has started."""
        if time.monotonic() < job.attach_at:
            return
        job.attach_at = time.monotonic() + ATTACH_SECONDS
        run = job.entry.run
        if run_lock.find_holder(run_store.run_dir(run)) is None:
            self._finish(job, run_queue.resolve_end(job.entry))
            return
        with suppress(InputError):  # it is suspended, or on another machine
            job.link = attach_to_host(run)

    def _handle(self, job: _Job, event: AnyEvent | Snapshot) -> QueueEntry | None:
        """Returns the entry as it is at its end; None while its run goes on."""
        entry = job.entry
        match event:
            case Snapshot(run=run):
                if job.is_sent:
                    return _find_end(entry, run)
                if run.is_ready:
                    self._devices = run.devices
                    self._send_start(job)
            case Ready(devices=devices):
                self._devices = devices
                if not job.is_sent:
                    self._send_start(job)
            case Started(run=run) if run != entry.run:  # a lab has started another one there
                return run_queue.resolve_end(entry)
            case Finished(run=run) if run == entry.run:
                return _describe_finished(entry, event)
            case Failed(run=run) if run in (entry.run, ""):
                return _describe_failed(entry, event)
        return None

    def _finish(self, job: _Job, end: QueueEntry) -> None:
        if job.link is not None:
            if end.state == "failed":
                job.link.send(Close())  # it would wait for someone to change the run
            job.link.close()
        self._jobs.remove(job)
        if self._is_ending and end.state == "cut off":
            end = replace(end, state="waiting", problem="")
        self._save_end(end)

    def _save_end(self, end: QueueEntry) -> None:
        self.ended.append(end)
        run_queue.edit_queue(lambda queue: queue.with_entry(end))

    def _stop_jobs(self) -> None:
        """Asks the runs to save and end; those that do not are left to the next runner."""
        if not self._stopped_at:
            self._stopped_at = time.monotonic()
            for job in list(self._jobs):
                if job.link is None:
                    self._jobs.remove(job)
                elif job.is_sent:
                    job.link.send(Stop("interrupted"))
                else:
                    job.link.send(Close())
        if time.monotonic() - self._stopped_at > END_SECONDS:
            for job in self._jobs:
                if job.link is not None:
                    job.link.close()
            self._jobs.clear()


def _stamp_of_queue() -> object:
    with suppress(OSError):
        status = (paths.queue_dir() / run_queue.FILE).stat()
        return status.st_mtime_ns, status.st_ino, status.st_size
    return None


def _resume_if_stored(start: Start) -> Start:
    """Returns the command that goes on from the checkpoint of a run, if it has one by now."""
    folder = run_store.run_dir(start.run)
    checkpoint = run_files.find_checkpoint(folder)
    if checkpoint is None:
        return start
    experiment = start.experiment
    if not start.checkpoint:
        with suppress(InputError):  # knobs may have been changed while it trained
            experiment = run_store.read_run(folder).experiment or experiment
    return replace(
        start, checkpoint=str(checkpoint), experiment=experiment, parent="", parent_step=0
    )


def _find_end(entry: QueueEntry, run: Run) -> QueueEntry | None:
    """Returns the entry at its end, as the whole state of a host says it; None if it goes on."""
    if run.id != entry.run:
        return run_queue.resolve_end(entry)
    if run.failure is not None:
        return _describe_failed(entry, run.failure)
    return None if run.finished is None else _describe_finished(entry, run.finished)


def _describe_finished(entry: QueueEntry, event: Finished) -> QueueEntry:
    if event.lost:
        return replace(entry, state="failed", problem=event.lost)
    if event.reason == "interrupted":
        return replace(entry, state="cut off", problem="its process was ended")
    return replace(entry, state=event.reason, problem="")


def _describe_failed(entry: QueueEntry, event: Failed) -> QueueEntry:
    hint = event.hint.splitlines()[0] if event.hint else ""
    return replace(entry, state="failed", problem=": ".join(filter(None, (event.title, hint))))


def main() -> None:
    """Works the queue off in this process, without anyone who watches."""
    runner = QueueRunner()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.interrupt())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        runner.run()
    except InputError as error:
        print(f"{time.strftime('%F %T')} process {os.getpid()}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
