"""A learner who has passed an exercise."""

from tuilab.core.exercises import exercise, learner_files


def pass_exercise(name: str, source: str = "") -> None:
    """Writes the reference, or another text, to the learner's file, as one that has passed."""
    file = learner_files.write_stub(name)
    file.write_text(source or exercise.find(name).reference)
    learner_files.mark_passed(name, file.read_text())
