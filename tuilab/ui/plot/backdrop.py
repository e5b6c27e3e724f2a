"""Lines that seldom change, behind those that change with every frame."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tuilab.ui.plot.traces import Trace

T = TypeVar("T")


class Backdrop:
    """Lines behind those of a chart; each stage of their drawing is kept for the next frame.

    As long as the axes stay, twenty lines cost a frame no more than a copy of their cells.
    """

    def __init__(self, traces: Sequence[Trace] = ()) -> None:
        self.traces = tuple(traces)
        self._results: dict[str, tuple[object, Any]] = {}

    def keep(self, stage: str, key: object, compute: Callable[[], T]) -> T:
        """Returns what a stage yields: computed again only where its key is another one."""
        entry = self._results.get(stage)
        if entry is None or entry[0] != key:
            entry = self._results[stage] = (key, compute())
        value: T = entry[1]
        return value
