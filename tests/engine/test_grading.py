"""Every shipped exercise: its stub fails, its reference passes, its known mistakes are named."""

import pytest

from tuilab.core.exercises import exercise
from tuilab.core.exercises.check_result import Result
from tuilab.core.exercises.exercise import Exercise
from tuilab.engine.grading.case import Draw
from tuilab.engine.grading.grade import CASES, judge

NAMES = (
    "activations", "attention", "backpropagation", "batch-norm", "dropout", "forward-pass",
    "losses", "optimizers", "perceptron-rule",
)  # fmt: skip


def judged(name: str, source: str, *seeds: int) -> Result:
    return judge(exercise.find(name), source, "mine.py", seeds or (0,))


def test_these_are_shipped() -> None:
    assert exercise.names() == NAMES
    assert set(CASES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_empty_stub_fails_and_says_what_to_write_first(name: str) -> None:
    task = exercise.find(name)

    result = judged(name, task.stub)

    assert result.kind == "unwritten"
    assert result.message == f"not written yet: {task.functions[0]}"
    assert tuple(result.unwritten) == task.functions


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes(name: str) -> None:
    task = exercise.find(name)

    result = judged(name, task.reference, 0, 1, 2)

    assert result.kind == "passed", result.message
    assert tuple(result.passed) == task.functions


@pytest.mark.parametrize("name", NAMES)
def test_every_function_is_tried_and_every_mistake_belongs_to_one(name: str) -> None:
    task = exercise.find(name)
    tried = {case.function for case in CASES[name](Draw(0))}

    assert tried == set(task.functions) == set(exercise.functions(task.reference))
    assert {mistake.function for mistake in task.mistakes} <= tried
    assert len(task.mistakes) >= 10
    assert all(mistake.says.endswith((".", ")")) for mistake in task.mistakes)


def unnamed(task: Exercise, seed: int) -> list[str]:
    """The mistakes that are not caught, or not with their own sentence."""
    missed = []
    for mistake in task.mistakes:
        result = judged(task.name, task.variant(mistake), seed)
        is_named = result.mistakes == [mistake.says] and mistake.says in result.message
        if not is_named or result.function != mistake.function:
            missed.append(f"{mistake.function}: {mistake.says} → {result.message}")
    return missed


@pytest.mark.parametrize("name", NAMES)
def test_each_typical_mistake_is_caught_with_its_own_sentence(name: str) -> None:
    assert unnamed(exercise.find(name), seed=0) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("name", NAMES)
def test_no_mistake_slips_through_by_luck(name: str, seed: int) -> None:
    task = exercise.find(name)

    assert unnamed(task, seed) == []
    assert judged(name, task.reference, *range(seed * 100, seed * 100 + 10)).is_passed


def test_two_mistakes_at_once_are_both_named() -> None:
    task = exercise.find("optimizers")
    adam = [mistake for mistake in task.mistakes if mistake.function == "adam"]
    sign = next(mistake for mistake in adam if mistake.says.startswith("The sign"))
    root = next(mistake for mistake in adam if mistake.says.startswith("The root"))

    result = judged("optimizers", task.variant(root, sign))

    assert result.mistakes == [root.says, sign.says]


def test_a_variant_that_does_not_fit_the_reference_is_told() -> None:
    task = exercise.find("dropout")
    unfit = exercise.Mistake("dropout", "nothing like it", "", "")

    with pytest.raises(exercise.InputError, match="does not stand exactly once in dropout"):
        task.variant(unfit)


def test_an_unknown_exercise_offers_the_nearest() -> None:
    with pytest.raises(exercise.InputError, match='nearest to "activation" is "activations"'):
        exercise.find("activation")
