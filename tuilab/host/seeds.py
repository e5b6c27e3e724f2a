"""The runs of several seeds: trains them together or one after the other, each with its folder."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.file_paths import restore_paths
from tuilab.core.experiment.validation import find_errors
from tuilab.core.format import format_counted
from tuilab.core.protocol.commands import TrainSeeds
from tuilab.core.protocol.events import AnyEvent, Failed, Finished, SeedsReported
from tuilab.core.protocol.records import SeedRun
from tuilab.core.run.bands import Band, compute_bands
from tuilab.core.run.run import Run, make_run_id
from tuilab.core.run.seeds import check_seeds, summarize
from tuilab.host import data_files, run_store
from tuilab.host.run_controller import Reason
from tuilab.host.run_lock import RunLock
from tuilab.host.run_log import RunLog
from tuilab.host.studies import ProgressCallback

if TYPE_CHECKING:  # importing the host must not load PyTorch
    import torch

    from tuilab.engine.seeds.train_together import GroupTraining
    from tuilab.engine.session import Session

REPORT_INTERVAL, BAND_SHARE = 1.0, 20
"""Seconds between two reports, or this many times as long as a report takes."""

LAYER_FAMILIES = ("gradient", "update", "weight", "zeros", "dead", "saturated", "input", "state",
                  "growth", "similarity")  # fmt: skip
"""Series of single layers, which have no band."""

Publish = Callable[[AnyEvent], None]


def _make_group_id(experiment: Experiment) -> str:
    """Returns an id that no other run and no other group has."""
    while any(paths.runs_dir().glob(f"{(group := make_run_id(experiment))}-s*")):
        pass
    return group


class SeedRuns:
    """The runs of one group: their folders, logs and histories.

    Args:
        publish: gets the reports on all of them.
        observe: gets every event of every run.
        has_bands: whether the reports have the bands of all series.
    """

    def __init__(
        self, command: TrainSeeds, publish: Publish, observe: Publish | None, *, has_bands: bool
    ) -> None:
        self.experiment = restore_paths(command.experiment)
        self.group = _make_group_id(self.experiment)
        self.seeds = check_seeds(command.seeds)
        self.note = ""
        self.fraction = 0.0
        self._publish, self._observe, self._has_bands = publish, observe, has_bands
        self._states = {seed: SeedRun(seed, "", "waiting") for seed in self.seeds}
        self._runs: dict[int, Run] = {}
        self._logs: dict[int, RunLog] = {}
        self._locks: dict[int, RunLock] = {}
        self._report_at = 0.0

    def run_id(self, seed: int) -> str:
        """Returns the id of the run of a seed."""
        return f"{self.group}-s{seed}"

    def folder(self, seed: int) -> Path:
        """Returns the folder of the run of a seed."""
        return run_store.run_dir(self.run_id(seed))

    def open(self, session: "Session", seed: int) -> None:
        """Begins a run: locks its folder and logs its start."""
        folder = self.folder(seed)
        with suppress(OSError):  # a full disk does not stop a run
            self._locks[seed] = RunLock.acquire(folder)
        self._logs[seed], self._runs[seed] = RunLog(), Run()
        files = data_files.identify_data(session.experiment)
        started = replace(
            session.started_event(), folder=str(folder), data_files=files, time=time.time(),
            group=self.group,
        )  # fmt: skip
        self._states[seed] = SeedRun(seed, session.run, "training")
        self.record(started, seed)

    def record(self, event: AnyEvent, seed: int) -> None:
        """Logs an event of a run."""
        for note in self._logs[seed].record(event):
            self._publish(note)
        self._runs[seed].apply(event)
        if self._observe is not None:
            self._observe(event)
        if isinstance(event, Failed):
            self._change(seed, state="failed", problem=event.title)

    def _change(self, seed: int, **changes: object) -> None:
        self._states[seed] = replace(self._states[seed], **changes)

    def fail(self, seed: int, problem: str) -> None:
        """Notes that a seed could not be started."""
        self._change(seed, state="failed", problem=problem)

    @property
    def have_started(self) -> bool:
        """Returns whether any run has started."""
        return bool(self._runs)

    def is_training(self, seed: int) -> bool:
        """Returns whether the run of a seed has started and is not over."""
        return self._states[seed].state == "training"

    def finish(
        self, session: "Session", reason: Reason, results: dict[str, dict[str, float]]
    ) -> None:
        """Saves the end of a run, and logs it."""
        from tuilab.engine.checkpoint_store import CheckpointStore

        seed = session.experiment.seed
        final = CheckpointStore(self.folder(seed) / run_store.CHECKPOINT).save_final(session)
        if final.saved is not None:
            self.record(final.saved, seed)
        self.record(
            Finished(
                session.run, reason, session.step, session.epoch, session.seconds, results,
                final.lost,
            ),
            seed,
        )  # fmt: skip
        metrics = {
            f"{split}.{name}": value
            for split, values in results.items()
            for name, value in values.items()
        }
        self._change(seed, state=reason, metrics=metrics, problem=final.lost)

    def close(self) -> None:
        """Closes the logs and gives the folders free."""
        for log in self._logs.values():
            log.close()
        for lock in self._locks.values():
            lock.close()

    def report(self, *, is_over: bool = False) -> None:
        """Publishes how far the runs are; not too often, since the bands take a while."""
        start = time.monotonic()
        if start < self._report_at and not is_over:
            return
        runs = [self._states[seed] for seed in self.seeds]
        self._publish(
            SeedsReported(
                self.group, runs, self.fraction, is_over, self.note, summarize(runs), self._bands()
            )
        )
        now = time.monotonic()
        self._report_at = now + max(REPORT_INTERVAL, BAND_SHARE * (now - start))

    def _bands(self) -> dict[str, Band]:
        if not self._has_bands:
            return {}
        histories = [run.series for run in self._runs.values()]
        names = list(dict.fromkeys(name for series in histories for name in series))
        names = [name for name in names if name.partition("/")[0] not in LAYER_FAMILIES]
        return compute_bands(histories, names)


def run_seeds(command: TrainSeeds, publish: Publish, report_progress: ProgressCallback) -> None:
    """Trains all seeds; a report without runs says why that is impossible."""
    try:
        train_seeds(command, publish, report_progress)
    except InputError as error:
        publish(SeedsReported("", [], 1.0, True, str(error)))


def train_seeds(
    command: TrainSeeds, publish: Publish, report_progress: ProgressCallback,
    observe: Publish | None = None, *, has_bands: bool = True,
) -> SeedsReported:  # fmt: skip
    """Trains all seeds; publishes reports, the last of which it returns.

    Args:
        report_progress: may raise to cancel; then every run that has started is saved, `stopped`,
            or `interrupted` by Ctrl-C.
        observe: gets every event of every run.
        has_bands: whether the reports have the bands of all series.

    Raises:
        InputError: the experiment cannot be trained.
    """
    if errors := find_errors(command.experiment):
        raise InputError("\n".join(errors))
    from tuilab.engine.device import devices
    from tuilab.engine.preserve import preserving_random_state

    last: list[SeedsReported] = []

    def keep(event: AnyEvent) -> None:
        if isinstance(event, SeedsReported):
            last[:] = [event]
        publish(event)

    runs = SeedRuns(command, keep, observe, has_bands=has_bands)
    device = devices.device_for(runs.experiment.training)
    try:
        with preserving_random_state(device):
            _train(runs, device, report_progress)
    finally:
        runs.close()
        if runs.have_started:
            runs.report(is_over=True)
    return last[0]


def _train(runs: SeedRuns, device: "torch.device", report_progress: ProgressCallback) -> None:
    """Trains the runs together where that is possible, else one after the other."""
    from tuilab.engine.seeds.together import find_obstacle, open_group

    obstacle = find_obstacle(runs.experiment)
    training = None
    if len(runs.seeds) > 1 and not obstacle:
        ids = {seed: runs.run_id(seed) for seed in runs.seeds}
        training, obstacle = open_group(runs.experiment, ids, device, report_progress)
    count = format_counted(len(runs.seeds), "seed")
    if training is not None:
        runs.note = f"{count}, trained together"
        _train_together(runs, training, report_progress)
        return
    runs.note = f"{count}, one after the other" + (f", because of {obstacle}" if obstacle else "")
    for number in range(len(runs.seeds)):
        _train_alone(runs, number, device, report_progress)


def _train_together(
    runs: SeedRuns, training: "GroupTraining", report_progress: ProgressCallback
) -> None:
    from tuilab.engine.failures import describe_failure

    leader = training.group.leader
    seeds = {session.run: session.experiment.seed for session in training.group.sessions}
    for session in training.group.sessions:
        runs.open(session, session.experiment.seed)
    what = f"Training {format_counted(len(runs.seeds), 'seed')} together"
    reason: Reason = "done"
    try:
        for event in training.run():
            if event is not None:
                runs.record(event, seeds[event.run])  # type: ignore[union-attr]
                continue
            runs.fraction = leader.epochs_done / leader.experiment.training.epochs
            runs.report()
            report_progress(what, min(1.0, runs.fraction))
    except Exception as error:  # most often out of memory
        for session in training.give_up():
            runs.record(describe_failure(error, session.run, None), session.experiment.seed)
    except BaseException as error:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else "stopped"
        for event in training.flush():
            runs.record(event, seeds[event.run])  # type: ignore[union-attr]
        raise
    finally:
        for session, results in training.finish(reason):
            runs.finish(session, reason, results)


def _train_alone(
    runs: SeedRuns, number: int, device: "torch.device", report_progress: ProgressCallback
) -> None:
    """Trains one seed."""
    from tuilab.engine.failures import describe_failure
    from tuilab.engine.progress import ProgressReporter
    from tuilab.engine.seeds.together import open_session
    from tuilab.engine.train import train

    seed = runs.seeds[number]
    try:
        session = open_session(runs.experiment, seed, runs.run_id(seed), device, report_progress)
        runs.open(session, seed)
    except InputError as error:  # such as a split in which a class has no examples
        if not runs.have_started:
            raise
        runs.fail(seed, str(error))
        return
    reporter, epochs = ProgressReporter(session), session.experiment.training.epochs
    what = f"Seed {seed}, {number + 1} of {len(runs.seeds)}"
    reason: Reason = "done"
    try:
        for event in train(session, reporter):
            if event is not None:
                runs.record(event, seed)
            if not runs.is_training(seed):
                return
            done = min(1.0, session.epochs_done / epochs)
            runs.fraction = (number + done) / len(runs.seeds)
            runs.report()
            report_progress(what, runs.fraction)
    except Exception as error:  # most often out of memory; the other seeds may do better
        runs.record(describe_failure(error, session.run, session), seed)
    except BaseException as error:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else "stopped"
        raise
    finally:
        if runs.is_training(seed):
            for event in reporter.flush():
                runs.record(event, seed)
            runs.finish(session, reason, _measure(session, reason))


def _measure(session: "Session", reason: Reason) -> dict[str, dict[str, float]]:
    """Returns the results of a run; none where it was interrupted or they do not fit in memory."""
    try:
        return {} if reason == "interrupted" else session.finished_event(reason).results
    except Exception:  # evaluation uses larger batches than training
        return {}
