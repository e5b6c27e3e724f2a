"""The stored runs of this user: lists, labels, pins, deletes and restores them."""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start
from tuilab.core.run import baseline, run_files, run_labels
from tuilab.core.run.compare_runs import UNREAD_STATES, RunComparison, compare_runs
from tuilab.core.run.run import Run
from tuilab.core.run.run_settings import Settings, list_settings
from tuilab.core.run.run_summary import RunSummary
from tuilab.host import data_files, discovery, run_lock, run_store
from tuilab.host.link import Link, attach_to_host, spawn_host
from tuilab.host.run_index import RunIndex
from tuilab.host.run_lock import RunLock
from tuilab.host.summarize_run import resolve_state, summarize_log

FULL_SECONDS = 5.0
"""Seconds after which a refresh looks at all folders, and not only at those of runs in progress."""


@dataclass(frozen=True, slots=True)
class TrashedRun:
    """A deleted run that can be restored."""

    id: str
    deleted: float
    "When, in seconds since the epoch."
    folder: Path

    @property
    def size(self) -> int:
        """Its bytes on the disk."""
        files = (path for path in self.folder.rglob("*") if path.is_file() or path.is_symlink())
        return sum(path.lstat().st_size for path in files)


class RunLibrary:
    """The stored runs. Its methods may be called in any thread, one at a time."""

    def __init__(self) -> None:
        self._index = RunIndex(paths.runs_dir())
        self._looked_at = 0.0
        self._folder_time = 0
        self._presets: dict[str, Settings] | None = None
        self._pinned: str | None = None

    def list_summaries(
        self, on_progress: Callable[[int, int], None] | None = None
    ) -> list[RunSummary]:
        """Returns the summaries of all runs, the newest first, after a look at all folders.

        Args:
            on_progress: is called with the number of runs that are read and that are to be read.
                Thousands take seconds where there is no index yet: call it in a thread.
        """
        self._folder_time, self._looked_at = _time_of(paths.runs_dir()), time.monotonic()
        self._pinned = None
        for done, total in self._index.refresh():
            if on_progress is not None:
                on_progress(done, total)
        return self.summaries

    @property
    def summaries(self) -> list[RunSummary]:
        """The summaries as far as they are read, the newest first."""
        folder = paths.runs_dir()
        summaries = [resolve_state(summary, folder / summary.id)
                     for summary in self._index.summaries]  # fmt: skip
        return sorted(summaries, key=lambda summary: (-summary.started, summary.id))

    def refresh(self) -> list[RunSummary]:
        """Returns the summaries after a look at the runs in progress, and every few seconds at all.

        It is cheap enough to be called several times a second.
        """
        is_due = time.monotonic() - self._looked_at > FULL_SECONDS
        if is_due or _time_of(paths.runs_dir()) != self._folder_time:
            return self.list_summaries()
        for summary in self._index.summaries:
            if summary.is_active:
                self._index.refresh_run(summary.id)
        return self.summaries

    def summarize(self, run: str) -> RunSummary:
        """Returns the summary of one run by a unique part of its id, without the others."""
        folder = run_store.find_run(run)
        return resolve_state(summarize_log(folder), folder)

    def read(self, run: str) -> Run:
        """Reads a run with its curves; InputError if it cannot be read."""
        return run_store.read_run(run_store.run_dir(run))

    # --- comparing ----------------------------------------------------------------------------

    def compare(self, runs: Sequence[str]) -> RunComparison:
        """Returns what differs between runs, each given by a unique part of its id.

        The base is the pinned run, if it is one of them, else the first. A single run is compared
        with the pinned run, else with its preset.

        Raises:
            InputError: a run is not stored, or none of them can be read.
        """
        summaries = list({one.id: one for one in map(self.summarize, runs)}.values())
        if len(summaries) == 1:
            summaries = [self._find_base(summaries[0]), *summaries]
        summaries.sort(key=lambda summary: summary.id != self.pinned)
        unread = [one for one in summaries if one.state in UNREAD_STATES]
        if len(unread) > len(summaries) - 2:
            problem = unread[0].problem or "its history cannot be read"
            raise InputError(f"nothing to compare: {problem}", unread[0].id)
        groups = {one.group for one in summaries if one.group}
        stored = self.list_summaries() if groups else []
        repeats = {group: [one for one in stored if one.group == group] for group in groups}
        return compare_runs(summaries, repeats)

    def _find_base(self, summary: RunSummary) -> RunSummary:
        """Returns what a single run is compared with, which need not be a run."""
        if self.pinned and self.pinned != summary.id:
            return self.summarize(self.pinned)
        settings = self.base_settings(summary)
        is_preset = summary.title in (self._presets or {})
        name = f"preset {summary.title}" if is_preset else "the defaults"
        return RunSummary(id=name, name=name, state="not a run", settings=dict(settings))

    # --- what runs do -----------------------------------------------------------------------

    def open(self, run: str) -> Link:
        """Connects to the host of a run; one that none holds waits at its checkpoint in a new host.

        Raises:
            InputError: the run is not stored, has no checkpoint, is trained elsewhere, or its data
                has changed.
        """
        if any(host.run == run for host in discovery.list_hosts()):
            return attach_to_host(run)
        folder = _stored(run)
        if holder := run_lock.find_holder(folder):
            raise InputError(holder.describe(run), run)
        experiment = run_store.read_run(folder).experiment
        checkpoint = run_files.find_checkpoint(folder)
        if checkpoint is None or experiment is None:
            path = folder / run_store.EXPERIMENT
            raise InputError(f"it has no checkpoint; start it again with: tuilab train {path}", run)
        experiment = data_files.locate_data(experiment, data_files.check_data(folder))
        host = spawn_host()
        host.send(Start(run, experiment, paused=True, checkpoint=str(checkpoint), is_paced=True))
        return host

    def read_experiment(self, run: str) -> Experiment | None:
        """Returns the experiment of a run; None where its history does not say it."""
        with suppress(InputError):
            return self.read(run).experiment
        return None

    def stop(self, run: str) -> None:
        """Stops a run in progress, after its checkpoint; InputError where that is impossible."""
        stopped = discovery.stop_run(run)
        if stopped.finished is not None and stopped.finished.lost:
            raise InputError(stopped.finished.lost, run)

    # --- what the user says of runs ---------------------------------------------------------

    def rename(self, run: str, name: str) -> None:
        """Names a run; an empty name gives it its title again."""
        run_labels.rename(_stored(run), name)
        self._index.refresh_run(run)

    def tag(self, run: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Adds tags to a run and removes others."""
        run_labels.tag(_stored(run), add, remove)
        self._index.refresh_run(run)

    def note(self, run: str, text: str) -> None:
        """Writes the note on a run; an empty one removes it."""
        run_labels.annotate(_stored(run), text)
        self._index.refresh_run(run)

    @property
    def pinned(self) -> str:
        """The id of the pinned baseline; empty if none is pinned or it is not stored any more."""
        if self._pinned is None:
            self._pinned = _find_pinned()
        return self._pinned

    def pin(self, run: str) -> None:
        """Pins a run as the baseline of all others; an empty id pins none."""
        if run:
            _stored(run)
        baseline.save_baseline(run)
        self._pinned = run

    def base_settings(self, summary: RunSummary) -> Settings:
        """Returns what a run is compared with: the pinned run, else the preset it came from.

        Where there is neither, the defaults: no settings.
        """
        pinned = self.pinned
        if pinned and pinned != summary.id:
            known = {other.id: other for other in self._index.summaries}
            other = known.get(pinned) or self.summarize(pinned)
            return other.settings
        if self._presets is None:
            self._presets = _read_presets()
        return self._presets.get(summary.title, {})

    # --- deleting ---------------------------------------------------------------------------

    def delete(self, run: str) -> None:
        """Moves a run to the trash; InputError if it is in progress or cannot be moved."""
        folder = _stored(run)
        trash = paths.trash_dir() / f"{time.time_ns()}-{secrets.token_hex(4)}"
        try:
            with closing(RunLock.acquire(folder)) as lock, run_labels.lock_labels(folder):
                trash.mkdir(parents=True)
                try:
                    folder.rename(trash / folder.name)
                except OSError:
                    trash.rmdir()
                    raise
                lock.folder = trash / folder.name
                self._pinned = None
        except InputError as error:
            raise InputError(f"it cannot be deleted: {error.problem}", run) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"it cannot be moved to the trash ({reason}): {folder}", run) from None
        self._index.refresh_run(run)

    def list_trash(self) -> list[TrashedRun]:
        """Returns the deleted runs, the newest deletion first."""
        runs = []
        for folder in paths.trash_dir().glob("*/*"):
            nanoseconds = folder.parent.name.partition("-")[0]
            if nanoseconds.isdecimal() and folder.is_dir():
                runs.append(TrashedRun(folder.name, int(nanoseconds) / 1e9, folder))
        return sorted(runs, key=lambda trashed: (-trashed.deleted, trashed.id))

    def restore(self, run: str) -> str:
        """Brings a deleted run back, by a unique part of its id, and returns its id."""
        trashed = _find_trashed(run, self.list_trash())
        folder = run_store.run_dir(trashed.id)
        try:
            if os.path.lexists(folder):
                raise FileExistsError
            folder.parent.mkdir(parents=True, exist_ok=True)
            trashed.folder.rename(folder)
        except FileExistsError:
            raise InputError(
                "a run of this id is stored again; delete that one first, then restore this one",
                trashed.id,
            ) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"it cannot be restored ({reason}): {folder}", trashed.id) from None
        with suppress(OSError):
            trashed.folder.parent.rmdir()
        self._index.refresh_run(trashed.id)
        return trashed.id

    def empty_trash(self) -> int:
        """Removes the deleted runs for good and returns their number."""
        trashed = self.list_trash()
        for run in trashed:
            try:
                shutil.rmtree(run.folder)
            except OSError as error:
                reason = error.strerror or str(error)
                raise InputError(f"it cannot be removed ({reason}): {run.folder}") from None
            with suppress(OSError):
                run.folder.parent.rmdir()
        return len(trashed)


def _find_pinned() -> str:
    """Returns the pinned run; empty if none is pinned or it is not stored any more."""
    run = baseline.load_baseline()
    with suppress(InputError):
        return run if run and run_store.last_change(run_store.run_dir(run)) else ""
    return ""


def _time_of(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _stored(run: str) -> Path:
    """Returns the folder of a run; InputError if there is none."""
    folder = run_store.run_dir(run)
    if not folder.is_dir():
        raise InputError("this run is not stored any more", run)
    return folder


def _find_trashed(run: str, trashed: list[TrashedRun]) -> TrashedRun:
    """Returns the deleted run with this in its id; of several with the same id the newest."""
    if not trashed:
        raise InputError("the trash is empty", run)
    matches = [each for each in trashed if each.id == run]
    matches = matches or [each for each in trashed if run and run in each.id]
    names = sorted({each.id for each in matches})
    if len(names) == 1:
        return matches[0]
    if not names:
        raise InputError("no deleted run has this in its id; `tuilab runs restore` lists them", run)
    raise InputError(f"several deleted runs match: {', '.join(names[:8])}", run)


def _read_presets() -> dict[str, Settings]:
    """Returns the settings of each preset by its title; the user's own come last and win."""
    presets: dict[str, Settings] = {}
    for preset in toml_file.find_presets().values():
        with suppress(InputError):
            presets[preset.title] = list_settings(toml_file.read(preset.path))
    return presets
