"""The diagnosis of a run in progress: what is found, at which step, what is new or resolved."""

import time
from collections.abc import Iterator
from math import inf

from msgspec import Struct

from tuilab.core.diagnosis.finding import Diagnosis, DiagnosisChanged
from tuilab.core.protocol.events import AnyEvent, Failed, Finished
from tuilab.core.run.run import Run

MIN_INTERVAL = 1.0
"""Minimum of seconds between two diagnoses during training."""

COST_FACTOR = 200
"""A diagnosis that takes long is repeated only after this many times as long."""

MAX_INTERVAL = 5.0
"""Maximum of seconds between two diagnoses, however long they take."""


class Finding(Struct, frozen=True):
    """A diagnosis, and the step at which it was first made."""

    diagnosis: Diagnosis
    step: int


class DiagnosisWatch:
    """Diagnoses a run again and again.

    During training a problem appears or disappears only after two diagnoses in a row, so that a
    value near a threshold does not flicker.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.too_early = ""
        "Why there are no findings yet; empty if there are some, or if the run looks sound."
        self._run, self._step = "", -1
        self._state: object = None
        self._due = -inf
        self._previous: set[str] = set()
        "Names of the previous diagnoses."

    def update(self, run: Run, *, force: bool = False) -> bool:
        """Diagnoses the run if it is due; returns whether the findings, or why not, have changed.

        Args:
            force: whether to do it before it is due.
        """
        state = (run.id, run.step, run.state, run.experiment, run.checks)
        now = time.monotonic()
        is_training = run.state == "training"
        if run.id != self._run:
            self._due = -inf  # the findings of another run are not kept until they are due
        if state == self._state or (is_training and now < self._due and not force):
            return False
        self._state = state
        diagnoses, cost = _diagnose(run)
        self._due = now + min(max(MIN_INTERVAL, COST_FACTOR * cost), MAX_INTERVAL)
        too_early, self.too_early = self.too_early, "" if diagnoses else _explain_too_early(run)
        has_changed = self._update_findings(run, diagnoses, is_steady=not is_training)
        return has_changed or too_early != self.too_early

    def _update_findings(self, run: Run, diagnoses: list[Diagnosis], *, is_steady: bool) -> bool:
        previous = self.findings
        is_known = run.id == self._run and run.step >= self._step
        if not is_known:
            self.findings, self._previous = [], set()
        self._run, self._step = run.id, run.step
        names = {diagnosis.name for diagnosis in diagnoses}
        confirmed = names if is_steady else names & self._previous
        missing = {finding.diagnosis.name for finding in self.findings} - names
        remaining = set() if is_steady else missing & self._previous
        self._previous = names
        known = {finding.diagnosis.name: finding for finding in self.findings}
        findings = [
            Finding(d, known[d.name].step) if d.name in known else Finding(d, run.step)
            for d in diagnoses
            if d.name in known or d.name in confirmed
        ]
        findings += [finding for name, finding in known.items() if name in remaining]
        self.findings = findings
        return previous != findings


class DiagnosisReporter:
    """Adds an event to the events of a run whenever its diagnosis changes."""

    def __init__(self) -> None:
        self._watch = DiagnosisWatch()
        self._titles: dict[str, str] = {}
        "Titles of the reported problems by name."

    def add_diagnosis(self, event: AnyEvent, run: Run) -> Iterator[AnyEvent]:
        """Yields an event and a change of the diagnosis; the end of a run stays its last event."""
        if isinstance(event, (Finished, Failed)):
            yield from self._report_change(run)
            if isinstance(event, Finished) and (reason := self._watch.too_early):
                yield DiagnosisChanged(run.id, run.step, [], [], [], reason)
            yield event
        else:
            yield event
            yield from self._report_change(run)

    def _report_change(self, run: Run) -> Iterator[DiagnosisChanged]:
        if not self._watch.update(run):
            return
        diagnoses = [finding.diagnosis for finding in self._watch.findings]
        titles = {diagnosis.name: diagnosis.title for diagnosis in diagnoses}
        new = [name for name in titles if name not in self._titles]
        resolved = [title for name, title in self._titles.items() if name not in titles]
        self._titles = titles
        if new or resolved:
            yield DiagnosisChanged(run.id, run.step, diagnoses, new, resolved)


def _diagnose(run: Run) -> tuple[list[Diagnosis], float]:
    """Returns the diagnoses and the seconds that they took."""
    if not run.series:
        return [], 0.0
    from tuilab.core.diagnosis.diagnosis import diagnose  # not loaded before the first step

    started_at = time.perf_counter()
    return diagnose(run), time.perf_counter() - started_at


def _explain_too_early(run: Run) -> str:
    """Returns why a run without findings is too short for them; empty if it is not."""
    if not run.series:
        return ""
    from tuilab.core.diagnosis.too_early import explain_too_early

    return explain_too_early(run)
