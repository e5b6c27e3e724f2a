"""What a diagnosis says: the fault, how it shows, why it matters, and what can be changed."""

from typing import Any

from msgspec import Struct

from tuilab.core.protocol.message import Event, snake


class Fix(Struct, frozen=True):
    """One change of the experiment that may cure it; to undo it is to put the old value back."""

    label: str
    key: str
    "As `with_value` takes it: `optimizer.lr`, `network`."
    value: Any
    live: bool = False
    "Whether it can be changed while training goes on; else it takes a new start."


class Diagnosis(Struct, frozen=True):
    """One thing that is wrong with a run, in plain words."""

    name: str
    title: str
    evidence: list[str]
    "Sentences with the numbers that it rests on."
    why: str
    confidence: float
    "From 0 to 1."
    fixes: list[Fix] = []
    points: list[tuple[float, float]] = []
    "Step and value of what shows it, for a small chart; empty where no curve does."
    curve: str = ""
    "What those values are: `training loss`, `gradient of 1 Linear`."


class Diagnosed(Event, frozen=True, tag=snake):
    """What is wrong with a run is another than before; told only where nobody looks at the lab."""

    run: str
    step: int
    found: list[Diagnosis]
    "All that is wrong now."
    come: list[str]
    "The names of those that are new."
    gone: list[str]
    "The titles of those that are not found any more."
