"""Questions put and answered: numbers drawn anew, and why a wrong answer is wrong."""

import random
from dataclasses import dataclass, field
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import summary
from tuilab.core.format import compact
from tuilab.core.lessons.formulas import compute
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.network.layer import show
from tuilab.core.network.plan import Plan, plan

DRAWS = 200
"""Tries to draw numbers that suit a question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is put this time."""

    question: AnyQuestion
    text: str
    options: tuple[str, ...] = ()
    "To choose from, or to put in order."
    order: tuple[int, ...] = ()
    "Which declared option each of them is."
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right, and why it is or is not."""

    is_right: bool
    why: str = ""


def put(question: AnyQuestion, seed: int) -> Asked:
    """Draw the numbers and the order of a question; the same seed draws the same."""
    chance = random.Random(f"{question.name} {seed}")
    match question:
        case Number():
            numbers = _drawn(question, chance)
            return Asked(question, _filled(question.text, numbers), numbers=numbers)
        case Choice(choices=choices):
            order = chance.sample(range(len(choices)), len(choices))
            return Asked(question, question.text, tuple(choices[i].text for i in order),
                         tuple(order))  # fmt: skip
        case Order(steps=steps):
            order = _mixed(len(steps), chance)
            return Asked(question, question.text, tuple(steps[i] for i in order), tuple(order))
        case Fault() | Shapes():
            return Asked(question, question.text, question.network)


def _drawn(question: Number, chance: random.Random) -> dict[str, float]:
    for _ in range(DRAWS):
        numbers = {name: _one(name, question, chance) for name in question.numbers}
        if not question.unless or not compute(question.unless, numbers):
            return numbers
    raise InputError(f"no numbers were found for which {question.unless} is 0", question.name)


def _one(name: str, question: Number, chance: random.Random) -> float:
    drawn = question.numbers[name]
    steps = round((drawn.high - drawn.low) / drawn.step)
    return round(drawn.low + drawn.step * chance.randint(0, steps), 10)


def _mixed(count: int, chance: random.Random) -> list[int]:
    order = list(range(count))
    while count > 1 and order == sorted(order):
        chance.shuffle(order)
    return order


def _filled(text: str, numbers: dict[str, float]) -> str:
    for name, number in numbers.items():
        text = text.replace("{" + name + "}", compact(number).replace("-", "−"))
    return text


def right_number(asked: Asked) -> float:
    """The answer to a question about numbers, as it was drawn."""
    assert isinstance(asked.question, Number)
    return compute(asked.question.answer, asked.numbers)


def judge(asked: Asked, answer: Any) -> Verdict:
    """Is the answer right?

    Args:
        answer: a number; places among the options; the line, from 0; or a shape for each line.
    """
    match asked.question:
        case Number() as question:
            return _number(question, asked, float(answer))
        case Choice() as question:
            return _choice(question, asked, set(answer))
        case Order() as question:
            return _order(question, [asked.order[place] for place in answer])
        case Fault() as question:
            return _fault(question, int(answer))
        case Shapes() as question:
            return _shapes(question, answer)


def _is_near(answer: float, right: float, tolerance: float) -> bool:
    return abs(answer - right) <= tolerance * max(1.0, abs(right)) + 1e-12


def is_right_number(asked: Asked, answer: float) -> bool:
    """Whether a number is near enough to the answer."""
    assert isinstance(asked.question, Number)
    return _is_near(answer, right_number(asked), asked.question.tolerance)


def _number(question: Number, asked: Asked, answer: float) -> Verdict:
    if is_right_number(asked, answer):
        return Verdict(True, question.why)
    for mistake in question.mistakes:
        if _is_near(answer, compute(mistake.answer, asked.numbers), question.tolerance):
            return Verdict(False, _filled(mistake.why, asked.numbers))
    right = right_number(asked)
    if right and _is_near(answer, -right, question.tolerance):
        return Verdict(False, "The size is right, the sign is not.")
    where = "small" if answer < right else "large"
    return Verdict(False, f"{compact(answer)} is too {where}. Compute it once more, part by part.")


def _choice(question: Choice, asked: Asked, chosen: set[int]) -> Verdict:
    picked = {asked.order[place] for place in chosen}
    wanted = {place for place, choice in enumerate(question.choices) if choice.right}
    wrong = sorted(picked - wanted)
    if wrong:
        return Verdict(False, question.choices[wrong[0]].why)
    if picked != wanted:
        return Verdict(False, f"So far that is right; {len(wanted)} of the answers are.")
    return Verdict(True, question.why)


def _order(question: Order, given: list[int]) -> Verdict:
    for place, step in enumerate(given):
        if step != place:
            reason = question.reasons[place - 1] if place and question.reasons else ""
            told = f"Place {place + 1} is not “{question.steps[step]}”."
            return Verdict(False, f"{told} {reason}".strip())
    return Verdict(True, question.why)


def faulty(question: Fault) -> int:
    """The line, from 0, at which shapes do not meet; -1: they all do."""
    rows = planned(question).rows
    return next((place for place, row in enumerate(rows) if row.problem), -1)


def planned(question: Fault | Shapes) -> Plan:
    """The network of a question, line by line with its shapes."""
    return plan(question.network, question.shape)


def _fault(question: Fault, line: int) -> Verdict:
    rows = planned(question).rows
    row = rows[line]
    if line == faulty(question):
        return Verdict(True, question.why or row.problem)
    if row.input is not None and row.output is not None:
        return Verdict(
            False, f"{row.text} takes {show(row.input)} and gives {show(row.output)}: it fits."
        )
    return Verdict(False, f"{row.text} comes after the fault; look further up.")


def _shapes(question: Shapes, answers: Any) -> Verdict:
    rows = planned(question).rows
    for place in asked_lines(question):
        row, given = rows[place], tuple(answers[place])
        assert row.output is not None and row.input is not None
        if given != tuple(row.output):
            return Verdict(
                False,
                f"After {row.text} it is not {show(given)}: it gets {show(row.input)}. "
                f"{summary(type(row.layer))}",
            )
    return Verdict(True, question.why)


def asked_lines(question: Shapes) -> list[int]:
    """The lines, from 0, after which the shape is asked for."""
    lines = question.asked or tuple(range(1, len(question.network) + 1))
    return [line - 1 for line in lines]
