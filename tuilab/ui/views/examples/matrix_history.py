"""The confusion matrices so far: those of the run's evaluations, and what the view has seen."""

from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse
from tuilab.core.run.run import Matrices, Run, thinned


class Past:
    """What the matrix was at earlier moments of one run, of one part."""

    def __init__(self) -> None:
        self._of: tuple[str, str] = ("", "")
        self._kept: Matrices = []

    def add(self, seen: ExamplesResponse, run: Run | None = None) -> None:
        """Take note of an answer's counts; those of another run or part begin anew.

        Args:
            run: it remembers the matrix of every evaluation, which is on the validation part.
        """
        if not seen.counts:
            return
        if run is not None and run.confusions and (run.id, "validation") == (seen.run, seen.part):
            self._of = seen.run, seen.part
            self._kept = [past for past in run.confusions if past[0] <= seen.step]
        if self._of != (seen.run, seen.part) or (self._kept and seen.step < self._kept[-1][0]):
            self._of, self._kept = (seen.run, seen.part), []
        if self._kept and self._kept[-1][0] == seen.step:
            self._kept.pop()
        self._kept = thinned([*self._kept, (seen.step, seen.counts)])

    def __len__(self) -> int:
        return len(self._kept)

    def shares(self, seen: ExamplesResponse, cell: tuple[int, int]) -> list[float]:
        """A cell's part of its row at each moment up to an answer, oldest first."""
        if self._of != (seen.run, seen.part):
            return []
        rows = [counts[cell[0]] for step, counts in self._kept
                if step <= seen.step and cell[0] < len(counts)]  # fmt: skip
        return [row[cell[1]] / sum(row) if sum(row) else 0.0 for row in rows]
