"""Questions as a lesson file declares them, with the reason why a wrong answer is wrong."""

from msgspec import Struct


class Question(
    Struct, frozen=True, kw_only=True, tag_field="kind", tag=str.lower, forbid_unknown_fields=True
):
    """A question to the learner."""

    name: str
    text: str
    why: str = ""
    "Shown with the right answer."


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to choose."""

    text: str
    right: bool = False
    why: str = ""
    "Why it is wrong."


class Choice(Question, frozen=True, kw_only=True):
    """One or more of several answers."""

    choices: tuple[Answer, ...]

    @property
    def takes_several(self) -> bool:
        """Whether more than one answer is right."""
        return sum(choice.right for choice in self.choices) > 1


class Range(Struct, frozen=True, forbid_unknown_fields=True):
    """The values that a number of a question is drawn from, in even steps."""

    low: float
    high: float
    step: float = 1.0


class Mistake(Struct, frozen=True, forbid_unknown_fields=True):
    """A wrong way to compute the answer, and what is wrong with it."""

    answer: str
    why: str


class Number(Question, frozen=True, kw_only=True):
    """A number to compute; the numbers in its text, such as `{w}`, are drawn each time."""

    numbers: dict[str, Range] = {}
    answer: str
    "A formula in those numbers, such as `max(0, w * x + b)`."
    tolerance: float = 0.01
    "The error that counts as none: relative where the answer is above 1, else absolute."
    unit: str = ""
    mistakes: tuple[Mistake, ...] = ()
    unless: str = ""
    "Draws for which this formula is not 0 are drawn again."


class Order(Question, frozen=True, kw_only=True):
    """Steps to put in order; they are declared in the right one."""

    steps: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    "For each step but the first: why it comes after the one before."


class Fault(Question, frozen=True, kw_only=True):
    """A network in which one line has to be found: its shapes do not match."""

    shape: tuple[int, ...]
    "Of one example."
    network: tuple[str, ...]


class Shapes(Question, frozen=True, kw_only=True):
    """A network for which the shape after each line has to be filled in."""

    shape: tuple[int, ...]
    network: tuple[str, ...]
    asked: tuple[int, ...] = ()
    "The lines, from 1, after which the shape is asked for; empty: all."


AnyQuestion = Choice | Number | Order | Fault | Shapes
