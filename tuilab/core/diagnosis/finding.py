"""Diagnoses: the problem, its evidence, its explanation, and changes that may fix it."""

from typing import Any

from msgspec import Struct, field

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, value_at
from tuilab.core.protocol.message import Event


class Fix(Struct, frozen=True):
    """One change of the experiment that may fix the problem."""

    label: str
    key: str
    "A key for `with_value`: `optimizer.lr`, `network`."
    value: Any
    is_live: bool = field(default=False, name="live")
    "Whether it helps a run in training; else only a restart, even where the knob can change."

    def is_in(self, experiment: Experiment) -> bool:
        """Returns whether an experiment has this value already."""
        try:
            return bool(value_at(experiment, self.key) == self.value)
        except (InputError, AttributeError):
            return False


class Diagnosis(Struct, frozen=True):
    """One problem of a run in plain English."""

    name: str
    title: str
    evidence: list[str]
    "Sentences with the numbers that show it."
    explanation: str = field(name="why")
    confidence: float
    "From 0 to 1."
    fixes: list[Fix] = []
    curve_points: list[tuple[float, float]] = field(default_factory=list, name="points")
    "Step and value of a curve that shows it, for a small chart; empty if there is none."
    curve_name: str = field(default="", name="curve")
    "What the values are: `training loss`, `gradient of 1 Linear`."


class DiagnosisChanged(Event, frozen=True):
    """The problems of a run are others than before; only reported without the lab."""

    run: str
    step: int
    diagnoses: list[Diagnosis]
    "All current problems."
    new: list[str]
    "Names of the new ones."
    resolved: list[str]
    "Titles of those that are no longer found."
    too_early: str = ""
    "At the end of a run without findings: why it was too short to find any; empty if it was not."
