"""Whether a run without findings is sound, or only too short to say."""

from tuilab.core.diagnosis.evidence import MIN_PROGRESS, SHORT_EPOCHS, SHORT_STEPS, Evidence
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_count, format_counted, format_percent
from tuilab.core.run.run import Run

NAME = "too_early_to_say"
"""The name of the note that stands for findings in JSON."""


def explain_too_early(run: Run) -> str:
    """Returns why nothing can be said about a run without findings; empty if it looks sound.

    A network that already predicts well looks sound however short the run is.
    """
    if run.experiment is None or not run.series:
        return ""
    evidence = Evidence(run, run.experiment)
    if evidence.is_good:
        return ""
    if evidence.is_short:
        return (
            f"{format_counted(run.step, 'step')} and {format_counted(evidence.epochs, 'epoch')} so "
            f"far; most faults show after {format_count(SHORT_STEPS)} steps and {SHORT_EPOCHS} "
            "epochs."
        )
    if run.finished is None and evidence.progress < MIN_PROGRESS:
        return (
            f"{format_percent(evidence.progress)} of the run is done; many faults show only after "
            f"{format_percent(MIN_PROGRESS)}."
        )
    return ""


def note_too_early(reason: str) -> Diagnosis:
    """Returns the note that stands in a list of findings where it is too early for any."""
    return Diagnosis(
        NAME, "Too early to say", [reason], "A longer run shows whether something is wrong.", 0.0
    )
