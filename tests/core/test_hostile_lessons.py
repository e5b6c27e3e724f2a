"""Lessons whose file holds numbers, texts and lists that no one means: errors, never exceptions."""

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from tests.support.circle_lesson import PROSE, TOML
from tests.support.sample_runs import trained_run
from tuilab.core.errors import InputError
from tuilab.core.lessons import answers, lesson_validation, library
from tuilab.core.lessons.progress import Progress
from tuilab.core.lessons.question import AnyQuestion, Choice, Fault, Number, Order, Shapes
from tuilab.core.run.run import Run
from tuilab.ui.panes.lesson.lesson_page import page_lines
from tuilab.ui.panes.lesson.lesson_session import LessonSession


def nest(depth: int) -> list[Any]:
    """Returns a list inside lists."""
    nested: list[Any] = ["ReLU"]
    for _ in range(depth):
        nested = ["Residual", nested]
    return nested


VALUES: tuple[Any, ...] = (
    float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 5e-324, 1e-300, 0, -1, 2**63, 10**40,
    0.5, "", "x" * 3000, "\x1b]0;owned\a", "9" * 400, "1/0", "((((" * 100, "{a}", [], {}, True,
    [[]], nest(30), nest(120), datetime(1, 1, 1, tzinfo=UTC),
)  # fmt: skip


def iter_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the path of every value in a table."""
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from iter_paths(item, (*path, key))


def replace_at(tables: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Returns the tables with another value at a path."""
    changed: Any = deepcopy(tables)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return dict(changed)


LESSON: dict[str, Any] = tomllib.loads(TOML)
LESSON["predictions"].append(
    {"name": "slope", "text": "How does it fall?", "curve": "loss/train", "low": 0.0, "high": 2.0}
)
LESSON["predictions"].append({"name": "count", "text": "How many?", "number": "parameters"})
LESSON["questions"] += [
    {"name": "fault", "kind": "fault", "text": "Where?", "shape": [4], "network": ["Conv2d 3"]},
    {"name": "choice", "kind": "choice", "text": "Which?",
     "choices": [{"text": "this", "right": True}, {"text": "that", "why": "It is not."}]},
    {"name": "draw", "kind": "number", "text": "{b}?", "answer": "b / 2", "unless": "b - 1",
     "numbers": {"b": {"low": 1, "high": 2, "step": 0.5}}},
]  # fmt: skip
MORE = """
[How does it fall?](prediction:slope)

[How many?](prediction:count)

[Where?](question:fault)

[Which?](question:choice)

[A half](question:draw)
"""


def write_lesson(folder: Path, tables: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "lesson.toml").write_text(tomlkit.dumps(tables))
    (folder / "lesson.md").write_text(PROSE + MORE)
    return folder


def use_lesson(folder: Path, run: Run) -> None:
    """Does with a lesson what the commands and the lab do; only to open it may be refused."""
    loaded = library.read_lesson(folder)
    session = LessonSession(loaded, Progress())
    try:
        use_session(session, run)
    except InputError as error:
        raise AssertionError(error) from error


def use_session(session: LessonSession, run: Run) -> None:
    loaded = session.source
    problems = lesson_validation.validate_lesson(loaded, draws=3)
    assert all(isinstance(problem, str) for problem in problems)
    session.attempt.measure_goals(run)
    for prediction in loaded.lesson.predictions:
        session.predict(prediction, [0.5] * 33 if prediction.curve else 1, run)
        session.predictions[prediction.name].run_id = run.id
    list(session.score_predictions(run))
    for question in loaded.lesson.questions:
        session.answer(question, pick_answer(question))
    for index in range(len(loaded.pages)):
        session.page_index = index
        page_lines(session, 60, "perceptron")


def pick_answer(question: AnyQuestion) -> Any:
    match question:
        case Number():
            return 1.0
        case Fault():
            return 0
        case Shapes():
            return dict.fromkeys(answers.list_asked_lines(question), (3,))
        case Choice(choices=choices):
            return list(range(len(choices)))[:1]
        case Order(steps=steps):
            return list(range(len(steps)))


def test_the_lesson_is_valid_as_it_is(tmp_path: Path) -> None:
    folder = write_lesson(tmp_path / "lesson", LESSON)

    assert not [
        problem
        for problem in lesson_validation.validate_lesson(library.read_lesson(folder))
        if "solution" not in problem
    ]
    use_lesson(folder, trained_run())


def test_no_value_of_a_lesson_raises(tmp_path: Path) -> None:
    paths = list(iter_paths(LESSON))[::3]
    cases = [(path, VALUES[index % len(VALUES)]) for index, path in enumerate(paths)]

    assert 0 < count_refused(tmp_path, cases) < len(cases)


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(VALUES)))
def test_no_value_at_any_place_of_a_lesson_raises(tmp_path: Path, index: int) -> None:
    assert count_refused(tmp_path, [(path, VALUES[index]) for path in iter_paths(LESSON)])


def count_refused(folder: Path, cases: list[tuple[tuple[Any, ...], Any]]) -> int:
    """Uses the lesson with another value at each path; returns how many cannot be opened."""
    run, refused = trained_run(60), 0
    for path, value in cases:
        write_lesson(folder / "lesson", replace_at(LESSON, path, value))
        try:
            use_lesson(folder / "lesson", run)
        except InputError:
            refused += 1
        except Exception as error:
            pytest.fail(f"{path} = {value!r:.60}: {error!r:.300}")
    return refused
