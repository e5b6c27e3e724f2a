"""Questions posed and graded: their numbers drawn at random, and why a wrong answer is wrong."""

import random
from dataclasses import dataclass, field
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import summarize
from tuilab.core.format import format_value
from tuilab.core.lessons.formulas import evaluate_formula
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.network.layer import format_shape
from tuilab.core.network.plan import Plan, plan

MAX_DRAWS = 200
"""Tries to draw numbers that suit a question."""


@dataclass(frozen=True, slots=True)
class PosedQuestion:
    """A question as it is posed this time."""

    question: AnyQuestion
    text: str
    options: tuple[str, ...] = ()
    "To choose from, or to put in order."
    order: tuple[int, ...] = ()
    "The declared place of each option."
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grade:
    """Whether an answer is correct, and why it is or is not."""

    is_correct: bool
    explanation: str = ""


# --- posing -----------------------------------------------------------------------------------


def pose_question(question: AnyQuestion, seed: int) -> PosedQuestion:
    """Draws the numbers and the order of a question; the same seed draws the same.

    Raises:
        InputError: the question has an error, so that no numbers suit it.
    """
    generator = random.Random(f"{question.name} {seed}")
    match question:
        case Number():
            numbers = _draw_numbers(question, generator)
            return PosedQuestion(question, _fill_in(question.text, numbers), numbers=numbers)
        case Choice(choices=choices):
            order = tuple(generator.sample(range(len(choices)), len(choices)))
            return PosedQuestion(
                question, question.text, tuple(choices[i].text for i in order), order
            )
        case Order(steps=steps):
            order = tuple(_shuffle(len(steps), generator))
            return PosedQuestion(question, question.text, tuple(steps[i] for i in order), order)
        case Fault() | Shapes():
            return PosedQuestion(question, question.text, question.network)


def _draw_numbers(question: Number, generator: random.Random) -> dict[str, float]:
    for _ in range(MAX_DRAWS):
        numbers = {name: _draw_number(name, question, generator) for name in question.numbers}
        if not question.unless or not evaluate_formula(question.unless, numbers):
            return numbers
    raise InputError(f"no numbers were found for which {question.unless} is 0", question.name)


def _draw_number(name: str, question: Number, generator: random.Random) -> float:
    allowed = question.numbers[name]
    steps = round((allowed.high - allowed.low) / allowed.step)
    return round(allowed.low + allowed.step * generator.randint(0, steps), 10)


def _shuffle(count: int, generator: random.Random) -> list[int]:
    """Returns an order that is not the declared one."""
    order = list(range(count))
    while count > 1 and order == sorted(order):
        generator.shuffle(order)
    return order


def _fill_in(text: str, numbers: dict[str, float]) -> str:
    for name, number in numbers.items():
        text = text.replace("{" + name + "}", format_value(number).replace("-", "−"))
    return text


# --- grading ----------------------------------------------------------------------------------


def grade_answer(posed: PosedQuestion, answer: Any) -> Grade:
    """Grades an answer; to a question that has an error, no answer is right.

    Args:
        answer: a number; places among the options; the line, from 0; or a shape for each line.
    """
    try:
        return _grade(posed, answer)
    except InputError as error:
        return Grade(False, f"This question has an error: {error}.")


def _grade(posed: PosedQuestion, answer: Any) -> Grade:
    match posed.question:
        case Number() as question:
            return _grade_number(question, posed, float(answer))
        case Choice() as question:
            return _grade_choice(question, {posed.order[index] for index in answer})
        case Order() as question:
            return _grade_order(question, [posed.order[index] for index in answer])
        case Fault() as question:
            return _grade_fault(question, int(answer))
        case Shapes() as question:
            return _grade_shapes(question, answer)


def compute_answer(posed: PosedQuestion) -> float:
    """Returns the answer to a question about numbers, as they were drawn."""
    assert isinstance(posed.question, Number)
    return evaluate_formula(posed.question.answer, posed.numbers)


def is_correct_number(posed: PosedQuestion, answer: float) -> bool:
    """Returns whether a number is close enough to the answer."""
    assert isinstance(posed.question, Number)
    return _is_close(answer, compute_answer(posed), posed.question.tolerance)


def _is_close(answer: float, correct: float, tolerance: float) -> bool:
    return abs(answer - correct) <= tolerance * max(1.0, abs(correct)) + 1e-12


def _grade_number(question: Number, posed: PosedQuestion, answer: float) -> Grade:
    if is_correct_number(posed, answer):
        return Grade(True, _fill_in(question.why, posed.numbers))
    for mistake in question.mistakes:
        wrong = evaluate_formula(mistake.answer, posed.numbers)
        if _is_close(answer, wrong, question.tolerance):
            return Grade(False, _fill_in(mistake.why, posed.numbers))
    correct = compute_answer(posed)
    if correct and _is_close(answer, -correct, question.tolerance):
        return Grade(False, "The size is right, the sign is not.")
    size = "small" if answer < correct else "large"
    return Grade(False, f"{format_value(answer)} is too {size}. Compute it again, term by term.")


def _grade_choice(question: Choice, answer: set[int]) -> Grade:
    correct = {index for index, choice in enumerate(question.choices) if choice.right}
    wrong = sorted(answer - correct)
    if wrong:
        return Grade(False, question.choices[wrong[0]].why)
    if answer != correct:
        return Grade(False, f"So far that is right; {len(correct)} of the answers are.")
    return Grade(True, question.why)


def _grade_order(question: Order, answer: list[int]) -> Grade:
    for position, step in enumerate(answer):
        if step != position:
            reason = question.reasons[position - 1] if position and question.reasons else ""
            mistake = f"Place {position + 1} is not “{question.steps[step]}”."
            return Grade(False, f"{mistake} {reason}".strip())
    return Grade(True, question.why)


def _grade_fault(question: Fault, line: int) -> Grade:
    row = plan_network(question).rows[line]
    if line == find_faulty_line(question):
        return Grade(True, question.why or row.problem)
    if row.input is not None and row.output is not None:
        shapes = f"takes {format_shape(row.input)} and gives {format_shape(row.output)}"
        return Grade(False, f"{row.text} {shapes}: it fits.")
    return Grade(False, f"{row.text} comes after the fault; look further up.")


def _grade_shapes(question: Shapes, answers: Any) -> Grade:
    rows = plan_network(question).rows
    for line in list_asked_lines(question):
        row, answer = rows[line], tuple(answers[line])
        if row.output is None or row.input is None:
            raise InputError(row.problem or "a line before it has a problem", row.text)
        if answer != tuple(row.output):
            mistake = f"After {row.text} it is not {format_shape(answer)}"
            return Grade(
                False,
                f"{mistake}: it gets {format_shape(row.input)}. {summarize(type(row.layer))}",
            )
    return Grade(True, question.why)


# --- networks in questions --------------------------------------------------------------------


def plan_network(question: Fault | Shapes) -> Plan:
    """Returns the network of a question, line by line with its shapes."""
    return plan(question.network, question.shape)


def find_faulty_line(question: Fault) -> int:
    """Returns the line, from 0, at which shapes do not match; -1 if all do."""
    rows = plan_network(question).rows
    return next((line for line, row in enumerate(rows) if row.problem), -1)


def list_asked_lines(question: Shapes) -> list[int]:
    """Returns the lines, from 0, after which the shape is asked for."""
    lines = range(1, len(question.network) + 1)
    return [line - 1 for line in question.asked or lines if line in lines]
