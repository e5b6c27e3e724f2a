"""The diagnosis of a run that goes on: what is found, since when, what has come and gone."""

import time
from math import inf

from msgspec import Struct

from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.run.run import Run

EVERY = 1.0
"""Seconds between two looks at a run that trains."""

SHARE = 200
"""A look that takes long is not repeated for so many times longer."""

RARELY = 5.0
"""Seconds between two looks at most, however long they take."""


class Finding(Struct, frozen=True):
    """A diagnosis, and at which step it was first made."""

    diagnosis: Diagnosis
    step: int
    has_come: bool
    "The run had been looked at before, and it was not there."


class Watch:
    """Looks at a run again and again.

    While training goes on, one look alone changes nothing: what comes or goes shows at two looks
    in a row, so that a value at a limit does not flicker.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._run, self._step = "", -1
        self._seen: object = None
        self._due = -inf
        self._before: set[str] = set()
        "What the look before has found."

    def look(self, run: Run, *, at_once: bool = False) -> bool:
        """Look, if there is news and it is time; whether what is found is another than before.

        Args:
            at_once: whatever the clock says.
        """
        state = (run.id, run.step, run.state, run.experiment)
        now = time.monotonic()
        is_training = run.state == "training"
        if state == self._seen or (is_training and now < self._due and not at_once):
            return False
        self._seen = state
        found, cost = _found(run)
        self._due = now + min(max(EVERY, SHARE * cost), RARELY)
        return self._take(run, found, is_steady=not is_training)

    def _take(self, run: Run, found: list[Diagnosis], *, is_steady: bool) -> bool:
        is_known = run.id == self._run and run.step >= self._step
        if not is_known:
            self.findings, self._before = [], set()
        self._run, self._step = run.id, run.step
        names = {diagnosis.name for diagnosis in found}
        sure = names if is_steady else names & self._before
        gone = {f.diagnosis.name for f in self.findings} - names
        lasting = set() if is_steady else gone & self._before
        self._before = names
        known = {finding.diagnosis.name: finding for finding in self.findings}
        after = [
            Finding(d, known[d.name].step, known[d.name].has_come)
            if d.name in known
            else Finding(d, run.step, is_known)
            for d in found
            if d.name in known or d.name in sure
        ]
        after += [finding for name, finding in known.items() if name in lasting]
        before, self.findings = self.findings, after
        return before != after


def _found(run: Run) -> tuple[list[Diagnosis], float]:
    """What is wrong, and how many seconds it took to see that."""
    if not run.series:
        return [], 0.0
    from tuilab.core.diagnosis.diagnosis import diagnose  # not before there is a first step

    begun = time.perf_counter()
    return diagnose(run), time.perf_counter() - begun
