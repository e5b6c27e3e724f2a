"""Exercises that the learner has passed."""

from tuilab.core.exercises import exercise, learner_files


def pass_exercise(name: str, source: str = "") -> None:
    """Writes the reference, or other code, to the learner's file and marks it as passed."""
    file = learner_files.write_stub(name)
    file.write_text(source or exercise.find(name).reference)
    learner_files.mark_passed(name, file.read_text())
