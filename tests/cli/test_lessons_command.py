"""The course on the command line: lessons are listed, checked, proven and created; the glossary."""

import json
from pathlib import Path

import pytest

from tests.support.shell import RunCommand
from tuilab.cli.prove_lessons import SEEDS, prove_lesson
from tuilab.core import paths
from tuilab.core.lessons import library, progress_file
from tuilab.core.lessons.progress import Progress


def test_lessons_are_listed_with_finished_and_next_ones_marked(run_command: RunCommand) -> None:
    learner = Progress()
    for goal in library.read_lesson(library.find_folder("neural-networks")).lesson.goals:
        learner.record_goal("neural-networks", goal.name, None)
    learner.record_prediction("neural-networks", "width", 0.5)
    progress_file.save_progress(learner)

    code, out, _ = run_command("lessons")

    assert code == 0
    assert "✓  neural-networks" in out and "▸  perceptron" in out
    assert "Your predictions were 50% right on average." in out


def test_the_check_trains_on_request_and_prints_a_row_for_each_goal(
    run_command: RunCommand,
) -> None:
    run_command("lessons", "new", "mine")
    code, out, _ = run_command("lessons", "check", "mine", "--train", "--json")

    (lesson,) = json.loads(out)
    assert (code, lesson["lesson"], lesson["errors"]) == (0, "mine", [])
    assert len(lesson["proofs"]) == len(SEEDS)
    assert all(proof["fails_untouched"] and proof["is_met"] for proof in lesson["proofs"])


def test_a_goal_that_is_met_by_doing_nothing_is_found(
    run_command: RunCommand, tmp_path: Path
) -> None:
    run_command("lessons", "new", "easy")
    file = paths.data_dir() / "lessons" / "easy" / "lesson.toml"
    file.write_text(file.read_text().replace("at_least = 0.9", "at_least = 0.1"))

    code, out, _ = run_command("lessons", "check", "easy", "--train")

    assert code == 2
    assert "✗ goal reach, seed 0" in out and "the unchanged start meets it" in out


def test_a_new_lesson_is_valid_and_never_overwritten(run_command: RunCommand) -> None:
    assert run_command("lessons", "new", "my-lesson")[0] == 0
    code, out, _ = run_command("lessons", "check", "my-lesson", "--train")
    assert code == 0 and "my-lesson: 1 step, 1 goal, 1 question: valid" in out
    code, _, err = run_command("lessons", "new", "my-lesson")
    assert code == 2 and "this lesson already exists" in err
    assert run_command("lessons", "new", "My Lesson")[0] == 2


def test_an_error_in_a_lesson_names_file_and_key(run_command: RunCommand) -> None:
    run_command("lessons", "new", "mine")
    file = paths.data_dir() / "lessons" / "mine" / "lesson.toml"
    file.write_text(file.read_text().replace("minutes = 15", 'minutes = "long"'))

    code, _, err = run_command("lessons", "check", "mine")

    assert code == 2
    assert f"{file}:4: minutes: expected a whole number, got text" in err


def test_progress_is_exported(run_command: RunCommand, tmp_path: Path) -> None:
    learner = Progress()
    learner.record_goal("perceptron", "xor", 3.0)
    progress_file.save_progress(learner)
    assert run_command("lessons", "export", str(tmp_path / "mine.json"))[0] == 0
    assert progress_file.load_progress(tmp_path / "mine.json")[0] == learner


def test_an_export_never_replaces_what_the_progress_does_not_have(
    run_command: RunCommand, tmp_path: Path
) -> None:
    learner, backup, notes = Progress(), tmp_path / "mine.json", tmp_path / "notes.json"
    learner.record_goal("perceptron", "xor", 3.0)
    progress_file.save_progress(learner)
    assert run_command("lessons", "export", str(backup))[0] == 0
    content = backup.read_bytes()
    notes.write_text("[1]")

    progress_file.progress_file().write_text("damaged")
    damaged = run_command("lessons", "export", str(backup))
    empty = run_command("lessons", "export", str(backup))
    code, _, err = run_command("lessons", "export", str(notes))
    others = tmp_path / "others.json"
    others.write_text('{"good": 1}')
    assert run_command("lessons", "export", str(others))[0] == 2
    assert others.read_text() == '{"good": 1}'

    assert damaged[0] == 1 and "nothing was written" in damaged[2]
    assert empty[0] == 2 and "what your progress does not have (1 lesson; yours: 0)" in empty[2]
    assert backup.read_bytes() == content
    assert code == 2 and "not a progress" in err and notes.read_text() == "[1]"
    progress_file.save_progress(learner)
    assert run_command("lessons", "export", str(backup))[0] == 0


def test_a_term_is_explained_and_a_typo_gets_a_suggestion(run_command: RunCommand) -> None:
    code, out, _ = run_command("glossary", "perceptrons")
    assert code == 0 and out.startswith("perceptron\nA single")
    code, _, err = run_command("glossary", "percepton")
    assert code == 2 and 'nearest to "percepton" is "perceptron"' in err
    assert len(run_command("glossary")[1].splitlines()) > 200


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", library.list_folders())
def test_each_start_fails_the_goals_that_its_solution_meets_and_predictions_agree(
    name: str,
) -> None:
    outcomes: dict[str, set[str]] = {}
    lesson = library.read_lesson(library.list_folders()[name])
    for proof in prove_lesson(lesson):
        assert proof.is_good, proof
        if proof.kind == "prediction":
            outcomes.setdefault(proof.name, set()).add(proof.outcome)
    for prediction in lesson.lesson.predictions:
        assert not prediction.choices or len(outcomes[prediction.name]) == 1, prediction.name
