"""What came of many cases of one kind of fault."""

from collections import Counter
from dataclasses import dataclass, field

MAX_FAILURES = 20


@dataclass
class Tally:
    """Counts outcomes, and keeps what must not happen."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    "The first of those that must not happen, with what repeats them."
    failure_count: int = 0

    @property
    def cases(self) -> int:
        """The number of cases so far."""
        return self.outcomes.total() + self.failure_count

    def add(self, outcome: str) -> None:
        """Counts a case that came out as it may."""
        self.outcomes[outcome] += 1

    def fail(self, text: str) -> None:
        """Counts a case that must not happen."""
        self.failure_count += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(text)

    def describe(self) -> str:
        """Returns the outcomes, the most frequent first."""
        parts = [f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common()]
        if self.failure_count:
            parts.append(f"**{self.failure_count:,} failed**")
        return ", ".join(parts)
