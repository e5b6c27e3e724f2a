"""The confusion matrices so far: those of the run's evaluations, and those of responses."""

from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse
from tuilab.core.run.run import ConfusionHistory, Run, thin_history


class MatrixHistory:
    """The matrix of one run and one split at earlier steps."""

    def __init__(self) -> None:
        self._source: tuple[str, str] = ("", "")
        "Run and split."
        self._entries: ConfusionHistory = []

    def add(self, response: ExamplesResponse, run: Run | None = None) -> None:
        """Adds the counts of a response; those of another run or split replace all before.

        Args:
            run: its history has the matrix of every evaluation, which is on the validation split.
        """
        counts, source = response.matrix.counts, (response.run, response.split)
        if not counts:
            return
        if run is not None and run.confusion_history and (run.id, "validation") == source:
            self._source = source
            self._entries = [entry for entry in run.confusion_history if entry[0] <= response.step]
        is_rewound = bool(self._entries) and response.step < self._entries[-1][0]
        if self._source != source or is_rewound:
            self._source, self._entries = source, []
        if self._entries and self._entries[-1][0] == response.step:
            self._entries.pop()
        self._entries = thin_history([*self._entries, (response.step, counts)])

    def __len__(self) -> int:
        return len(self._entries)

    def row_fractions(self, response: ExamplesResponse, cell: tuple[int, int]) -> list[float]:
        """Returns a cell's fraction of its row up to the step of a response, oldest first."""
        if self._source != (response.run, response.split):
            return []
        target, predicted = cell
        rows = [counts[target] for step, counts in self._entries
                if step <= response.step and target < len(counts)]  # fmt: skip
        return [row[predicted] / sum(row) if sum(row) else 0.0 for row in rows]
