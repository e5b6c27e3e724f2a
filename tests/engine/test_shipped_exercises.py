"""Every shipped exercise: its stub fails, its reference passes, its known mistakes are named."""

from pathlib import Path

import pytest

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise
from tuilab.core.exercises.check_result import Result
from tuilab.core.exercises.exercise import Exercise
from tuilab.engine.grading.grade import draw_cases, grade

NAMES = (
    "activations", "attention", "backpropagation", "batch-norm", "dropout", "forward-pass",
    "losses", "optimizers", "perceptron-rule",
)  # fmt: skip


def grade_source(name: str, source: str, *seeds: int) -> Result:
    return grade(exercise.find(name), source, "mine.py", seeds or (0,))


def test_these_exercises_are_shipped() -> None:
    assert exercise.exercise_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_one_folder(name: str) -> None:
    folder = exercise.find(name).cases_path.parent

    assert folder == paths.presets_dir() / "exercises" / name
    assert {file.name for file in folder.iterdir()} == {
        "cases.py", "exercise.toml", "reference.py", "stub.py"
    }  # fmt: skip


def test_cases_in_a_folder_of_the_user_are_never_executed(home: Path) -> None:
    folders = [home / "exercises" / "dropout", paths.data_dir() / "exercises" / "dropout"]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cases.py").write_text("raise SystemExit")
        (folder / "exercise.toml").write_text('title = "mine"\nmistakes = []')
    draw_cases.cache_clear()

    assert draw_cases(exercise.find("dropout"), 0)[0].function == "dropout"
    assert grade_source("dropout", exercise.find("dropout").reference).is_passed


@pytest.mark.parametrize("name", NAMES)
def test_the_empty_stub_fails_and_says_what_to_write_first(name: str) -> None:
    task = exercise.find(name)

    result = grade_source(name, task.stub)

    assert result.kind == "unwritten"
    assert result.message == f"not written yet: {task.functions[0]}"
    assert tuple(result.unwritten) == task.functions


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes(name: str) -> None:
    task = exercise.find(name)

    result = grade_source(name, task.reference, 0, 1, 2)

    assert result.kind == "passed", result.message
    assert tuple(result.passed) == task.functions


@pytest.mark.parametrize("name", NAMES)
def test_every_function_is_tested_and_every_mistake_belongs_to_one(name: str) -> None:
    task = exercise.find(name)
    tested = {case.function for case in draw_cases(task, 0)}

    assert tested == set(task.functions) == set(exercise.split_functions(task.reference))
    assert {mistake.function for mistake in task.mistakes} <= tested
    assert len(task.mistakes) >= 10
    assert all(mistake.message.endswith((".", ")")) for mistake in task.mistakes)


def unnamed_mistakes(task: Exercise, seed: int) -> list[str]:
    """Returns the mistakes that are not caught, or not with their own sentence."""
    missed = []
    for mistake in task.mistakes:
        result = grade_source(task.name, task.variant(mistake), seed)
        is_named = result.mistakes == [mistake.message] and mistake.message in result.message
        if not is_named or result.function != mistake.function:
            missed.append(f"{mistake.function}: {mistake.message} → {result.message}")
    return missed


@pytest.mark.parametrize("name", NAMES)
def test_each_typical_mistake_is_caught_with_its_own_sentence(name: str) -> None:
    assert unnamed_mistakes(exercise.find(name), seed=0) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("name", NAMES)
def test_no_seed_lets_a_mistake_pass(name: str, seed: int) -> None:
    task = exercise.find(name)

    assert unnamed_mistakes(task, seed) == []
    assert grade_source(name, task.reference, *range(seed * 100, seed * 100 + 10)).is_passed


def test_two_mistakes_at_once_are_both_named() -> None:
    task = exercise.find("optimizers")
    adam = [mistake for mistake in task.mistakes if mistake.function == "adam"]
    sign = next(mistake for mistake in adam if mistake.message.startswith("The sign"))
    root = next(mistake for mistake in adam if mistake.message.startswith("The root"))

    result = grade_source("optimizers", task.variant(root, sign))

    assert result.mistakes == [root.message, sign.message]


def test_a_mistake_that_does_not_fit_the_reference_is_refused() -> None:
    task = exercise.find("dropout")
    unfit = exercise.Mistake("dropout", "nothing like it", "", "")

    with pytest.raises(InputError, match="does not occur exactly once in dropout"):
        task.variant(unfit)


def test_an_unknown_exercise_offers_the_nearest() -> None:
    with pytest.raises(InputError, match='nearest to "activation" is "activations"'):
        exercise.find("activation")
