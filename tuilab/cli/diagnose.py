"""What is wrong with a run, for those who do not look at the lab: as text, JSON and events."""

import textwrap
from collections.abc import Iterator

import msgspec

from tuilab.core.diagnosis.finding import Diagnosed, Diagnosis, Fix
from tuilab.core.diagnosis.watch import Watch
from tuilab.core.protocol.events import AnyEvent, Failed, Finished
from tuilab.core.run.run import Run


class Diagnosing:
    """Watches over a run that nobody looks at, and tells what has come and gone."""

    def __init__(self) -> None:
        self._watch = Watch()
        self._told: dict[str, str] = {}
        "Titles by name."

    def beside(self, event: AnyEvent, run: Run) -> Iterator[AnyEvent]:
        """An event, and what is found with it; the end of a run stays its last event."""
        if isinstance(event, (Finished, Failed)):
            yield from self._news(run)
            yield event
        else:
            yield event
            yield from self._news(run)

    def _news(self, run: Run) -> Iterator[Diagnosed]:
        if not self._watch.look(run):
            return
        found = [finding.diagnosis for finding in self._watch.findings]
        titles = {diagnosis.name: diagnosis.title for diagnosis in found}
        come = [name for name in titles if name not in self._told]
        gone = [title for name, title in self._told.items() if name not in titles]
        self._told = titles
        if come or gone:
            yield Diagnosed(run.id, run.step, found, come, gone)


def text(run: Run, found: list[Diagnosis]) -> str:
    """Every diagnosis of a run in words."""
    if not run.series:
        return f"{run.id} has no history yet: nothing was measured."
    if not found:
        return f"Nothing was found to be wrong with {run.id} up to step {run.step:,}."
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
