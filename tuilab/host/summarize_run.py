"""Reads the summary of a stored run from its folder.

Of a long log only those lines are decoded that say what a list shows: the others are most of it.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tuilab.core.catalogue.metrics import is_higher_better
from tuilab.core.files.stored_file import open_stored
from tuilab.core.protocol.events import AnyEvent, Finished, Resumed, Rewound, Started
from tuilab.core.run import run_files
from tuilab.core.run.run import Run
from tuilab.core.run.run_labels import RunLabels, read_labels
from tuilab.core.run.run_settings import list_settings
from tuilab.core.run.run_summary import MetricValue, RunSummary
from tuilab.host import run_lock, run_store
from tuilab.host.event_aliases import OLD_EVENTS, rename_metrics
from tuilab.host.process_identity import is_suspended


def _line_starts(*events: str) -> tuple[bytes, ...]:
    """Returns how the lines of these events begin, also in logs of older versions."""
    old_names = [old for old, (new, _) in OLD_EVENTS.items() if new in events]
    return tuple(f'{{"event":"{name}"'.encode() for name in (*events, *old_names))


REPORTS = _line_starts("progressed", "layer_stats_reported")
"""How lines begin that are frequent, and of which only the newest matters."""

IGNORED = _line_starts("logged", "diagnosis_changed", "checks_reported", "finder_reported")
"""How lines begin that a summary does not need."""

CHUNK_BYTES = 1 << 22
"""Bytes of a log that are in memory at a time."""


EVALUATIONS = _line_starts("epoch_ended")


class _Evaluation(Struct):
    """What a summary needs of `EpochEnded`: without its confusion matrix."""

    run: str
    step: int
    train: dict[str, float]
    validation: dict[str, float]


_decode_evaluation = msgspec.json.Decoder(_Evaluation, strict=False).decode


class LogDigest:
    """What a list shows of a log, read as far as it is written; `read` goes on from there."""

    def __init__(self) -> None:
        self.offset = 0
        "Bytes that have been read."
        self.run = Run()
        self.started = 0.0
        self._rest = b""
        "The beginning of a line that is not written to its end."
        self._evaluations: list[tuple[int, dict[str, float]]] = []
        "Steps with the values of each evaluation."
        self._newest: dict[tuple[bytes, ...], bytes] = {}
        "The newest report and the newest evaluation, as they came, not applied yet."

    def read(self, path: Path) -> None:
        """Reads what a log has more than when it was read last; OSError if it cannot be read."""
        with open_stored(path) as log:
            log.seek(self.offset)
            while piece := log.read(CHUNK_BYTES):
                self._feed(piece)

    def _feed(self, piece: bytes) -> None:
        end = piece.rfind(b"\n") + 1
        lines = (self._rest + piece[:end]).splitlines() if end else []
        self._rest = piece[end:] if end else self._rest + piece
        self.offset += len(piece)
        for line in lines:
            self._add_line(line)

    def _add_line(self, line: bytes) -> None:
        if line.startswith(REPORTS):
            self._keep_newest(REPORTS, line)
        elif line.startswith(EVALUATIONS):
            self._keep_newest(EVALUATIONS, line)
            with suppress(ValueError):  # a line that is damaged
                event = _decode_evaluation(rename_metrics(line))
                if event.run == self.run.id:
                    values = _flatten({"train": event.train, "validation": event.validation})
                    self._evaluations.append((event.step, values))
        elif line and not line.startswith(IGNORED):
            self._apply([*self._newest.values(), line])
            self._newest.clear()

    def _keep_newest(self, kind: tuple[bytes, ...], line: bytes) -> None:
        self._newest.pop(kind, None)  # so that it comes last
        self._newest[kind] = line

    def _apply(self, lines: Iterable[bytes]) -> None:
        for event in run_store.decode_events(lines):
            with suppress(Exception):  # a line that is damaged, and still a line
                if self.run.apply(event):
                    self._add_event(event)
        self.run.series.clear()
        self.run.confusion_history.clear()

    def _add_event(self, event: AnyEvent) -> None:
        match event:
            case Started():
                self._forget_after(event.step)
                self.started = self.started or event.time
            case Resumed() | Rewound():
                self._forget_after(event.step)
            case Finished():
                self._evaluations.append((event.step, _flatten(event.results)))

    def _forget_after(self, step: int) -> None:
        while self._evaluations and self._evaluations[-1][0] > step:
            self._evaluations.pop()

    def finish(self) -> Run:
        """Returns the run as its log says it so far."""
        self._apply(self._newest.values())
        self._newest.clear()
        rest, self._rest = self._rest, b""
        if rest:  # it may be whole, without its end of line
            self._add_line(rest)
            self._apply(self._newest.values())
            self._newest.clear()
            self._rest = rest
        return self.run

    def values(self) -> dict[str, MetricValue]:
        """Returns the last and the best value of each metric."""
        values: dict[str, MetricValue] = {}
        for _, evaluation in self._evaluations:
            for key, value in evaluation.items():
                before = values.get(key)
                best = value if before is None else _better(key, before.best, value, evaluation)
                values[key] = MetricValue(value, best)
        return values


def _flatten(results: dict[str, dict[str, float]]) -> dict[str, float]:
    return {f"{split}.{name}": value for split in results for name, value in results[split].items()}


def _better(key: str, first: float, second: float, others: Iterable[str]) -> float:
    """Returns the better of two values of a metric; a number rather than NaN."""
    if first != first or second != second:
        return second if first != first else first
    name = key.partition(".")[2]
    names = {other.partition(".")[2] for other in others}
    return max(first, second) if is_higher_better(name, names) else min(first, second)


def summarize_log(folder: Path, digest: LogDigest | None = None) -> RunSummary:
    """Returns the summary of a stored run as its files say it, whoever trains it now.

    Args:
        digest: what was read of the log before; without it, all of it is read.
    """
    labels = read_labels(folder)
    changed = run_store.last_change(folder)
    digest = digest or LogDigest()
    try:
        digest.read(folder / run_files.LOG)
    except OSError as error:
        problem = f"{folder / run_files.LOG}: it cannot be read: {error.strerror}"
        return _describe_unread(folder, labels, changed, problem)
    run = digest.finish()
    if run.started is None or run.experiment is None:
        problem = f"{folder / run_files.LOG}: it holds no run"
        return _describe_unread(folder, labels, changed, problem)
    title = run.experiment.title or run.experiment.data.title
    progress, finished = run.progress, run.finished
    return RunSummary(
        id=folder.name,
        name=labels.name or title,
        title=title,
        tags=labels.tags,
        note=labels.note,
        state=_describe_state(run),
        is_active=run.is_active,
        started=digest.started or _estimate_start(folder, changed),
        changed=changed,
        seconds=finished.seconds if finished else progress.seconds if progress else 0.0,
        step=run.step,
        epoch=finished.epoch if finished else run.epoch.epoch if run.epoch else 0,
        epochs=run.experiment.training.epochs,
        device=run.started.device,
        parameters=run.started.parameters,
        values=digest.values(),
        settings=list_settings(run.experiment),
        parent=run.parent,
        parent_step=run.parent_step,
        group=run.started.group,
    )


def _describe_unread(folder: Path, labels: RunLabels, changed: float, problem: str) -> RunSummary:
    state = "unreadable"
    if run_files.find_checkpoint(folder) is not None:
        state = "no history"
        problem = f"tuilab train --resume {folder.name} goes on from its checkpoint; {problem}"
    return RunSummary(
        id=folder.name, name=labels.name, tags=labels.tags, note=labels.note, state=state,
        started=_estimate_start(folder, changed), changed=changed, problem=problem,
    )  # fmt: skip


def _describe_state(run: Run) -> str:
    """Returns the word for the state of a run, as if its process still lived."""
    if run.finished is not None and run.finished.lost:
        return "not saved"
    if run.failure is not None:
        return "failed"
    return run.finished.reason if run.finished else run.state


def _estimate_start(folder: Path, changed: float) -> float:
    """Returns about when a run started whose log does not say it."""
    times = [changed]
    for name in (run_files.EXPERIMENT, run_files.LOG):
        with suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return min(times)


def resolve_state(summary: RunSummary, folder: Path) -> RunSummary:
    """Returns the summary with what the lock of its folder says of a run without an end."""
    if not summary.is_active:
        return summary
    holder = run_lock.find_holder(folder)
    if holder is None:
        return replace(summary, is_active=False, state="cut off")
    if not holder.process.is_here:
        return replace(summary, state="elsewhere")
    if is_suspended(holder.process.pid):
        return replace(summary, state="not answering")
    return summary
