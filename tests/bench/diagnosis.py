"""How often the diagnosis is right, on experiments that are drawn at random.

`python -m tests.bench.diagnosis --fit` prints the table of confidences from the half that the rules
are tuned on.
"""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import fmean
from typing import NamedTuple

from tests.bench.generated_experiments import KINDS, Drawn, Half
from tests.bench.judged_experiments import judge
from tests.bench.measure import Row, at_least, at_most
from tuilab.core.diagnosis.checks import needs_checks
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.diagnosis.too_early import explain_too_early
from tuilab.core.run.run import Run
from tuilab.engine.studies.checks import run_checks

HALVES: tuple[Half, ...] = ("tuned", "measured")

BINS = 10
"""Bins of confidence for the calibration error (Guo et al. 2017)."""

PRIOR, PRIOR_FIRINGS = 0.85, 8
"""The share that a rule begins with, and how many firings that counts: what rules were tuned on is
no proof."""


class Verdict(NamedTuple):
    """What was found in one run."""

    case: Drawn
    names: list[str]
    "Of the findings, the surest first."
    confidence: float
    "Of the first finding."
    is_too_early: bool

    @property
    def is_first(self) -> bool:
        """Returns whether the first finding is right."""
        return bool(self.names) and self.names[0] in self.case.accepted

    @property
    def is_among_two(self) -> bool:
        """Returns whether one of the first two findings is right."""
        return not set(self.names[:2]).isdisjoint(self.case.accepted)


class Measured(NamedTuple):
    """What was found in some runs."""

    verdicts: list[Verdict]
    "By their history alone."
    checked: list[Verdict]
    "The same runs as the lab leaves them: with checks where it makes them by itself."
    checks: int
    "How many runs were checked."


def measure_kind(half: Half, kind: str) -> Measured:
    """Returns what is found in the runs of one kind of task; checks only in the measured half."""
    verdicts, checked, checks = list[Verdict](), list[Verdict](), 0
    for case, (run, session) in judge(half, [kind]):
        diagnoses = diagnose(run)
        verdicts.append(make_verdict(case, run, diagnoses))
        if half == "measured" and needs_checks(run, diagnoses):
            *_, report = run_checks(session)
            run.apply(report)
            diagnoses, checks = diagnose(run), checks + 1
        checked.append(make_verdict(case, run, diagnoses))
    return Measured(verdicts, checked, checks)


def make_verdict(case: Drawn, run: Run, diagnoses: list[Diagnosis]) -> Verdict:
    """Returns what was found in a run."""
    confidence = diagnoses[0].confidence if diagnoses else 0.0
    is_too_early = not diagnoses and explain_too_early(run) != ""
    return Verdict(case, [diagnosis.name for diagnosis in diagnoses], confidence, is_too_early)


def measure_half(half: Half) -> Measured:
    """Returns what is found in the runs of a half; each kind of task has a process of its own."""
    kinds = list(KINDS[half])
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        results = list(pool.map(measure_kind, [half] * len(kinds), kinds))
    return Measured(
        [verdict for result in results for verdict in result.verdicts],
        [verdict for result in results for verdict in result.checked],
        sum(result.checks for result in results),
    )


def rows() -> Iterator[Row]:
    """Yields how often each half is right, and how often it raises a false alarm."""
    for half in HALVES:
        measured = measure_half(half)
        yield from summarize(half, measured.verdicts)
        if half == "measured":
            yield Row("measured: runs that are checked", measured.checks, "", None,
                      f"of {len(measured.checked)}")  # fmt: skip
            yield from summarize("measured, with checks", measured.checked)


def summarize(half: str, verdicts: list[Verdict]) -> Iterator[Row]:
    """Yields the rows of a half."""
    broken = [v for v in verdicts if v.case.accepted]
    sound = [v for v in verdicts if not v.case.accepted]
    short = [v for v in sound if v.case.fault == "short"]
    first, two = sum(v.is_first for v in broken), sum(v.is_among_two for v in broken)
    mistakes = Counter(
        f"{v.case.fault} ({v.names[0] if v.names else 'too early' if v.is_too_early else 'none'})"
        for v in broken
        if not v.is_first
    )
    missed = ", ".join(f"{text} {times}" for text, times in mistakes.most_common())
    yield at_least(f"{half}: right first", 100 * first / len(broken), 90,
                   f"{first} of {len(broken)}; {missed}", "%")  # fmt: skip
    yield at_least(f"{half}: right among two", 100 * two / len(broken), 95,
                   f"{two} of {len(broken)}", "%")  # fmt: skip
    for name, strengths in (("mild", (0.0, 0.5)), ("strong", (0.5, 1.0))):
        part = [v for v in broken if strengths[0] <= v.case.strength < strengths[1]]
        right = sum(v.is_first for v in part)
        yield Row(f"{half}: right first, {name}", 100 * right / len(part), "", None,
                  f"{right} of {len(part)}", "%")  # fmt: skip
    alarms = [v for v in sound if v.names]
    detail = ", ".join(f"{v.names[0]} in {v.case.kind} {v.case.number}" for v in alarms)
    yield at_most(f"{half}: alarms", 100 * len(alarms) / len(sound), 2,
                  f"{len(alarms)} of {len(sound)}; {detail}".rstrip("; "), "%")  # fmt: skip
    early = sum(v.is_too_early for v in short)
    yield Row(f"{half}: alarms in short runs", sum(bool(v.names) for v in short), "", None,
              f"of {len(short)}; {early} too early to say")  # fmt: skip
    yield at_most(f"{half}: calibration error", calibration_error(verdicts), 0.1)


def calibration_error(verdicts: list[Verdict]) -> float:
    """Returns the expected calibration error of the first findings."""
    bins: dict[int, list[Verdict]] = defaultdict(list)
    reported = [verdict for verdict in verdicts if verdict.names]
    for verdict in reported:
        bins[min(BINS - 1, int(BINS * verdict.confidence))].append(verdict)
    gaps = (
        len(part) * abs(fmean(v.confidence for v in part) - fmean(v.is_first for v in part))
        for part in bins.values()
    )
    return sum(gaps) / max(1, len(reported))


def fit_confidences(verdicts: list[Verdict]) -> dict[str, float]:
    """Returns how often each finding was right where it was reported, shrunk to the prior."""
    right, total = Counter[str](), Counter[str]()
    for verdict in verdicts:
        for name in verdict.names:
            total[name] += 1
            right[name] += name in verdict.case.accepted
    return {
        name: round((right[name] + PRIOR_FIRINGS * PRIOR) / (count + PRIOR_FIRINGS), 2)
        for name, count in sorted(total.items())
    }


if __name__ == "__main__":
    from tests.bench.__main__ import main

    if "--fit" in sys.argv:
        for name, confidence in fit_confidences(measure_half("tuned").verdicts).items():
            print(f'    "{name}": {confidence:g},')
    else:
        sys.exit(main(["diagnosis"]))
