"""What `tuilab diagnose` prints: a diagnosis in words, or for programs."""

import textwrap

import msgspec

from tuilab.lab.diagnosis.finding import Diagnosis, Fix
from tuilab.lab.run import Run


def text(run: Run, found: list[Diagnosis]) -> str:
    """Every diagnosis of a run in words."""
    if not run.series:
        return f"{run.id} has no history yet: nothing was measured."
    if not found:
        return f"Nothing that is sure is wrong with {run.id}, as far as step {run.step:,}."
    return "\n\n".join(map(_paragraph, found))


def lines(found: list[Diagnosis]) -> str:
    """The same as one JSON list."""
    return msgspec.json.encode(found).decode()


def _paragraph(diagnosis: Diagnosis) -> str:
    said = [*diagnosis.evidence, diagnosis.why, *map(_way_out, diagnosis.fixes)]
    body = [textwrap.fill(line, 96, initial_indent="  ", subsequent_indent="  ") for line in said]
    return "\n".join([f"{diagnosis.title} ({diagnosis.confidence:.0%} sure)", *body])


def _way_out(fix: Fix) -> str:
    how = "while it trains" if fix.live else "with a new start"
    value = "" if isinstance(fix.value, (list, tuple)) else f" = {fix.value}"
    return f"→ {fix.label}: {fix.key}{value} ({how})"
